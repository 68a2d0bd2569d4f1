/* davit image: what is asked of which node, and how the answers read. */
#include "tests/lib/cli_channel_play.h"

static struct channel_play play;
static Davit__RemoveImagesRequest last; /* flags only */
static char last_images[128], last_node[32];

static void
answer_list(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ListImagesRequest *request = (const void *)call->request;
	Davit__ListImagesReply reply = DAVIT__LIST_IMAGES_REPLY__INIT;
	Davit__Image tagged = DAVIT__IMAGE__INIT, bare = DAVIT__IMAGE__INIT;
	Davit__Image *images[] = {&tagged, &bare};
	char one[] = "web:1", two[] = "web:2", *tags[] = {one, two}, silent[] = "n2",
	     *nodes[] = {silent}, id[] = "sha256:0123456789abcdef", node[] = "n1";

	(void)world;
	(void)snprintf(last_node, sizeof last_node, "%s",
		request->node == NULL ? "all" : request->node);
	tagged.id = bare.id = id;
	tagged.node_name = bare.node_name = node;
	tagged.tags = tags;
	tagged.n_tags = 2;
	reply.images = images;
	reply.n_images = 2;
	reply.silent_nodes = nodes;
	reply.n_silent_nodes = request->node == NULL ? 1 : 0;
	rpc_call_answer(call, &reply.base);
}

static void
answer_remove(struct cli_world *world, struct rpc_call *call)
{
	const Davit__RemoveImagesRequest *request = (const void *)call->request;
	Davit__RemoveImagesReply reply = DAVIT__REMOVE_IMAGES_REPLY__INIT;
	Davit__ImageResult here = DAVIT__IMAGE_RESULT__INIT, there = DAVIT__IMAGE_RESULT__INIT;
	Davit__ImageResult *results[] = {&here, &there};
	char n1[] = "n1", n2[] = "n2", missing[] = "No such image: web:1",
	     used[] = "conflict: container 1 is using it";

	(void)world;
	CHECK(call->request_id != NULL);
	last = *request;
	last_images[0] = '\0';
	for (size_t i = 0; i < request->n_images; i++)
		(void)snprintf(last_images + strlen(last_images),
			sizeof last_images - strlen(last_images), "%s ", request->images[i]);
	here.node_name = n1;
	there.node_name = n2;
	here.image = there.image = request->n_images > 0 ? request->images[0] : NULL;
	here.has_n_removed = here.has_freed_bytes = true;
	here.n_removed = 3;
	here.freed_bytes = 1 << 20;
	there.error = missing;
	if (strstr(last_images, "used") != NULL)
		here.error = used;
	if (strstr(last_images, "nowhere") != NULL)
		here.error = missing;
	reply.results = results;
	reply.n_results = request->n_images > 0 ? 2 : 1;
	rpc_call_answer(call, &reply.base);
}

static void
answer_nodes(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;
	Davit__Node one = DAVIT__NODE__INIT, two = DAVIT__NODE__INIT, *nodes[] = {&one, &two};

	(void)world;
	one.name = (char *)"n1";
	two.name = (char *)"n2";
	reply.nodes = nodes;
	reply.n_nodes = 2;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {CHANNEL_PLAY, {"ListImages", answer_list},
	{"RemoveImages", answer_remove}, {"ListNodes", answer_nodes}, {NULL, NULL}};

static void
begin(struct cli_world *world)
{
	channel_play_init(&play);
	cli_world_open(world, script);
	world->user = &play;
}

static void
end(struct cli_world *world)
{
	cli_world_close(world);
	channel_play_fini(&play);
}

TEST(cli_image_ls_has_a_line_for_each_name_and_says_who_is_silent)
{
	struct cli_world world;

	begin(&world);
	CHECK_EQ(cli_world_run(&world, "images", NULL), CLI_FAILED);
	CHECK_STR(last_node, "all");
	CHECK_HAS(world.out, "web:1");
	CHECK_HAS(world.out, "web:2");
	CHECK_HAS(world.out, "0123456789ab");
	CHECK_HAS(world.err, "node n2 does not answer");
	CHECK_EQ(cli_world_run(&world, "image", "ls", "-n", "n1", "-o", "json", NULL), CLI_OK);
	CHECK_STR(last_node, "n1");
	CHECK_EQ(world.out[0], '[');
	CHECK_EQ(cli_world_run(&world, "image", "ls", "web", NULL), CLI_USAGE);
	end(&world);
}

TEST(cli_image_rm_and_prune_pass_their_flags_on)
{
	struct cli_world world;

	begin(&world);
	CHECK_EQ(cli_world_run(&world, "image", "rm", "-f", "web:1", "web:2", NULL), CLI_OK);
	CHECK_STR(last_images, "web:1 web:2 ");
	CHECK(last.force);
	CHECK_HAS(world.out, "n1: removed web:1");
	CHECK_EQ(cli_world_run(&world, "image", "rm", "used", NULL), CLI_FAILED);
	CHECK_HAS(world.err, "is using it");
	CHECK_EQ(cli_world_run(&world, "image", "rm", "nowhere", NULL), CLI_NOT_FOUND);
	CHECK_EQ(cli_world_run(&world, "image", "rm", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "image", "prune", NULL), CLI_OK);
	CHECK(!last.all);
	CHECK_HAS(world.out, "n1: removed 3, freed 1MiB");
	CHECK_EQ(cli_world_run(&world, "image", "prune", "-a", NULL), CLI_OK);
	CHECK(last.all);
	end(&world);
}

TEST(cli_image_pull_goes_to_one_node_or_to_all_with_its_credentials)
{
	struct cli_world world;

	begin(&world);
	play.out = "1 2 0 0 1 of 2 layers\n2 2 9 9 2 of 2 layers, 9B of 9B\n";
	CHECK_EQ(cli_world_run(&world, "image", "pull", "--registry-auth", "prod", "--platform",
			 "linux/arm64", "-n", "n1", "web:1", NULL),
		CLI_OK);
	CHECK_EQ(play.n_opened, 1);
	CHECK_STR(play.opened->node, "n1");
	CHECK_STR(play.opened->pull->image, "web:1");
	CHECK_STR(play.opened->pull->registry_auth, "prod");
	CHECK_STR(play.opened->pull->platform, "linux/arm64");
	CHECK_STR(world.out, "n1: web:1\n");
	CHECK_HAS(world.err, "n1: 1 of 2 layers\n"); /* no terminal: sentences, no figures */
	world.cli.is_err_terminal = true;
	CHECK_EQ(cli_world_run(&world, "image", "pull", "-n", "n1", "web:1", NULL), CLI_OK);
	CHECK_HAS(world.err, "\r\033[Kn1: pulling [##########..........] 1 of 2 layers");
	world.cli.is_err_terminal = false;
	CHECK_EQ(cli_world_run(&world, "image", "pull", "-q", "web:1", NULL), CLI_OK);
	CHECK_EQ(play.n_opened, 4);
	CHECK_STR(play.opened->node, "n2");
	CHECK_STR(world.err, "");
	play.error = "pull access denied";
	CHECK_EQ(cli_world_run(&world, "image", "pull", "web:1", NULL), CLI_FAILED);
	CHECK_HAS(world.err, "node n1: pull access denied");
	CHECK_EQ(cli_world_run(&world, "image", "pull", NULL), CLI_USAGE);
	end(&world);
}
