#include "services/manager/strategy_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/model/rules.h"
#include "services/manager/limits.h"

static int
parse_strategy(const char *word, Davit__TaskSpec__Strategy *ret_strategy)
{
	static const struct {
		const char *word;
		Davit__TaskSpec__Strategy strategy;
	} strategies[] = {
		{"best-fit", DAVIT__TASK_SPEC__STRATEGY__BEST_FIT},
		{"spread", DAVIT__TASK_SPEC__STRATEGY__SPREAD},
		{"round-robin", DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN},
		{"random", DAVIT__TASK_SPEC__STRATEGY__RANDOM},
		{"resource-aware", DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE},
	};

	for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
		if (strcmp(strategies[i].word, word) == 0) {
			*ret_strategy = strategies[i].strategy;
			return 0;
		}
	}
	return -EINVAL;
}

static int
read_one(const char *text, struct manager_strategy *room, struct manager_config *config,
	struct err *err)
{
	const char *equals = strchr(text, '=');
	struct manager_strategy *one = &room[config->n_strategies];
	size_t n = equals == NULL ? 0 : (size_t)(equals - text);

	if (equals == NULL)
		return parse_strategy(text, &config->strategy) == 0
			       ? 0
			       : err_set(err, -EINVAL,
					 "--strategy '%.60s': want [NAMESPACE=] and best-fit, "
					 "spread, round-robin, random or resource-aware",
					 text);
	if (config->n_strategies == MANAGER_STRATEGIES_MAX)
		return err_set(err, -EINVAL, "--strategy: at most %d namespaces",
			MANAGER_STRATEGIES_MAX);
	(void)snprintf(one->namespace_name, sizeof one->namespace_name, "%.*s",
		n < sizeof one->namespace_name ? (int)n : 0, text);
	if (!rule_is_namespace(one->namespace_name) ||
		parse_strategy(equals + 1, &one->strategy) < 0)
		return err_set(err, -EINVAL,
			"--strategy '%.60s': want a namespace, '=' and best-fit, spread, "
			"round-robin, random or resource-aware",
			text);
	config->n_strategies++;
	return 0;
}

int
strategy_options_read(const struct option_list *list, struct manager_strategy *room,
	struct manager_config *config, struct err *err)
{
	config->strategies = room;
	config->n_strategies = 0;
	for (size_t i = 0; i < list->n; i++) {
		int rc = read_one(list->items[i], room, config, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}
