/* The record of a task: what is written is what is read, and damage is seen or harmless. */
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "proto/worker.pb-c.h"
#include "services/manager/model.h"
#include "services/manager/task_record.h"
#include "tests/lib/test.h"

static const struct id task_id = {0x0192345678907abc, 0x8def012345678900};
static const struct id node_id = {0x0192345678907fff, 0xbdef012345678901};

/* A task of an array, with everything that a record can say. */
struct fixture {
	Davit__TaskSpec spec_message;
	struct spec spec;
	struct group group;
	struct node node;
	struct task task;
	uint16_t ports[2];
};

static void
fill(struct fixture *fixture)
{
	*fixture = (struct fixture){.ports = {80, 30001}};
	davit__task_spec__init(&fixture->spec_message);
	fixture->spec_message.n_ports = 2;
	fixture->spec.spec = &fixture->spec_message;
	fixture->group.spec = &fixture->spec;
	fixture->node.id = node_id;
	fixture->task = (struct task){.id = task_id,
		.group = &fixture->group,
		.index = 77,
		.attempt = 3,
		.state = TASK_FAILED,
		.phase = DAVIT__TASK__PHASE__EXITED,
		.desired = DAVIT__TASK__DESIRED__STOP,
		.observed = DAVIT__TASK_REPORT__OBSERVED__ENDED,
		.on_node = true,
		.is_preempted = true,
		.has_exit_code = true,
		.exit_code = -9,
		.has_stop_timeout = true,
		.stop_timeout_ms = 1234,
		.restart_count = 300,
		.node = &fixture->node,
		.message = (char *)(uintptr_t) "exited with code -9",
		.container_id = (char *)(uintptr_t) "0123456789abcdef",
		.host_ports = fixture->ports,
		.scheduled_ms = 1700000000000,
		.started_ms = 1700000000001,
		.finished_ms = UINT64_MAX,
		.version = 9,
		.replaced_by = node_id};
}

TEST(task_record_says_what_was_written)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	Davit__TaskUsage usage = DAVIT__TASK_USAGE__INIT;
	struct fixture fixture;
	struct task_record record;
	const Davit__TaskRecord *says = &record.says;
	const uint8_t *data;
	size_t size;

	fill(&fixture);
	usage.has_n_samples = true;
	usage.n_samples = 5;
	data = task_record_encode(&fixture.task, &usage, &arena, &size);
	CHECK(task_record_is_compact(data, size));
	CHECK(task_record_decode(data, size, &record));
	CHECK(says->has_state && says->state == DAVIT__TASK__STATE__FAILED);
	CHECK_EQ(says->phase, DAVIT__TASK__PHASE__EXITED);
	CHECK_EQ(says->desired, DAVIT__TASK__DESIRED__STOP);
	CHECK_EQ(says->observed, DAVIT__TASK_REPORT__OBSERVED__ENDED);
	CHECK(says->on_node && says->preempted && !says->holds && !says->paused);
	CHECK(says->has_exit_code && says->exit_code == -9);
	CHECK(says->has_stop_timeout_ms && says->stop_timeout_ms == 1234);
	CHECK(says->index == 77 && says->attempt == 3 && says->restart_count == 300);
	CHECK(id_equal(record.node, node_id) && id_equal(record.replaced_by, node_id));
	CHECK(strcmp(says->message, "exited with code -9") == 0);
	CHECK(strcmp(says->container_id, "0123456789abcdef") == 0);
	CHECK(says->n_host_ports == 2 && says->host_ports[1] == 30001);
	CHECK(says->scheduled_ms == 1700000000000 && says->finished_ms == UINT64_MAX);
	CHECK(says->version == 9 && says->usage != NULL && says->usage->n_samples == 5);
	davit__task_usage__free_unpacked(says->usage, NULL);
}

TEST(task_record_of_what_just_started_is_small)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	struct fixture fixture;
	struct task_record record;
	const uint8_t *data;
	size_t size;

	fill(&fixture);
	fixture.task = (struct task){.id = task_id,
		.group = &fixture.group,
		.state = TASK_SCHEDULED,
		.node = &fixture.node,
		.on_node = true,
		.holds = true,
		.scheduled_ms = 1700000000000};
	data = task_record_encode(&fixture.task, NULL, &arena, &size);
	CHECK(size < 50);
	CHECK(task_record_decode(data, size, &record));
	CHECK(record.says.holds && record.says.message == NULL && record.says.usage == NULL);
	CHECK(task_record_decode(task_record_gone, sizeof task_record_gone, &record));
	CHECK(!record.says.has_state);
	CHECK(!task_record_is_compact("\x0a\x01", 2)); /* as a protobuf record begins */
	CHECK(!task_record_is_compact("", 0));
}

TEST(task_record_that_was_cut_or_changed_is_refused_or_within_its_ranges)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	Davit__TaskUsage usage = DAVIT__TASK_USAGE__INIT;
	struct fixture fixture;
	struct task_record record;
	const uint8_t *data;
	size_t size;

	fill(&fixture);
	data = task_record_encode(&fixture.task, &usage, &arena, &size);
	for (size_t cut = 2; cut < size; cut++) {
		CLEANUP(free) char *copy = xmalloc(cut); /* asan sees what is read behind it */

		memcpy(copy, data, cut);
		CHECK(!task_record_decode(copy, cut, &record));
	}
	for (size_t at = 1; at < size; at++) {
		CLEANUP(free) char *copy = xmalloc(size);

		for (int value = 0; value < 256; value++) {
			memcpy(copy, data, size);
			copy[at] = (char)value;
			if (!task_record_decode(copy, size, &record))
				continue;
			CHECK(record.says.state <= DAVIT__TASK__STATE__FAILED);
			CHECK(record.says.n_host_ports <= SPEC_PORTS_MAX);
			if (record.says.usage != NULL)
				davit__task_usage__free_unpacked(record.says.usage, NULL);
		}
	}
}
