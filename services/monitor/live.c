#include "services/monitor/live.h"

#include <assert.h>

#include <uthash.h>

#include "common/base/mem.h"
#include "common/rpc/unpack.h"
#include "services/monitor/limits.h"

struct live_node {
	UT_hash_handle hh;
	Davit__NodeStats *stats; /* node_id is the key */
	size_t size;             /* as it came */
	uint64_t heard_ms;
};

/* Numbers of one manager's messages; 0: none heard yet. */
struct live_feed {
	uint64_t event_seq, cluster_seq;
	Davit__ClusterStats *cluster;
};

struct live {
	struct live_node *nodes;
	size_t node_bytes;
	const Davit__NodeStats *last_node;
	Davit__ClusterStats sum; /* of the feeds, where there are several */
	Davit__Resources sum_capacity, sum_reserved;
	Davit__Event *events[LIVE_EVENTS_MAX]; /* a ring */
	size_t n_events, next_event;
	uint64_t events_total;
	struct live_feed feeds[MONITOR_FEEDS_MAX];
	uint64_t version;
	uint64_t n_frames, n_bad, n_full, n_lost;
	bool has_gap;
	Davit__GetViewReply view;
	void *view_blocks[3]; /* behind the view's lists */
};

struct live *
live_new(void)
{
	struct live *live = xcalloc(1, sizeof *live);

	davit__get_view_reply__init(&live->view);
	return live;
}

static void
node_free(struct live *live, struct live_node *node)
{
	HASH_DEL(live->nodes, node);
	live->node_bytes -= node->size;
	davit__node_stats__free_unpacked(node->stats, NULL);
	free(node);
}

static void
view_forget(struct live *live)
{
	for (unsigned i = 0; i < 3; i++) {
		free(live->view_blocks[i]);
		live->view_blocks[i] = NULL;
	}
	davit__get_view_reply__init(&live->view);
}

void
live_free(struct live *live)
{
	struct live_node *node, *next;

	if (live == NULL)
		return;
	HASH_ITER(hh, live->nodes, node, next)
	{
		node_free(live, node);
	}
	for (size_t i = 0; i < LIVE_EVENTS_MAX; i++)
		davit__event__free_unpacked(live->events[i], NULL);
	for (size_t i = 0; i < MONITOR_FEEDS_MAX; i++)
		davit__cluster_stats__free_unpacked(live->feeds[i].cluster, NULL);
	view_forget(live);
	free(live);
}

/*
 * Numbers count up by one. One that is not greater than the last means that the sender
 * started anew, and then nothing can be said about what was missed.
 */
static void
count_lost(struct live *live, uint64_t *last, bool has_seq, uint64_t seq)
{
	if (!has_seq)
		return;
	if (*last != 0 && seq > *last + 1) {
		live->n_lost += seq - *last - 1;
		live->has_gap = true;
	}
	*last = seq;
}

static struct live_node *
node_find(const struct live *live, const char *id)
{
	struct live_node *node;

	HASH_FIND_STR(live->nodes, id, node);
	return node;
}

static bool
is_id(const char *id)
{
	return id != NULL && id[0] != '\0' && strnlen(id, LIVE_ID_MAX + 1) <= LIVE_ID_MAX;
}

/* stats is taken over, whatever comes of it. */
static enum live_frame
node_put(struct live *live, Davit__NodeStats *stats, size_t size, uint64_t now_ms)
{
	struct live_node *node = node_find(live, stats->node_id);
	size_t old_size = node == NULL ? 0 : node->size;

	if (live->node_bytes - old_size + size > LIVE_NODE_BYTES_MAX ||
		(node == NULL && HASH_COUNT(live->nodes) >= LIVE_NODES_MAX)) {
		davit__node_stats__free_unpacked(stats, NULL);
		return LIVE_FRAME_FULL;
	}
	if (node != NULL) {
		HASH_DEL(live->nodes, node); /* its key goes with the old figures */
		davit__node_stats__free_unpacked(node->stats, NULL);
	} else {
		node = xcalloc(1, sizeof *node);
	}
	live->node_bytes = live->node_bytes - old_size + size;
	node->stats = stats;
	node->size = size;
	node->heard_ms = now_ms;
	live->last_node = stats;
	HASH_ADD_KEYPTR(hh, live->nodes, stats->node_id, (unsigned)strlen(stats->node_id), node);
	return LIVE_FRAME_NODE;
}

static enum live_frame
take_node(struct live *live, Davit__NodeStats *stats, size_t size, uint64_t now_ms)
{
	const struct live_node *old;

	if (!is_id(stats->node_id)) {
		davit__node_stats__free_unpacked(stats, NULL);
		return LIVE_FRAME_BAD;
	}
	old = node_find(live, stats->node_id);
	if (old != NULL && old->stats->session == stats->session) {
		uint64_t last = old->stats->seq;

		count_lost(live, &last, stats->has_seq, stats->seq);
	}
	return node_put(live, stats, size, now_ms);
}

static enum live_frame
take_cluster(struct live *live, struct live_feed *feed, Davit__ClusterStats *stats, size_t size)
{
	if (size > LIVE_CLUSTER_BYTES_MAX) {
		davit__cluster_stats__free_unpacked(stats, NULL);
		return LIVE_FRAME_FULL;
	}
	count_lost(live, &feed->cluster_seq, stats->has_seq, stats->seq);
	davit__cluster_stats__free_unpacked(feed->cluster, NULL);
	feed->cluster = stats;
	return LIVE_FRAME_CLUSTER;
}

static enum live_frame
take_event(struct live *live, struct live_feed *feed, Davit__Event *event, size_t size)
{
	struct live_node *node;

	count_lost(live, &feed->event_seq, event->has_seq, event->seq);
	if (size > LIVE_EVENT_BYTES_MAX) {
		davit__event__free_unpacked(event, NULL);
		return LIVE_FRAME_FULL;
	}
	if (event->kind == DAVIT__EVENT__KIND__NODE && event->node_id != NULL &&
		event->what != NULL && strcmp(event->what, "removed") == 0) {
		node = node_find(live, event->node_id);
		if (node != NULL)
			node_free(live, node);
	}
	davit__event__free_unpacked(live->events[live->next_event], NULL);
	live->events[live->next_event] = event;
	live->next_event = (live->next_event + 1) % LIVE_EVENTS_MAX;
	live->events_total++;
	if (live->n_events < LIVE_EVENTS_MAX)
		live->n_events++;
	return LIVE_FRAME_EVENT;
}

static const ProtobufCMessageDescriptor *
type_of_topic(const char *topic)
{
	if (strncmp(topic, "event.", 6) == 0)
		return &davit__event__descriptor;
	if (strncmp(topic, "stats.node.", 11) == 0)
		return &davit__node_stats__descriptor;
	if (strcmp(topic, "stats.cluster") == 0)
		return &davit__cluster_stats__descriptor;
	return NULL;
}

static enum live_frame
take_message(struct live *live, struct live_feed *feed, ProtobufCMessage *message, size_t size,
	uint64_t now_ms)
{
	if (message->descriptor == &davit__event__descriptor)
		return take_event(live, feed, (Davit__Event *)message, size);
	if (message->descriptor == &davit__node_stats__descriptor)
		return take_node(live, (Davit__NodeStats *)message, size, now_ms);
	return take_cluster(live, feed, (Davit__ClusterStats *)message, size);
}

enum live_frame
live_take_frame(struct live *live, unsigned feed, const char *topic, const void *payload,
	size_t size, uint64_t now_ms)
{
	const ProtobufCMessageDescriptor *type = type_of_topic(topic);
	ProtobufCMessage *message;
	enum live_frame kind = LIVE_FRAME_BAD;
	struct pbjson_err err;

	assert(feed < MONITOR_FEEDS_MAX);
	if (type == NULL)
		return LIVE_FRAME_NONE;
	live->n_frames++;
	if (rpc_unpack(type, payload, size, &message, &err) == 0)
		kind = take_message(live, &live->feeds[feed], message, size, now_ms);
	if (kind == LIVE_FRAME_BAD)
		live->n_bad++;
	else if (kind == LIVE_FRAME_FULL)
		live->n_full++;
	else
		live->version++;
	return kind;
}

/* A copy of a message; NULL when it is not as it should be. */
static ProtobufCMessage *
message_copy(const ProtobufCMessage *message, size_t *ret_size)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	CLEANUP(free) char *bytes = xmalloc(size);
	ProtobufCMessage *copy = NULL;
	struct pbjson_err err;

	(void)protobuf_c_message_pack(message, (uint8_t *)bytes);
	*ret_size = size;
	return rpc_unpack(message->descriptor, bytes, size, &copy, &err) < 0 ? NULL : copy;
}

void
live_take_stats(struct live *live, unsigned feed, const Davit__GetStatsReply *reply,
	uint64_t now_ms)
{
	Davit__ClusterStats **cluster = &live->feeds[feed].cluster;
	size_t size;

	live->version++;
	if (*cluster == NULL && reply->cluster != NULL)
		*cluster = (Davit__ClusterStats *)message_copy(&reply->cluster->base, &size);
	for (size_t i = 0; i < reply->n_nodes; i++) {
		const Davit__Node *node = reply->nodes[i];
		Davit__NodeStats stats = DAVIT__NODE_STATS__INIT;
		Davit__NodeStats *copy;

		if (!is_id(node->id) || node_find(live, node->id) != NULL || node->usage == NULL ||
			node->state != DAVIT__NODE__STATE__READY)
			continue;
		stats.node_id = node->id;
		stats.node_name = node->name;
		stats.node = node->usage;
		stats.has_ts_ms = node->has_heard_ms;
		stats.ts_ms = node->heard_ms;
		copy = (Davit__NodeStats *)message_copy(&stats.base, &size);
		if (copy != NULL)
			(void)node_put(live, copy, size, now_ms);
	}
}

void
live_tick(struct live *live, uint64_t now_ms)
{
	struct live_node *node, *next;

	HASH_ITER(hh, live->nodes, node, next)
	{
		if (now_ms - node->heard_ms < LIVE_DROP_MS)
			continue;
		node_free(live, node);
		live->version++;
	}
}

uint64_t
live_version(const struct live *live)
{
	return live->version;
}

bool
live_has_gap(const struct live *live)
{
	return live->has_gap;
}

void
live_gap_done(struct live *live)
{
	live->has_gap = false;
}

void
live_figures(const struct live *live, uint64_t now_ms, struct live_figures *ret_figures)
{
	struct live_node *node, *next;

	*ret_figures = (struct live_figures){.n_frames = live->n_frames,
		.n_bad = live->n_bad,
		.n_full = live->n_full,
		.n_lost = live->n_lost,
		.n_nodes = HASH_COUNT(live->nodes),
		.n_events = (uint32_t)live->n_events};
	HASH_ITER(hh, live->nodes, node, next)
	{
		ret_figures->n_stale += now_ms - node->heard_ms >= LIVE_STALE_MS;
	}
}

const Davit__Event *
live_last_event(const struct live *live)
{
	return live->events[(live->next_event + LIVE_EVENTS_MAX - 1) % LIVE_EVENTS_MAX];
}

const Davit__NodeStats *
live_last_node(const struct live *live)
{
	return live->last_node;
}

uint64_t
live_n_events(const struct live *live)
{
	return live->events_total;
}

const Davit__Event *
live_event(const struct live *live, uint64_t number)
{
	uint64_t age = live->events_total - number;

	if (number == 0 || number > live->events_total || age >= live->n_events)
		return NULL;
	return live->events[(live->next_event + 2 * LIVE_EVENTS_MAX - 1 - age) % LIVE_EVENTS_MAX];
}

static void
add_resources(Davit__Resources *sum, const Davit__Resources *more)
{
	if (more == NULL)
		return;
	sum->has_cpu_milli = sum->has_memory_bytes = sum->has_disk_bytes = sum->has_gpus = true;
	sum->cpu_milli += more->cpu_milli;
	sum->memory_bytes += more->memory_bytes;
	sum->disk_bytes += more->disk_bytes;
	sum->gpus += more->gpus;
}

/* The counts and sums of one more manager. Its namespaces are its own. */
static void
add_cluster(struct live *live, const Davit__ClusterStats *more)
{
	Davit__ClusterStats *sum = &live->sum;

	sum->has_ts_ms = sum->has_nodes_ready = sum->has_nodes_total = true;
	sum->has_tasks_pending = sum->has_tasks_scheduled = sum->has_tasks_running = true;
	sum->has_tasks_completed = sum->has_tasks_failed = true;
	sum->has_cpu_milli = sum->has_memory_bytes = true;
	sum->ts_ms = more->ts_ms > sum->ts_ms ? more->ts_ms : sum->ts_ms;
	sum->nodes_ready += more->nodes_ready;
	sum->nodes_total += more->nodes_total;
	sum->tasks_pending += more->tasks_pending;
	sum->tasks_scheduled += more->tasks_scheduled;
	sum->tasks_running += more->tasks_running;
	sum->tasks_completed += more->tasks_completed;
	sum->tasks_failed += more->tasks_failed;
	sum->cpu_milli += more->cpu_milli;
	sum->memory_bytes += more->memory_bytes;
	add_resources(&live->sum_capacity, more->capacity);
	add_resources(&live->sum_reserved, more->reserved);
}

const Davit__ClusterStats *
live_cluster(struct live *live)
{
	const Davit__ClusterStats *only = NULL;
	unsigned n = 0;

	davit__cluster_stats__init(&live->sum);
	davit__resources__init(&live->sum_capacity);
	davit__resources__init(&live->sum_reserved);
	live->sum.capacity = &live->sum_capacity;
	live->sum.reserved = &live->sum_reserved;
	for (unsigned i = 0; i < MONITOR_FEEDS_MAX; i++) {
		if (live->feeds[i].cluster == NULL)
			continue;
		only = live->feeds[i].cluster;
		add_cluster(live, only);
		n++;
	}
	return n > 1 ? &live->sum : only;
}

static const char *
name_of(const Davit__NodeStats *stats)
{
	return stats->node_name != NULL ? stats->node_name : stats->node_id;
}

static int
compare_names(const void *a, const void *b)
{
	const Davit__NodeStats *const *left = a, *const *right = b;

	return strcmp(name_of(*left), name_of(*right));
}

static void
view_nodes(struct live *live, uint64_t now_ms)
{
	size_t n = HASH_COUNT(live->nodes);
	Davit__NodeStats **list = xcalloc(n + 1, sizeof(Davit__NodeStats *));
	char **stale = xcalloc(n + 1, sizeof(char *));
	struct live_node *node, *next;

	HASH_ITER(hh, live->nodes, node, next)
	{
		list[live->view.n_nodes++] = node->stats;
		if (now_ms - node->heard_ms >= LIVE_STALE_MS)
			stale[live->view.n_stale_nodes++] = node->stats->node_id;
	}
	qsort(list, n, sizeof(Davit__NodeStats *), compare_names);
	live->view.nodes = list;
	live->view.stale_nodes = stale;
	live->view_blocks[0] = list;
	live->view_blocks[1] = stale;
}

const Davit__GetViewReply *
live_view(struct live *live, uint64_t now_ms, uint64_t wall_ms)
{
	Davit__GetViewReply *view = &live->view;
	Davit__Event **events;

	view_forget(live);
	view->has_version = view->has_ts_ms = view->has_lost = true;
	view->version = live->version;
	view->ts_ms = wall_ms;
	view->lost = live->n_lost;
	view->cluster = (Davit__ClusterStats *)(uintptr_t)live_cluster(live);
	view_nodes(live, now_ms);
	events = xcalloc(live->n_events + 1, sizeof(Davit__Event *));
	for (size_t i = 0; i < live->n_events; i++)
		events[i] = live->events[(live->next_event + LIVE_EVENTS_MAX - live->n_events + i) %
					 LIVE_EVENTS_MAX];
	view->events = events;
	view->n_events = live->n_events;
	live->view_blocks[2] = events;
	return view;
}
