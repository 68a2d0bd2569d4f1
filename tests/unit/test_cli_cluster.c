/* davit volume, network, cluster, version, against a manager that follows a script. */
#include "services/cli/cli_pb.h"
#include "tests/lib/cli_world.h"

static char n1[] = "n1", n2[] = "n2";

static void
answer_volumes(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ListVolumesRequest *request = (const void *)call->request;
	Davit__ListVolumesReply reply = DAVIT__LIST_VOLUMES_REPLY__INIT;
	Davit__Volume volume = DAVIT__VOLUME__INIT;
	Davit__Volume *volumes[] = {&volume};
	char name[] = "data", driver[] = "local", path[] = "/var/lib/data", *silent[] = {n2};

	(void)world;
	CHECK(request->node == NULL || strcmp(request->node, "n1") == 0);
	volume.name = name;
	volume.driver = driver;
	volume.node_name = n1;
	volume.mountpoint = path;
	reply.volumes = volumes;
	reply.n_volumes = 1;
	reply.silent_nodes = silent;
	reply.n_silent_nodes = request->node == NULL ? 1 : 0;
	rpc_call_answer(call, &reply.base);
}

static void
answer_networks(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListNetworksReply reply = DAVIT__LIST_NETWORKS_REPLY__INIT;
	Davit__Network network = DAVIT__NETWORK__INIT;
	Davit__Network *networks[] = {&network};
	char name[] = "bridge", id[] = "0123456789abcdef", scope[] = "local";

	(void)world;
	network.name = name;
	network.driver = name;
	network.id = id;
	network.scope = scope;
	network.node_name = n1;
	reply.networks = networks;
	reply.n_networks = 1;
	rpc_call_answer(call, &reply.base);
}

static void
answer_cluster(struct cli_world *world, struct rpc_call *call)
{
	Davit__GetClusterReply reply = DAVIT__GET_CLUSTER_REPLY__INIT;
	Davit__ClusterStats stats = DAVIT__CLUSTER_STATS__INIT;
	char version[] = "9.9.9", name[] = "test", ok[] = "ok", why[] = "it does not answer";

	(void)world;
	reply.name = name;
	reply.version = version;
	reply.store = ok;
	reply.scheduler = why;
	reply.has_started_ms = 1;
	reply.started_ms = CLI_WORLD_NOW_MS - 61000;
	reply.stats = &stats;
	CLI_PB_SET(&stats, nodes_ready, 1);
	CLI_PB_SET(&stats, nodes_total, 2);
	CLI_PB_SET(&stats, tasks_running, 3);
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"ListVolumes", answer_volumes},
	{"ListNetworks", answer_networks}, {"GetCluster", answer_cluster}, {NULL, NULL}};

TEST(cli_volume_ls_names_the_nodes_that_were_silent)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "volume", "ls", NULL), CLI_OK);
	CHECK_STR(world.out, "NODE  NAME  DRIVER  MOUNTPOINT\nn1    data  local   /var/lib/data\n");
	CHECK_STR(world.err, "davit: node 'n2' did not answer\n");
	CHECK_EQ(cli_world_run(&world, "volume", "ls", "-n", "n1", "-q", NULL), CLI_OK);
	CHECK_STR(world.out, "data\n");
	CHECK_STR(world.err, "");
	CHECK_EQ(cli_world_run(&world, "volumes", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"mountpoint\": \"/var/lib/data\"");
	cli_world_close(&world);
}

TEST(cli_network_ls_shortens_ids_unless_wide)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "network", "ls", NULL), CLI_OK);
	CHECK_HAS(world.out, " 0123456789ab ");
	CHECK_EQ(cli_world_run(&world, "network", "ls", "-o", "wide", NULL), CLI_OK);
	CHECK_HAS(world.out, " 0123456789abcdef ");
	CHECK_EQ(cli_world_run(&world, "networks", "-q", NULL), CLI_OK);
	CHECK_STR(world.out, "bridge\n");
	CHECK_EQ(cli_world_run(&world, "networks", "-o", "yaml", NULL), CLI_OK);
	CHECK_HAS(world.out, "- name: bridge\n");
	cli_world_close(&world);
}

TEST(cli_cluster_says_what_is_wrong)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "cluster", NULL), CLI_OK);
	CHECK_HAS(world.out, "scheduler   it does not answer\n");
	CHECK_HAS(world.out, "up          1m1s\n");
	CHECK_HAS(world.out, "nodes       1 of 2 ready\n");
	CHECK_HAS(world.out, "3 running");
	CHECK_EQ(cli_world_run(&world, "info", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"nodes_total\": 2");
	cli_world_close(&world);
}

TEST(cli_version_works_with_and_without_a_manager)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "version", NULL), CLI_OK);
	CHECK_STR(world.out, "davit    " DAVIT_VERSION "\nmanager  9.9.9\n");
	CHECK_EQ(cli_world_run(&world, "version", "-o", "json", NULL), CLI_OK);
	CHECK_STR(world.out, "{\"client\": \"" DAVIT_VERSION "\", \"manager\": \"9.9.9\"}\n");
	CHECK_EQ(cli_world_run(&world, "version", "-o", "yaml", NULL), CLI_OK);
	CHECK_HAS(world.out, "manager: \"9.9.9\"\n");
	cli_world_close(&world);
	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "-H", "tcp://127.0.0.1:1", "version", NULL), CLI_OK);
	CHECK_HAS(world.out, "manager  not reached\n");
	cli_world_close(&world);
}
