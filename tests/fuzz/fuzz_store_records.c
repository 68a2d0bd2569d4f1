/*
 * A store whose records were damaged, or written by another program: parts of a key, a newline and
 * a value, which is the record's bytes, or JSON for them. The manager refuses it in words, or works
 * with what it took.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/store.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host.h"

static const struct kind {
	const char *prefix;
	const ProtobufCMessageDescriptor *type;
} kinds[] = {{"cluster", &davit__cluster_record__descriptor},
	{"spec/", &davit__spec_record__descriptor}, {"group/", &davit__group_record__descriptor},
	{"task/", &davit__task_record__descriptor}, {"node/", &davit__node_record__descriptor},
	{"request/", &davit__request_record__descriptor}};

static void
put_json(struct store_batch *batch, const char *key, const char *text, size_t size)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		ProtobufCMessage *record;
		uint8_t *data;

		if (strncmp(key, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		record = host_message(kinds[i].type, text, size);
		if (record == NULL)
			return;
		data = malloc(protobuf_c_message_get_packed_size(record) + 1);
		if (data == NULL)
			abort();
		store_batch_put(batch, key, data, protobuf_c_message_pack(record, data));
		free(data);
		protobuf_c_message_free_unpacked(record, NULL);
		return;
	}
}

static void
put(struct host *host, const char *part, size_t n)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	const char *end = memchr(part, '\n', n);
	char key[STORE_KEY_MAX + 1];
	struct err err;

	if (end == NULL || end == part || end - part > STORE_KEY_MAX ||
		memchr(part, '\0', (size_t)(end - part)) != NULL)
		return;
	memcpy(key, part, (size_t)(end - part));
	key[end - part] = '\0';
	n -= (size_t)(end - part) + 1;
	if (n > 0 && end[1] == '{')
		put_json(batch, key, end + 1, n);
	else
		store_batch_put(batch, key, end + 1, n);
	if (store_commit(host->store, batch, &err) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const calls[] = {
		"{\"method\":\"ListTasks\",\"request\":{\"with_spec\":true}}",
		"{\"method\":\"ListNodes\"}", "{\"method\":\"GetStats\"}",
		"{\"method\":\"GetCluster\"}",
		"{\"method\":\"RemoveTasks\",\"request\":{\"tasks\":[\"web\"],\"force\":true}}",
		"{\"method\":\"RemoveNode\",\"request\":{\"node\":\"n1\"}}"};
	struct host host;
	const char *part;
	size_t at = 0, n;

	host_init(&host);
	while (host_part(data, size, &at, &part, &n))
		put(&host, part, n);
	if (host_load(&host) == 0) {
		host_turn(&host);
		for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
			host_call(&host, calls[i], strlen(calls[i]));
			host_turn(&host);
		}
		host_pass(&host, 5000);
	}
	host_fini(&host);
	return 0;
}
