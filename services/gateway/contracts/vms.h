/*
 * vms.h - the contract of a mini cloud: a load balancer and server nodes that make virtual
 * machines and let people into them.
 *
 *     vms_listen   (8000)        /create_vm /list_all /delete_vm /exec_vm, shell_*
 *     servers      (5000, 5001)  /create_vm /list_vms /delete_vm/{name} /exec_vm/{name}, shell_*
 *
 * A server stands for one worker: the one that it names, or else the first that no other
 * stands for, in the order in which they came to the cluster. The balancer gives each new
 * VM to the next server. The loop's thread.
 */
#pragma once

#include "common/base/options.h"
#include "services/gateway/site.h"

enum {
	VMS_SERVERS_MAX = 64,
	VMS_EXEC_MS = 15000,      /* for a command, at the balancer */
	VMS_CMD_MAX = 100 * 1024, /* bytes of one */
	VMS_SHELLS_MAX = 256,     /* sessions at one time */
	VMS_SHELL_IDLE_MS = 15 * 60 * 1000,
	VMS_SHELL_INPUT_MAX = 64 << 10, /* bytes of one */
};

struct vms_options {
	const char *listen;                /* of the balancer */
	const struct option_list *servers; /* "URL" or "URL=NODE"; none: the usual two */
	bool is_optional;                  /* when a port is taken it goes without */
	const char *image;                 /* NULL: VM_IMAGE */
	const char *password;              /* of root, in every VM; NULL: a random one for each */
};

struct vms;

/*
 * All is borrowed for its life. -EINVAL, -EADDRINUSE with words that name the contract.
 * *ret_vms is NULL if it is optional and a port was taken.
 */
int vms_open(uv_loop_t *loop, struct site *site, const struct vms_options *options,
	struct vms **ret_vms, struct err *err);

/* Before the site. The loop must turn once more. NULL is fine. */
void vms_close(struct vms *vms);
CLEANUP_DEFINE(struct vms *, vms_close)

/* Of the balancer (-1) or a server, with the port that was bound. Borrowed. */
const char *vms_url(const struct vms *vms, int server);
