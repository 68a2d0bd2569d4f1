#include "services/scheduler/place_reply.h"

struct place_refusal {
	struct place_refusal *next;
	char *words;
	Davit__FilterCount counts[FILTER_COUNT];
	Davit__FilterCount *count_list[FILTER_COUNT];
	size_t n_counts;
	char *nearest_id; /* borrowed from the table; NULL: none */
	Davit__Resources lacking;
};

static void
made_free(struct place_reply *reply)
{
	for (struct place_refusal *made = reply->made, *next; made != NULL; made = next) {
		next = made->next;
		free(made->words);
		free(made);
	}
	reply->made = NULL;
}

void
place_reply_fini(struct place_reply *reply)
{
	made_free(reply);
	free(reply->placements);
	free(reply->placement_list);
	free(reply->refusals);
	free(reply->refusal_list);
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
	reply->message.placements = reply->placement_list;
	reply->message.refusals = reply->refusal_list;
}

void
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
}

static struct place_refusal *
made_new(struct place_reply *reply, const char *words)
{
	struct place_refusal *made = xcalloc(1, sizeof *made);

	made->words = xstrdup(words);
	davit__resources__init(&made->lacking);
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
place_reply_make_refusal(struct place_reply *reply, const struct node_table *table,
	const struct refusal *refusal)
{
	struct place_refusal *made = made_new(reply, refusal->message);
	const struct want *lacking = &refusal->lacking;

	for (unsigned i = FILTER_NONE + 1; i < FILTER_COUNT; i++) {
		Davit__FilterCount *count = &made->counts[made->n_counts];

		if (refusal->counts[i] == 0)
			continue;
		davit__filter_count__init(count);
		count->filter = (char *)(uintptr_t)filter_name((enum filter_reason)i);
		count->has_n_nodes = true;
		count->n_nodes = refusal->counts[i];
		made->count_list[made->n_counts++] = count;
	}
	if (refusal->nearest == NODE_ROW_NONE)
		return made;
	made->nearest_id = table->nodes[refusal->nearest].id;
	made->lacking.has_cpu_milli = lacking->cpu_milli > 0;
	made->lacking.cpu_milli = (uint64_t)lacking->cpu_milli;
	made->lacking.has_memory_bytes = lacking->memory_bytes > 0;
	made->lacking.memory_bytes = (uint64_t)lacking->memory_bytes;
	made->lacking.has_disk_bytes = lacking->disk_bytes > 0;
	made->lacking.disk_bytes = (uint64_t)lacking->disk_bytes;
	made->lacking.has_gpus = lacking->gpus > 0;
	made->lacking.gpus = lacking->gpus;
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
	refusal->filters = made->count_list;
	refusal->n_filters = made->n_counts;
	refusal->nearest_node_id = made->nearest_id;
	refusal->lacking = made->nearest_id != NULL ? &made->lacking : NULL;
	reply->refusal_list[i] = refusal;
}

const Davit__PlaceReply *
place_reply_message(struct place_reply *reply)
{
	return &reply->message;
}
