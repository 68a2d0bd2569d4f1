#include "services/worker/declared.h"

#include <errno.h>

#include "tests/lib/test.h"

static struct option_list
list(char **items, size_t n)
{
	return (struct option_list){.items = items, .n = n};
}

TEST(worker_declared_is_told_with_the_registration)
{
	struct worker_declared declared = {.node_class = "large", .gpus = 2};
	char *taint_texts[] = {"gpu=a100:no-schedule"}, *device_texts[] = {"fpga=3", "nic"};
	struct option_list taints = list(taint_texts, 1), devices = list(device_texts, 2);
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	struct err err;

	CHECK_OK(worker_declared_read(&declared, &taints, &devices, &err), &err);
	worker_declared_fill(&declared, &request, &capacity);
	CHECK_STR(request.class_, "large");
	CHECK_EQ(request.n_taints, 1);
	CHECK_STR(request.taints[0]->value, "a100");
	CHECK_EQ(capacity.gpus, 2);
	CHECK_EQ(capacity.n_devices, 2);
	CHECK_EQ(capacity.devices[0]->count, 3);
	CHECK_EQ(capacity.devices[1]->count, 1);
	worker_declared_fini(&declared);
}

TEST(worker_declared_refuses_what_makes_no_sense)
{
	char *bad_taint[] = {"gpu"}, *bad_device[] = {"fpga=no"}, *bad_kind[] = {"F P=1"};
	char *many[WORKER_DEVICES_MAX + 1] = {NULL};
	struct option_list none = list(NULL, 0), taints = list(bad_taint, 1);
	struct option_list bad[] = {list(bad_device, 1), list(bad_kind, 1),
		list(many, WORKER_DEVICES_MAX + 1)};
	struct worker_declared declared = {0};
	struct err err;

	CHECK_EQ(worker_declared_read(&declared, &taints, &none, &err), -EINVAL);
	CHECK_HAS(err.text, "--taint");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK(worker_declared_read(&declared, &none, &bad[i], &err) < 0);
		CHECK_HAS(err.text, "--device");
		worker_declared_fini(&declared);
	}
}
