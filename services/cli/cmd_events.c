/* davit events; tested by tests/unit/test_cli_events.c and tests/e2e/cli.bats. */
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_text.h"

struct settings {
	struct cli_globals globals;
	char *task, *node;
	bool follows, has_history;
};

static const struct option_def defs[] = {
	OPTION_FLAG("follow", 'f', struct settings, follows, "what comes, until ^C"),
	OPTION_FLAG("history", 0, struct settings, has_history, "with -f: what is kept first"),
	OPTION_STRING("task", 0, "TASK", struct settings, task, NULL,
		"of this task: its name or the beginning of its id"),
	OPTION_STRING("node", 0, "NODE", struct settings, node, NULL, "of this node"),
	OPTION_END,
};

static bool
matches(const char *wanted, const char *id, const char *name)
{
	if (wanted == NULL)
		return true;
	return (id != NULL && strncmp(id, wanted, strlen(wanted)) == 0) ||
	       (name != NULL && strcmp(name, wanted) == 0);
}

static const char *
or_dash(const char *text)
{
	return text == NULL || text[0] == '\0' ? "-" : text;
}

/* "2026-01-31 13:05:09.123 task running   web 0198c0de on n1: message" */
static void
print_line(struct cli *cli, const Davit__Event *event)
{
	bool is_task = event->kind == DAVIT__EVENT__KIND__TASK;
	CLEANUP(buf_fini) struct buf line = {0};
	CLEANUP(buf_fini) struct buf clean = {0};
	char time[CLI_TIME_SIZE];

	buf_printf(&line, "%s %s %-10s ", cli_text_time(event->ts_ms, time),
		is_task ? "task" : "node", or_dash(event->what));
	if (is_task) {
		buf_printf(&line, "%s %.36s", or_dash(event->task_name), or_dash(event->task_id));
		if (event->node_name != NULL)
			buf_printf(&line, " on %s", event->node_name);
		if (event->has_exit_code)
			buf_printf(&line, " exit %d", event->exit_code);
	} else {
		buf_puts(&line, or_dash(event->node_name));
	}
	if (event->message != NULL && event->message[0] != '\0')
		buf_printf(&line, ": %s", event->message);
	cli_text_clean(buf_text(&line), &clean);
	(void)fprintf(cli->out, "%s\n", buf_text(&clean));
}

static void
print_events(struct cli *cli, const struct settings *settings, const Davit__ReadEventsReply *reply)
{
	for (size_t i = 0; i < reply->n_events; i++) {
		const Davit__Event *event = reply->events[i];

		if (!matches(settings->task, event->task_id, event->task_name) ||
			!matches(settings->node, event->node_id, event->node_name))
			continue;
		if (cli_is_structured(cli))
			cli_print_record(cli, &event->base);
		else
			print_line(cli, event);
	}
	if (reply->lost > 0)
		cli_note(cli, "%llu earlier events are no longer kept",
			(unsigned long long)reply->lost);
	(void)fflush(cli->out);
}

static int
cmd_events(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__ReadEventsRequest request = DAVIT__READ_EVENTS_REQUEST__INIT;
	struct cli_ask ask = {.method = "ReadEvents", .request = &request.base, .is_patient = true};
	CLEANUP(free) char *cursor = NULL;
	bool is_over = false;
	int code = CLI_OK;

	(void)argc;
	(void)argv;
	request.has_history = true;
	request.history = settings->has_history || !settings->follows;
	request.has_wait_ms = true;
	while (code == CLI_OK && !is_over) {
		CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
		Davit__ReadEventsReply *events;

		/* The first answer comes at once: with a cursor nothing is missed over a restart.
		 */
		request.wait_ms = settings->follows && cursor != NULL ? CLI_POLL_MS : 0;
		ask.wait_ms = request.wait_ms;
		request.cursor = cursor;
		cli_ask(cli, &ask, &reply);
		code = cli_reply_code(cli, &reply);
		if (code != CLI_OK)
			break;
		events = (Davit__ReadEventsReply *)reply.response;
		print_events(cli, settings, events);
		is_over = ferror(cli->out) || (!settings->follows && events->n_events == 0);
		if (events->cursor != NULL) {
			free(cursor);
			cursor = TAKE(events->cursor);
		}
	}
	return code;
}

const struct cli_command cli_events_commands[] = {
	{
		.name = "events",
		.summary = "Show what happened to tasks and nodes",
		.examples = "  davit events                    what is still kept\n"
			    "  davit events -f                 what comes, as it comes\n"
			    "  davit events -f --task web -o json\n",
		.defs = defs,
		.settings_size = sizeof(struct settings),
		.run = cmd_events,
	},
	{.name = NULL},
};
