/* How much a node may say of itself, and an operator of it. */
#include "services/manager/traits.h"

#include <string.h>

#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

enum { MOST = 512 };

/* A node with n labels, taints and kinds of devices. */
struct node_wish {
	unsigned n_labels, n_taints, n_kinds, name_size, value_size;
	const char *kind; /* of the names of its kinds */
};

static void
fill(char *text, size_t n)
{
	memset(text, 'x', n);
	text[n] = '\0';
}

/* The status of a registration, and the field at fault. */
static Davit__Reply__Status
join(struct desk *desk, const struct node_wish *wish, char ret_field[128])
{
	static char name[MOST], value[2 * MANAGER_LABEL_VALUE_MAX], texts[MOST][32];
	static Davit__StringEntry labels[MOST], *label_list[MOST];
	static Davit__Taint taints[MOST], *taint_list[MOST];
	static Davit__DeviceCount devices[MOST], *device_list[MOST];
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	Davit__Reply__Status status;
	struct desk_reply reply;

	fill(name, wish->name_size > 0 ? wish->name_size : 2);
	fill(value, wish->value_size);
	for (unsigned i = 0; i < MOST; i++) {
		(void)snprintf(texts[i], sizeof texts[i], "%s%u",
			wish->kind != NULL ? wish->kind : "k", i);
		davit__string_entry__init(&labels[i]);
		davit__taint__init(&taints[i]);
		davit__device_count__init(&devices[i]);
		labels[i].key = taints[i].key = devices[i].kind = texts[i];
		labels[i].value = value;
		taints[i].has_effect = true;
		taints[i].effect = DAVIT__TAINT__EFFECT__NO_SCHEDULE;
		label_list[i] = &labels[i];
		taint_list[i] = &taints[i];
		device_list[i] = &devices[i];
	}
	request.name = name;
	request.labels = label_list;
	request.n_labels = wish->n_labels;
	request.taints = taint_list;
	request.n_taints = wish->n_taints;
	capacity.has_cpu_milli = capacity.has_memory_bytes = true;
	capacity.cpu_milli = 1000;
	capacity.memory_bytes = 1 << 30;
	capacity.devices = device_list;
	capacity.n_devices = wish->n_kinds;
	request.capacity = &capacity;
	desk_send(desk, "RegisterNode", &request.base, NULL, &reply);
	desk_turn(desk);
	status = reply.status;
	(void)snprintf(ret_field, 128, "%s", reply.field);
	desk_reply_fini(&reply);
	return status;
}

static void
check_limit(const struct node_wish *good, const struct node_wish *bad, const char *field)
{
	struct desk desk;
	char at[128];

	desk_init(&desk);
	CHECK_EQ(join(&desk, bad, at), DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(at, field);
	CHECK_EQ(join(&desk, good, at), DAVIT__REPLY__STATUS__OK);
	desk_fini(&desk);
}

TEST(traits_of_a_node_are_so_many)
{
	check_limit(&(struct node_wish){.n_labels = MANAGER_LABELS_MAX},
		&(struct node_wish){.n_labels = MANAGER_LABELS_MAX + 1}, "labels");
	check_limit(&(struct node_wish){.n_taints = MANAGER_TAINTS_MAX},
		&(struct node_wish){.n_taints = MANAGER_TAINTS_MAX + 1}, "taints");
	check_limit(&(struct node_wish){.n_labels = 1, .value_size = MANAGER_LABEL_VALUE_MAX},
		&(struct node_wish){.n_labels = 1, .value_size = MANAGER_LABEL_VALUE_MAX + 1},
		"labels");
	check_limit(&(struct node_wish){.name_size = MANAGER_NODE_NAME_MAX},
		&(struct node_wish){.name_size = MANAGER_NODE_NAME_MAX + 1}, "name");
	/* "gpu" is known to every cluster. */
	check_limit(&(struct node_wish){.n_kinds = LEDGER_KINDS_MAX - 1},
		&(struct node_wish){.n_kinds = LEDGER_KINDS_MAX}, "capacity.devices");
}

TEST(traits_kinds_of_devices_are_so_many_in_the_whole_cluster)
{
	struct desk desk;
	char at[128];

	desk_init(&desk);
	CHECK_EQ(join(&desk, &(struct node_wish){.n_kinds = LEDGER_KINDS_MAX - 1, .kind = "a"}, at),
		DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(join(&desk, &(struct node_wish){.n_kinds = 1, .kind = "b", .name_size = 3}, at),
		DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(at, "capacity.devices");
	CHECK_EQ(join(&desk, &(struct node_wish){.n_kinds = 5, .kind = "a", .name_size = 3}, at),
		DAVIT__REPLY__STATUS__OK);
	desk_fini(&desk);
}

TEST(traits_that_an_operator_sets_are_so_many)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
	Davit__Taint taints[MANAGER_TAINTS_MAX + 1], *list[MANAGER_TAINTS_MAX + 1];
	char keys[MANAGER_TAINTS_MAX + 1][16], name[] = "n1";
	struct desk_reply reply;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, name, 1000);
	for (unsigned i = 0; i <= MANAGER_TAINTS_MAX; i++) {
		(void)snprintf(keys[i], sizeof keys[i], "t%u", i);
		davit__taint__init(&taints[i]);
		taints[i].key = keys[i];
		taints[i].has_effect = true;
		taints[i].effect = DAVIT__TAINT__EFFECT__NO_SCHEDULE;
		list[i] = &taints[i];
	}
	request.node = name;
	request.taints = list;
	for (request.n_taints = MANAGER_TAINTS_MAX; request.n_taints <= MANAGER_TAINTS_MAX + 1;
		request.n_taints++) {
		desk_send(&desk, "UpdateNode", &request.base, NULL, &reply);
		desk_turn(&desk);
		CHECK_EQ(reply.status, request.n_taints <= MANAGER_TAINTS_MAX
					       ? DAVIT__REPLY__STATUS__OK
					       : DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
		desk_reply_fini(&reply);
	}
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
