/* davit volume, network, cluster, version: tested by tests/unit/test_cli_cluster.c. */
#include <string.h>

#include "common/base/buf.h"
#include "common/base/units.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_text.h"

enum { NETWORK_ID_SHORT = 12 };

struct node_settings {
	struct cli_globals globals;
	char *node;
};

static const struct option_def node_defs[] = {
	OPTION_STRING("node", 'n', "NODE", struct node_settings, node, NULL, "only of this node"),
	OPTION_END,
};

static void
note_silent(struct cli *cli, char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cli_note(cli, "node '%s' did not answer", names[i]);
}

static void
print_volumes(struct cli *cli, const Davit__ListVolumesReply *reply)
{
	static const struct cli_column columns[] = {{"NODE", false, false}, {"NAME", false, false},
		{"DRIVER", false, false}, {"MOUNTPOINT", false, false}, {NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);

	for (size_t i = 0; i < reply->n_volumes; i++) {
		cli_table_cell(table, reply->volumes[i]->node_name);
		cli_table_cell(table, reply->volumes[i]->name);
		cli_table_cell(table, reply->volumes[i]->driver);
		cli_table_cell(table, reply->volumes[i]->mountpoint);
	}
	cli_table_print(table, cli->width, cli->out);
}

static int
cmd_volume_ls(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct node_settings *settings = arg;
	Davit__ListVolumesRequest request = DAVIT__LIST_VOLUMES_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__ListVolumesReply *reply;
	int code;

	(void)argc;
	(void)argv;
	request.node = settings->node;
	code = cli_call(cli, "ListVolumes", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (Davit__ListVolumesReply *)response;
	if (cli->globals->is_quiet) {
		for (size_t i = 0; i < reply->n_volumes; i++)
			(void)fprintf(cli->out, "%s\n", reply->volumes[i]->name);
	} else if (cli_is_structured(cli)) {
		cli_print_list(cli, reply->n_volumes, reply->volumes);
	} else {
		print_volumes(cli, reply);
	}
	note_silent(cli, reply->silent_nodes, reply->n_silent_nodes);
	return CLI_OK;
}

static void
print_networks(struct cli *cli, const Davit__ListNetworksReply *reply)
{
	static const struct cli_column columns[] = {{"NODE", false, false}, {"ID", false, false},
		{"NAME", false, false}, {"DRIVER", false, false}, {"SCOPE", false, false},
		{NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	int width = cli->format == CLI_FORMAT_WIDE ? INT16_MAX : NETWORK_ID_SHORT;

	for (size_t i = 0; i < reply->n_networks; i++) {
		const Davit__Network *network = reply->networks[i];

		cli_table_cell(table, network->node_name);
		cli_table_cellf(table, "%.*s", width, network->id == NULL ? "" : network->id);
		cli_table_cell(table, network->name);
		cli_table_cell(table, network->driver);
		cli_table_cell(table, network->scope);
	}
	cli_table_print(table, cli->width, cli->out);
}

static int
cmd_network_ls(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct node_settings *settings = arg;
	Davit__ListNetworksRequest request = DAVIT__LIST_NETWORKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__ListNetworksReply *reply;
	int code;

	(void)argc;
	(void)argv;
	request.node = settings->node;
	code = cli_call(cli, "ListNetworks", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (Davit__ListNetworksReply *)response;
	if (cli->globals->is_quiet) {
		for (size_t i = 0; i < reply->n_networks; i++)
			(void)fprintf(cli->out, "%s\n", reply->networks[i]->name);
	} else if (cli_is_structured(cli)) {
		cli_print_list(cli, reply->n_networks, reply->networks);
	} else {
		print_networks(cli, reply);
	}
	note_silent(cli, reply->silent_nodes, reply->n_silent_nodes);
	return CLI_OK;
}

static void
print_field(struct cli *cli, const char *name, const char *text)
{
	CLEANUP(buf_fini) struct buf clean = {0};

	if (text == NULL || text[0] == '\0')
		return;
	cli_text_clean(text, &clean);
	(void)fprintf(cli->out, "%-11s %s\n", name, buf_text(&clean));
}

static void
print_stats(struct cli *cli, const Davit__ClusterStats *stats)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *capacity = stats->capacity == NULL ? &none : stats->capacity;
	const Davit__Resources *reserved = stats->reserved == NULL ? &none : stats->reserved;
	CLEANUP(buf_fini) struct buf text = {0};
	char used[UNITS_TEXT_SIZE];

	buf_printf(&text, "%u of %u ready", stats->nodes_ready, stats->nodes_total);
	print_field(cli, "nodes", buf_text(&text));
	buf_reset(&text);
	buf_printf(&text, "%u pending, %u scheduled, %u running, %u completed, %u failed",
		stats->tasks_pending, stats->tasks_scheduled, stats->tasks_running,
		stats->tasks_completed, stats->tasks_failed);
	print_field(cli, "tasks", buf_text(&text));
	buf_reset(&text);
	cli_text_cpu_of(reserved->cpu_milli, capacity->cpu_milli, &text);
	buf_printf(&text, " cores reserved, %s used by tasks",
		units_format_cpu(stats->cpu_milli, used));
	print_field(cli, "cpu", buf_text(&text));
	buf_reset(&text);
	cli_text_bytes_of(reserved->memory_bytes, capacity->memory_bytes, &text);
	buf_printf(&text, " reserved, %s used by tasks",
		units_format_bytes(stats->memory_bytes, used));
	print_field(cli, "memory", buf_text(&text));
}

static int
cmd_cluster(struct cli *cli, void *arg, int argc, char **argv)
{
	Davit__GetClusterRequest request = DAVIT__GET_CLUSTER_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	CLEANUP(buf_fini) struct buf age = {0};
	const Davit__GetClusterReply *reply;
	int code = cli_call(cli, "GetCluster", &request.base, &response);

	(void)arg;
	(void)argc;
	(void)argv;
	if (code != CLI_OK)
		return code;
	if (cli_is_structured(cli)) {
		cli_print_message(cli, response);
		return CLI_OK;
	}
	reply = (const Davit__GetClusterReply *)response;
	print_field(cli, "cluster", reply->name);
	print_field(cli, "id", reply->cluster_id);
	print_field(cli, "manager", cli->globals->manager);
	print_field(cli, "version", reply->version);
	if (reply->has_started_ms)
		cli_text_age(cli->now_ms(), reply->started_ms, &age);
	print_field(cli, "up", buf_text(&age));
	print_field(cli, "store", reply->store);
	print_field(cli, "scheduler", reply->scheduler);
	if (reply->stats != NULL)
		print_stats(cli, reply->stats);
	print_field(cli, "feed", reply->feed_url);
	print_field(cli, "json feed", reply->feed_json_url);
	print_field(cli, "stats", reply->stats_url);
	return CLI_OK;
}

/* The program's own version even when there is no manager: that is not a failure. */
static int
cmd_version(struct cli *cli, void *arg, int argc, char **argv)
{
	Davit__GetClusterRequest request = DAVIT__GET_CLUSTER_REQUEST__INIT;
	struct cli_ask ask = {.method = "GetCluster", .request = &request.base, .timeout_ms = 1000};
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	const Davit__GetClusterReply *cluster;
	const char *manager = NULL;

	(void)arg;
	(void)argc;
	(void)argv;
	cli_ask(cli, &ask, &reply);
	cluster = (const Davit__GetClusterReply *)reply.response;
	if (cluster != NULL)
		manager = cluster->version;
	if (cli->format == CLI_FORMAT_JSON)
		(void)fprintf(cli->out, "{\"client\": \"%s\", \"manager\": \"%s\"}\n",
			DAVIT_VERSION, manager == NULL ? "" : manager);
	else if (cli->format == CLI_FORMAT_YAML)
		(void)fprintf(cli->out, "client: \"%s\"\nmanager: \"%s\"\n", DAVIT_VERSION,
			manager == NULL ? "" : manager);
	else
		(void)fprintf(cli->out, "davit    %s\nmanager  %s\n", DAVIT_VERSION,
			manager == NULL ? "not reached" : manager);
	return CLI_OK;
}

const struct cli_command cli_cluster_commands[] = {
	{
		.name = "volume ls",
		.alias = "volumes",
		.summary = "List the volumes of nodes",
		.examples = "  davit volume ls\n  davit volume ls -n node1 -q\n",
		.defs = node_defs,
		.settings_size = sizeof(struct node_settings),
		.run = cmd_volume_ls,
	},
	{
		.name = "network ls",
		.alias = "networks",
		.summary = "List the networks of nodes",
		.examples = "  davit network ls\n  davit network ls -n node1 -o wide\n",
		.defs = node_defs,
		.settings_size = sizeof(struct node_settings),
		.run = cmd_network_ls,
	},
	{
		.name = "cluster",
		.alias = "info",
		.summary = "Show the cluster at a glance",
		.examples = "  davit cluster\n  davit info -o json | jq .stats\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.run = cmd_cluster,
	},
	{
		.name = "version",
		.summary = "Show the versions of this program and of the manager",
		.examples = "  davit version\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.run = cmd_version,
	},
	{.name = NULL},
};
