#include "tests/sim/specs.h"

#include <stdio.h>

#include "common/docker/engine_mem.h"

const char specs_taint_key[] = "maintenance";

/* How a container behaves is told by a label, whether its image is there by the image's name. */
static const char *const behaviours[] = {
	"run:forever",
	"run:forever",
	"run:forever",
	"run:forever/stubborn:TERM",
	"exit:0/after:300ms",
	"exit:0/after:0",
	"exit:3/after:2s",
	"exit:0/after:6s",
	"badcmd:1",
	"oom:1s",
	"slow:2s/run:forever",
	"slow:2s/exit:0/after:3s",
	"slow:2s/exit:1/after:1s",
	"slow:2s/health:ok/run:forever",
	"health:ok/run:forever",
	"health:bad/run:forever",
};

static const char *const images[] = {"missing:500ms", "missing:3s", "missing:20s", "nosuch:1",
	"denied:1", "offline:1"};

static const char *const constraints[] = {
	"node.labels.zone == a",
	"node.labels.zone != a",
	"node.labels.disk exists",
	"node.name != w1",
	"node.name in (w0, w2)",
	"node.labels.disk == ssd",
	"node.labels.mood == good", /* what operators change */
	"node.labels.mood not exists",
};

#define PICK(dice, of) ((char *)(uintptr_t)(of)[dice_roll((dice), sizeof(of) / sizeof(of)[0])])

const char *
specs_zone(unsigned worker)
{
	return worker % SPECS_ZONES == 0 ? "a" : "b";
}

const char *
specs_disk(unsigned worker)
{
	return worker % 3 == 0 ? "ssd" : "hdd";
}

static void
throw_behaviour(struct dice *dice, char *wish, struct spec_draft *draft)
{
	Davit__TaskSpec *spec = &draft->spec;

	spec->image = dice_chance(dice, 850) ? (char *)"demo" : PICK(dice, images);
	spec->name = dice_chance(dice, 800) ? wish : NULL;
	davit__string_entry__init(&draft->label);
	davit__string_entry__init(&draft->mark);
	davit__string_entry__init(&draft->app);
	draft->label.key = ENGINE_MEM_LABEL;
	draft->label.value = PICK(dice, behaviours);
	draft->mark.key = "wish"; /* so that the witness can count what became of it */
	draft->mark.value = wish;
	draft->app.key = "app";
	draft->app.value = dice_chance(dice, 500) ? "web" : "db";
	draft->labels[0] = &draft->label;
	draft->labels[1] = &draft->mark;
	draft->labels[2] = &draft->app;
	spec->n_labels = 3;
	spec->labels = draft->labels;
	spec->has_stop_timeout_ms = true;
	spec->stop_timeout_ms = 1000;
	spec->has_auto_remove = true;
	spec->auto_remove = dice_chance(dice, 100);
	spec->has_hold = spec->hold = dice_chance(dice, 180);
	spec->has_pull_policy = dice_chance(dice, 60);
	spec->pull_policy = dice_chance(dice, 500) ? DAVIT__TASK_SPEC__PULL_POLICY__ALWAYS
						   : DAVIT__TASK_SPEC__PULL_POLICY__NEVER;
}

static void
throw_times(struct dice *dice, Davit__TaskSpec *spec)
{
	spec->has_ttl_ms = dice_chance(dice, 100);
	spec->ttl_ms = spec->has_ttl_ms ? 5000 + dice_roll(dice, 20000) : 0;
	spec->has_max_run_time_ms = dice_chance(dice, 100);
	spec->max_run_time_ms = spec->has_max_run_time_ms ? 3000 + dice_roll(dice, 20000) : 0;
}

static void
throw_policies(struct dice *dice, struct spec_draft *draft)
{
	Davit__TaskSpec *spec = &draft->spec;

	if (dice_chance(dice, 500)) {
		davit__restart_policy__init(&draft->restart);
		draft->restart.has_condition = draft->restart.has_max_delay_ms = true;
		draft->restart.condition = (Davit__RestartPolicy__Condition)dice_roll(dice, 4);
		draft->restart.max_delay_ms = 5000;
		draft->restart.has_max_attempts =
			dice_chance(dice, 400) &&
			draft->restart.condition == DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE;
		draft->restart.max_attempts = 2;
		spec->restart = &draft->restart;
	}
	if (dice_chance(dice, 300)) {
		davit__disconnect__init(&draft->disconnect);
		draft->disconnect.has_mode = true;
		draft->disconnect.mode = (Davit__Disconnect__Mode)dice_roll(dice, 4);
		draft->disconnect.has_replace_after_ms =
			draft->disconnect.mode == DAVIT__DISCONNECT__MODE__REPLACE;
		draft->disconnect.replace_after_ms = dice_roll(dice, 5000);
		draft->disconnect.has_stop_after_ms =
			draft->disconnect.mode == DAVIT__DISCONNECT__MODE__STOP_AFTER;
		draft->disconnect.stop_after_ms = 3000;
		spec->disconnect = &draft->disconnect;
	}
	if (dice_chance(dice, 100)) {
		davit__healthcheck__init(&draft->health);
		draft->health_command[0] = (char *)"check";
		draft->health.has_interval_ms = draft->health.has_timeout_ms = true;
		draft->health.interval_ms = draft->health.timeout_ms = 1000;
		draft->health.has_tcp_port = dice_chance(dice, 700);
		draft->health.tcp_port = draft->health.has_tcp_port ? 80 : 0;
		draft->health.n_command = !draft->health.has_tcp_port;
		draft->health.command = draft->health_command;
		spec->healthcheck = &draft->health;
	}
}

static void
throw_resources(struct dice *dice, struct spec_draft *draft)
{
	Davit__TaskSpec *spec = &draft->spec;

	spec->has_cpu_milli = true;
	spec->cpu_milli = 500 * dice_roll(dice, 5);
	spec->has_memory_bytes = dice_chance(dice, 200);
	spec->memory_bytes = spec->has_memory_bytes ? dice_roll(dice, 3) << 30 : 0;
	if (dice_chance(dice, 300)) {
		davit__port__init(&draft->port);
		draft->port.container_port = 80;
		draft->port.has_host_port = dice_chance(dice, 300);
		draft->port.host_port = draft->port.has_host_port ? 8080 : 0;
		draft->ports[0] = &draft->port;
		spec->n_ports = 1;
		spec->ports = draft->ports;
	}
	if (dice_chance(dice, 120)) {
		for (size_t i = 0; i < 2; i++) {
			davit__network_attachment__init(&draft->network[i]);
			draft->networks[i] = &draft->network[i];
		}
		draft->network[0].name = (char *)"backend";
		draft->network[1].name = (char *)"frontend"; /* joined after the creation */
		spec->n_networks = 1 + dice_roll(dice, 2);
		spec->networks = draft->networks;
	}
}

static void
throw_place(struct dice *dice, struct spec_draft *draft)
{
	Davit__TaskSpec *spec = &draft->spec;

	spec->has_strategy = dice_chance(dice, 300);
	spec->strategy = (Davit__TaskSpec__Strategy)dice_roll(dice, 6);
	if (dice_chance(dice, 200)) {
		draft->constraints[0] = PICK(dice, constraints);
		spec->n_constraints = 1;
		spec->constraints = draft->constraints;
	}
	if (dice_chance(dice, 100)) {
		davit__spread__init(&draft->spread);
		draft->spread.topology = (char *)"zone";
		draft->spreads[0] = &draft->spread;
		spec->n_spreads = 1;
		spec->spreads = draft->spreads;
	}
	if (dice_chance(dice, 100)) {
		davit__affinity__init(&draft->affinity);
		draft->affinity.label = (char *)"app=web";
		draft->affinity.topology = dice_chance(dice, 500) ? (char *)"zone" : NULL;
		draft->affinity.has_anti = true;
		draft->affinity.anti = dice_chance(dice, 500);
		/* Away from its own array only: else nobody could say who may go where. */
		(void)snprintf(draft->own, sizeof draft->own, "wish=%s", draft->mark.value);
		if (draft->affinity.anti)
			draft->affinity.label = draft->own;
		draft->affinity.has_weight = dice_chance(dice, 500);
		draft->affinity.weight = 50;
		draft->affinities[0] = &draft->affinity;
		spec->n_affinities = 1;
		spec->affinities = draft->affinities;
	}
	if (dice_chance(dice, 200)) {
		davit__toleration__init(&draft->toleration);
		draft->toleration.key = (char *)(uintptr_t)specs_taint_key;
		draft->tolerations[0] = &draft->toleration;
		spec->n_tolerations = 1;
		spec->tolerations = draft->tolerations;
	}
}

static void
throw_ranks(struct dice *dice, struct spec_draft *draft)
{
	static const uint32_t priorities[] = {0, 40, 50, 60, 80, 100};
	Davit__TaskSpec *spec = &draft->spec;

	spec->namespace_ = dice_chance(dice, 250) ? (char *)"other" : NULL;
	spec->has_priority = dice_chance(dice, 400);
	spec->priority = priorities[dice_roll(dice, sizeof priorities / sizeof priorities[0])];
	if (!dice_chance(dice, 200))
		return;
	draft->count =
		2 + (uint32_t)dice_roll(dice,
			    (dice_chance(dice, 250) ? SPECS_ARRAY_MAX : SPECS_ARRAY_FEW) - 1);
	spec->has_max_per_node = dice_chance(dice, 300);
	spec->max_per_node = 1 + (uint32_t)dice_roll(dice, 2);
	if (dice_chance(dice, 400)) {
		davit__gang__init(&draft->gang);
		draft->gang.has_all_or_nothing = draft->gang.all_or_nothing = true;
		spec->gang = &draft->gang;
	}
}

void
specs_throw(struct dice *dice, char *wish, struct spec_draft *ret_draft)
{
	*ret_draft = (struct spec_draft){.count = 1};
	davit__task_spec__init(&ret_draft->spec);
	throw_behaviour(dice, wish, ret_draft);
	throw_times(dice, &ret_draft->spec);
	throw_policies(dice, ret_draft);
	throw_resources(dice, ret_draft);
	throw_place(dice, ret_draft);
	throw_ranks(dice, ret_draft);
}
