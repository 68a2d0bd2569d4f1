/* davit image …; tested by tests/unit/test_cli_image.c and tests/e2e/images.bats. */
#include <string.h>

#include "common/base/buf.h"
#include "common/base/units.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_channel.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_progress.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_text.h"

enum { REMOVAL_WAIT_MS = 35000 };

struct settings {
	struct cli_globals globals;
	char *node, *registry_auth, *platform;
	bool is_forced, takes_all;
};

#define NODE_OPTION                                                     \
	OPTION_STRING("node", 'n', "NODE", struct settings, node, NULL, \
		"only there, absent: everywhere")

static const struct option_def list_defs[] = {NODE_OPTION, OPTION_END};
static const struct option_def pull_defs[] = {
	NODE_OPTION,
	OPTION_STRING("registry-auth", 0, "NAME", struct settings, registry_auth, NULL,
		"a credential of the nodes; absent: the registry's"),
	OPTION_STRING("platform", 0, "OS/ARCH", struct settings, platform, NULL,
		"which of the image's variants; absent: the engine's own"),
	OPTION_END,
};
static const struct option_def remove_defs[] = {
	NODE_OPTION,
	OPTION_FLAG("force", 'f', struct settings, is_forced,
		"also images of containers that have ended"),
	OPTION_END,
};
static const struct option_def prune_defs[] = {
	NODE_OPTION,
	OPTION_FLAG("all", 'a', struct settings, takes_all, "also images that have a name"),
	OPTION_END,
};

/* Each is told; true if there are any. */
static bool
say_silent(struct cli *cli, char **nodes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cli_note(cli, "node %s does not answer", nodes[i]);
	return n > 0;
}

/* ---- ls ---- */

static void
put_image(struct cli *cli, struct cli_table *table, const Davit__Image *image, const char *name)
{
	CLEANUP(buf_fini) struct buf age = {0};
	char figure[UNITS_TEXT_SIZE];
	const char *id = image->id == NULL ? "" : image->id;

	cli_table_cell(table, image->node_name);
	cli_table_cell(table, name);
	cli_table_cellf(table, "%.12s", strncmp(id, "sha256:", 7) == 0 ? id + 7 : id);
	cli_table_cell(table, units_format_bytes(image->size_bytes, figure));
	cli_text_age(cli->now_ms(), image->created_ms, &age);
	cli_table_cell(table, buf_text(&age));
}

static int
print_images(struct cli *cli, const Davit__ListImagesReply *reply)
{
	static const struct cli_column columns[] = {{"NODE", false, false}, {"IMAGE", false, false},
		{"ID", false, false}, {"SIZE", true, false}, {"AGE", true, false},
		{NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = NULL;

	if (cli_is_structured(cli)) {
		cli_print_list(cli, reply->n_images, (void *)reply->images);
		return say_silent(cli, reply->silent_nodes, reply->n_silent_nodes) ? CLI_FAILED
										   : CLI_OK;
	}
	table = cli_table_new(columns);
	for (size_t i = 0; i < reply->n_images; i++) {
		const Davit__Image *image = reply->images[i];

		for (size_t j = 0; j < image->n_tags; j++)
			put_image(cli, table, image, image->tags[j]);
		if (image->n_tags == 0)
			put_image(cli, table, image, NULL);
	}
	cli_table_print(table, cli->width, cli->out);
	return say_silent(cli, reply->silent_nodes, reply->n_silent_nodes) ? CLI_FAILED : CLI_OK;
}

static int
cmd_list(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__ListImagesRequest request = DAVIT__LIST_IMAGES_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	int code;

	(void)argc;
	(void)argv;
	request.node = settings->node;
	code = cli_call(cli, "ListImages", &request.base, &response);
	return code == CLI_OK ? print_images(cli, (Davit__ListImagesReply *)response) : code;
}

/* ---- rm, prune ---- */

static void
print_result(struct cli *cli, const Davit__ImageResult *result)
{
	char figure[UNITS_TEXT_SIZE];

	if (result->error != NULL)
		(void)cli_fail(cli, CLI_FAILED, "node %s: %s", result->node_name, result->error);
	else if (result->image != NULL)
		(void)fprintf(cli->out, "%s: removed %s\n", result->node_name, result->image);
	else
		(void)fprintf(cli->out, "%s: removed %u, freed %s\n", result->node_name,
			result->n_removed, units_format_bytes(result->freed_bytes, figure));
}

/* An image that some nodes do not have is no failure as long as one had it. */
static int
code_of_results(const Davit__RemoveImagesReply *reply)
{
	bool has_removed = false, has_failed = false;

	for (size_t i = 0; i < reply->n_results; i++) {
		const char *error = reply->results[i]->error;

		has_removed |= error == NULL;
		has_failed |= error != NULL && strstr(error, "No such image") == NULL;
	}
	if (has_failed || reply->n_silent_nodes > 0)
		return CLI_FAILED;
	return has_removed ? CLI_OK : CLI_NOT_FOUND;
}

static int
remove_images(struct cli *cli, const Davit__RemoveImagesRequest *request)
{
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	struct cli_ask ask = {.method = "RemoveImages",
		.request = &request->base,
		.wait_ms = REMOVAL_WAIT_MS,
		.changes = true};
	const Davit__RemoveImagesReply *results;
	int code;

	cli_ask(cli, &ask, &reply);
	code = cli_reply_code(cli, &reply);
	if (code != CLI_OK)
		return code;
	results = (const Davit__RemoveImagesReply *)reply.response;
	code = code_of_results(results);
	if (cli_is_structured(cli)) {
		cli_print_list(cli, results->n_results, (void *)results->results);
	} else {
		for (size_t i = 0; i < results->n_results; i++) {
			const char *error = results->results[i]->error;

			if (code != CLI_OK || error == NULL ||
				strstr(error, "No such image") == NULL)
				print_result(cli, results->results[i]);
		}
	}
	(void)say_silent(cli, results->silent_nodes, results->n_silent_nodes);
	return code;
}

static int
cmd_remove(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__RemoveImagesRequest request = DAVIT__REMOVE_IMAGES_REQUEST__INIT;

	request.node = settings->node;
	request.images = argv;
	request.n_images = (size_t)argc;
	request.has_force = true;
	request.force = settings->is_forced;
	return remove_images(cli, &request);
}

static int
cmd_prune(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__RemoveImagesRequest request = DAVIT__REMOVE_IMAGES_REQUEST__INIT;

	(void)argc;
	(void)argv;
	request.node = settings->node;
	request.has_all = true;
	request.all = settings->takes_all;
	return remove_images(cli, &request);
}

/* ---- pull ---- */

struct progress {
	struct cli_progress bar;
	const char *node;
	struct buf line;
};

static void
show(struct progress *progress)
{
	struct cli *cli = progress->bar.cli;
	const char *line = buf_text(&progress->line), *sentence;
	Davit__PullProgress pull;

	if (!cli_progress_parse(line, &pull, &sentence))
		sentence = line;
	else if (cli_progress_draw(&progress->bar, progress->node, &pull))
		return;
	if (!cli->globals->is_quiet)
		(void)fprintf(cli->err, "%s: %s\n", progress->node, sentence);
	(void)fflush(cli->err);
}

static int
on_progress(bool is_err, const void *data, size_t size, void *arg)
{
	struct progress *progress = arg;
	const char *text = data;

	(void)is_err;
	for (size_t i = 0; i < size; i++) {
		if (text[i] != '\n') {
			buf_put(&progress->line, &text[i], 1);
			continue;
		}
		show(progress);
		buf_reset(&progress->line);
	}
	return 0;
}

static int
pull_on(struct cli *cli, const struct settings *settings, const char *node, char *image)
{
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__PullOptions pull = DAVIT__PULL_OPTIONS__INIT;
	struct progress progress = {.bar = {.cli = cli}, .node = node};
	struct cli_channel channel = {.sink = on_progress, .arg = &progress, .in_fd = -1};
	int code;

	request.node = (char *)(uintptr_t)node;
	request.pull = &pull;
	pull.image = image;
	pull.registry_auth = settings->registry_auth;
	pull.platform = settings->platform;
	code = cli_channel_open(cli, &request, &channel);
	if (code == CLI_OK)
		code = cli_channel_run(&channel);
	cli_progress_clear(&progress.bar);
	if (code == CLI_OK && channel.error != NULL)
		code = cli_fail(cli, CLI_FAILED, "node %s: %s", node, channel.error);
	if (code == CLI_OK)
		(void)fprintf(cli->out, "%s: %s\n", node, image);
	cli_channel_close(&channel);
	buf_fini(&progress.line);
	return code;
}

static int
cmd_pull(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__ListNodesRequest request = DAVIT__LIST_NODES_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__ListNodesReply *reply;
	int code, one;

	(void)argc;
	if (settings->node != NULL)
		return pull_on(cli, settings, settings->node, argv[0]);
	code = cli_call(cli, "ListNodes", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (const Davit__ListNodesReply *)response;
	for (size_t i = 0; i < reply->n_nodes; i++) {
		one = pull_on(cli, settings, reply->nodes[i]->name, argv[0]);
		if (one == CLI_INTERRUPTED)
			return one;
		code = one != CLI_OK ? one : code;
	}
	return code;
}

const struct cli_command cli_image_commands[] = {
	{
		.name = "image ls",
		.alias = "images",
		.summary = "List images on the nodes",
		.examples = "  davit images\n"
			    "  davit image ls -n n1 -o json\n",
		.defs = list_defs,
		.settings_size = sizeof(struct settings),
		.run = cmd_list,
	},
	{
		.name = "image pull",
		.summary = "Bring an image to the nodes",
		.arguments = "IMAGE",
		.examples = "  davit image pull nginx:1.25\n"
			    "  davit image pull -n n1 nginx\n"
			    "  davit image pull --registry-auth prod registry.example.org/app:3\n",
		.defs = pull_defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 1,
		.max_arguments = 1,
		.run = cmd_pull,
	},
	{
		.name = "image rm",
		.summary = "Remove images from the nodes",
		.arguments = "IMAGE…",
		.examples = "  davit image rm nginx:1.24\n",
		.defs = remove_defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_remove,
	},
	{
		.name = "image prune",
		.summary = "Remove images that no container uses",
		.examples = "  davit image prune            those without a name\n"
			    "  davit image prune -a -n n1   all of one node\n",
		.defs = prune_defs,
		.settings_size = sizeof(struct settings),
		.run = cmd_prune,
	},
	{.name = NULL},
};
