/*
 * vms_impl.h - what the files of the contract vms know of each other.
 *
 * vms.c opens and closes, vms_places.c says which server stands for which worker,
 * vms_calls.c makes, lists, removes and runs commands, vms_shells.c keeps the shells.
 * The loop's thread.
 */
#pragma once

#include "proto/manager.pb-c.h"
#include "services/gateway/contracts/vms.h"
#include "services/gateway/errand.h"

/* Where requests come in: the arg of its routes. */
struct vms_door {
	struct vms *vms;
	int server; /* -1: the balancer */
	char *url;
	char *node; /* name of the worker that it stands for; NULL: by order */
	struct http_server *http;
};

struct vms_shells;

struct vms {
	struct site *site;
	struct vms_door balancer, servers[VMS_SERVERS_MAX];
	unsigned n_servers;
	unsigned turn; /* the server whose turn is next */
	const char *image, *password;
	struct vms_shells *shells;
};

extern const struct http_route vms_balancer_routes[], vms_server_routes[];

/* ---- vms_places.c ---- */

/* The workers that servers stand for, borrowed from the reply; NULL: none. */
struct vms_places {
	const Davit__Node *nodes[VMS_SERVERS_MAX];
};

void vms_places_find(const struct vms *vms, const Davit__ListNodesReply *reply,
	struct vms_places *ret_places);
/* The server that stands for the worker; -1: none. */
int vms_places_server(const struct vms *vms, const struct vms_places *places,
	const char *node_name);
/* The server at that URL; -1: none. */
int vms_server_find(const struct vms *vms, const char *url);

/* ---- vms_calls.c: what others need of it ---- */

/* One request about one VM. */
struct vms_ask {
	struct vms *vms;
	int server;       /* where it must be; -1: anywhere */
	const char *node; /* the same, by the name of the worker; NULL: anywhere */
	const char *name;
	const char *text; /* what the handler keeps */
	uint64_t limit_ms;
	void (*found)(struct errand *errand, struct vms_ask *ask, const Davit__Task *task);
	const char *missing; /* the words of a 404 */
};

/* {"error": …} */
void vms_refuse(struct errand *errand, unsigned status, const char *why);
/* The same for a call that failed. */
void vms_refuse_call(struct errand *errand, const struct rpc_result *result);
/* The body, or NULL: it was refused. Freed with the errand. */
const json_t *vms_body(struct errand *errand);
/* Reads "server" and what the key holds; false: it was refused, also when that is missing. */
bool vms_read_target(struct errand *errand, const json_t *body, struct vms_ask *ask,
	const char *key, const char *missing);
/* Finds the VM and calls found, or refuses. */
void vms_find(struct errand *errand, struct vms_ask *ask);
/* The same for the VM that the path names at a server's own door, else the body. */
void vms_find_named(struct errand *errand, struct http_request *request, struct vms_ask *ask);

/* ---- vms_shells.c ---- */

struct vms_shells *vms_shells_new(void);
void vms_shells_free(struct vms_shells *shells);

http_handle_fn vms_on_shell_session, vms_on_shell_input, vms_on_shell_output, vms_on_shell_close;
