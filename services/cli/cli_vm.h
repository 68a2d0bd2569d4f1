/*
 * cli_vm.h - virtual machines to log into: what `davit vm` and `davit menu` share.
 *
 * One thread.
 */
#pragma once

#include "common/model/vm.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli.h"

/* What whoever logs in has to know. Zeroed it is empty; cli_vm_fini. */
struct cli_vm {
	Davit__Task *task; /* with its spec */
	char *host;
	char password[VM_PASSWORD_MAX + 1]; /* only of one that was just made */
};

void cli_vm_fini(struct cli_vm *vm);

static inline void
cli_vm_fini_cleanup(struct cli_vm *vm)
{
	cli_vm_fini(vm);
}

/*
 * Makes it and waits until its sshd accepts; one that cannot be started is removed again.
 * wish->password NULL: a random one. An exit code; what is wrong was said.
 */
int cli_vm_create(struct cli *cli, struct vm_wish *wish, struct cli_vm *ret_vm);

/* The VM of that name or id, which must not have ended. An exit code. */
int cli_vm_get(struct cli *cli, const char *name, struct cli_vm *ret_vm);

/* All that have not ended and are not being removed, by the name of the node and then by age; nodes
 * answers for addresses. */
struct cli_vms {
	Davit__Task **tasks;
	size_t n;
	Davit__ListNodesReply *nodes;
	ProtobufCMessage **pages; /* that the tasks belong to */
	size_t n_pages;
};

int cli_vms_list(struct cli *cli, struct cli_vms *ret_vms);
void cli_vms_fini(struct cli_vms *vms);

static inline void
cli_vms_fini_cleanup(struct cli_vms *vms)
{
	cli_vms_fini(vms);
}

/* Borrowed; "127.0.0.1" for a node that does not say. */
const char *cli_vm_host(const Davit__ListNodesReply *nodes, const char *node_name);

/* Removes them, whatever they do. An exit code. */
int cli_vm_remove(struct cli *cli, char **names, size_t n);

/* A shell in it, on the user's terminal if there is one. Its exit code. */
int cli_vm_shell(struct cli *cli, const char *task);

/* {"name": …, "password": …, …} as the contract of the VMs has it, on out. */
void cli_vm_print_json(FILE *out, const struct cli_vm *vm);
