/*
 * strategy_options.h - which strategy where, as the manager's options say it. Pure.
 */
#pragma once

#include "common/base/options.h"
#include "services/manager/manager.h"

/*
 * Reads "STRATEGY" (of the cluster) and "NAMESPACE=STRATEGY" into the config; those of
 * namespaces are put into room, of at least MANAGER_STRATEGIES_MAX, which must live as
 * long as the config. -EINVAL with words.
 */
int strategy_options_read(const struct option_list *list, struct manager_strategy *room,
	struct manager_config *config, struct err *err);
