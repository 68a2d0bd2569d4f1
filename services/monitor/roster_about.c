#include "services/monitor/roster_about.h"

#include <string.h>

#include "common/base/mem.h"
#include "services/monitor/limits.h"

/* Copies a text behind the block and moves on. */
static const char *
put(char **at, const char *text)
{
	size_t size = text == NULL ? 0 : strnlen(text, ROSTER_TEXT_MAX);
	char *copy = *at;

	if (size > 0)
		memcpy(copy, text, size);
	copy[size] = '\0';
	*at += size + 1;
	return copy;
}

static size_t
room(const char *text)
{
	return (text == NULL ? 0 : strnlen(text, ROSTER_TEXT_MAX)) + 1;
}

struct roster_about *
roster_about_of_event(const Davit__Event *event)
{
	struct roster_about *about =
		xcalloc(1, sizeof *about + room(event->task_name) + room(event->namespace_) + 1);
	char *at = (char *)(about + 1);

	about->name = put(&at, event->task_name);
	about->namespace_name = put(&at, event->namespace_);
	about->array_id = put(&at, NULL);
	return about;
}

static unsigned
at_most(size_t n, unsigned max)
{
	return n < max ? (unsigned)n : max;
}

static void
put_ports(const Davit__Task *task, struct roster_about *about, struct roster_port *ports, char **at)
{
	for (unsigned i = 0; i < about->n_ports; i++) {
		ports[i].container_port = (uint16_t)task->ports[i]->container_port;
		ports[i].host_port = (uint16_t)task->ports[i]->host_port;
		ports[i].address = put(at, task->ports[i]->host_address);
	}
	about->ports = ports;
}

struct roster_about *
roster_about_of_task(const Davit__Task *task)
{
	static const Davit__TaskSpec none = DAVIT__TASK_SPEC__INIT;
	const Davit__TaskSpec *spec = task->spec != NULL ? task->spec : &none;
	unsigned n_labels = at_most(spec->n_labels, ROSTER_LABELS_MAX);
	unsigned n_ports = at_most(task->n_ports, ROSTER_PORTS_MAX);
	size_t size = sizeof(struct roster_about) + n_labels * sizeof(struct roster_label) +
		      n_ports * sizeof(struct roster_port) + room(task->name) +
		      room(task->namespace_) + room(task->array_id);
	struct roster_about *about;
	struct roster_label *labels;
	struct roster_port *ports;
	char *at;

	for (unsigned i = 0; i < n_labels; i++)
		size += room(spec->labels[i]->key) + room(spec->labels[i]->value);
	for (unsigned i = 0; i < n_ports; i++)
		size += room(task->ports[i]->host_address);
	about = xcalloc(1, size);
	labels = (struct roster_label *)(about + 1);
	ports = (struct roster_port *)(labels + n_labels);
	at = (char *)(ports + n_ports);
	about->name = put(&at, task->name);
	about->namespace_name = put(&at, task->namespace_);
	about->array_id = put(&at, task->array_id);
	about->cpu_milli = spec->cpu_milli;
	about->memory_bytes = spec->memory_bytes;
	about->restart_count = task->restart_count;
	about->n_labels = n_labels;
	about->n_ports = n_ports;
	about->is_listed = true;
	for (unsigned i = 0; i < n_labels; i++) {
		labels[i].key = put(&at, spec->labels[i]->key);
		labels[i].value = put(&at, spec->labels[i]->value);
	}
	about->labels = labels;
	put_ports(task, about, ports, &at);
	return about;
}
