#include "services/cli/cli_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "services/cli/cli_utf8.h"

size_t
cli_text_width(const char *text)
{
	size_t width = 0;
	uint32_t rune;

	while (*text != '\0') {
		text += cli_utf8_next(text, &rune);
		width += cli_utf8_columns(rune);
	}
	return width;
}

size_t
cli_text_fit(const char *text, size_t width)
{
	const char *at = text;
	uint32_t rune;

	while (*at != '\0') {
		size_t n = cli_utf8_next(at, &rune);
		unsigned columns = cli_utf8_columns(rune);

		if (columns > width)
			break;
		width -= columns;
		at += n;
	}
	return (size_t)(at - text);
}

void
cli_text_clean(const char *text, struct buf *out)
{
	uint32_t rune;

	while (*text != '\0') {
		size_t n = cli_utf8_next(text, &rune);

		if (rune == CLI_UTF8_BAD)
			buf_puts(out, "\xef\xbf\xbd");
		else if (cli_utf8_is_control(rune))
			buf_puts(out, " ");
		else
			buf_put(out, text, n);
		text += n;
	}
}

void
cli_text_age(uint64_t now_ms, uint64_t then_ms, struct buf *out)
{
	uint64_t age_ms = now_ms > then_ms ? now_ms - then_ms : 0;
	char text[UNITS_TEXT_SIZE];

	age_ms -= age_ms % 1000;
	buf_puts(out, age_ms == 0 ? "0s" : units_format_duration(age_ms, text));
}

const char *
cli_text_time(uint64_t ms, char ret_text[CLI_TIME_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	if (localtime_r(&seconds, &tm) == NULL)
		memset(&tm, 0, sizeof tm);
	n = strftime(ret_text, CLI_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(ret_text + n, CLI_TIME_SIZE - n, ".%03u", (unsigned)(ms % 1000));
	return ret_text;
}

struct named {
	const char *id;
	size_t place; /* in the caller's order */
};

static int
compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->id, ((const struct named *)b)->id);
}

static size_t
common_length(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/* So that it differs from a neighbour in sorted order; the same id twice is no reason. */
static size_t
needed_length(size_t length, const char *id, const char *neighbour)
{
	size_t same = common_length(id, neighbour);

	return id[same] != '\0' && same + 1 > length ? same + 1 : length;
}

int *
cli_ids_short(const char *const *ids, size_t n)
{
	struct named *sorted = xcalloc(n + 1, sizeof *sorted);
	int *lengths = xcalloc(n + 1, sizeof *lengths);

	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct named){ids[i], i};
	qsort(sorted, n, sizeof *sorted, compare_named);
	for (size_t i = 0; i < n; i++) {
		const char *id = sorted[i].id;
		size_t length = CLI_ID_SHORT_MIN;

		if (i > 0)
			length = needed_length(length, id, sorted[i - 1].id);
		if (i + 1 < n)
			length = needed_length(length, id, sorted[i + 1].id);
		if (strlen(id) >= length && id[length - 1] == '-')
			length++;
		lengths[sorted[i].place] = (int)length;
	}
	free(sorted);
	return lengths;
}

/* The phase's own word, where it says more than the state does. */
static const char *
phase_word(const Davit__Task *task)
{
	static const char *const words[] = {
		[DAVIT__TASK__PHASE__PULLING] = "pulling",
		[DAVIT__TASK__PHASE__CREATING] = "creating",
		[DAVIT__TASK__PHASE__STARTING] = "starting",
		[DAVIT__TASK__PHASE__HEALTHY] = "healthy",
		[DAVIT__TASK__PHASE__UNHEALTHY] = "unhealthy",
		[DAVIT__TASK__PHASE__RESTARTING] = "restarting",
		[DAVIT__TASK__PHASE__STOPPING] = "stopping",
		[DAVIT__TASK__PHASE__STOPPED] = "stopped",
		[DAVIT__TASK__PHASE__CANCELLED] = "cancelled",
		[DAVIT__TASK__PHASE__UNREACHABLE] = "unreachable",
		[DAVIT__TASK__PHASE__LOST] = "node lost",
		[DAVIT__TASK__PHASE__REJECTED] = "rejected",
		[DAVIT__TASK__PHASE__REMOVING] = "removing",
	};
	unsigned phase = (unsigned)task->phase;

	return task->has_phase && phase < sizeof words / sizeof words[0] ? words[phase] : NULL;
}

static const char *
state_word(Davit__Task__State state)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&davit__task__state__descriptor, (int)state);

	return value == NULL ? "?" : value->name;
}

static void
put_detail(const Davit__Task *task, struct buf *out)
{
	const char *word = phase_word(task);

	if (task->state == DAVIT__TASK__STATE__FAILED && task->oom_killed)
		buf_puts(out, " (out of memory)");
	else if (word != NULL)
		buf_printf(out, " (%s)", word);
	else if (task->state == DAVIT__TASK__STATE__FAILED && task->has_exit_code)
		buf_printf(out, " (exit %d)", task->exit_code);
}

void
cli_text_task_state(const Davit__Task *task, uint64_t now_ms, struct buf *out)
{
	uint64_t since_ms = task->created_ms;
	bool is_over = false;

	switch (task->state) {
	case DAVIT__TASK__STATE__SCHEDULED:
		since_ms = task->has_scheduled_ms ? task->scheduled_ms : since_ms;
		break;
	case DAVIT__TASK__STATE__RUNNING:
		since_ms = task->has_started_ms ? task->started_ms : since_ms;
		break;
	case DAVIT__TASK__STATE__COMPLETED:
	case DAVIT__TASK__STATE__FAILED:
		since_ms = task->has_finished_ms ? task->finished_ms : since_ms;
		is_over = true;
		break;
	default:
		break;
	}
	buf_puts(out, state_word(task->state));
	put_detail(task, out);
	if (since_ms == 0)
		return;
	buf_puts(out, " ");
	cli_text_age(now_ms, since_ms, out);
	if (is_over)
		buf_puts(out, " ago");
}

static const char *
protocol_word(const Davit__PortMapping *port)
{
	switch (port->protocol) {
	case DAVIT__PORT__PROTOCOL__UDP:
		return "udp";
	case DAVIT__PORT__PROTOCOL__SCTP:
		return "sctp";
	default:
		return "tcp";
	}
}

void
cli_text_task_ports(const Davit__Task *task, struct buf *out)
{
	for (size_t i = 0; i < task->n_ports; i++) {
		const Davit__PortMapping *port = task->ports[i];
		const char *address = port->host_address != NULL && port->host_address[0] != '\0'
					      ? port->host_address
					      : "0.0.0.0";
		bool is_six = strchr(address, ':') != NULL && address[0] != '[';

		buf_puts(out, i == 0 ? "" : ", ");
		if (port->host_port != 0)
			buf_printf(out, is_six ? "[%s]:%u->" : "%s:%u->", address, port->host_port);
		buf_printf(out, "%u/%s", port->container_port, protocol_word(port));
	}
}

void
cli_text_node_state(const Davit__Node *node, struct buf *out)
{
	static const char *const words[] = {
		[DAVIT__NODE__STATE__READY] = "ready",
		[DAVIT__NODE__STATE__UNKNOWN] = "unknown",
		[DAVIT__NODE__STATE__DOWN] = "down",
		[DAVIT__NODE__STATE__DEGRADED] = "degraded",
	};
	unsigned state = (unsigned)node->state;

	buf_puts(out, state < sizeof words / sizeof words[0] && words[state] != NULL ? words[state]
										     : "?");
	if (node->draining)
		buf_puts(out, ", draining");
}

void
cli_text_cpu_of(uint64_t used_milli, uint64_t total_milli, struct buf *out)
{
	char text[UNITS_TEXT_SIZE];

	buf_printf(out, "%s/", units_format_cpu(used_milli, text));
	buf_puts(out, total_milli == 0 ? "-" : units_format_cpu(total_milli, text));
}

void
cli_text_bytes_of(uint64_t used, uint64_t total, struct buf *out)
{
	char text[UNITS_TEXT_SIZE];

	buf_printf(out, "%s/", units_format_bytes(used, text));
	buf_puts(out, total == 0 ? "-" : units_format_bytes(total, text));
}

void
cli_text_entries(Davit__StringEntry **entries, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s=%s", i == 0 ? "" : ",", entries[i]->key,
			entries[i]->value == NULL ? "" : entries[i]->value);
}

int
cli_text_parse_seconds(const char *text, uint64_t *ret_ms, struct err *err)
{
	uint64_t seconds;

	if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text)) {
		int rc = units_parse_number(text, 0, UINT32_MAX, &seconds, err);

		if (rc < 0)
			return rc;
		*ret_ms = seconds * 1000;
		return 0;
	}
	return units_parse_duration(text, ret_ms, err);
}

/* The part behind the seconds: nothing (local time), "Z" or "+01:00". */
static int
parse_zone(const char *text, struct tm *tm, time_t *ret_time)
{
	int hours = 0, minutes = 0, used = 0;
	time_t shift;

	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	tm->tm_isdst = -1;
	if (*text == '\0') {
		*ret_time = mktime(tm);
		return 0;
	}
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
		*ret_time = timegm(tm);
		return 0;
	}
	if ((*text != '+' && *text != '-') ||
		sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
		text[1 + used] != '\0')
		return -EINVAL;
	shift = (time_t)hours * 3600 + (time_t)minutes * 60;
	*ret_time = timegm(tm) - (*text == '-' ? -shift : shift);
	return 0;
}

int
cli_text_parse_moment(const char *text, uint64_t now_ms, uint64_t *ret_ms, struct err *err)
{
	struct tm tm = {0};
	uint64_t value;
	const char *rest;
	time_t when;

	if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text)) {
		if (units_parse_number(text, 0, UINT32_MAX, &value, err) < 0)
			return err->code;
		*ret_ms = value * 1000;
		return 0;
	}
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL)
		rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	if (rest != NULL && parse_zone(rest, &tm, &when) == 0) {
		*ret_ms = when < 0 ? 0 : (uint64_t)when * 1000;
		return 0;
	}
	if (units_parse_duration(text, &value, err) < 0)
		return err_set(err, -EINVAL,
			"'%s' is no time: want one such as 10m (ago), 2026-01-31T13:05:09Z, or seconds "
			"since the epoch",
			text);
	*ret_ms = now_ms > value ? now_ms - value : 0;
	return 0;
}
