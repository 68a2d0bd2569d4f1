/*
 * contracts.h - the HTTP contracts of other small systems, each a table of routes.
 *
 * Thin over the calls of the manager; docs/CONTRACTS.md says where and why an answer
 * differs from the original's.
 */
#pragma once

#include "common/http/http.h"

/* POST /provision, POST /terminate/{id}, GET /status/{id}, GET /list */
extern const struct http_route contract_provision[];
/* /tasks, /tasks/{id}, /stats */
extern const struct http_route contract_tasks[];
/* /containers, /containers/{id} */
extern const struct http_route contract_containers[];

/* All of them; ends with NULL. */
extern const struct http_route *const contracts[];
