#include "services/manager/feed.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"
#include "common/rpc/pubsub.h"
#include "proto/types.pb-c.h"

struct feed {
	struct rpc_pub *pub, *pub_json;
	struct buf scratch;
};

int
feed_open(const char *url, const char *json_url, struct feed **ret_feed, struct err *err)
{
	CLEANUP(feed_close) struct feed *feed = xcalloc(1, sizeof *feed);

	if (rpc_pub_open(url, RPC_LISTEN, &feed->pub, err) < 0)
		return err_wrap(err, "--feed");
	if (rpc_pub_open(json_url, RPC_LISTEN, &feed->pub_json, err) < 0)
		return err_wrap(err, "--feed-json");
	*ret_feed = TAKE(feed);
	return 0;
}

static void
publish_json(struct feed *feed, const char *topic, const ProtobufCMessage *message)
{
	buf_reset(&feed->scratch);
	pbjson_print(message, PBJSON_COMPACT, &feed->scratch);
	buf_puts(&feed->scratch, "\n");
	rpc_pub_send(feed->pub_json, topic, feed->scratch.data, feed->scratch.size);
}

static void
publish_json_stats(struct feed *feed, const char *topic, const Davit__NodeStats *stats)
{
	Davit__NodeStats alone = *stats;
	char task_topic[RPC_TOPIC_MAX];

	alone.n_tasks = 0;
	publish_json(feed, topic, &alone.base);
	for (size_t i = 0; i < stats->n_tasks; i++) {
		if (stats->tasks[i]->task_id == NULL)
			continue;
		(void)snprintf(task_topic, sizeof task_topic, "stats.task.%.64s",
			stats->tasks[i]->task_id);
		publish_json(feed, task_topic, &stats->tasks[i]->base);
	}
}

void
feed_publish(struct feed *feed, const char *topic, const ProtobufCMessage *message)
{
	if (rpc_pub_n_subscribers(feed->pub) > 0) {
		size_t size = protobuf_c_message_get_packed_size(message);

		buf_reset(&feed->scratch);
		(void)protobuf_c_message_pack(message, buf_reserve(&feed->scratch, size));
		rpc_pub_send(feed->pub, topic, feed->scratch.data, size);
	}
	if (rpc_pub_n_subscribers(feed->pub_json) == 0)
		return;
	if (message->descriptor == &davit__node_stats__descriptor)
		publish_json_stats(feed, topic, (const Davit__NodeStats *)message);
	else
		publish_json(feed, topic, message);
}

void
feed_figures(const struct feed *feed, struct feed_figures *ret_figures)
{
	*ret_figures = (struct feed_figures){rpc_pub_n_subscribers(feed->pub),
		rpc_pub_n_subscribers(feed->pub_json), rpc_pub_n_dropped(feed->pub),
		rpc_pub_n_dropped(feed->pub_json)};
}

void
feed_close(struct feed *feed)
{
	if (feed == NULL)
		return;
	rpc_pub_close(feed->pub);
	rpc_pub_close(feed->pub_json);
	buf_fini(&feed->scratch);
	free(feed);
}
