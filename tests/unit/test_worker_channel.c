/* Bytes to and from a node's engine, by questions that may come twice or never. */
#include "services/worker/channel.h"
#include "tests/lib/worker_world.h"

#define OBS(x)    DAVIT__TASK_REPORT__OBSERVED__##x
#define STATUS(x) DAVIT__REPLY__STATUS__##x
#define CHANNEL   "01890000-0000-7000-8000-00000000aaaa.c1"

static struct world world;
static struct world_spec spec;
static uint64_t last_id;
static char task_id[ID_TEXT_SIZE];

static void
begin(void)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	id_format(world_id(1), task_id);
	world_expect(&world, task, OBS(RUNNING), 5000);
}

/* The answer is world.answer. */
static const Davit__QueryAnswer *
ask(Davit__Query *query)
{
	query->id = ++last_id;
	world_ask(&world, query, 70000);
	CHECK_EQ(world.answer->id, query->id);
	return world.answer;
}

static const Davit__QueryAnswer *
open_exec(const char *name, const char *command, bool has_stdin)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChannelQuery open = DAVIT__CHANNEL_QUERY__INIT;
	Davit__ExecOptions exec = DAVIT__EXEC_OPTIONS__INIT;
	char *words[] = {(char *)(uintptr_t)command};

	open.channel = (char *)(uintptr_t)name;
	open.task_id = task_id;
	open.exec = &exec;
	exec.command = words;
	exec.n_command = 1;
	exec.has_stdin = true;
	exec.stdin = has_stdin;
	query.open = &open;
	return ask(&query);
}

static const Davit__QueryAnswer *
open_copy_in(const char *path)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChannelQuery open = DAVIT__CHANNEL_QUERY__INIT;
	Davit__CopyInOptions in = DAVIT__COPY_IN_OPTIONS__INIT;

	open.channel = CHANNEL;
	open.task_id = task_id;
	open.copy_in = &in;
	in.path = (char *)(uintptr_t)path;
	query.open = &open;
	return ask(&query);
}

static const Davit__QueryAnswer *
open_copy_out(const char *path)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChannelQuery open = DAVIT__CHANNEL_QUERY__INIT;
	Davit__CopyOutOptions out = DAVIT__COPY_OUT_OPTIONS__INIT;

	open.channel = CHANNEL;
	open.task_id = task_id;
	open.copy_out = &out;
	out.path = (char *)(uintptr_t)path;
	query.open = &open;
	return ask(&query);
}

static const Davit__QueryAnswer *
read_at(uint64_t offset, uint32_t max_bytes, uint64_t wait_ms)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ReadChannelRequest read = DAVIT__READ_CHANNEL_REQUEST__INIT;

	read.channel = CHANNEL;
	read.has_offset = read.has_max_bytes = read.has_wait_ms = true;
	read.offset = offset;
	read.max_bytes = max_bytes;
	read.wait_ms = wait_ms;
	query.read = &read;
	return ask(&query);
}

static const Davit__QueryAnswer *
write_at(uint64_t offset, const char *text, bool end)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__WriteChannelRequest write = DAVIT__WRITE_CHANNEL_REQUEST__INIT;

	write.channel = CHANNEL;
	write.has_offset = write.has_data = write.has_end = true;
	write.offset = offset;
	write.data.data = (uint8_t *)(uintptr_t)text;
	write.data.len = strlen(text);
	write.end = end;
	query.write = &write;
	return ask(&query);
}

static void
close_channel(void)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__CloseChannelRequest close = DAVIT__CLOSE_CHANNEL_REQUEST__INIT;

	close.channel = CHANNEL;
	query.close = &close;
	CHECK(ask(&query)->close != NULL);
}

/* What a reading answered, as text. */
static const char *
text_of(const Davit__QueryAnswer *answer)
{
	static char text[4096];
	size_t n = 0;

	CHECK(answer->read != NULL);
	for (size_t i = 0; i < answer->read->n_chunks; i++) {
		const ProtobufCBinaryData *data = &answer->read->chunks[i]->data;

		CHECK(n + data->len < sizeof text);
		memcpy(text + n, data->data, data->len);
		n += data->len;
	}
	text[n] = '\0';
	return text;
}

TEST(worker_channel_runs_a_command_and_tells_its_code)
{
	begin();
	CHECK(open_exec(CHANNEL, "echo hello", false)->open != NULL);
	CHECK_STR(world.answer->open->channel, CHANNEL);
	CHECK_STR(text_of(read_at(0, 3, 1000)), "hel");
	CHECK_STR(text_of(read_at(3, 0, 1000)), "lo\n");
	while (!world.answer->read->end)
		CHECK_STR(text_of(read_at(6, 0, 1000)), "");
	CHECK(world.answer->read->has_exit_code);
	CHECK_EQ(world.answer->read->exit_code, 0);
	close_channel();
	close_channel(); /* the second finds nothing, and that is well */
	CHECK_EQ(read_at(6, 0, 0)->status, STATUS(NOT_FOUND));
	world_fini(&world);
}

TEST(worker_channel_gives_the_same_bytes_again_until_the_reader_goes_on)
{
	begin();
	(void)open_exec(CHANNEL, "echo hello", false);
	CHECK_STR(text_of(read_at(0, 0, 1000)), "hello\n");
	CHECK_STR(text_of(read_at(0, 0, 1000)), "hello\n");
	CHECK_STR(text_of(read_at(2, 0, 1000)), "llo\n");
	CHECK_EQ(read_at(1, 0, 0)->status, STATUS(OUT_OF_RANGE));
	CHECK_EQ(read_at(7, 0, 0)->status, STATUS(OUT_OF_RANGE));
	world_fini(&world);
}

TEST(worker_channel_takes_each_byte_of_input_once)
{
	begin();
	(void)open_exec(CHANNEL, "cat", true);
	CHECK_EQ(write_at(0, "abc", false)->write->offset, 3);
	CHECK_EQ(write_at(0, "abc", false)->write->offset, 3); /* sent again */
	CHECK_EQ(write_at(1, "bcde", false)->write->offset, 5);
	CHECK_EQ(write_at(9, "x", false)->status, STATUS(OUT_OF_RANGE));
	CHECK_EQ(write_at(5, "\n", true)->write->offset, 6);
	CHECK_EQ(write_at(5, "\n", true)->write->offset, 6);
	CHECK_EQ(write_at(6, "late", false)->status, STATUS(FAILED_PRECONDITION));
	while (world.answer->read == NULL || world.answer->read->n_chunks == 0 ||
		world.answer->read->offset < 6)
		(void)read_at(0, 0, 1000);
	CHECK_STR(text_of(world.answer), "abcde\n");
	world_fini(&world);
}

TEST(worker_channel_opens_once_when_it_is_asked_twice)
{
	begin();
	(void)open_exec(CHANNEL, "cat", true);
	CHECK_EQ(write_at(0, "abc", false)->write->offset, 3);
	CHECK(open_exec(CHANNEL, "cat", true)->open != NULL);
	CHECK_EQ(write_at(3, "d", false)->write->offset, 4); /* it is the same one */
	CHECK_EQ(HASH_COUNT(world.worker->channels), 1);
	world_fini(&world);
}

TEST(worker_channel_reads_no_more_of_the_engine_than_it_may_keep)
{
	struct worker_channel *channel;
	uint64_t offset = 0;

	begin();
	(void)open_exec(CHANNEL, "flood 5000000", false);
	world_run(&world, 3000);
	channel = world.worker->channels;
	CHECK(channel->is_paused);
	CHECK(channel->out.size >= WORKER_CHANNEL_BYTES_MAX);
	CHECK(channel->out.size < WORKER_CHANNEL_BYTES_MAX + (1 << 17));
	do {
		CHECK(read_at(offset, 0, 1000)->read != NULL);
		CHECK(world.answer->read->offset - offset <= WORKER_CHANNEL_BYTES_MAX);
		offset = world.answer->read->offset;
		CHECK(channel->out.size < WORKER_CHANNEL_BYTES_MAX + (1 << 17));
	} while (!world.answer->read->end);
	CHECK_EQ(offset, 5000000);
	world_fini(&world);
}

TEST(worker_channel_bounds_how_often_the_streams_alternate)
{
	struct worker_channel *channel;

	begin();
	(void)open_exec(CHANNEL, "sleep", false);
	channel = world.worker->channels;
	for (unsigned i = 0; i + 1 < WORKER_CHANNEL_RUNS_MAX; i++)
		CHECK(worker_channel_put(channel, i % 2 ? ENGINE_STDERR : ENGINE_STDOUT, "x", 1));
	CHECK(!worker_channel_put(channel, ENGINE_STDERR, "x", 1));
	CHECK_EQ(read_at(0, 0, 0)->read->n_chunks, WORKER_CHANNEL_RUNS_MAX);
	world_fini(&world);
}

TEST(worker_channel_says_why_it_does_not_open)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChannelQuery open = DAVIT__CHANNEL_QUERY__INIT;
	Davit__AttachOptions attach = DAVIT__ATTACH_OPTIONS__INIT;

	begin();
	open.channel = CHANNEL;
	open.task_id = task_id;
	query.open = &open;
	CHECK_EQ(ask(&query)->status, STATUS(INVALID_ARGUMENT)); /* of no kind */
	CHECK_EQ(open_copy_out("/nosuch")->status, STATUS(NOT_FOUND));
	id_format(world_id(9), task_id);
	open.attach = &attach;
	CHECK_EQ(ask(&query)->status, STATUS(FAILED_PRECONDITION));
	CHECK_HAS(world.answer->error, "gone");
	CHECK_EQ(HASH_COUNT(world.worker->channels), 0);
	world_fini(&world);
}

TEST(worker_channel_copies_in_and_out)
{
	begin();
	/* /data is a file here */
	CHECK_EQ(open_copy_in("/data/x")->status, STATUS(FAILED_PRECONDITION));
	CHECK(open_copy_in("/data/")->open != NULL);
	CHECK(world.answer->open->is_directory);
	CHECK_STR(world.answer->open->directory, "/data/");
	CHECK_EQ(write_at(0, "archive", true)->write->offset, 7);
	do
		(void)read_at(0, 0, 1000);
	while (!world.answer->read->end);
	CHECK(world.answer->read->error == NULL);
	close_channel();
	CHECK(open_copy_out("/data/")->open != NULL);
	CHECK_STR(text_of(read_at(0, 0, 1000)), "archive");
	world_fini(&world);
}

/* Somebody who copies slowly, or no more, keeps no task from ending. */
TEST(worker_channel_of_a_copy_ends_when_the_task_is_stopped)
{
	begin();
	CHECK(open_copy_in("/data/")->open != NULL);
	CHECK_EQ(write_at(0, "part of an archive", false)->write->offset, 18);
	CHECK(!read_at(0, 0, 0)->read->end);
	world_want(&world, &world.tasks[0], DAVIT__TASK__DESIRED__STOP);
	world_expect(&world, &world.tasks[0], OBS(ENDED), 30000);
	CHECK(read_at(0, 0, 0)->read->end);
	CHECK_HAS(world.answer->read->error, "stopped or removed");
	world_fini(&world);
}

TEST(worker_channel_pulls_and_tells_progress)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChannelQuery open = DAVIT__CHANNEL_QUERY__INIT;
	Davit__PullOptions pull = DAVIT__PULL_OPTIONS__INIT;

	begin();
	open.channel = CHANNEL;
	open.pull = &pull;
	pull.image = "missing:1s";
	query.open = &open;
	CHECK(ask(&query)->open != NULL);
	CHECK_STR(text_of(read_at(0, 0, 5000)),
		"0 1 0 0 0 of 1 layers\n0 1 1024 4096 0 of 1 layers, 1KiB of 4KiB\n");
	do
		(void)read_at(64, 0, 1000);
	while (!world.answer->read->end);
	CHECK(world.answer->read->error == NULL);
	close_channel();
	pull.image = "nosuch:1";
	(void)ask(&query);
	do
		(void)read_at(0, 0, 1000);
	while (world.answer->read != NULL && !world.answer->read->end);
	if (world.answer->read != NULL)
		CHECK_HAS(world.answer->read->error, "manifest unknown");
	else
		CHECK_EQ(world.answer->status, STATUS(NOT_FOUND));
	world_fini(&world);
}

TEST(worker_channel_is_given_up_when_nobody_asks)
{
	begin();
	(void)open_exec(CHANNEL, "cat", true);
	CHECK_STR(text_of(read_at(0, 0, 2000)), "");
	world_run(&world, WORKER_CHANNEL_IDLE_MS - 5000);
	CHECK_EQ(HASH_COUNT(world.worker->channels), 1);
	world_run(&world, 10000);
	CHECK_EQ(HASH_COUNT(world.worker->channels), 0);
	(void)open_exec(CHANNEL, "exit 3", false);
	world_run(&world, WORKER_CHANNEL_ENDED_MS + 5000);
	CHECK_EQ(HASH_COUNT(world.worker->channels), 0);
	world_fini(&world);
}

TEST(worker_channel_refuses_one_too_many)
{
	char name[64];

	begin();
	for (unsigned i = 0; i < WORKER_CHANNELS_MAX; i++) {
		(void)snprintf(name, sizeof name, "c%u", i);
		CHECK(open_exec(name, "sleep", false)->open != NULL);
	}
	CHECK_EQ(open_exec("one more", "sleep", false)->status, STATUS(RESOURCE_EXHAUSTED));
	CHECK_HAS(world.answer->error, "WORKER_CHANNELS_MAX");
	world_fini(&world);
}

TEST(worker_channel_is_gone_after_a_restart_of_the_worker)
{
	begin();
	(void)open_exec(CHANNEL, "cat", true);
	world_crash(&world);
	CHECK_EQ(read_at(0, 0, 0)->status, STATUS(NOT_FOUND));
	CHECK_HAS(world.answer->error, "started anew");
	world_fini(&world);
}
