/* What the manager makes of a store whose records are not as it wrote them. */
#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "proto/store.pb-c.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

static const char group_id[] = "018bcfe5-6800-7000-8000-000000000000";

static void
put(struct desk *desk, const char *key, const void *data, size_t size)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct err err = {0};

	store_batch_put(batch, key, data, size);
	CHECK_OK(store_commit(desk->store, batch, &err), &err);
}

static void
put_message(struct desk *desk, const char *key, const ProtobufCMessage *message)
{
	uint8_t *data = xmalloc(protobuf_c_message_get_packed_size(message));

	put(desk, key, data, protobuf_c_message_pack(message, data));
	free(data);
}

static int
load(struct desk *desk, struct err *err)
{
	manager_abort(desk->manager, "test");
	return manager_load(desk->manager, desk->store, desk->now, err);
}

static void
put_spec(struct desk *desk)
{
	Davit__SpecRecord record = DAVIT__SPEC_RECORD__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;

	spec.image = (char *)(uintptr_t) "demo";
	spec.namespace_ = (char *)(uintptr_t) "default";
	record.id = (char *)(uintptr_t)group_id;
	record.spec = &spec;
	put_message(desk, "spec/018bcfe5-6800-7000-8000-000000000000", &record.base);
}

static int
load_group(struct desk *desk, const char *key, uint32_t count, struct err *err)
{
	Davit__GroupRecord record = DAVIT__GROUP_RECORD__INIT;

	record.id = record.spec_id = (char *)(uintptr_t)group_id;
	record.name = (char *)(uintptr_t) "web";
	record.has_count = true;
	record.count = count;
	put_message(desk, key, &record.base);
	return load(desk, err);
}

TEST(manager_refuses_a_group_with_more_tasks_than_may_be)
{
	struct desk desk;
	struct err err = {0};

	desk_init(&desk);
	put_spec(&desk);
	CHECK_EQ(load_group(&desk, "group/018bcfe5-6800-7000-8000-000000000000", 2, &err), 0);
	CHECK_EQ(desk.manager->model.n_tasks, 2);
	CHECK_EQ(load_group(&desk, "group/018bcfe5-6800-7000-8000-000000000000",
			 MANAGER_ARRAY_MAX + 1, &err),
		-EUCLEAN);
	CHECK_HAS(err.text, "group/");
	CHECK_EQ(load_group(&desk, "group/018bcfe5-6800-7000-8000-000000000000", 0, &err),
		-EUCLEAN);
	desk_fini(&desk);
}

TEST(manager_refuses_a_record_under_the_key_of_another)
{
	struct desk desk;
	struct err err = {0};

	desk_init(&desk);
	put_spec(&desk);
	CHECK_EQ(load_group(&desk, "group/018bcfe5-6800-7000-8000-00000000abcd", 1, &err),
		-EUCLEAN);
	desk_fini(&desk);
}

TEST(manager_refuses_bytes_that_are_no_record)
{
	static const char *const keys[] = {"node/x", "spec/x", "task/x", "request/x", "cluster"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct desk desk;
		struct err err = {0};

		desk_init(&desk);
		put(&desk, keys[i], "\xff\xff\xff", 3);
		CHECK_EQ(load(&desk, &err), -EUCLEAN);
		CHECK_HAS(err.text, keys[i]);
		put(&desk, keys[i], "", 0); /* nothing is said, so nothing is known */
		CHECK_EQ(load(&desk, &err), -EUCLEAN);
		desk_fini(&desk);
	}
}
