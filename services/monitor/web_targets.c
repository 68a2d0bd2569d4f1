/* http_sd: https://prometheus.io/docs/prometheus/latest/http_sd/ */
#include <ctype.h>
#include <string.h>

#include "common/pbjson/pbjson.h"
#include "services/monitor/web_impl.h"

/* "KEY" is there, with any value or with that of "KEY=VALUE". */
static bool
has_label(const struct roster_about *about, const char *wanted)
{
	const char *equals = strchr(wanted, '=');
	size_t n = equals == NULL ? strlen(wanted) : (size_t)(equals - wanted);

	for (unsigned i = 0; i < about->n_labels; i++) {
		const struct roster_label *label = &about->labels[i];

		if (strlen(label->key) == n && memcmp(label->key, wanted, n) == 0)
			return equals == NULL || strcmp(label->value, equals + 1) == 0;
	}
	return false;
}

static void
put_text(struct buf *out, const char *text)
{
	pbjson_print_text(text, strlen(text), out);
}

static void
put_label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"__meta_davit_%s\":", name);
	put_text(out, value);
}

/* A label's name as Prometheus allows it: everything else becomes '_'. */
static void
put_task_label(struct buf *out, const struct roster_label *label)
{
	buf_puts(out, ",\"__meta_davit_task_label_");
	for (const char *at = label->key; *at != '\0'; at++) {
		char c = isalnum((unsigned char)*at) ? *at : '_';

		buf_put(out, &c, 1);
	}
	buf_puts(out, "\":");
	put_text(out, label->value);
}

static void
put_target(const struct roster_task *task, const struct roster_port *port, struct buf *out)
{
	const struct roster_about *about = task->about;
	const char *host = port->address;
	char id[ID_TEXT_SIZE];

	/* A port that is bound everywhere is found at the node. */
	if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		host = task->node->address != NULL && task->node->address[0] != '\0'
			       ? task->node->address
			       : "127.0.0.1";
	id_format(task->id, id);
	buf_printf(out, "{\"targets\":[\"%s%.128s%s:%u\"],\"labels\":{",
		strchr(host, ':') != NULL ? "[" : "", host, strchr(host, ':') != NULL ? "]" : "",
		port->host_port);
	buf_printf(out, "\"__meta_davit_container_port\":\"%u\"", port->container_port);
	put_label(out, "task_id", id);
	put_label(out, "task_name", about->name);
	put_label(out, "namespace", about->namespace_name);
	put_label(out, "node", task->node->name);
	if (about->array_id[0] != '\0')
		put_label(out, "array_id", about->array_id);
	for (unsigned i = 0; i < about->n_labels; i++)
		put_task_label(out, &about->labels[i]);
	buf_puts(out, "}}");
}

void
web_targets_print(const struct roster *roster, const char *label, unsigned port, struct buf *out)
{
	const char *before = "[";

	for (const struct roster_task *task = roster_tasks(roster); task != NULL;
		task = task->hh.next) {
		const struct roster_about *about = task->about;

		if (about == NULL || !roster_task_is_live(roster, task) ||
			(label != NULL && !has_label(about, label)))
			continue;
		for (unsigned i = 0; i < about->n_ports; i++) {
			if (about->ports[i].host_port == 0 ||
				(port != 0 && about->ports[i].container_port != port))
				continue;
			buf_puts(out, before);
			put_target(task, &about->ports[i], out);
			before = ",\n";
		}
	}
	buf_puts(out, *before == '[' ? "[]\n" : "]\n");
}
