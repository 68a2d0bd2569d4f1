#include "common/service/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/process.h"
#include "common/http/http_get.h"
#include "common/metrics/metrics_process.h"
#include "common/service/admin.h"

enum { PROBE_MS = 3000, HTTP_OK = 200 };

struct running {
	const struct service *service;
	uv_loop_t *loop;
	void *state;
};

static int
set_up_log(const struct service *service, const struct service_settings *settings, struct err *err)
{
	enum log_level level;
	int rc = log_level_parse(settings->log_level, &level, err);

	if (rc < 0)
		return rc;
	log_open(service->name, level);
	return settings->log_file == NULL ? 0 : log_to_file(settings->log_file, err);
}

static void
on_stop(void *arg)
{
	struct running *running = arg;

	(void)process_notify("STOPPING=1");
	if (running->service->stop != NULL && running->state != NULL)
		running->service->stop(running->state);
	else
		uv_stop(running->loop);
}

static void
on_reload(void *arg)
{
	struct err err;

	(void)arg;
	if (log_reopen(&err) < 0)
		log_warn("log.reopen_failed", "reason=\"%s\", going on in the old file", err.text);
}

static int
serve(const struct service *service, void *settings, struct err *err)
{
	struct running running = {.service = service, .loop = uv_default_loop()};
	const struct service_settings *common = settings;
	struct process_signals *signals = NULL;
	struct admin *admin = NULL;
	int rc = process_signals_start(running.loop, on_stop, on_reload, &running, &signals, err);

	if (rc == 0)
		rc = service->open(running.loop, settings, &running.state, err);
	if (rc == 0 && common->admin != NULL && common->admin[0] != '\0') {
		rc = admin_open(running.loop, common->admin, service, running.state,
			common->metrics, &admin, err);
		if (rc == 0)
			log_info("service.admin", "address=%s", admin_url(admin));
	}
	if (rc == 0) {
		(void)process_notify("READY=1");
		(void)uv_run(running.loop, UV_RUN_DEFAULT);
	}
	process_signals_stop(signals);
	admin_close(admin);
	if (running.state != NULL)
		service->close(running.state);
	(void)uv_run(running.loop, UV_RUN_DEFAULT);
	if (running.state != NULL)
		service->free(running.state);
	return rc;
}

/* What a health check wants to know. */
static int
probe(const struct service_settings *settings, struct err *err)
{
	CLEANUP(buf_fini) struct buf body = {0};
	int status = 0, rc;

	if (settings->admin == NULL || settings->admin[0] == '\0')
		return err_set(err, -EINVAL, "--probe asks at --admin: where is that?");
	rc = http_get(settings->admin, "/ready", PROBE_MS, &status, &body, err);
	if (rc == 0)
		(void)fputs(buf_text(&body), stdout);
	return rc < 0 ? rc : status == HTTP_OK ? 0 : -EAGAIN;
}

static int
run(const struct service *service, void *settings, struct err *err)
{
	struct service_settings *common = settings;
	int rc;

	common->metrics = metrics_new();
	metrics_process_add(common->metrics, service->name);
	rc = set_up_log(service, settings, err);
	if (rc == 0)
		rc = serve(service, settings, err);
	if (rc < 0)
		log_error("service.failed", "reason=\"%s\"", err->text);
	metrics_free(common->metrics);
	return rc;
}

int
service_main(const struct service *service, int argc, char **argv)
{
	void *settings;
	struct err err = {0};
	bool is_probe;
	int first, rc;

	if (service->spares_memory)
		process_spare_memory(argv);
	process_begin();
	settings = xcalloc(1, service->settings_size);
	log_open(service->name, LOG_LVL_INFO);
	rc = options_parse(service->options, argc, argv, settings, &first, &err);
	is_probe = rc == OPTIONS_RUN && ((struct service_settings *)settings)->is_probe;
	if (is_probe)
		rc = probe(settings, &err);
	if (rc < 0 && err.text[0] != '\0')
		(void)fprintf(stderr, "%s: %s\n", service->options->program, err.text);
	if (rc == OPTIONS_RUN && !is_probe)
		rc = run(service, settings, &err);
	options_free(service->options->defs, settings);
	free(settings);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
