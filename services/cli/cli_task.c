#include "services/cli/cli_task.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_progress.h"

enum { EXIT_CODE_MAX = 255 };

void
cli_task_free(Davit__Task *task)
{
	if (task != NULL)
		davit__task__free_unpacked(task, NULL);
}

bool
cli_task_has_ended(const Davit__Task *task)
{
	return task->state == DAVIT__TASK__STATE__COMPLETED ||
	       task->state == DAVIT__TASK__STATE__FAILED;
}

int
cli_task_code(const Davit__Task *task)
{
	bool has_failed = task->state == DAVIT__TASK__STATE__FAILED;

	if (!task->has_exit_code)
		return has_failed ? CLI_NO_CODE : CLI_OK;
	if (task->exit_code == 0)
		return has_failed ? CLI_NO_CODE : CLI_OK;
	return task->exit_code > 0 && task->exit_code <= EXIT_CODE_MAX ? task->exit_code
								       : CLI_NO_CODE;
}

void
cli_task_explain(struct cli *cli, const Davit__Task *task)
{
	const char *why = task->message != NULL && task->message[0] != '\0' ? task->message
									    : "it does not say why";

	if (task->state != DAVIT__TASK__STATE__FAILED || cli_task_code(task) != CLI_NO_CODE)
		return;
	(void)cli_fail(cli, CLI_NO_CODE, "task '%s' failed: %s", task->name, why);
	if (task->replaced_by != NULL)
		cli_note(cli, "another one runs in its place: %s", task->replaced_by);
}

/* One long poll. is_over: the wait's own limit has passed. */
static int
poll_once(struct cli *cli, const struct cli_wait *wait, uint64_t limit_ms, uint64_t seen_version,
	Davit__WaitTaskReply **ret_reply)
{
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;
	struct cli_ask ask = {.method = "WaitTask", .request = &request.base, .is_patient = true};
	struct cli_reply reply;
	int code;

	request.task = (char *)(uintptr_t)wait->task;
	request.namespace_ = cli->globals->namespace_name;
	request.has_until = true;
	request.until = wait->until;
	request.has_wait_ms = true;
	request.wait_ms = ask.wait_ms = limit_ms < CLI_POLL_MS ? limit_ms : CLI_POLL_MS;
	request.has_seen_version = wait->shows_progress;
	request.seen_version = seen_version;
	cli_ask(cli, &ask, &reply);
	code = cli_reply_code(cli, &reply);
	if (code == CLI_OK)
		*ret_reply = (Davit__WaitTaskReply *)TAKE(reply.response);
	cli_reply_fini(&reply);
	return code;
}

/* What is new about the task: a bar while its image comes, else its sentence. */
static void
show_progress(struct cli_progress *progress, const Davit__Task *task, char **last)
{
	const char *message = task->message == NULL ? "" : task->message;

	if (task->pull != NULL && task->phase == DAVIT__TASK__PHASE__PULLING &&
		cli_progress_draw(progress, task->name, task->pull))
		return;
	cli_progress_clear(progress);
	if (strcmp(*last == NULL ? "" : *last, message) == 0)
		return;
	if (message[0] != '\0' && !cli_task_has_ended(task))
		cli_note(progress->cli, "%s: %s", task->name, message);
	free(*last);
	*last = xstrdup(message);
}

static int
say_timeout(struct cli *cli, const struct cli_wait *wait)
{
	char text[UNITS_TEXT_SIZE];

	return cli_fail(cli, CLI_TIMEOUT, "task '%s' is not %s after %s", wait->task,
		wait->until == DAVIT__TASK__STATE__RUNNING ? "running" : "at its end",
		units_format_duration(wait->limit_ms, text));
}

int
cli_task_wait(struct cli *cli, const struct cli_wait *wait, Davit__Task **ret_task)
{
	uint64_t start_ms = clock_mono_ms(), seen_version = 0;
	CLEANUP(free) char *last = NULL;
	struct cli_wait by_id = *wait; /* a name may be given to another task later */
	CLEANUP(free) char *id = NULL;
	struct cli_progress progress = {.cli = cli};

	for (;;) {
		uint64_t spent_ms = clock_mono_ms() - start_ms, left_ms = UINT64_MAX;
		Davit__WaitTaskReply *reply;
		int code;

		if (wait->limit_ms > 0)
			left_ms = wait->limit_ms > spent_ms ? wait->limit_ms - spent_ms : 0;
		code = poll_once(cli, &by_id, left_ms, seen_version, &reply);
		if (code != CLI_OK) {
			cli_progress_clear(&progress);
			return code;
		}
		if (wait->shows_progress)
			show_progress(&progress, reply->task, &last);
		seen_version = reply->task->version;
		if (id == NULL)
			by_id.task = id = xstrdup(reply->task->id);
		if (reply->reached) {
			*ret_task = TAKE(reply->task);
			cli_response_free(&reply->base);
			return CLI_OK;
		}
		cli_response_free(&reply->base);
		if (left_ms <= CLI_POLL_MS && clock_mono_ms() - start_ms >= wait->limit_ms)
			return say_timeout(cli, wait);
	}
}

int
cli_task_stop(struct cli *cli, char **tasks, size_t n, const uint64_t *time_ms)
{
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;

	request.tasks = tasks;
	request.n_tasks = n;
	request.namespace_ = cli->globals->namespace_name;
	request.has_timeout_ms = time_ms != NULL;
	request.timeout_ms = time_ms == NULL ? 0 : *time_ms;
	return cli_call_changing(cli, "StopTasks", &request.base, &response);
}
