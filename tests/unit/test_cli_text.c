#include "services/cli/cli_text.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/cleanup.h"
#include "tests/lib/cli_world.h"

enum { NOW_MS = CLI_WORLD_NOW_MS };

static const char *
state_of(const Davit__Task *task, struct buf *buf)
{
	buf_reset(buf);
	cli_text_task_state(task, NOW_MS, buf);
	return buf_text(buf);
}

TEST(cli_text_width_counts_columns_and_fit_cuts_between_characters)
{
	CHECK_EQ(cli_text_width("M\xc3\xbc\xc3\xbc\xe4\xb8\xad"), 5);
	CHECK_EQ(cli_text_fit("\xc3\xbc\xe4\xb8\xad", 2), 2);
	CHECK_EQ(cli_text_fit("\xc3\xbc\xe4\xb8\xad", 3), 5);
	CHECK_EQ(cli_text_fit("abc", 0), 0);
}

TEST(cli_text_clean_takes_the_teeth_from_foreign_words)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	cli_text_clean("a\x1b[2Jb\nc\xff\xe2\x80\xae!", &buf);
	CHECK_STR(buf_text(&buf), "a [2Jb c\xef\xbf\xbd !");
}

TEST(cli_text_age_has_no_fractions_and_no_future)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	cli_text_age(NOW_MS, NOW_MS - 200900, &buf);
	buf_puts(&buf, " ");
	cli_text_age(NOW_MS, NOW_MS - 400, &buf);
	buf_puts(&buf, " ");
	cli_text_age(NOW_MS, NOW_MS + 5000, &buf);
	CHECK_STR(buf_text(&buf), "3m20s 0s 0s");
}

TEST(cli_text_time_is_local_and_has_milliseconds)
{
	char text[CLI_TIME_SIZE];

	CHECK_EQ(setenv("TZ", "UTC", 1), 0);
	tzset();
	CHECK_STR(cli_text_time(1767225909123, text), "2026-01-01 00:05:09.123");
}

TEST(cli_ids_short_is_as_short_as_it_can_be)
{
	static const char *const ids[] = {"0198c0de-0002-7000", "0198c0de-0001-7abc",
		"0198c0de-0001-7abd", "0198c0de-0003-7000", "0198c0de-0003x7000",
		"0198c0de-0002-7000"};
	static const int want[] = {13, 18, 18, 15, 14, 13};
	int *lengths = cli_ids_short(ids, 6);

	for (size_t i = 0; i < 6; i++)
		CHECK_EQ(lengths[i], want[i]);
	free(lengths);
	lengths = cli_ids_short(ids, 0);
	free(lengths);
}

TEST(cli_text_task_state_says_phase_where_it_tells_more)
{
	CLEANUP(buf_fini) struct buf buf = {0};
	Davit__Task task = cli_world_task();

	CHECK_STR(state_of(&task, &buf), "RUNNING 3m20s");
	task.phase = DAVIT__TASK__PHASE__HEALTHY;
	CHECK_STR(state_of(&task, &buf), "RUNNING (healthy) 3m20s");
	task.state = DAVIT__TASK__STATE__PENDING;
	task.phase = DAVIT__TASK__PHASE__QUEUED;
	CHECK_STR(state_of(&task, &buf), "PENDING 5m");
	task.state = DAVIT__TASK__STATE__SCHEDULED;
	task.phase = DAVIT__TASK__PHASE__PULLING;
	task.has_scheduled_ms = 1;
	task.scheduled_ms = NOW_MS - 2000;
	CHECK_STR(state_of(&task, &buf), "SCHEDULED (pulling) 2s");
}

TEST(cli_text_task_state_says_how_it_ended)
{
	CLEANUP(buf_fini) struct buf buf = {0};
	Davit__Task task = cli_world_task();

	task.state = DAVIT__TASK__STATE__FAILED;
	task.phase = DAVIT__TASK__PHASE__EXITED;
	task.has_finished_ms = task.has_exit_code = 1;
	task.finished_ms = NOW_MS - 125000;
	task.exit_code = 3;
	CHECK_STR(state_of(&task, &buf), "FAILED (exit 3) 2m5s ago");
	task.has_oom_killed = task.oom_killed = 1;
	CHECK_STR(state_of(&task, &buf), "FAILED (out of memory) 2m5s ago");
	task.state = DAVIT__TASK__STATE__COMPLETED;
	task.phase = DAVIT__TASK__PHASE__STOPPED;
	CHECK_STR(state_of(&task, &buf), "COMPLETED (stopped) 2m5s ago");
	task.state = (Davit__Task__State)99; /* of a manager that is newer than this program */
	task.phase = (Davit__Task__Phase)99;
	CHECK_STR(state_of(&task, &buf), "? 5m");
}

TEST(cli_text_task_ports_are_as_docker_shows_them)
{
	CLEANUP(buf_fini) struct buf buf = {0};
	Davit__PortMapping six = DAVIT__PORT_MAPPING__INIT, open = DAVIT__PORT_MAPPING__INIT;
	Davit__Task task = cli_world_task();
	Davit__PortMapping *ports[] = {task.ports[0], &six, &open};
	char address[] = "::1";

	six.has_host_port = 1;
	six.host_port = 53;
	six.container_port = 53;
	six.protocol = DAVIT__PORT__PROTOCOL__UDP;
	six.host_address = address;
	open.container_port = 9;
	open.protocol = DAVIT__PORT__PROTOCOL__SCTP;
	task.ports = ports;
	task.n_ports = 3;
	cli_text_task_ports(&task, &buf);
	CHECK_STR(buf_text(&buf), "0.0.0.0:30001->80/tcp, [::1]:53->53/udp, 9/sctp");
}

TEST(cli_text_parts_for_nodes)
{
	CLEANUP(buf_fini) struct buf buf = {0};
	Davit__Node node = DAVIT__NODE__INIT;
	Davit__StringEntry one = DAVIT__STRING_ENTRY__INIT, other = DAVIT__STRING_ENTRY__INIT;
	Davit__StringEntry *entries[] = {&one, &other};
	char disk[] = "disk", ssd[] = "ssd", bare[] = "bare";

	node.state = DAVIT__NODE__STATE__READY;
	node.draining = 1;
	cli_text_node_state(&node, &buf);
	CHECK_STR(buf_text(&buf), "ready, draining");
	buf_reset(&buf);
	cli_text_cpu_of(1500, 4000, &buf);
	buf_puts(&buf, " ");
	cli_text_bytes_of(512 << 20, 0, &buf);
	CHECK_STR(buf_text(&buf), "1.5/4 512MiB/-");
	buf_reset(&buf);
	one.key = disk;
	one.value = ssd;
	other.key = bare;
	cli_text_entries(entries, 2, &buf);
	CHECK_STR(buf_text(&buf), "disk=ssd,bare=");
}

TEST(cli_text_parse_seconds_takes_numbers_as_seconds_and_units_as_they_are)
{
	struct err err = {0};
	uint64_t ms = 7;

	CHECK_OK(cli_text_parse_seconds("30", &ms, &err), &err);
	CHECK_EQ(ms, 30000);
	CHECK_OK(cli_text_parse_seconds("1m30s", &ms, &err), &err);
	CHECK_EQ(ms, 90000);
	CHECK_OK(cli_text_parse_seconds("0", &ms, &err), &err);
	CHECK_EQ(ms, 0);
	CHECK(cli_text_parse_seconds("", &ms, &err) < 0);
	CHECK(cli_text_parse_seconds("-1", &ms, &err) < 0);
	CHECK(cli_text_parse_seconds("99999999999", &ms, &err) < 0);
}

TEST(cli_text_parse_moment_takes_ages_and_dates)
{
	struct err err = {0};
	uint64_t ms = 0;

	CHECK_OK(cli_text_parse_moment("10m", 1700000000000, &ms, &err), &err);
	CHECK_EQ(ms, 1700000000000 - 600000);
	CHECK_OK(cli_text_parse_moment("1700000000", 0, &ms, &err), &err);
	CHECK_EQ(ms, 1700000000000);
	CHECK_OK(cli_text_parse_moment("2026-01-01T00:05:09Z", 0, &ms, &err), &err);
	CHECK_EQ(ms, 1767225909000);
	CHECK_OK(cli_text_parse_moment("2026-01-01T02:05:09.5+02:00", 0, &ms, &err), &err);
	CHECK_EQ(ms, 1767225909000);
	CHECK_OK(cli_text_parse_moment("2d", 1000, &ms, &err), &err);
	CHECK_EQ(ms, 0);
	CHECK_EQ(cli_text_parse_moment("yesterday", 0, &ms, &err), -EINVAL);
	CHECK_HAS(err.text, "10m");
	CHECK_EQ(cli_text_parse_moment("2026-01-01T00:05:09+2", 0, &ms, &err), -EINVAL);
}
