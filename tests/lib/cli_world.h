/*
 * cli_world.h - commands of `davit` against a manager that follows a script.
 *
 * The manager runs on the same loop as the command. A script is a table of
 * methods with functions that answer (rpc_call_answer) or refuse the call; a call
 * that is not in the script fails the test. What the command printed is text.
 */
#pragma once

#include "common/rpc/server.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli.h"
#include "tests/lib/test.h"

struct cli_world;

/* Answers or refuses the call, which is sent afterwards; or keeps it: world->kept. */
typedef void cli_world_fn(struct cli_world *world, struct rpc_call *call);

struct cli_script {
	const char *method; /* NULL ends the script */
	cli_world_fn *answer;
};

enum { CLI_WORLD_NOW_MS = 1700000000, CLI_WORLD_ARGV_MAX = 64 };

struct cli_world {
	uv_loop_t loop;
	struct rpc_server *server;
	struct cli cli;
	const struct cli_script *script;
	char *out, *err;     /* what the last command printed; owned */
	char asked[1024];    /* methods called so far, each with a blank behind it */
	char request_id[65]; /* of the last call that had one */
	unsigned n_calls;
	struct rpc_call *kept; /* set by an answer that does not come; dropped at the end */
	void *user;
};

void cli_world_open(struct cli_world *world, const struct cli_script *script);
void cli_world_close(struct cli_world *world);

/* Runs `davit` with these arguments up to NULL; its exit code. */
int cli_world_run(struct cli_world *world, ...) __attribute__((sentinel));

/* A task with the id …0001, "web", RUNNING on n1 since 200 s. The caller frees nothing: static. */
Davit__Task cli_world_task(void);
