#include "services/cli/cli_submit.h"

#include "common/base/buf.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_task.h"
#include "services/cli/cli_text.h"

void
cli_submit_reply_free(Davit__SubmitTasksReply *reply)
{
	if (reply != NULL)
		davit__submit_tasks_reply__free_unpacked(reply, NULL);
}

int
cli_submit(struct cli *cli, Davit__TaskSpec *spec, uint32_t count,
	Davit__SubmitTasksReply **ret_reply)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	ProtobufCMessage *response;
	int code;

	request.spec = spec;
	request.has_count = count > 1;
	request.count = count;
	code = cli_call_changing(cli, "SubmitTasks", &request.base, &response);
	if (code == CLI_OK)
		*ret_reply = (Davit__SubmitTasksReply *)response;
	return code;
}

const char *
cli_submitted_id(const Davit__SubmitTasksReply *reply)
{
	if (reply->count > 1 && reply->array_id != NULL)
		return reply->array_id;
	if (reply->n_task_ids > 0)
		return reply->task_ids[0];
	return reply->array_id != NULL ? reply->array_id : "?";
}

void
cli_print_submitted(struct cli *cli, const Davit__SubmitTasksReply *reply)
{
	if (cli_is_structured(cli)) {
		cli_print_message(cli, &reply->base);
		return;
	}
	(void)fprintf(cli->out, "%s\n", cli_submitted_id(reply));
	(void)fflush(cli->out);
	if (reply->count > 1 && cli->is_err_terminal)
		cli_note(cli, "%u tasks: see 'davit ps --array %s'", reply->count,
			cli_submitted_id(reply));
}

static void
say_running(struct cli *cli, const Davit__Task *task)
{
	CLEANUP(buf_fini) struct buf ports = {0};

	cli_text_task_ports(task, &ports);
	cli_note(cli, "%s runs on %s%s%s", task->name,
		task->node_name == NULL ? "?" : task->node_name, ports.size > 0 ? ": " : "",
		buf_text(&ports));
}

int
cli_wait_submitted(struct cli *cli, const Davit__SubmitTasksReply *reply)
{
	int worst = CLI_OK;

	for (size_t i = 0; i < reply->n_task_ids; i++) {
		CLEANUP(cli_task_free) Davit__Task *task = NULL;
		struct cli_wait wait = {.task = reply->task_ids[i],
			.until = DAVIT__TASK__STATE__RUNNING,
			.shows_progress = cli->is_err_terminal && reply->n_task_ids == 1,
			.limit_ms = cli->globals->timeout_ms};
		int code = cli_task_wait(cli, &wait, &task);

		if (code != CLI_OK)
			return code;
		if (task->state == DAVIT__TASK__STATE__RUNNING)
			say_running(cli, task);
		else if (cli_task_code(task) == CLI_OK)
			cli_note(cli, "%s has ended already", task->name);
		else
			worst = cli_fail(cli, CLI_FAILED, "task '%s' failed: %s", task->name,
				task->message == NULL ? "see 'davit logs'" : task->message);
	}
	return worst;
}
