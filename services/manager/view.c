#include "services/manager/view.h"

#include "services/manager/chaos.h"
#include "services/manager/model.h"
#include "services/manager/usage.h"

char *
view_id(struct id id, struct arena *arena)
{
	char *text = arena_alloc(arena, ID_TEXT_SIZE);

	id_format(id, text);
	return text;
}

Davit__PortMapping **
view_ports(const struct task *task, size_t *ret_n, struct arena *arena)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;
	Davit__PortMapping **ports;

	*ret_n = 0;
	if (task->host_ports == NULL || spec->n_ports == 0)
		return NULL;
	ports = arena_array(arena, spec->n_ports, sizeof(Davit__PortMapping *));
	for (size_t i = 0; i < spec->n_ports; i++) {
		Davit__PortMapping *port = arena_alloc(arena, sizeof *port);

		davit__port_mapping__init(port);
		port->has_container_port = port->has_protocol = port->has_host_port = true;
		port->container_port = spec->ports[i]->container_port;
		port->protocol = spec->ports[i]->protocol;
		port->host_port = task->host_ports[i];
		port->host_address = spec->ports[i]->host_address;
		ports[i] = port;
	}
	*ret_n = spec->n_ports;
	return ports;
}

static void
fill_times(Davit__Task *view, const struct task *task)
{
	view->has_created_ms = true;
	view->created_ms = task->group->created_ms;
	view->has_scheduled_ms = task->scheduled_ms > 0;
	view->scheduled_ms = task->scheduled_ms;
	view->has_started_ms = task->started_ms > 0;
	view->started_ms = task->started_ms;
	view->has_finished_ms = task->finished_ms > 0;
	view->finished_ms = task->finished_ms;
}

static void
fill_place(Davit__Task *view, const struct task *task, struct arena *arena)
{
	view->has_attempt = true;
	view->attempt = task->attempt;
	view->container_id = task->container_id;
	view->ports = view_ports(task, &view->n_ports, arena);
	if (task->node != NULL) {
		view->node_id = task->node->id_text;
		view->node_name = task->node->name;
	}
}

Davit__Task *
view_task(const struct task *task, bool with_spec, struct arena *arena)
{
	const struct group *group = task->group;
	Davit__Task *view = arena_alloc(arena, sizeof *view);
	char name[256];

	davit__task__init(view);
	view->id = view_id(task->id, arena);
	model_task_name(task, name, sizeof name);
	view->name = arena_strdup(arena, name);
	view->namespace_ = group->spec->spec->namespace_;
	view->image = group->spec->spec->image;
	if (group->count > 1) {
		view->array_id = view_id(group->id, arena);
		view->has_index = true;
		view->index = task->index;
	}
	view->has_state = view->has_phase = view->has_desired = view->has_version = true;
	view->state = (Davit__Task__State)task->state;
	view->phase = task->phase;
	view->desired = task->desired;
	view->version = task->version;
	view->message = task->message;
	view->has_exit_code = task->has_exit_code;
	view->exit_code = task->exit_code;
	view->has_oom_killed = task->oom_killed;
	view->oom_killed = task->oom_killed;
	view->has_restart_count = true;
	view->restart_count = task->restart_count;
	view->has_paused = task->is_paused;
	view->paused = task->is_paused;
	view->pull = task->pull;
	fill_times(view, task);
	fill_place(view, task, arena);
	if (!id_is_none(group->replaces))
		view->replaces = view_id(group->replaces, arena);
	if (!id_is_none(task->replaced_by))
		view->replaced_by = view_id(task->replaced_by, arena);
	view->usage = usage_view(task, arena);
	if (with_spec)
		view->spec = group->spec->spec;
	return view;
}

static void
add_device(Davit__Resources *view, const char *kind, uint32_t count, struct arena *arena)
{
	Davit__DeviceCount *device = arena_alloc(arena, sizeof *device);

	davit__device_count__init(device);
	device->kind = (char *)(uintptr_t)kind;
	device->has_count = true;
	device->count = count;
	view->devices[view->n_devices++] = device;
}

Davit__Resources *
view_resources(const struct resources *resources, const struct ledger_kinds *kinds,
	struct arena *arena)
{
	Davit__Resources *view = arena_alloc(arena, sizeof *view);

	davit__resources__init(view);
	view->has_cpu_milli = view->has_memory_bytes = view->has_disk_bytes = true;
	view->cpu_milli = resources->cpu_milli;
	view->memory_bytes = resources->memory_bytes;
	view->disk_bytes = resources->disk_bytes;
	view->has_gpus = resources->devices[LEDGER_GPU] > 0;
	view->gpus = resources->devices[LEDGER_GPU];
	for (unsigned i = LEDGER_GPU + 1; i < kinds->n; i++) {
		if (resources->devices[i] == 0)
			continue;
		if (view->devices == NULL)
			view->devices = arena_array(arena, kinds->n, sizeof *view->devices);
		add_device(view, kinds->names[i], resources->devices[i], arena);
	}
	return view;
}

static void
fill_host_ports(Davit__Node *view, const struct node *node, struct arena *arena)
{
	size_t n = 0;

	for (const struct task *task = node->tasks; task != NULL; task = task->node_next)
		n += task->holds ? task->group->spec->spec->n_ports : 0;
	view->host_ports = arena_array(arena, n, sizeof *view->host_ports);
	for (const struct task *task = node->tasks; task != NULL; task = task->node_next) {
		for (size_t i = 0; task->holds && i < task->group->spec->spec->n_ports; i++)
			view->host_ports[view->n_host_ports++] = task->host_ports[i];
	}
}

Davit__Node *
view_node_without_ports(const struct node *node, struct arena *arena)
{
	Davit__Node *view = arena_alloc(arena, sizeof *view);

	davit__node__init(view);
	view->id = (char *)(uintptr_t)node->id_text;
	view->name = node->name;
	view->has_state = view->has_draining = view->has_n_tasks = view->has_session = true;
	view->state = node->state;
	view->draining = node->draining;
	view->message = node->message;
	view->n_tasks = node->account.n_tasks;
	view->session = node->session;
	view->has_heard_ms = node->heard_ms > 0;
	view->heard_ms = node->heard_ms;
	view->has_registered_ms = true;
	view->registered_ms = node->registered_ms;
	view->has_version = true;
	view->version = node->record_version;
	view->address = node->address;
	view->davit_version = node->davit_version;
	view->engine = node->engine;
	view->capacity = view_resources(&node->account.capacity, node->account.kinds, arena);
	view->reserved = view_resources(&node->account.reserved, node->account.kinds, arena);
	if (node->sample_mono_ms > 0)
		view->usage = (Davit__NodeSample *)(uintptr_t)&node->sample;
	view->labels = node->traits->labels;
	view->n_labels = node->traits->n_labels;
	view->taints = node->traits->taints;
	view->n_taints = node->traits->n_taints;
	view->class_ = node->traits->class_;
	return view;
}

Davit__Node *
view_node(const struct node *node, struct arena *arena)
{
	Davit__Node *view = view_node_without_ports(node, arena);

	fill_host_ports(view, node, arena);
	view->faults = node_faults_view(node->faults, &view->n_faults, arena);
	return view;
}
