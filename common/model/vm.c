#include "common/model/vm.h"

#include <crypt.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/limits.h"
#include "common/model/rules.h"

enum { LETTERS = 32 };

const char *const vm_ready_command[] = {"/bin/sh", "-c",
	"i=0; while [ $i -lt 300 ]; do [ -s /run/sshd.pid ] && exit 0; "
	"i=$((i+1)); sleep 0.1; done; exit 1",
	NULL};

void
vm_password_make(const uint8_t random[VM_PASSWORD_SIZE - 1], char ret_text[VM_PASSWORD_SIZE])
{
	static const char letters[LETTERS + 1] = "abcdefghijkmnpqrstuvwxyz23456789";

	for (unsigned i = 0; i < VM_PASSWORD_SIZE - 1; i++)
		ret_text[i] = letters[random[i] % LETTERS];
	ret_text[VM_PASSWORD_SIZE - 1] = '\0';
}

/* SHA-512 of crypt(3): every libc that an image may have knows it. */
static int
hash_password(const char *password, const uint8_t salt[VM_SALT_SIZE], struct arena *arena,
	char **ret_hash, struct err *err)
{
	static const char letters[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char setting[3 + VM_SALT_SIZE + 2] = "$6$";
	struct crypt_data *data = xcalloc(1, sizeof *data);
	const char *hash;

	for (unsigned i = 0; i < VM_SALT_SIZE; i++)
		setting[3 + i] = letters[salt[i] % 64];
	setting[3 + VM_SALT_SIZE] = '$';
	hash = crypt_r(password, setting, data);
	if (hash != NULL && hash[0] == '$')
		*ret_hash = arena_strdup(arena, hash);
	free(data);
	return hash != NULL && *ret_hash != NULL ? 0 : err_set(err, -EINVAL, "no such hash here");
}

static bool
is_line(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return n >= 1 && n <= max && rule_is_utf8(text);
}

static void
add_env(Davit__TaskSpec *spec, struct arena *arena, const char *key, char *value)
{
	Davit__StringEntry *entry = arena_alloc(arena, sizeof *entry);

	davit__string_entry__init(entry);
	entry->key = arena_strdup(arena, key);
	entry->value = value;
	spec->env[spec->n_env++] = entry;
}

static void
add_port_and_label(Davit__TaskSpec *spec, struct arena *arena)
{
	Davit__Port *port = arena_alloc(arena, sizeof *port);
	Davit__StringEntry *label = arena_alloc(arena, sizeof *label);

	davit__port__init(port);
	port->container_port = VM_PORT;
	spec->n_ports = 1;
	spec->ports = arena_alloc(arena, sizeof *spec->ports);
	spec->ports[0] = port;
	davit__string_entry__init(label);
	label->key = arena_strdup(arena, VM_LABEL);
	label->value = arena_strdup(arena, "1");
	spec->n_labels = 1;
	spec->labels = arena_alloc(arena, sizeof *spec->labels);
	spec->labels[0] = label;
}

/* Who logs in sees the VM's name, if a host may be called that. */
static char *
hostname_of(const char *name, struct arena *arena)
{
	char *host = arena_strdup(arena, name);

	for (char *at = host; at != NULL && *at != '\0'; at++)
		if (*at == '_')
			*at = '-';
	return host != NULL && rule_is_hostname(host, SPEC_HOSTNAME_MAX) ? host : NULL;
}

/* As it stands in its file: the line's end is no part of the key. */
static char *
key_of(const char *text, struct arena *arena)
{
	char *key = text == NULL ? NULL : arena_strdup(arena, text);
	size_t n = key == NULL ? 0 : strlen(key);

	while (n > 0 && (key[n - 1] == '\n' || key[n - 1] == '\r'))
		key[--n] = '\0';
	return key;
}

int
vm_spec_fill(const struct vm_wish *wish, Davit__TaskSpec *spec, struct arena *arena,
	struct err *err)
{
	char *key = key_of(wish->public_key, arena), *hash = NULL;

	if (wish->password != NULL && !is_line(wish->password, VM_PASSWORD_MAX))
		return err_set(err, -EINVAL,
			"a password is 1 to %d characters without control characters",
			VM_PASSWORD_MAX);
	if (key != NULL && !is_line(key, VM_KEY_MAX))
		return err_set(err, -EINVAL, "a public key is one line of at most %d characters",
			VM_KEY_MAX);
	if (wish->password != NULL &&
		hash_password(wish->password, wish->salt, arena, &hash, err) < 0)
		return err->code;
	spec->name = arena_strdup(arena, wish->name);
	spec->hostname = hostname_of(wish->name, arena);
	spec->image = arena_strdup(arena, wish->image == NULL ? VM_IMAGE : wish->image);
	spec->env = arena_array(arena, 2, sizeof *spec->env);
	if (hash != NULL)
		add_env(spec, arena, "VM_PASSWORD_HASH", hash);
	if (key != NULL)
		add_env(spec, arena, "VM_AUTHORIZED_KEY", key);
	add_port_and_label(spec, arena);
	spec->has_cpu_milli = spec->has_memory_bytes = true;
	spec->cpu_milli = wish->cpu_milli;
	spec->memory_bytes = wish->memory_bytes;
	if (wish->node != NULL) {
		spec->constraints = arena_alloc(arena, sizeof *spec->constraints);
		spec->constraints[0] = arena_printf(arena, "node.name == %s", wish->node);
		spec->n_constraints = 1;
	}
	spec->has_strategy = spec->has_auto_remove = true;
	spec->strategy = DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN;
	spec->auto_remove = true; /* one that has ended is of no use to anybody */
	return 0;
}

bool
vm_is(const Davit__Task *task)
{
	for (size_t i = 0; task->spec != NULL && i < task->spec->n_labels; i++)
		if (strcmp(task->spec->labels[i]->key, VM_LABEL) == 0)
			return true;
	return false;
}

const char *
vm_status(const Davit__Task *task)
{
	return task->state < DAVIT__TASK__STATE__RUNNING       ? "created"
	       : task->phase == DAVIT__TASK__PHASE__PAUSED     ? "paused"
	       : task->phase == DAVIT__TASK__PHASE__RESTARTING ? "restarting"
							       : "running";
}

uint32_t
vm_port(const Davit__Task *task)
{
	for (size_t i = 0; i < task->n_ports; i++)
		if (task->ports[i]->container_port == VM_PORT &&
			task->ports[i]->protocol == DAVIT__PORT__PROTOCOL__TCP)
			return task->ports[i]->host_port;
	return 0;
}
