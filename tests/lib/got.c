#include "tests/lib/got.h"

#include "tests/lib/test.h"

void
got_done(const struct err *err, void *arg)
{
	struct got *got = arg;

	got->n++;
	got->err = *err;
}

void
got_id(const struct err *err, const char *id, void *arg)
{
	struct got *got = arg;

	got_done(err, arg);
	CHECK((id != NULL) == (err->code == 0));
	(void)snprintf(got->id, sizeof got->id, "%s", id == NULL ? "" : id);
}

void
got_container(const struct err *err, const struct engine_container *container, void *arg)
{
	struct got *got = arg;

	got_done(err, arg);
	if (container != NULL) {
		got->container = *container;
		(void)snprintf(got->text, sizeof got->text, "%s", container->health);
	}
}

void
got_list(const struct err *err, const struct engine_container *containers, size_t n, void *arg)
{
	struct got *got = arg;

	got_done(err, arg);
	got->n_listed = n;
	for (size_t i = 0; i < n; i++)
		CHECK(containers[i].name[0] != '/');
}

void
got_event(const struct engine_event *event, void *arg)
{
	struct got *got = arg;
	size_t used = strlen(got->text);

	(void)snprintf(got->text + used, sizeof got->text - used, "%s ", event->action);
	for (size_t i = 0; i < event->n_attributes; i++)
		if (strcmp(event->attributes[i].key, "exitCode") == 0) {
			used = strlen(got->text);
			(void)snprintf(got->text + used, sizeof got->text - used, "%s ",
				event->attributes[i].value);
		}
	if (got->close_me != NULL)
		engine_close(TAKE(got->close_me));
	if (got->cancel_me != NULL)
		engine_cancel(TAKE(got->cancel_me));
}

bool
got_log(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct got *got = arg;
	size_t used = strlen(got->text);

	(void)snprintf(got->text + used, sizeof got->text - used, "%s%.*s",
		stream == ENGINE_STDERR ? "E:" : "", (int)size, (const char *)data);
	return !got->pause;
}

void
got_sample(const struct engine_sample *sample, void *arg)
{
	CHECK(sample->memory_bytes > 0);
	((struct got *)arg)->n_samples++;
	((struct got *)arg)->sample = *sample;
}

void
got_about(const struct err *err, const struct engine_about *about, void *arg)
{
	struct got *got = arg;

	got_done(err, arg);
	CHECK((about != NULL) == (err->code == 0));
	if (about == NULL)
		return;
	got->cpu_milli = about->cpu_milli;
	got->memory_bytes = about->memory_bytes;
	(void)snprintf(got->text, sizeof got->text, "%s|%s|%s|%s|%s|%s|%s", about->id,
		about->version, about->api_version, about->os, about->arch, about->root_dir,
		about->cgroup_version);
}

void
got_json(const struct err *err, const char *json, size_t size, void *arg)
{
	struct got *got = arg;

	got_done(err, arg);
	CHECK((json != NULL) == (err->code == 0));
	if (json != NULL)
		(void)snprintf(got->text, sizeof got->text, "%.*s", (int)size, json);
}

void
got_exec(const struct err *err, const struct engine_exec *exec, void *arg)
{
	got_done(err, arg);
	CHECK((exec != NULL) == (err->code == 0));
	if (exec != NULL)
		((struct got *)arg)->exec = *exec;
}

void
got_path(const struct err *err, const struct engine_path *path, void *arg)
{
	struct got *got = arg;

	got_done(err, arg);
	CHECK((path != NULL) == (err->code == 0));
	if (path == NULL)
		return;
	got->path = *path;
	(void)snprintf(got->text, sizeof got->text, "%s", path->name);
}

void
got_open(void *arg)
{
	((struct got *)arg)->n_opened++;
}

void
got_room(void *arg)
{
	((struct got *)arg)->n_room++;
}

void
got_progress(const struct engine_progress *progress, void *arg)
{
	struct got *got = arg;

	(void)snprintf(got->text, sizeof got->text, "%s", progress->text);
}

void
got_any_sample(const struct engine_sample *sample, void *arg)
{
	struct got *got = arg;

	got->n_samples++;
	got->sample = *sample;
}

bool
got_log_size(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct got *got = arg;

	(void)stream;
	(void)data;
	got->n_listed += size;
	return !got->pause;
}
