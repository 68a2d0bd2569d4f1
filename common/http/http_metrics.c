#include "common/http/http_metrics.h"

#include "common/base/buf.h"

void
http_reply_metrics(struct http_request *request, struct metrics *metrics)
{
	enum expo_format format = expo_format_of_accept(http_header(request, "Accept"));
	CLEANUP(buf_fini) struct buf out = {0};

	metrics_print(metrics, format, &out);
	http_reply(request, 200, expo_content_type(format), out.data, out.size);
}

void
http_metrics_collect(struct expo *expo, const struct http_server *server)
{
	struct http_stats stats;

	http_stats(server, &stats);
	expo_single(expo, EXPO_GAUGE, "davit_http_connections", "Connections of clients.",
		stats.n_connections);
	expo_single(expo, EXPO_GAUGE, "davit_http_waiting", "Requests that are not answered yet.",
		stats.n_waiting);
	expo_single(expo, EXPO_GAUGE, "davit_http_streams", "Streams that are being read.",
		stats.n_streams);
	expo_single(expo, EXPO_COUNTER, "davit_http_refused",
		"Requests refused by the server itself: no such path, a limit.",
		(double)stats.n_refused);
	expo_single(expo, EXPO_COUNTER, "davit_http_timed_out",
		"Connections cut off because they were too slow.", (double)stats.n_timed_out);
	expo_single(expo, EXPO_COUNTER, "davit_http_stream_drops",
		"Writes to streams whose readers were too slow.", (double)stats.n_stream_drops);
}
