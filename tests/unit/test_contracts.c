#include "services/gateway/contracts/contracts.h"

#include <errno.h>
#include <stdlib.h>

#include "services/gateway/contracts/ports.h"
#include "tests/lib/test.h"

static size_t
choose(char **names, size_t n, struct contracts *contracts)
{
	struct option_list list = {names, n};
	struct err err = {0};
	size_t count = 0;

	CHECK_OK(contracts_choose(&list, contracts, &err), &err);
	while (contracts->tables[count] != NULL)
		count++;
	return count;
}

TEST(contracts_are_all_on_unless_some_are_named)
{
	static char all[] = "all", none[] = "none", tasks[] = "tasks";
	char *names[] = {all, none, tasks};
	static char both[] = "vms,tasks";
	char *two = both;
	struct contracts contracts;
	size_t n = choose(NULL, 0, &contracts);

	CHECK(n >= 3);
	CHECK(contracts.has_vms && !contracts.is_vms_named);
	CHECK_EQ(choose(&names[0], 1, &contracts), n);
	CHECK_EQ(choose(&names[1], 1, &contracts), 0);
	CHECK(!contracts.has_vms);
	CHECK_EQ(choose(&names[2], 1, &contracts), 1);
	CHECK(contracts.tables[0] == contract_tasks);
	CHECK_EQ(choose(&two, 1, &contracts), 1);
	CHECK(contracts.is_vms_named);
}

TEST(contracts_that_are_none_are_named_in_the_refusal)
{
	static char wrong[] = "vms,task", none[] = "none", tasks[] = "tasks";
	char *one[] = {wrong}, *two[] = {none, tasks};
	struct contracts contracts;
	struct err err = {0};

	CHECK_EQ(contracts_choose(&(struct option_list){one, 1}, &contracts, &err), -EINVAL);
	CHECK_HAS(err.text, "'task'");
	CHECK_EQ(contracts_choose(&(struct option_list){two, 2}, &contracts, &err), -EINVAL);
}

TEST(ports_are_exposed_once_and_bound_where_a_binding_says)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct err err = {0};
	json_t *exposed = json_pack("{s:{},s:{}}", "80/tcp", "53/udp");
	json_t *bound = json_pack("{s:s,s:s}", "80", "8080", "90/tcp", "");
	json_t *wrong = json_pack("{s:s}", "80/tcp", "70000");

	CHECK_OK(contract_ports_add(exposed, &spec, &arena, &err), &err);
	CHECK_EQ(spec.n_ports, 2);
	CHECK_OK(contract_ports_add(bound, &spec, &arena, &err), &err);
	CHECK_EQ(spec.n_ports, 3);
	for (size_t i = 0; i < spec.n_ports; i++)
		CHECK_EQ(spec.ports[i]->host_port, spec.ports[i]->container_port == 80 ? 8080 : 0);
	CHECK_EQ(contract_ports_add(wrong, &spec, &arena, &err), -EINVAL);
	json_decref(exposed);
	json_decref(bound);
	json_decref(wrong);
}

static void
check_listen(const char *host, const char *orchestration_port, const char *port, const char *want)
{
	struct err err = {0};
	char *url;

	(void)setenv("ORCHESTRATION_HOST", host, 1);
	(void)setenv("ORCHESTRATION_PORT", orchestration_port, 1);
	(void)setenv("PORT", port, 1);
	CHECK_OK(contracts_listen(&url, &err), &err);
	CHECK_STR(url, want);
	free(url);
}

TEST(contracts_listen_where_the_variables_of_two_of_them_say)
{
	char *url;
	struct err err = {0};

	check_listen("", "", "", "http://127.0.0.1:8080");
	check_listen("", "", "9001", "http://127.0.0.1:9001");
	check_listen("", "9000", "9001", "http://127.0.0.1:9000");
	check_listen("192.168.1.100", "9000", "", "http://192.168.1.100:9000");
	check_listen("::1", "9000", "", "http://[::1]:9000");
	(void)setenv("PORT", "http", 1);
	(void)setenv("ORCHESTRATION_PORT", "", 1);
	CHECK_EQ(contracts_listen(&url, &err), -EINVAL);
	CHECK_HAS(err.text, "Failed to convert port to integer");
	(void)unsetenv("PORT");
	(void)unsetenv("ORCHESTRATION_HOST");
}
