#include "tests/fuzz/host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/pbjson/pbjson.h"
#include "common/rpc/call.h"
#include "common/rpc/unpack.h"

enum { TURNS_MAX = 20, TICK_MS = 500 };

static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
	&davit__workers__descriptor, NULL};

static void
port_random(void *arg, void *data, size_t size)
{
	struct host *host = arg;
	uint8_t *at = data;

	for (size_t i = 0; i < size; i++) {
		host->chance = host->chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
		at[i] = (uint8_t)(host->chance >> 33);
	}
}

static void
drop_question(struct host *host)
{
	if (host->question != NULL)
		davit__place_request__free_unpacked(host->question, NULL);
	host->question = NULL;
}

static void
port_place(void *arg, const Davit__PlaceRequest *request)
{
	struct host *host = arg;
	size_t size = davit__place_request__get_packed_size(request);
	uint8_t *data = malloc(size + 1);

	assert(host->question == NULL && data != NULL); /* one at a time */
	(void)davit__place_request__pack(request, data);
	host->question = davit__place_request__unpack(NULL, size, data);
	assert(host->question != NULL);
	free(data);
}

/* Encoded as the feeds would, in both ways. */
static void
port_publish(void *arg, const char *topic, const ProtobufCMessage *message)
{
	CLEANUP(buf_fini) struct buf text = {0};

	(void)arg;
	assert(topic[0] != '\0');
	(void)protobuf_c_message_get_packed_size(message);
	pbjson_print(message, PBJSON_COMPACT, &text);
}

static int
port_read(void *arg, const char *key, struct buf *ret_value, struct err *err)
{
	struct host *host = arg;

	return store_get(host->store, key, ret_value, err);
}

static void
make_manager(struct host *host)
{
	struct manager_ports ports = {port_random, port_place, port_publish, port_read, host};
	struct manager_config config;

	manager_config_init(&config);
	config.history_max = 4;
	config.history_containers = 2;
	config.restart_grace_ms = 1000;
	host->manager = manager_new(&config, &ports);
}

void
host_init(struct host *host)
{
	struct err err;

	log_open("fuzz", LOG_LVL_ERROR);
	*host = (struct host){.now = {1000000, UINT64_C(1700000000000)}, .chance = 7};
	if (store_open_mem(&host->store, &err) < 0)
		abort();
	make_manager(host);
}

void
host_restart(struct host *host)
{
	manager_free(host->manager);
	make_manager(host);
}

void
host_fini(struct host *host)
{
	manager_free(host->manager);
	drop_question(host);
	store_close(host->store);
}

int
host_load(struct host *host)
{
	struct err err = {0};
	int rc = manager_load(host->manager, host->store, host->now, &err);

	assert(rc == 0 || err.text[0] != '\0');
	if (rc < 0)
		log_debug("fuzz.not_loaded", "reason=\"%s\"", err.text);
	drop_question(host);
	return rc;
}

void
host_call(struct host *host, const void *data, size_t size)
{
	CLEANUP(buf_fini) struct buf refusal = {0};
	struct rpc_call *call;

	if (rpc_call_parse(services, data, size, &call, &refusal) < 0)
		return;
	manager_call(host->manager, host->now, call);
}

void
host_turn(struct host *host)
{
	for (int i = 0; i < TURNS_MAX && manager_has_work(host->manager); i++) {
		struct err err;

		if (store_commit(host->store, manager_seal(host->manager), &err) < 0)
			abort();
		manager_release(host->manager);
		manager_ask(host->manager);
	}
}

void
host_pass(struct host *host, uint64_t ms)
{
	for (uint64_t passed = 0; passed <= ms; passed += TICK_MS) {
		host->now.mono_ms += TICK_MS;
		host->now.wall_ms += TICK_MS;
		manager_tick(host->manager, host->now);
		host_turn(host);
	}
}

bool
host_part(const uint8_t *data, size_t size, size_t *at, const char **ret_part, size_t *ret_n)
{
	static const char cut[] = "\n--\n";
	const uint8_t *end;

	if (*at >= size)
		return false;
	end = memmem(data + *at, size - *at, cut, sizeof cut - 1);
	*ret_part = (const char *)data + *at;
	*ret_n = end == NULL ? size - *at : (size_t)(end - data) - *at;
	*at += *ret_n + sizeof cut - 1;
	return true;
}

ProtobufCMessage *
host_message(const ProtobufCMessageDescriptor *type, const char *text, size_t size)
{
	ProtobufCMessage *message = NULL;
	struct pbjson_err err;

	if (size > 0 && text[0] == '{')
		return pbjson_parse(type, text, size, &message, &err) < 0 ? NULL : message;
	return rpc_unpack(type, text, size, &message, &err) < 0 ? NULL : message;
}
