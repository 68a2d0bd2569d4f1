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
	{"vms", NULL},
	{"pods", contract_pods},
	{"tasks", contract_tasks},
	{"containers", contract_containers},
};

enum { N_KNOWN = sizeof known / sizeof known[0] };
_Static_assert((int)N_KNOWN <= (int)CONTRACTS_MAX, "every contract has a place");

/* In any of the texts, between commas. */
static bool
is_named(const struct option_list *names, const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < names->n; i++) {
		for (const char *at = names->items[i];; at++) {
			size_t n = strcspn(at, ",");

			if (n == size && strncmp(at, name, n) == 0)
				return true;
			at += n;
			if (*at == '\0')
				break;
		}
	}
	return false;
}

static bool
is_known(const char *name, size_t size)
{
	for (size_t i = 0; i < N_KNOWN; i++)
		if (strlen(known[i].name) == size && strncmp(known[i].name, name, size) == 0)
			return true;
	return (size == 3 && strncmp(name, "all", 3) == 0) ||
	       (size == 4 && strncmp(name, "none", 4) == 0);
}

static int
check_names(const struct option_list *names, struct err *err)
{
	for (size_t i = 0; i < names->n; i++) {
		for (const char *at = names->items[i];; at++) {
			size_t n = strcspn(at, ",");

			if (!is_known(at, n))
				return err_set(err, -EINVAL,
					"--contracts: there is no '%.*s'; want all, none, or some of "
					"provision, vms, pods, tasks, containers",
					n < 60 ? (int)n : 60, at);
			at += n;
			if (*at == '\0')
				break;
		}
	}
	return 0;
}

int
contracts_choose(const struct option_list *names, struct contracts *ret_contracts, struct err *err)
{
	bool all = names->n == 0 || is_named(names, "all");
	size_t n = 0;

	*ret_contracts = (struct contracts){.is_vms_named = is_named(names, "vms")};
	if (check_names(names, err) < 0)
		return err->code;
	if (is_named(names, "none") && (names->n > 1 || strcmp(names->items[0], "none") != 0))
		return err_set(err, -EINVAL, "--contracts: 'none' goes with no other");
	ret_contracts->has_vms = all || ret_contracts->is_vms_named;
	for (size_t i = 0; i < N_KNOWN; i++)
		if (known[i].routes != NULL && (all || is_named(names, known[i].name)))
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
