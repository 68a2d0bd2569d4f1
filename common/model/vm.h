/*
 * vm.h - a virtual machine to log into: a task whose image runs sshd.
 *
 * Who makes one chooses root's password and tells it once. The task carries only its hash, as
 * the image's first process (deploy/images/vm/vm-init) wants it. Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "proto/types.pb-c.h"

#define VM_LABEL "davit-vm" /* of the tasks that are VMs */
#define VM_IMAGE "davit-vm" /* made by deploy/images/vm */
#define VM_USER  "root"

enum {
	VM_PORT = 22,
	VM_PASSWORD_SIZE = 20 + 1, /* of one that is made here: 100 bits */
	VM_PASSWORD_MAX = 128,
	VM_KEY_MAX = 4096, /* characters of a public key */
	VM_SALT_SIZE = 16,
};

/* From that many random bytes. Letters and digits that nobody confuses. */
void vm_password_make(const uint8_t random[VM_PASSWORD_SIZE - 1], char ret_text[VM_PASSWORD_SIZE]);

/* Borrowed for the call, except that `task` keeps what it needs. */
struct vm_wish {
	const char *name;                 /* NULL: the manager makes one */
	const char *image;                /* NULL: VM_IMAGE */
	const char *password;             /* NULL: none works */
	const char *public_key;           /* one line, as in id_ed25519.pub; NULL: none */
	const char *node;                 /* name of the one that it shall run on; NULL: any */
	uint64_t cpu_milli, memory_bytes; /* 0: no limit */
	uint8_t salt[VM_SALT_SIZE];       /* random bytes */
};

/*
 * Fills the (initialised) spec; everything in it is the arena's. -EINVAL for a password or key
 * that is too long or has control characters, with words.
 */
int vm_spec_fill(const struct vm_wish *wish, Davit__TaskSpec *spec, struct arena *arena,
	struct err *err);

/* By its label; a task without its spec is none. */
bool vm_is(const Davit__Task *task);

/* The engine's word for its state: "created" (it does not run yet), "paused", "restarting" or
 * "running". */
const char *vm_status(const Davit__Task *task);

/* The port on its host that leads to its sshd; 0: not known (yet). */
uint32_t vm_port(const Davit__Task *task);

/*
 * A command for its container that ends once sshd accepts: with 0, else after about half a
 * minute with 1. Ends with NULL.
 */
extern const char *const vm_ready_command[];
