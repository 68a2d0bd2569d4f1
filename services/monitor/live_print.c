#include "services/monitor/live_print.h"

#include <string.h>
#include <time.h>

#include "common/base/units.h"

enum { TEXT_SHOWN = 300 }; /* bytes of one text in a line */

static void
print_time(uint64_t ts_ms, struct buf *out)
{
	time_t seconds = (time_t)(ts_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_puts(out, text[0] != '\0' ? text : "-");
}

/* One field of a line. NULL prints as "?". */
static void
print_text(const char *text, struct buf *out)
{
	size_t n = text == NULL ? 0 : strnlen(text, TEXT_SHOWN);

	if (n == 0) {
		buf_puts(out, "?");
		return;
	}
	while (n > 0 && text[n] != '\0' && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--; /* never half a character */
	for (size_t i = 0; i < n; i++) {
		char c = (unsigned char)text[i] < ' ' || text[i] == 0x7F ? ' ' : text[i];

		buf_put(out, &c, 1);
	}
}

static const char *
either(const char *a, const char *b)
{
	return a != NULL && a[0] != '\0' ? a : b;
}

void
live_print_event(const Davit__Event *event, struct buf *out)
{
	bool is_task = event->kind == DAVIT__EVENT__KIND__TASK;

	print_time(event->ts_ms, out);
	buf_puts(out, is_task ? " task " : " node ");
	print_text(is_task ? either(event->task_name, event->task_id)
			   : either(event->node_name, event->node_id),
		out);
	buf_puts(out, " ");
	print_text(event->what, out);
	if (is_task && either(event->node_name, event->node_id) != NULL) {
		buf_puts(out, " on ");
		print_text(either(event->node_name, event->node_id), out);
	}
	if (event->has_exit_code)
		buf_printf(out, " with exit code %d", event->exit_code);
	if (event->message != NULL && event->message[0] != '\0') {
		buf_puts(out, ": ");
		print_text(event->message, out);
	}
	buf_puts(out, "\n");
}

static void
print_cluster(const Davit__ClusterStats *cluster, struct buf *out)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *capacity = cluster->capacity != NULL ? cluster->capacity : &none;
	char used[UNITS_TEXT_SIZE], all[UNITS_TEXT_SIZE];

	buf_printf(out, "%u of %u nodes ready, %u pending, %u scheduled, %u running",
		cluster->nodes_ready, cluster->nodes_total, cluster->tasks_pending,
		cluster->tasks_scheduled, cluster->tasks_running);
	buf_printf(out, ", %u completed, %u failed", cluster->tasks_completed,
		cluster->tasks_failed);
	buf_printf(out, ", cpu %s of %s", units_format_cpu(cluster->cpu_milli, used),
		units_format_cpu(capacity->cpu_milli, all));
	buf_printf(out, ", memory %s of %s", units_format_bytes(cluster->memory_bytes, used),
		units_format_bytes(capacity->memory_bytes, all));
}

void
live_print_summary(const Davit__ClusterStats *cluster, const struct live_figures *figures,
	uint64_t wall_ms, struct buf *out)
{
	print_time(wall_ms, out);
	buf_puts(out, " cluster ");
	if (cluster == NULL)
		buf_puts(out, "nothing heard yet");
	else
		print_cluster(cluster, out);
	if (figures->n_stale > 0)
		buf_printf(out, ", %u silent", figures->n_stale);
	if (figures->n_lost > 0)
		buf_printf(out, ", %llu messages lost", (unsigned long long)figures->n_lost);
	buf_puts(out, "\n");
}
