/*
 * core.h - the parts of the manager's core and what they share. Private to services/manager.
 *
 * struct manager is only the place where the parts meet. Each part has a header of
 * its own that says what it does; functions take the manager because a decision
 * usually touches several parts (a task that ends frees ports, wakes a waiter and is
 * an event), but each part's struct is changed by its own file only.
 */
#pragma once

#include "common/base/arena.h"
#include "services/manager/assignments.h"
#include "services/manager/batch.h"
#include "services/manager/chaos.h"
#include "services/manager/claims.h"
#include "services/manager/ended.h"
#include "services/manager/events.h"
#include "services/manager/flow.h"
#include "services/manager/liveness.h"
#include "services/manager/manager.h"
#include "services/manager/model.h"
#include "services/manager/placing.h"
#include "services/manager/questions.h"
#include "services/manager/relay.h"
#include "services/manager/requests.h"
#include "services/manager/telling.h"
#include "services/manager/usage.h"
#include "services/manager/waiting.h"
#include "services/manager/waits.h"

struct manager {
	struct manager_config config;
	struct manager_ports ports;
	struct manager_now now;
	uint64_t started_ms; /* wall */
	char cluster_id[ID_TEXT_SIZE];
	uint64_t cluster_created_ms; /* wall */
	struct id last_id;           /* the greatest that was made */
	char store_trouble[ERR_TEXT_MAX];

	struct model model;
	struct batch batch;
	struct requests requests;
	struct events events;
	struct placing placing;
	struct waiting waiting;
	struct claims claims;
	struct telling telling;
	struct questions questions;
	struct liveness liveness;
	struct assignments assignments;
	struct relay relay;
	struct manager_chaos chaos;
	struct waits waits;
	struct cluster_usage usage;
	struct flow flow;
	struct ended ended;
};

/* A new id at the present time, greater than all before, so that tasks come in the order of
 * their ids. */
struct id manager_new_id(struct manager *manager, bool is_base);
