#include "services/manager/task_record.h"

#include <endian.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/rpc/unpack.h"
#include "services/manager/model.h"

enum {
	COMPACT = 2, /* the first byte; a protobuf message would have a field 0 */
	VARINT_MAX = 10,
	HEAD_MAX = 7 + 9 * VARINT_MAX + 2 * 16 + 4 * VARINT_MAX,
};

/* The second byte is 0 for what is gone, else what there is. */
enum {
	HAS_STATE = 1,
	HAS_NODE = 2,
	HAS_REPLACED_BY = 4,
	HAS_MESSAGE = 8,
	HAS_CONTAINER = 16,
	HAS_PORTS = 32,
	HAS_USAGE = 64,
	HAS_STOP_TIMEOUT = 128,
};

/* The third: what is true. */
enum {
	ON_NODE = 1,
	HOLDS = 2,
	RETRY = 4,
	REPLACE = 8,
	PREEMPTED = 16,
	PAUSED = 32,
	EXITED = 64,
	OOM = 128,
};

const uint8_t task_record_gone[2] = {COMPACT, 0};

/* ---- writing ---- */

static uint8_t *
put_number(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *
put_id(uint8_t *at, struct id id)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(id.hi >> shift);
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(id.lo >> shift);
	return at;
}

/* With its NUL, so that it can be read where it is. */
static uint8_t *
put_text(uint8_t *at, const char *text, size_t size)
{
	at = put_number(at, size);
	memcpy(at, text, size + 1);
	return at + size + 1;
}

static uint8_t
parts_of(const struct task *task, const Davit__TaskUsage *usage)
{
	return (uint8_t)(HAS_STATE | (task->node != NULL ? HAS_NODE : 0) |
			 (id_is_none(task->replaced_by) ? 0 : HAS_REPLACED_BY) |
			 (task->message != NULL ? HAS_MESSAGE : 0) |
			 (task->container_id != NULL ? HAS_CONTAINER : 0) |
			 (task->host_ports != NULL ? HAS_PORTS : 0) |
			 (usage != NULL ? HAS_USAGE : 0) |
			 (task->has_stop_timeout ? HAS_STOP_TIMEOUT : 0));
}

static uint8_t
truths_of(const struct task *task)
{
	return (uint8_t)((task->on_node ? ON_NODE : 0) | (task->holds ? HOLDS : 0) |
			 (task->retry_when_gone ? RETRY : 0) |
			 (task->replace_when_ended ? REPLACE : 0) |
			 (task->is_preempted ? PREEMPTED : 0) | (task->is_paused ? PAUSED : 0) |
			 (task->has_exit_code ? EXITED : 0) | (task->oom_killed ? OOM : 0));
}

static uint8_t *
put_numbers(uint8_t *at, const struct task *task)
{
	at = put_number(at, task->index);
	at = put_number(at, task->attempt);
	at = put_number(at, task->restart_count);
	at = put_number(at, task->pause_generation);
	at = put_number(at, task->version);
	at = put_number(at, task->scheduled_ms);
	at = put_number(at, task->started_ms);
	at = put_number(at, task->finished_ms);
	if (task->has_exit_code)
		at = put_number(at, (uint32_t)task->exit_code);
	if (task->has_stop_timeout)
		at = put_number(at, task->stop_timeout_ms);
	return at;
}

const uint8_t *
task_record_encode(const struct task *task, const Davit__TaskUsage *usage, struct arena *arena,
	size_t *ret_size)
{
	size_t n_ports = task->host_ports == NULL ? 0 : task->group->spec->spec->n_ports;
	size_t message_size = task->message == NULL ? 0 : strlen(task->message);
	size_t container_size = task->container_id == NULL ? 0 : strlen(task->container_id);
	size_t usage_size = usage == NULL ? 0 : davit__task_usage__get_packed_size(usage);
	uint8_t *data = arena_alloc(arena,
		HEAD_MAX + 3 * n_ports + message_size + container_size + 2 + usage_size);
	uint8_t *at = data;

	*at++ = COMPACT;
	*at++ = parts_of(task, usage);
	*at++ = truths_of(task);
	*at++ = (uint8_t)task->state;
	*at++ = (uint8_t)task->phase;
	*at++ = (uint8_t)task->desired;
	*at++ = task->observed;
	at = put_numbers(at, task);
	if (task->node != NULL)
		at = put_id(at, task->node->id);
	if (!id_is_none(task->replaced_by))
		at = put_id(at, task->replaced_by);
	if (task->message != NULL)
		at = put_text(at, task->message, message_size);
	if (task->container_id != NULL)
		at = put_text(at, task->container_id, container_size);
	if (task->host_ports != NULL)
		at = put_number(at, n_ports);
	for (size_t i = 0; i < n_ports; i++)
		at = put_number(at, task->host_ports[i]);
	if (usage != NULL) {
		at = put_number(at, usage_size);
		at += davit__task_usage__pack(usage, at);
	}
	*ret_size = (size_t)(at - data);
	return data;
}

/* ---- reading ---- */

struct reader {
	const uint8_t *at, *end;
	bool is_bad;
};

static uint8_t
get_byte(struct reader *reader)
{
	if (reader->at < reader->end)
		return *reader->at++;
	reader->is_bad = true;
	return 0;
}

static uint64_t
get_number(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = get_byte(reader);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	reader->is_bad = true;
	return 0;
}

static uint32_t
get_number_32(struct reader *reader)
{
	uint64_t value = get_number(reader);

	reader->is_bad |= value > UINT32_MAX;
	return (uint32_t)value;
}

static struct id
get_id(struct reader *reader)
{
	struct id id = {0, 0};
	uint64_t words[2];

	if (reader->end - reader->at < (ptrdiff_t)sizeof words) {
		reader->is_bad = true;
		return id;
	}
	memcpy(words, reader->at, sizeof words);
	reader->at += sizeof words;
	return (struct id){.hi = be64toh(words[0]), .lo = be64toh(words[1])};
}

/* NULL: it is none. */
static char *
get_text(struct reader *reader)
{
	uint64_t size = get_number(reader);
	const char *text = (const char *)reader->at;

	if (reader->is_bad || size >= (uint64_t)(reader->end - reader->at) || text[size] != '\0' ||
		!utf8_is_text(text, size)) {
		reader->is_bad = true;
		return NULL;
	}
	reader->at += size + 1;
	return (char *)(uintptr_t)text;
}

static void
get_ports(struct reader *reader, struct task_record *record)
{
	uint64_t n = get_number(reader);

	reader->is_bad |= n > SPEC_PORTS_MAX;
	record->says.host_ports = record->host_ports;
	for (uint64_t i = 0; i < n && !reader->is_bad; i++) {
		uint32_t port = get_number_32(reader);

		reader->is_bad |= port > UINT16_MAX;
		record->host_ports[record->says.n_host_ports++] = port;
	}
}

static void
get_usage(struct reader *reader, Davit__TaskRecord *says)
{
	uint64_t size = get_number(reader);
	ProtobufCMessage *usage;
	struct pbjson_err err;

	if (reader->is_bad || size > (uint64_t)(reader->end - reader->at) ||
		rpc_unpack(&davit__task_usage__descriptor, reader->at, size, &usage, &err) < 0) {
		reader->is_bad = true;
		return;
	}
	reader->at += size;
	says->usage = (Davit__TaskUsage *)usage;
}

static void
get_numbers(struct reader *reader, uint8_t parts, uint8_t truths, Davit__TaskRecord *says)
{
	says->index = get_number_32(reader);
	says->attempt = get_number_32(reader);
	says->restart_count = get_number_32(reader);
	says->pause_generation = get_number_32(reader);
	says->version = get_number(reader);
	says->scheduled_ms = get_number(reader);
	says->started_ms = get_number(reader);
	says->finished_ms = get_number(reader);
	says->has_exit_code = (truths & EXITED) != 0;
	if (says->has_exit_code)
		says->exit_code = (int32_t)get_number_32(reader);
	says->has_stop_timeout_ms = (parts & HAS_STOP_TIMEOUT) != 0;
	if (says->has_stop_timeout_ms)
		says->stop_timeout_ms = get_number(reader);
}

static void
get_parts(struct reader *reader, uint8_t parts, struct task_record *record)
{
	Davit__TaskRecord *says = &record->says;

	if ((parts & HAS_NODE) != 0)
		record->node = get_id(reader);
	if ((parts & HAS_REPLACED_BY) != 0)
		record->replaced_by = get_id(reader);
	if ((parts & HAS_MESSAGE) != 0)
		says->message = get_text(reader);
	if ((parts & HAS_CONTAINER) != 0)
		says->container_id = get_text(reader);
	if ((parts & HAS_PORTS) != 0)
		get_ports(reader, record);
	if ((parts & HAS_USAGE) != 0)
		get_usage(reader, says);
}

bool
task_record_is_compact(const void *data, size_t size)
{
	return size >= sizeof task_record_gone && ((const uint8_t *)data)[0] == COMPACT;
}

static bool
is_known(const ProtobufCEnumDescriptor *type, int value)
{
	return protobuf_c_enum_descriptor_get_value(type, value) != NULL;
}

bool
task_record_decode(const void *data, size_t size, struct task_record *ret_record)
{
	struct reader reader = {(const uint8_t *)data + 1, (const uint8_t *)data + size, false};
	Davit__TaskRecord *says = &ret_record->says;
	uint8_t parts = get_byte(&reader), truths;

	davit__task_record__init(says);
	ret_record->node = ret_record->replaced_by = (struct id){0, 0};
	if (parts == 0)
		return reader.at == reader.end;
	truths = get_byte(&reader);
	says->has_state = true;
	says->state = (Davit__Task__State)get_byte(&reader);
	says->phase = (Davit__Task__Phase)get_byte(&reader);
	says->desired = (Davit__Task__Desired)get_byte(&reader);
	says->observed = get_byte(&reader);
	says->on_node = (truths & ON_NODE) != 0;
	says->holds = (truths & HOLDS) != 0;
	says->retry_when_gone = (truths & RETRY) != 0;
	says->replace_when_ended = (truths & REPLACE) != 0;
	says->preempted = (truths & PREEMPTED) != 0;
	says->paused = (truths & PAUSED) != 0;
	says->oom_killed = (truths & OOM) != 0;
	get_numbers(&reader, parts, truths, says);
	get_parts(&reader, parts, ret_record);
	if (!reader.is_bad && reader.at == reader.end && (parts & HAS_STATE) != 0 &&
		is_known(&davit__task__state__descriptor, (int)says->state) &&
		is_known(&davit__task__phase__descriptor, (int)says->phase) &&
		is_known(&davit__task__desired__descriptor, (int)says->desired))
		return true;
	if (says->usage != NULL)
		davit__task_usage__free_unpacked(says->usage, NULL);
	return false;
}
