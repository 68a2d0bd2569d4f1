#include "services/gateway/contracts/contracts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/units.h"

static const struct {
	const char *name;
	const struct http_route *routes;
} known[] = {
	{"provision", contract_provision},
	{"tasks", contract_tasks},
	{"containers", contract_containers},
};

enum { N_KNOWN = sizeof known / sizeof known[0] };
_Static_assert((int)N_KNOWN <= (int)CONTRACTS_MAX, "every contract has a place");

static bool
is_named(const struct option_list *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

static bool
is_known(const char *name)
{
	for (size_t i = 0; i < N_KNOWN; i++)
		if (strcmp(known[i].name, name) == 0)
			return true;
	return strcmp(name, "all") == 0 || strcmp(name, "none") == 0;
}

int
contracts_choose(const struct option_list *names, struct contracts *ret_contracts, struct err *err)
{
	bool all = names->n == 0 || is_named(names, "all");
	size_t n = 0;

	*ret_contracts = (struct contracts){{NULL}};
	for (size_t i = 0; i < names->n; i++)
		if (!is_known(names->items[i]))
			return err_set(err, -EINVAL,
				"--contracts: there is no '%.60s'; want all, none, or some of "
				"provision, tasks, containers",
				names->items[i]);
	if (is_named(names, "none") && names->n > 1)
		return err_set(err, -EINVAL, "--contracts: 'none' goes with no other");
	for (size_t i = 0; i < N_KNOWN; i++)
		if (all || is_named(names, known[i].name))
			ret_contracts->tables[n++] = known[i].routes;
	return 0;
}

static const char *
env_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? otherwise : value;
}

int
contracts_listen(char **ret_url, struct err *err)
{
	const char *host = env_or("ORCHESTRATION_HOST", "127.0.0.1");
	const char *port = env_or("ORCHESTRATION_PORT", env_or("PORT", "8080"));
	CLEANUP(buf_fini) struct buf url = {0};
	struct err why;
	uint64_t number;

	if (units_parse_number(port, 0, UINT16_MAX, &number, &why) < 0)
		return err_set(err, -EINVAL, "Failed to convert port to integer: %s", why.text);
	buf_printf(&url,
		strchr(host, ':') != NULL && host[0] != '[' ? "http://[%s]:%s" : "http://%s:%s",
		host, port);
	*ret_url = xstrdup(buf_text(&url));
	return 0;
}
