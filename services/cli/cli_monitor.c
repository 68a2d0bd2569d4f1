/* Tested by tests/unit/test_cli_stats.c and tests/e2e/top.bats. */
#include "services/cli/cli_monitor.h"

#include <stdio.h>

struct answer {
	cli_monitor_fn *take;
	void *arg;
	char *message;
	Davit__Reply__Status status;
	bool is_done;
};

static void
on_answer(const struct rpc_result *result, void *arg)
{
	struct answer *answer = arg;

	answer->is_done = true;
	answer->status = result->status;
	(void)snprintf(answer->message, CLI_MONITOR_MESSAGE_SIZE, "%s",
		result->message == NULL ? "" : result->message);
	if (result->status == DAVIT__REPLY__STATUS__OK)
		answer->take(result->response, answer->arg);
}

void
cli_monitor_open(struct cli *cli, const char *url, struct cli_monitor *ret_monitor)
{
	struct err err = {0};

	*ret_monitor = (struct cli_monitor){.cli = cli};
	if (url != NULL && url[0] != '\0' &&
		rpc_client_open(cli->loop, url, &ret_monitor->client, &err) < 0)
		ret_monitor->client = NULL;
}

void
cli_monitor_close(struct cli_monitor *monitor)
{
	if (monitor->client != NULL)
		rpc_client_close(monitor->client);
	monitor->client = NULL;
}

Davit__Reply__Status
cli_monitor_ask(struct cli_monitor *monitor, const char *method, const ProtobufCMessage *request,
	cli_monitor_fn *take, void *arg)
{
	struct rpc_call_options options = {.timeout_ms = CLI_MONITOR_PATIENCE_MS};
	struct answer answer = {.take = take, .arg = arg, .message = monitor->message};

	if (monitor->client == NULL || uv_hrtime() / 1000000 < monitor->retry_ms)
		return DAVIT__REPLY__STATUS__UNAVAILABLE;
	(void)rpc_client_call(monitor->client, rpc_method(&davit__monitor__descriptor, method),
		request, &options, on_answer, &answer);
	while (!answer.is_done)
		(void)uv_run(monitor->cli->loop, UV_RUN_ONCE);
	if (answer.status != DAVIT__REPLY__STATUS__OK)
		monitor->retry_ms = uv_hrtime() / 1000000 + CLI_MONITOR_RETRY_MS;
	return answer.status;
}
