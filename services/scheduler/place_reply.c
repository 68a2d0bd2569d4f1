#include "services/scheduler/place_reply.h"

struct place_refusal {
	struct place_refusal *next;
	char *words;
	Davit__FilterCount **counts;
	size_t n_counts;
	char *nearest_id; /* borrowed from the table; NULL: none */
	Davit__Resources *lacking;
};

/* What a block holds lies behind it. */
struct place_block {
	struct place_block *next;
	max_align_t bytes[];
};

static void *
block_new(struct place_reply *reply, size_t n, size_t size)
{
	struct place_block *block = xcalloc(1, sizeof *block + n * size);

	block->next = reply->blocks;
	reply->blocks = block;
	return block->bytes;
}

static char *
block_text(struct place_reply *reply, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(block_new(reply, 1, size), text, size);
}

void
place_reply_fini(struct place_reply *reply)
{
	for (struct place_refusal *made = reply->made, *next; made != NULL; made = next) {
		next = made->next;
		free(made->words);
		free(made);
	}
	for (struct place_block *block = reply->blocks, *next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(reply->placements);
	free(reply->placement_list);
	free(reply->refusals);
	free(reply->refusal_list);
	free(reply->explanation_list);
	*reply = (struct place_reply){0};
}

void
place_reply_reset(struct place_reply *reply, size_t n_tasks, uint64_t version)
{
	place_reply_fini(reply);
	davit__place_reply__init(&reply->message);
	reply->message.has_version = true;
	reply->message.version = version;
	reply->placements = xmalloc(n_tasks * sizeof reply->placements[0]);
	reply->placement_list = xmalloc(n_tasks * sizeof(Davit__Placement *));
	reply->refusals = xmalloc(n_tasks * sizeof reply->refusals[0]);
	reply->refusal_list = xmalloc(n_tasks * sizeof(Davit__Refusal *));
	reply->explanation_list = xmalloc(n_tasks * sizeof(Davit__Explanation *));
	reply->message.placements = reply->placement_list;
	reply->message.refusals = reply->refusal_list;
	reply->message.explanations = reply->explanation_list;
}

Davit__Placement *
place_reply_add_placement(struct place_reply *reply, char *task_id, char *node_id, double score)
{
	size_t i = reply->message.n_placements++;
	Davit__Placement *placement = &reply->placements[i];

	davit__placement__init(placement);
	placement->task_id = task_id;
	placement->node_id = node_id;
	placement->has_score = true;
	placement->score = score;
	reply->placement_list[i] = placement;
	return placement;
}

void
place_reply_cut_placements(struct place_reply *reply, size_t n_left)
{
	reply->message.n_placements = n_left;
}

static Davit__PlaceCount **
counts_new(struct place_reply *reply, const struct evictions *evictions)
{
	Davit__PlaceCount **list =
		block_new(reply, evictions->n_groups, sizeof(Davit__PlaceCount *));
	Davit__PlaceCount *counts = block_new(reply, evictions->n_groups, sizeof counts[0]);

	for (uint32_t i = 0; i < evictions->n_groups; i++) {
		davit__place_count__init(&counts[i]);
		counts[i].group_id = block_text(reply, evictions->of[i].group->id);
		counts[i].n = evictions->of[i].n;
		list[i] = &counts[i];
	}
	return list;
}

void
place_reply_evict(struct place_reply *reply, Davit__Placement *placement,
	const struct evictions *evictions)
{
	placement->evictions = counts_new(reply, evictions);
	placement->n_evictions = evictions->n_groups;
}

void
place_reply_explain_evictions(struct place_reply *reply, Davit__Explanation *explanation,
	const struct seek *seek, const struct evictions *evictions)
{
	Davit__ScoredNode *scored = block_new(reply, 1, sizeof *scored);

	explanation->evictions = counts_new(reply, evictions);
	explanation->n_evictions = evictions->n_groups;
	davit__scored_node__init(scored);
	scored->node_id = seek->table->nodes[evictions->row].id;
	scored->node_name = seek->table->nodes[evictions->row].name;
	explanation->best[0] = scored;
	explanation->n_best = 1;
}

void
place_reply_want_groups(struct place_reply *reply)
{
	reply->message.has_wants_groups = reply->message.wants_groups = true;
}

static struct place_refusal *
made_new(struct place_reply *reply, const char *words)
{
	struct place_refusal *made = xcalloc(1, sizeof *made);

	made->words = xstrdup(words);
	made->next = reply->made;
	reply->made = made;
	return made;
}

struct place_refusal *
place_reply_make_words(struct place_reply *reply, const char *words)
{
	if (reply->made != NULL && strcmp(reply->made->words, words) == 0 &&
		reply->made->n_counts == 0)
		return reply->made;
	return made_new(reply, words);
}

struct place_refusal *
place_reply_make_like(struct place_reply *reply, const struct place_refusal *like,
	const char *words)
{
	struct place_refusal *made = made_new(reply, words);

	made->counts = like->counts;
	made->n_counts = like->n_counts;
	made->nearest_id = like->nearest_id;
	made->lacking = like->lacking;
	return made;
}

const char *
place_refusal_words(const struct place_refusal *refusal)
{
	return refusal->words;
}

static Davit__FilterCount **
filter_counts(struct place_reply *reply, const struct refusal *refusal)
{
	Davit__FilterCount **list =
		block_new(reply, (size_t)refusal->n_counts + 1, sizeof(Davit__FilterCount *));
	Davit__FilterCount *counts =
		block_new(reply, (size_t)refusal->n_counts + 1, sizeof counts[0]);

	for (uint32_t i = 0; i < refusal->n_counts; i++) {
		const struct refusal_count *from = &refusal->counts[i];

		davit__filter_count__init(&counts[i]);
		counts[i].filter = (char *)(uintptr_t)filter_name(from->reason);
		counts[i].has_n_nodes = true;
		counts[i].n_nodes = from->n;
		if (from->detail[0] != '\0')
			counts[i].detail = block_text(reply, from->detail);
		list[i] = &counts[i];
	}
	return list;
}

static void
lacking_device(struct place_reply *reply, Davit__Resources *lacking,
	const struct want_device *wanted, uint32_t n)
{
	Davit__DeviceCount *device;

	if (strcmp(wanted->kind, "gpu") == 0) {
		lacking->has_gpus = true;
		lacking->gpus = n;
		return;
	}
	device = block_new(reply, 1, sizeof *device);
	davit__device_count__init(device);
	device->kind = block_text(reply, wanted->kind);
	device->has_count = true;
	device->count = n;
	lacking->devices[lacking->n_devices++] = device;
}

static Davit__Resources *
lacking_new(struct place_reply *reply, const struct refusal *refusal)
{
	const struct lack *lack = &refusal->lacking;
	const struct want *want = refusal->want;
	Davit__Resources *lacking = block_new(reply, 1, sizeof *lacking);

	davit__resources__init(lacking);
	lacking->has_cpu_milli = lack->amounts.cpu_milli > 0;
	lacking->cpu_milli = (uint64_t)lack->amounts.cpu_milli;
	lacking->has_memory_bytes = lack->amounts.memory_bytes > 0;
	lacking->memory_bytes = (uint64_t)lack->amounts.memory_bytes;
	lacking->has_disk_bytes = lack->amounts.disk_bytes > 0;
	lacking->disk_bytes = (uint64_t)lack->amounts.disk_bytes;
	if (want->n_devices > 0)
		lacking->devices = block_new(reply, want->n_devices, sizeof(Davit__DeviceCount *));
	for (uint32_t i = 0; i < want->n_devices; i++)
		if (lack->devices[i] > 0)
			lacking_device(reply, lacking, &want->devices[i], lack->devices[i]);
	return lacking;
}

struct place_refusal *
place_reply_make_refusal(struct place_reply *reply, const struct node_table *table,
	const struct refusal *refusal)
{
	struct place_refusal *made = made_new(reply, refusal->message);

	made->counts = filter_counts(reply, refusal);
	made->n_counts = refusal->n_counts;
	if (refusal->nearest == NODE_ROW_NONE)
		return made;
	made->nearest_id = table->nodes[refusal->nearest].id;
	made->lacking = lacking_new(reply, refusal);
	return made;
}

void
place_reply_add_refusal(struct place_reply *reply, char *task_id, struct place_refusal *made)
{
	size_t i = reply->message.n_refusals++;
	Davit__Refusal *refusal = &reply->refusals[i];

	davit__refusal__init(refusal);
	refusal->task_id = task_id;
	refusal->message = made->words;
	refusal->filters = made->counts;
	refusal->n_filters = made->n_counts;
	refusal->nearest_node_id = made->nearest_id;
	refusal->lacking = made->lacking;
	reply->refusal_list[i] = refusal;
}

static void
add_part(struct place_reply *reply, Davit__ScoredNode *node, const char *name, double value)
{
	Davit__ScorePart *part = block_new(reply, 1, sizeof *part);

	davit__score_part__init(part);
	part->name = block_text(reply, name);
	part->value = value;
	node->parts[node->n_parts++] = part;
}

static Davit__ScoredNode *
scored_new(struct place_reply *reply, const struct seek *seek, const struct explain_best *best)
{
	Davit__ScoredNode *scored = block_new(reply, 1, sizeof *scored);
	const struct part *part;
	char name[WISH_NAME_MAX];
	uint32_t n = seek->filter->n_parts + seek->demand->n_parts;

	davit__scored_node__init(scored);
	scored->node_id = seek->table->nodes[best->row].id;
	scored->node_name = seek->table->nodes[best->row].name;
	scored->has_score = true;
	scored->score = best->score;
	scored->parts = block_new(reply, (size_t)n + 1, sizeof(Davit__ScorePart *));
	add_part(reply, scored, "fit", best->fit);
	for (uint32_t i = 0; (part = seek_part(seek, i)) != NULL; i++)
		add_part(reply, scored, wish_name_text(&part->name, name),
			part_at(part, best->row));
	return scored;
}

Davit__Explanation *
place_reply_add_explanation(struct place_reply *reply, char *task_id, const struct seek *seek,
	const struct explanation *from)
{
	Davit__Explanation *explanation = block_new(reply, 1, sizeof *explanation);
	const struct refusal *refusal = &from->refusal;

	davit__explanation__init(explanation);
	explanation->task_id = task_id;
	explanation->strategy = (char *)(uintptr_t)strategy_name(from->strategy);
	explanation->has_n_nodes = explanation->has_n_feasible = true;
	explanation->n_nodes = from->n_nodes;
	explanation->n_feasible = from->n_feasible;
	explanation->filters = filter_counts(reply, refusal);
	explanation->n_filters = refusal->n_counts;
	explanation->best = block_new(reply, (size_t)from->n_best + 1, sizeof(Davit__ScoredNode *));
	for (uint32_t i = 0; i < from->n_best; i++)
		explanation->best[explanation->n_best++] = scored_new(reply, seek, &from->best[i]);
	if (from->n_feasible == 0 && refusal->nearest != NODE_ROW_NONE) {
		explanation->nearest_node_id = seek->table->nodes[refusal->nearest].id;
		explanation->nearest_node_name = seek->table->nodes[refusal->nearest].name;
		explanation->lacking = lacking_new(reply, refusal);
	}
	explanation->remedies = block_new(reply, (size_t)from->n_remedies + 1, sizeof(char *));
	for (uint32_t i = 0; i < from->n_remedies; i++)
		explanation->remedies[explanation->n_remedies++] =
			block_text(reply, from->remedies[i]);
	reply->explanation_list[reply->message.n_explanations++] = explanation;
	return explanation;
}

const Davit__PlaceReply *
place_reply_message(struct place_reply *reply)
{
	return &reply->message;
}
