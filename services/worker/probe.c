#include "services/worker/probe.h"

#include <stdio.h>
#include <utlist.h>

#include "common/base/mem.h"

enum { STATUS_LINE_SIZE = 64 }; /* "HTTP/1.1 200 OK": what is behind that is not read */

struct probes {
	uv_loop_t *loop;
	struct probe *all;
};

struct probe {
	struct probe *prev, *next;
	struct probes *probes; /* NULL: it has ended */
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_getaddrinfo_t lookup;
	uv_connect_t connect;
	uv_write_t write;
	unsigned n_open; /* handles and requests that still call back */
	char *address, *request;
	uint16_t port;
	char line[STATUS_LINE_SIZE];
	size_t n_line;
	worker_probed_fn *done;
	void *arg;
};

static void
release(struct probe *probe)
{
	if (--probe->n_open > 0)
		return;
	free(probe->address);
	free(probe->request);
	free(probe);
}

static void
on_closed(uv_handle_t *handle)
{
	release(handle->data);
}

/* Tells, once; what still calls back finds it ended. */
static void
end(struct probe *probe, bool ok, const char *why)
{
	struct probes *probes = probe->probes;

	if (probes == NULL)
		return;
	probe->probes = NULL;
	DL_DELETE(probes->all, probe);
	uv_close((uv_handle_t *)&probe->tcp, on_closed);
	uv_close((uv_handle_t *)&probe->timer, on_closed);
	probe->done(ok, why, probe->arg);
}

static void
end_failed(struct probe *probe, const char *what, int status)
{
	char why[160];

	(void)snprintf(why, sizeof why, "%s %s:%u: %s", what, probe->address, probe->port,
		uv_strerror(status));
	end(probe, false, why);
}

static void
judge_line(struct probe *probe)
{
	unsigned version, code = 0;
	char why[96];

	if (sscanf(probe->line, "HTTP/1.%1u %3u", &version, &code) != 2 || code < 100) {
		end(probe, false, "what answers does not speak HTTP");
		return;
	}
	(void)snprintf(why, sizeof why, "it answers with status %u", code);
	end(probe, code >= 200 && code < 400, why);
}

static void
on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	struct probe *probe = handle->data;

	(void)suggested;
	*ret_buf = uv_buf_init(probe->line + probe->n_line,
		(unsigned)(sizeof probe->line - 1 - probe->n_line));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct probe *probe = stream->data;

	(void)buf;
	if (n > 0)
		probe->n_line += (size_t)n;
	probe->line[probe->n_line] = '\0';
	if (strchr(probe->line, '\n') != NULL || probe->n_line == sizeof probe->line - 1)
		judge_line(probe);
	else if (n < 0)
		end_failed(probe, "no answer from", n == UV_EOF ? UV_ECONNRESET : (int)n);
}

static void
on_written(uv_write_t *write, int status)
{
	struct probe *probe = write->data;

	if (status < 0 && probe->probes != NULL)
		end_failed(probe, "cannot ask", status);
	release(probe);
}

static void
on_connected(uv_connect_t *connect, int status)
{
	struct probe *probe = connect->data;
	uv_buf_t buf;

	if (probe->probes == NULL) {
		release(probe);
		return;
	}
	if (status < 0) {
		end_failed(probe, "cannot connect to", status);
	} else if (probe->request == NULL) {
		end(probe, true, "it accepts");
	} else {
		buf = uv_buf_init(probe->request, (unsigned)strlen(probe->request));
		probe->write.data = probe;
		probe->n_open++;
		if (uv_write(&probe->write, (uv_stream_t *)&probe->tcp, &buf, 1, on_written) < 0)
			probe->n_open--; /* reading says why */
		(void)uv_read_start((uv_stream_t *)&probe->tcp, on_room, on_read);
	}
	release(probe);
}

static void
on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct probe *probe = lookup->data;
	int rc = status;

	if (probe->probes != NULL && status == 0) {
		probe->connect.data = probe;
		rc = uv_tcp_connect(&probe->connect, &probe->tcp, found->ai_addr, on_connected);
		if (rc == 0)
			probe->n_open++;
	}
	if (probe->probes != NULL && rc < 0)
		end_failed(probe, "cannot reach", rc);
	uv_freeaddrinfo(found);
	release(probe);
}

static void
on_late(uv_timer_t *timer)
{
	end_failed(timer->data, "no answer in time from", UV_ETIMEDOUT);
}

struct probes *
probes_new(uv_loop_t *loop)
{
	struct probes *probes = xcalloc(1, sizeof *probes);

	probes->loop = loop;
	return probes;
}

void
probes_free(struct probes *probes)
{
	if (probes == NULL)
		return;
	while (probes->all != NULL)
		end(probes->all, false, "given up");
	free(probes);
}

void
probes_begin(struct probes *probes, const struct worker_probe *ask, worker_probed_fn *done,
	void *arg)
{
	struct probe *probe = xcalloc(1, sizeof *probe);
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char port[8];

	*probe = (struct probe){.probes = probes, .done = done, .arg = arg, .n_open = 3};
	probe->port = (uint16_t)ask->port;
	probe->address = xstrdup(ask->address);
	if (ask->path != NULL && asprintf(&probe->request,
					 "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: davit\r\n"
					 "Accept: */*\r\nConnection: close\r\n\r\n",
					 ask->path, ask->address, ask->port) < 0)
		probe->request = NULL;
	DL_APPEND(probes->all, probe);
	(void)uv_tcp_init(probes->loop, &probe->tcp);
	(void)uv_timer_init(probes->loop, &probe->timer);
	probe->tcp.data = probe->timer.data = probe->lookup.data = probe;
	(void)uv_timer_start(&probe->timer, on_late, ask->timeout_ms, 0);
	(void)snprintf(port, sizeof port, "%u", ask->port);
	if (uv_getaddrinfo(probes->loop, &probe->lookup, on_found, probe->address, port, &hints) <
		0) {
		probe->n_open--;
		(void)uv_timer_start(&probe->timer, on_late, 0, 0);
	}
}
