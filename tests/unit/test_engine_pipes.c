/* The contract of both engines for what goes both ways: exec, attach, archives. */
#include <errno.h>
#include <stdlib.h>

#include "common/docker/engine_mem.h"
#include "common/docker/engine_pipe.h"
#include "tests/lib/contract.h"

enum { BLOCK = 512, MANY = 3000000 };

/* What came through a pipe. */
struct flow {
	struct got got; /* for the end */
	uint8_t bytes[8 * BLOCK];
	size_t n_bytes; /* all; the first of them are in bytes */
	bool is_slow;   /* stands still after each piece */
	unsigned n_stops;
};

static bool
on_data(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct flow *flow = arg;
	size_t room = flow->n_bytes < sizeof flow->bytes ? sizeof flow->bytes - flow->n_bytes : 0;

	(void)stream;
	memcpy(flow->bytes + (sizeof flow->bytes - room), data, size < room ? size : room);
	flow->n_bytes += size;
	flow->n_stops += flow->is_slow;
	return !flow->is_slow;
}

static void
on_open(void *arg)
{
	got_open(&((struct flow *)arg)->got);
}

static void
on_done(const struct err *err, void *arg)
{
	got_done(err, &((struct flow *)arg)->got);
}

static struct engine_pipe
pipe_of(struct flow *flow)
{
	return (struct engine_pipe){.on_data = on_data,
		.on_open = on_open,
		.done = on_done,
		.arg = flow};
}

/* A container that runs on; its id is in the got. */
static struct got
run_box(struct stage *stage, const char *name)
{
	struct got run;

	stage_run(stage, name, stage_body(stage, "[\"sleep\",\"1000\"]", "", ""), &run);
	return run;
}

/* The exec of that command, not started yet. */
static struct got
exec_of(struct stage *stage, const struct got *box, const char *command, bool has_stdin)
{
	struct got exec = {0};
	char body[512];

	(void)snprintf(body, sizeof body,
		"{\"Cmd\":%s,\"AttachStdin\":%s,\"AttachStdout\":true,\"AttachStderr\":true}",
		command, has_stdin ? "true" : "false");
	engine_exec_create(stage->engine, box->id, body, got_id, &exec);
	stage_wait(stage, &exec, 1);
	return exec;
}

static void
wait_open(struct stage *stage, const struct flow *flow)
{
	for (unsigned i = 0; i < 6000 && flow->got.n_opened == 0; i++)
		stage_turn(stage);
	CHECK_EQ(flow->got.n_opened, 1);
}

static struct engine_exec
end_of(struct stage *stage, const struct got *exec)
{
	struct got got = {0};

	engine_exec_inspect(stage->engine, exec->id, got_exec, &got);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	return got.exec;
}

TEST_ENGINE(exec_tells_what_the_command_prints_and_its_code)
{
	struct got box = run_box(stage, "exec"), exec;
	static struct flow flow, other;
	struct engine_pipe pipe = pipe_of(&flow), end = pipe_of(&other);

	flow = other = (struct flow){0};
	exec = exec_of(stage, &box, "[\"echo\",\"one\",\"two\"]", false);
	CHECK_OK(exec.err.code, &exec.err);
	engine_exec_start(stage->engine, exec.id, false, &pipe);
	stage_wait(stage, &flow.got, 1);
	CHECK_OK(flow.got.err.code, &flow.got.err);
	CHECK_EQ(flow.got.n_opened, 1);
	CHECK_STR((char *)flow.bytes, "one two\n");
	exec = exec_of(stage, &box, "[\"sh\",\"-c\",\"exit 3\"]", false);
	engine_exec_start(stage->engine, exec.id, false, &end);
	stage_wait(stage, &other.got, 1);
	CHECK(!end_of(stage, &exec).is_running);
	CHECK_EQ(end_of(stage, &exec).exit_code, 3);
}

TEST_ENGINE(exec_reads_what_is_written_until_its_end)
{
	static const char words[] = "a\0b\xff\n";
	struct got box = run_box(stage, "cat"), exec = exec_of(stage, &box, "[\"cat\"]", true);
	static struct flow flow;
	struct engine_pipe pipe = pipe_of(&flow);
	struct engine_op *op;

	flow = (struct flow){0};
	op = engine_exec_start(stage->engine, exec.id, false, &pipe);
	wait_open(stage, &flow);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(engine_write(op, words, sizeof words - 1), sizeof words - 1);
	engine_write_end(op);
	stage_wait(stage, &flow.got, 1);
	CHECK_OK(flow.got.err.code, &flow.got.err);
	CHECK_EQ(flow.n_bytes, 3 * (sizeof words - 1));
	CHECK_EQ(memcmp(flow.bytes + sizeof words - 1, words, sizeof words - 1), 0);
	CHECK_EQ(end_of(stage, &exec).exit_code, 0);
}

TEST_ENGINE(exec_stands_still_while_its_reader_does)
{
	struct got box = run_box(stage, "slow"),
		   exec = exec_of(stage, &box,
			   "[\"busybox\",\"head\",\"-c\",\"3000000\",\"/dev/zero\"]", false);
	static struct flow flow;
	struct engine_pipe pipe = pipe_of(&flow);
	struct engine_op *op;
	size_t before;

	flow = (struct flow){.is_slow = true};
	op = engine_exec_start(stage->engine, exec.id, false, &pipe);
	while (flow.n_stops == 0)
		stage_turn(stage);
	before = flow.n_bytes;
	for (unsigned i = 0; i < 20; i++)
		stage_turn(stage);
	CHECK_EQ(flow.n_bytes, before);
	CHECK_EQ(flow.got.n, 0);
	flow.is_slow = false;
	engine_resume(op);
	stage_wait(stage, &flow.got, 1);
	CHECK_OK(flow.got.err.code, &flow.got.err);
	CHECK_EQ(flow.n_bytes, MANY);
}

TEST_ENGINE(exec_says_no)
{
	struct got box = run_box(stage, "no"), exec, ended, done = {0};
	static struct flow flow, unknown;
	struct engine_pipe pipe = pipe_of(&flow), other = pipe_of(&unknown);

	flow = unknown = (struct flow){0};
	exec = exec_of(stage, &box, "[\"no-such-program\"]", false);
	engine_exec_start(stage->engine, exec.id, false, &pipe);
	stage_wait(stage, &flow.got, 1);
	CHECK(flow.got.err.code < 0 || end_of(stage, &exec).exit_code >= 126);
	engine_exec_start(stage->engine, "0123456789", false, &other);
	stage_wait(stage, &unknown.got, 1);
	CHECK_EQ(unknown.got.err.code, -ENOENT);
	engine_container_kill(stage->engine, box.id, "KILL", got_done, &done);
	stage_wait(stage, &done, 1);
	while (stage_inspect(stage, box.id).container.status != ENGINE_EXITED)
		stage_turn(stage);
	ended = exec_of(stage, &box, "[\"true\"]", false);
	CHECK_EQ(ended.err.code, -EBUSY);
}

TEST_ENGINE(many_execs_at_once_do_not_mix)
{
	enum { N = 10 };
	struct got box = run_box(stage, "many");
	static struct flow flows[N];
	struct engine_pipe pipes[N];
	char command[64], want[32];

	for (unsigned i = 0; i < N; i++) {
		struct got exec;

		flows[i] = (struct flow){0};
		(void)snprintf(command, sizeof command, "[\"echo\",\"number %u\"]", i);
		exec = exec_of(stage, &box, command, false);
		pipes[i] = pipe_of(&flows[i]);
		engine_exec_start(stage->engine, exec.id, false, &pipes[i]);
	}
	for (unsigned i = 0; i < N; i++) {
		stage_wait(stage, &flows[i].got, 1);
		(void)snprintf(want, sizeof want, "number %u\n", i);
		CHECK_STR((char *)flows[i].bytes, want);
	}
}

TEST_ENGINE(attach_ends_with_its_container)
{
	struct got box = run_box(stage, "attach"), done = {0};
	static struct flow flow;
	struct engine_pipe pipe = pipe_of(&flow);

	flow = (struct flow){0};
	engine_attach(stage->engine, box.id, false, &pipe);
	wait_open(stage, &flow);
	CHECK_EQ(flow.got.n, 0);
	engine_container_kill(stage->engine, box.id, "KILL", got_done, &done);
	stage_wait(stage, &flow.got, 1);
	CHECK_OK(flow.got.err.code, &flow.got.err);
}

/* A tar archive of one file. */
static void
make_archive(uint8_t archive[4 * BLOCK], const char *name, const char *text)
{
	unsigned sum = 0;
	char *head = (char *)archive;

	memset(archive, 0, 4 * BLOCK);
	(void)snprintf(head, 100, "%s", name);
	(void)snprintf(head + 100, 8, "%07o", 0644);
	(void)snprintf(head + 108, 8, "%07o", 0);
	(void)snprintf(head + 116, 8, "%07o", 0);
	(void)snprintf(head + 124, 12, "%011o", (unsigned)strlen(text));
	(void)snprintf(head + 136, 12, "%011o", 0);
	memset(head + 148, ' ', 8);
	head[156] = '0';
	memcpy(head + 257, "ustar\00000", 8);
	for (unsigned i = 0; i < BLOCK; i++)
		sum += archive[i];
	(void)snprintf(head + 148, 8, "%06o", sum);
	memcpy(archive + BLOCK, text, strlen(text));
}

TEST_ENGINE(archives_go_in_and_come_out)
{
	struct got box = run_box(stage, "tar"), seen = {0}, missing = {0};
	static struct flow in, out;
	struct engine_pipe put = pipe_of(&in), get = pipe_of(&out);
	uint8_t archive[4 * BLOCK];
	struct engine_op *op;

	in = out = (struct flow){0};
	make_archive(archive, "file", "the payload");
	op = engine_archive_put(stage->engine, box.id, "/", &put);
	wait_open(stage, &in);
	CHECK_EQ(engine_write(op, archive, sizeof archive), sizeof archive);
	engine_write_end(op);
	stage_wait(stage, &in.got, 1);
	CHECK_OK(in.got.err.code, &in.got.err);
	engine_archive_get(stage->engine, box.id, "/file", &get);
	stage_wait(stage, &out.got, 1);
	CHECK_OK(out.got.err.code, &out.got.err);
	CHECK(out.n_bytes >= 2 * BLOCK);
	CHECK_EQ(memcmp(out.bytes + BLOCK, "the payload", 11), 0);
	engine_path_stat(stage->engine, box.id, "/file", got_path, &seen);
	stage_wait(stage, &seen, 1);
	CHECK_OK(seen.err.code, &seen.err);
	CHECK(!seen.path.is_directory);
	CHECK(seen.path.size_bytes > 0);
	engine_path_stat(stage->engine, box.id, "/nosuch", got_path, &missing);
	stage_wait(stage, &missing, 1);
	CHECK_EQ(missing.err.code, -ENOENT);
}

TEST_ENGINE(a_pipe_that_is_given_up_ends_once)
{
	struct got box = run_box(stage, "cancel"), exec = exec_of(stage, &box, "[\"cat\"]", true);
	static struct flow flow;
	struct engine_pipe pipe = pipe_of(&flow);
	struct engine_op *op;

	flow = (struct flow){0};
	op = engine_exec_start(stage->engine, exec.id, false, &pipe);
	wait_open(stage, &flow);
	engine_cancel(op);
	CHECK_EQ(flow.got.n, 0);
	stage_wait(stage, &flow.got, 1);
	CHECK_EQ(flow.got.err.code, -ECANCELED);
	for (unsigned i = 0; i < 20; i++)
		stage_turn(stage);
	CHECK_EQ(flow.got.n, 1);
}
