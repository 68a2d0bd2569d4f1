/*
 * pods.h - the contract of a small Kubernetes: pods and nodes with namespaces.
 *
 * A pod is one task for each of its containers, all in the pod's namespace and on one node;
 * any other task is a pod of one container. A node is a worker's, or one that was registered
 * here and nobody works for. The loop's thread.
 */
#pragma once

#include "proto/manager.pb-c.h"
#include "services/gateway/errand.h"

#define POD_LABEL           "davit-pod"           /* name of the pod */
#define POD_CONTAINER_LABEL "davit-pod-container" /* name of the container */
#define POD_SPEC_LABEL      "davit-pod-spec"      /* what was asked for, in JSON: on the first */

enum {
	PODS_CONTAINERS_MAX = 32,          /* of one pod */
	PODS_SPEC_MAX = 16000,             /* bytes of one pod's spec in JSON */
	PODS_NODE_TIMEOUT_MS = 120 * 1000, /* without a heartbeat a node is not ready */
};

/* ---- pods_reply.c: how this contract answers ---- */

/* Takes the JSON. Each ends the errand. */
void pods_reply(struct errand *errand, unsigned status, json_t *json);
void pods_message(struct errand *errand, const char *message);
/* details (key, text) may be NULL. */
void pods_refuse(struct errand *errand, unsigned status, const char *code, const char *message,
	const char *key, const char *text);
/* kind: "Pod", "Node". */
void pods_refuse_call(struct errand *errand, const char *kind, const struct rpc_result *result);
void pods_refuse_missing(struct errand *errand, const char *kind, const char *namespace_name,
	const char *name);
/* The body, freed with the errand; NULL: it was refused. */
json_t *pods_body(struct errand *errand);
/* "/api/v1/…" that is none: preflight, trailing slashes, 404. */
http_handle_fn pods_on_unknown, pods_on_later, pods_on_health;

/* Failed checks, joined; a zeroed one has none. */
struct pods_check {
	struct buf text;
};
void pods_check_add(struct pods_check *check, const char *field, const char *why);
/* True: there are none; else it was refused. Frees them. */
bool pods_check_passes(struct pods_check *check, struct errand *errand, const char *kind);
bool pods_is_dns_name(const char *text);
/* metadata.name with the words for what is wrong. */
void pods_check_name(struct pods_check *check, const char *field, const char *name);

/* ---- quantities ---- */

/* "500m", "0.5"; "64Mi", "1.5G", "128B". False: it is none. */
bool pods_parse_cpu(const char *text, uint64_t *ret_milli);
bool pods_parse_memory(const char *text, uint64_t *ret_bytes);

/* ---- pods_object.c: a pod as JSON, and as tasks ---- */

/* The specs of its containers; what is wrong goes to check. Borrows from body; name and namespace
 * are those of the URL. */
struct pods_specs {
	Davit__TaskSpec *items[PODS_CONTAINERS_MAX];
	size_t n;
};
void pods_read(const json_t *body, const char *namespace_name, const char *name,
	struct pods_specs *ret_specs, struct pods_check *check, struct arena *arena);

/* Puts the task into the pods, an object of pods by namespace and name, as one container more. */
void pods_add(json_t *pods, const Davit__Task *task);
/* Phase and conditions of each. All of them as an array, newest first: the caller's. */
json_t *pods_finish(json_t *pods);

/* ---- pods_nodes.c ---- */

http_handle_fn pods_on_node_create, pods_on_nodes, pods_on_node, pods_on_node_update,
	pods_on_node_delete, pods_on_heartbeat;
