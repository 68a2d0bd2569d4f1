#include "services/manager/holds.h"

#include <assert.h>
#include <errno.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/model.h"

static bool
add_devices(const struct ledger_kinds *kinds, const char *kind, uint32_t count,
	struct resources *want)
{
	int place = ledger_kind_find(kinds, kind);
	uint32_t sum;

	if (count == 0 || place < 0)
		return count == 0;
	sum = want->devices[place] + (count < UINT16_MAX ? count : UINT16_MAX);
	want->devices[place] = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
	return true;
}

bool
holds_wants(const struct ledger_kinds *kinds, const Davit__TaskSpec *spec,
	struct resources *ret_want)
{
	struct spec_reserve reserve = spec_reserve(spec);
	bool all_known;

	*ret_want = (struct resources){reserve.cpu_milli, reserve.memory_bytes, reserve.disk_bytes,
		{0}};
	all_known = add_devices(kinds, "gpu", spec->gpus, ret_want);
	for (size_t i = 0; i < spec->n_device_requests; i++) {
		const Davit__DeviceCount *device = spec->device_requests[i];

		all_known &= add_devices(kinds, device->kind, device->has_count ? device->count : 1,
			ret_want);
	}
	return all_known;
}

static struct resources
wants(const struct task *task)
{
	struct resources want;

	(void)holds_wants(task->node->account.kinds, task->group->spec->spec, &want);
	return want;
}

static const Davit__TaskSpec *
spec_of(const struct task *task)
{
	return task->group->spec->spec;
}

static struct ledger_port
port_at(const struct task *task, size_t i)
{
	return (struct ledger_port){(uint8_t)spec_of(task)->ports[i]->protocol,
		task->host_ports[i]};
}

static void
give_ports(struct task *task, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (task->host_ports[i] != 0)
			ledger_port_give(task->node->ports->ports, port_at(task, i));
	}
}

static int
take_port(struct task *task, struct node *node, size_t i, struct err *err)
{
	const Davit__Port *wanted = spec_of(task)->ports[i];
	struct ledger_port port = {(uint8_t)wanted->protocol, (uint16_t)wanted->host_port};
	int rc;

	if (port.number != 0) {
		rc = ledger_port_take(node->ports->ports, port);
		if (rc < 0)
			return err_set(err, rc, "host port %u is taken on the engine of node '%s'",
				port.number, node->name);
	} else {
		rc = ledger_port_choose(node->ports->ports, port.protocol, &port);
		if (rc < 0)
			return err_set(err, rc, "no dynamic host port is left on node '%s'",
				node->name);
	}
	task->host_ports[i] = port.number;
	return 0;
}

static int
take_ports(struct task *task, struct node *node, struct err *err)
{
	size_t n_ports = spec_of(task)->n_ports;

	free(task->host_ports);
	task->host_ports = n_ports > 0 ? xcalloc(n_ports, sizeof *task->host_ports) : NULL;
	for (size_t i = 0; i < n_ports; i++) {
		int rc = take_port(task, node, i, err);

		if (rc == 0)
			continue;
		while (i-- > 0)
			ledger_port_give(node->ports->ports, port_at(task, i));
		free(task->host_ports);
		task->host_ports = NULL;
		return rc;
	}
	return 0;
}

int
holds_take(struct task *task, struct node *node, struct err *err)
{
	struct resources want;
	int rc;

	assert(!task->holds && !task->on_node);
	if (!holds_wants(node->account.kinds, spec_of(task), &want))
		return err_set(err, -ENOSPC, "node '%s' has not all kinds of devices", node->name);
	if (node->state != DAVIT__NODE__STATE__READY || node->draining)
		return err_set(err, -EHOSTDOWN, "node '%s' takes no tasks now", node->name);
	rc = ledger_reserve(&node->account, &want, err);
	if (rc < 0)
		return err_wrap(err, "node '%s'", node->name);
	rc = take_ports(task, node, err);
	if (rc < 0) {
		ledger_release(&node->account, &want);
		return rc;
	}
	task->holds = true;
	task->node = node;
	return 0;
}

int
holds_restore(struct task *task, struct err *err)
{
	struct resources want = wants(task);
	struct err why = {0};
	size_t n_ports = spec_of(task)->n_ports;

	if (n_ports > 0 && task->host_ports == NULL)
		return err_set(err, -EUCLEAN, "it holds ports that are not recorded");
	if (ledger_reserve(&task->node->account, &want, &why) < 0)
		return err_set(err, -EUCLEAN, "it holds more than its node has: %s", why.text);
	for (size_t i = 0; i < n_ports; i++) {
		if (task->host_ports[i] == 0 ||
			ledger_port_take(task->node->ports->ports, port_at(task, i)) == 0)
			continue;
		give_ports(task, i);
		ledger_release(&task->node->account, &want);
		return err_set(err, -EUCLEAN, "host port %u has two owners", task->host_ports[i]);
	}
	task->holds = true;
	return 0;
}

void
holds_give(struct task *task)
{
	struct resources had = wants(task);

	assert(task->holds && task->node != NULL);
	ledger_release(&task->node->account, &had);
	if (task->host_ports != NULL)
		give_ports(task, spec_of(task)->n_ports);
	task->holds = false;
}

void
holds_mark_stranger(struct task *task, uint16_t number, uint64_t until_mono_ms)
{
	if (!task->holds || task->host_ports == NULL)
		return;
	for (size_t i = 0; i < spec_of(task)->n_ports; i++) {
		struct ledger_port port = port_at(task, i);

		if (port.number != number)
			continue;
		ledger_port_hand_to_stranger(task->node->ports->ports, port, until_mono_ms);
		task->host_ports[i] = 0; /* not the task's any more: never given back by it */
	}
}

void
holds_move_ports(struct task *task, bool give)
{
	if (task->host_ports == NULL)
		return;
	if (give) {
		give_ports(task, spec_of(task)->n_ports);
		return;
	}
	for (size_t i = 0; i < spec_of(task)->n_ports; i++) {
		if (task->host_ports[i] != 0 &&
			ledger_port_take(task->node->ports->ports, port_at(task, i)) < 0)
			task->host_ports[i] = 0;
	}
}
