/*
 * contracts.h - the HTTP contracts of other small systems, each a table of routes.
 *
 * Thin over the calls of the manager; docs/CONTRACTS.md says where and why an answer
 * differs from the original's. Each can be switched off. The loop's thread.
 */
#pragma once

#include <stdbool.h>

#include "common/base/err.h"
#include "common/base/options.h"
#include "common/http/http.h"

/* POST /provision, POST /terminate/{id}, GET /status/{id}, GET /list */
extern const struct http_route contract_provision[];
/* /tasks, /tasks/{id}, /stats */
extern const struct http_route contract_tasks[];
/* /health, /api/v1/… */
extern const struct http_route contract_pods[];
/* /containers, /containers/{id} */
extern const struct http_route contract_containers[];

enum { CONTRACTS_MAX = 8 };

struct contracts {
	const struct http_route
		*tables[CONTRACTS_MAX + 1]; /* ends with NULL, as site_new wants it */
	bool has_vms;                       /* vms.h: it has ports of its own */
	bool is_vms_named;                  /* and is wanted by its name */
};

/* By their names; none given, or "all": all of them; "none". -EINVAL names what is none. */
int contracts_choose(const struct option_list *names, struct contracts *ret_contracts,
	struct err *err);

/*
 * Where to listen if nobody says so, the way two of them are told: ORCHESTRATION_HOST,
 * ORCHESTRATION_PORT, PORT, else 127.0.0.1:8080. A URL, the caller's to free. -EINVAL with words
 * for a port that is none.
 */
int contracts_listen(char **ret_url, struct err *err);
