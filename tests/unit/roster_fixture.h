/*
 * roster_fixture.h - a roster with nodes and tasks that were heard, made shortly. Tests only.
 */
#pragma once

#include "common/base/mem.h"
#include "services/monitor/limits.h"
#include "services/monitor/roster.h"
#include "tests/lib/test.h"

enum { ROSTER_START_MS = 1700000040 }; /* times 1000: a whole minute */
#define ROSTER_MS(second) ((ROSTER_START_MS + (uint64_t)(second)) * 1000)

static inline void
roster_task_id(unsigned i, char ret_id[ID_TEXT_SIZE])
{
	id_format((struct id){0x0190000000007000, UINT64_C(0x8000000000000000) + i}, ret_id);
}

/* A message of node "n<node>" with tasks [first, first + n), of cpu millicores each. */
static inline void
roster_hear(struct roster *roster, unsigned node, unsigned first, unsigned n, uint64_t second,
	uint64_t cpu)
{
	Davit__NodeStats stats = DAVIT__NODE_STATS__INIT;
	Davit__NodeSample machine = DAVIT__NODE_SAMPLE__INIT;
	Davit__TaskSample *samples = xcalloc(n + 1, sizeof *samples);
	Davit__TaskSample **list = xcalloc(n + 1, sizeof *list);
	char(*ids)[ID_TEXT_SIZE] = xcalloc(n + 1, sizeof *ids);
	char name[16];

	(void)snprintf(name, sizeof name, "n%u", node);
	for (unsigned i = 0; i < n; i++) {
		davit__task_sample__init(&samples[i]);
		roster_task_id(first + i, ids[i]);
		samples[i].task_id = ids[i];
		samples[i].has_cpu_milli = samples[i].has_memory_bytes = true;
		samples[i].cpu_milli = cpu;
		samples[i].memory_bytes = 1000 * cpu;
		samples[i].has_net_rx_bytes = true;
		samples[i].net_rx_bytes = second * 500;
		list[i] = &samples[i];
	}
	machine.has_cpu_milli = true;
	machine.cpu_milli = cpu * n + 1;
	stats.node_id = stats.node_name = name;
	stats.node = &machine;
	stats.tasks = list;
	stats.n_tasks = n;
	roster_take_stats(roster, &stats, ROSTER_MS(second));
	free(ids);
	free(list);
	free(samples);
}

/* What the manager's list says of task i. */
static inline void
roster_tell(struct roster *roster, unsigned i, char *name, char *namespace_name)
{
	Davit__Task task = DAVIT__TASK__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels = &label;
	Davit__PortMapping port = DAVIT__PORT_MAPPING__INIT, *ports = &port;
	char id[ID_TEXT_SIZE], key[] = "app.kind", value[] = "web";

	roster_task_id(i, id);
	task.id = id;
	task.name = name;
	task.namespace_ = namespace_name;
	task.spec = &spec;
	label.key = key;
	label.value = value;
	spec.labels = &labels;
	spec.n_labels = 1;
	spec.has_memory_bytes = true;
	spec.memory_bytes = 1 << 20;
	port.has_container_port = port.has_host_port = true;
	port.container_port = 80;
	port.host_port = 30000 + i;
	task.ports = &ports;
	task.n_ports = 1;
	roster_take_task(roster, &task);
}
