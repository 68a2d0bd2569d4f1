/* tested by tests/unit/test_docker_http.c */
#include "common/docker/curl_loop.h"

#include <errno.h>
#include <stdbool.h>
#include <utlist.h>

#include "common/base/mem.h"

enum { IDLE_CONNECTIONS_MAX = 8 }; /* kept open for the next calls */

struct watch {
	uv_poll_t poll;
	struct curl_loop *loop;
	curl_socket_t socket;
	struct watch *prev, *next;
};

struct curl_loop {
	struct curl_loop_events events;
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	struct watch *watches;
	size_t n_open; /* uv handles not closed yet */
	long n_active; /* transfers */
	unsigned inside;
	bool closing;
};

static void
one_closed(struct curl_loop *loop)
{
	if (--loop->n_open > 0)
		return;
	loop->events.closed(loop->events.arg);
	free(loop);
}

static void
watch_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;
	struct curl_loop *loop = watch->loop;

	free(watch);
	one_closed(loop);
}

static void
timer_closed(uv_handle_t *handle)
{
	one_closed(handle->data);
}

static void
watch_close(struct watch *watch)
{
	DL_DELETE(watch->loop->watches, watch);
	(void)uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *)&watch->poll, watch_closed);
}

static void
shut(struct curl_loop *loop)
{
	(void)curl_multi_cleanup(loop->multi);
	loop->multi = NULL;
	while (loop->watches != NULL)
		watch_close(loop->watches);
	uv_close((uv_handle_t *)&loop->timer, timer_closed);
}

/* libcurl's limit counts the connections in use, too: streams must not push the idle ones out. */
static void
count_active(struct curl_loop *loop, int change)
{
	loop->n_active += change;
	(void)curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS,
		loop->n_active + IDLE_CONNECTIONS_MAX);
}

/* Tells what has happened, then leaves; the caller may have closed us on the way. */
static void
settle(struct curl_loop *loop)
{
	CURLMsg *message;
	int left;

	loop->inside++;
	loop->events.after(loop->events.arg);
	while (!loop->closing && (message = curl_multi_info_read(loop->multi, &left)) != NULL) {
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		if (result == CURLE_OK && loop->events.keeps != NULL &&
			loop->events.keeps(easy, loop->events.arg))
			continue;
		curl_loop_remove(loop, easy);
		loop->events.done(easy, result, loop->events.arg);
	}
	if (--loop->inside == 0 && loop->closing)
		shut(loop);
}

static void
on_socket(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	struct curl_loop *loop = watch->loop;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0, running;

	if ((events & UV_READABLE) != 0)
		flags |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		flags |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(loop->multi, watch->socket, flags, &running);
	settle(loop);
}

static void
on_timer(uv_timer_t *timer)
{
	struct curl_loop *loop = timer->data;
	int running;

	(void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	settle(loop);
}

/* libcurl asks for a timer. */
static int
want_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct curl_loop *loop = arg;

	(void)multi;
	if (timeout_ms < 0) {
		(void)uv_timer_stop(&loop->timer);
		return 0;
	}
	uv_update_time(loop->loop);
	(void)uv_timer_start(&loop->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

/* libcurl asks for a socket to be watched, or no longer. */
static int
want_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *known)
{
	struct curl_loop *loop = arg;
	struct watch *watch = known;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL) {
			(void)curl_multi_assign(loop->multi, socket, NULL);
			watch_close(watch);
		}
		return 0;
	}
	if (watch == NULL) {
		watch = xcalloc(1, sizeof *watch);
		watch->loop = loop;
		watch->socket = socket;
		watch->poll.data = watch;
		if (uv_poll_init_socket(loop->loop, &watch->poll, socket) != 0) {
			free(watch);
			return -1;
		}
		loop->n_open++;
		DL_APPEND(loop->watches, watch);
		(void)curl_multi_assign(loop->multi, socket, watch);
	}
	if (what != CURL_POLL_OUT)
		events |= UV_READABLE;
	if (what != CURL_POLL_IN)
		events |= UV_WRITABLE;
	return uv_poll_start(&watch->poll, events, on_socket) == 0 ? 0 : -1;
}

int
curl_loop_open(uv_loop_t *uv, const struct curl_loop_events *events, struct curl_loop **ret_loop,
	struct err *err)
{
	struct curl_loop *loop;

	/* Counted by libcurl: the first call does it, all later ones are cheap. */
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return err_set(err, -EIO, "libcurl does not start");
	loop = xcalloc(1, sizeof *loop);
	loop->multi = curl_multi_init();
	if (loop->multi == NULL) {
		free(loop);
		return err_set(err, -EIO, "libcurl does not start");
	}
	loop->events = *events;
	loop->loop = uv;
	(void)uv_timer_init(uv, &loop->timer);
	loop->timer.data = loop;
	loop->n_open = 1;
	(void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	*ret_loop = loop;
	return 0;
}

int
curl_loop_add(struct curl_loop *loop, CURL *easy, struct err *err)
{
	CURLMcode code = curl_multi_add_handle(loop->multi, easy);

	if (code != CURLM_OK)
		return err_set(err, -EIO, "libcurl: %s", curl_multi_strerror(code));
	count_active(loop, 1);
	return 0;
}

void
curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
	/* Before the connection is given back, so that the limit is already that of the rest. */
	count_active(loop, -1);
	(void)curl_multi_remove_handle(loop->multi, easy);
}

void
curl_loop_close(struct curl_loop *loop)
{
	if (loop == NULL || loop->closing)
		return;
	loop->closing = true;
	if (loop->inside == 0)
		shut(loop);
}
