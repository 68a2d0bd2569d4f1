/*
 * Whatever comes over a connection to the engine: the first byte says what was asked, the second
 * in what pieces the answer comes, the rest is the answer with its head, then the connection ends.
 */
#include <stdlib.h>
#include <string.h>

#include "common/docker/engine_pipe.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/scene.h"

static const struct engine_pipe *
pipe_of(struct got *got)
{
	static struct engine_pipe pipe;

	pipe = (struct engine_pipe){got_log_size, got_open, got_room, got_done, got};
	return &pipe;
}

static struct engine_op *
ask_stream(struct engine *engine, unsigned kind, struct got *got)
{
	static const struct engine_log_options logs = {.follow = true};
	static const struct engine_pull pull = {.image = "busybox"};

	switch (kind % 8) {
	case 0:
		return engine_exec_start(engine, "e1", false, pipe_of(got));
	case 1:
		return engine_attach(engine, "c1", true, pipe_of(got));
	case 2:
		return engine_archive_get(engine, "c1", "/etc", pipe_of(got));
	case 3:
		return engine_archive_put(engine, "c1", "/etc", pipe_of(got));
	case 4:
		return engine_logs(engine, "c1", &logs, got_log_size, got_done, got);
	case 5:
		return engine_stats(engine, "c1", got_any_sample, got_done, got);
	case 6:
		return engine_events(engine, "davit.node=n1", 0, got_event, got_done, got);
	default:
		return engine_image_pull(engine, &pull, got_progress, got_done, got);
	}
}

static struct engine_op *
ask_answer(struct engine *engine, unsigned kind, struct got *got)
{
	static const struct engine_creation creation = {"davit-1", "{}", NULL};

	switch (kind % 8) {
	case 0:
		return engine_container_list(engine, "davit.node=n1", got_list, got);
	case 1:
		return engine_container_inspect(engine, "c1", got_container, got);
	case 2:
		return engine_container_create(engine, &creation, got_id, got);
	case 3:
		return engine_container_start(engine, "c1", got_done, got);
	case 4:
		return engine_path_stat(engine, "c1", "/etc/passwd", got_path, got);
	case 5:
		return engine_exec_inspect(engine, "e1", got_exec, got);
	case 6:
		return engine_about(engine, got_about, got);
	default:
		return engine_image_list(engine, got_json, got);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_answer answers[] = {VERSION, {.path = "", .then = FAKE_CLOSE}};
	struct got got = {0};
	struct engine_op *op;

	if (size < 3)
		return 0;
	answers[1].bytes = (const char *)data + 2;
	answers[1].size = size - 2;
	answers[1].cut = data[1];
	{
		SCENE(answers);
		op = data[0] % 16 < 8 ? ask_stream(scene.engine, data[0], &got)
				      : ask_answer(scene.engine, data[0], &got);
		if (data[0] % 32 == 3)
			engine_write_end(op);
		scene_wait(&scene, &got, 1);
	}
	return 0;
}
