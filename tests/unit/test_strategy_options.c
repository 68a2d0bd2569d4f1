#include "services/manager/strategy_options.h"

#include <errno.h>
#include <stdio.h>

#include "services/manager/limits.h"
#include "tests/lib/test.h"

static struct manager_strategy room[MANAGER_STRATEGIES_MAX];

static int
read_list(char *const *texts, size_t n, struct manager_config *config, struct err *err)
{
	char *items[MANAGER_STRATEGIES_MAX + 1];
	struct option_list list = {.items = items, .n = n};

	for (size_t i = 0; i < n; i++)
		items[i] = texts[i];
	manager_config_init(config);
	return strategy_options_read(&list, room, config, err);
}

TEST(strategy_options_are_of_the_cluster_and_of_namespaces)
{
	char *texts[] = {"spread", "web=round-robin", "batch=resource-aware"};
	struct manager_config config;
	struct err err = {0};

	CHECK_OK(read_list(texts, 3, &config, &err), &err);
	CHECK_EQ(config.strategy, DAVIT__TASK_SPEC__STRATEGY__SPREAD);
	CHECK_EQ(config.n_strategies, 2);
	CHECK_STR(config.strategies[0].namespace_name, "web");
	CHECK_EQ(config.strategies[0].strategy, DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN);
	CHECK_STR(config.strategies[1].namespace_name, "batch");
	CHECK_EQ(config.strategies[1].strategy, DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE);
	CHECK_OK(read_list(NULL, 0, &config, &err), &err);
	CHECK_EQ(config.strategy, DAVIT__TASK_SPEC__STRATEGY__CLUSTER); /* best-fit */
}

TEST(strategy_options_say_what_they_want)
{
	static const char *const bad[] = {"", "fastest", "=spread", "web=", "web=fastest",
		"no spaces=spread", "cluster"};
	struct manager_config config;
	struct err err = {0};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *texts[] = {(char *)(uintptr_t)bad[i]};

		CHECK_EQ(read_list(texts, 1, &config, &err), -EINVAL);
		CHECK_HAS(err.text, "best-fit");
	}
}

TEST(strategy_options_have_so_many_namespaces)
{
	char texts[MANAGER_STRATEGIES_MAX + 1][32], *list[MANAGER_STRATEGIES_MAX + 1];
	struct manager_config config;
	struct err err = {0};

	for (unsigned i = 0; i <= MANAGER_STRATEGIES_MAX; i++) {
		(void)snprintf(texts[i], sizeof texts[i], "n%u=random", i);
		list[i] = texts[i];
	}
	CHECK_OK(read_list(list, MANAGER_STRATEGIES_MAX, &config, &err), &err);
	CHECK_EQ(config.n_strategies, MANAGER_STRATEGIES_MAX);
	CHECK_EQ(read_list(list, MANAGER_STRATEGIES_MAX + 1, &config, &err), -EINVAL);
	CHECK_HAS(err.text, "at most 64 namespaces");
}
