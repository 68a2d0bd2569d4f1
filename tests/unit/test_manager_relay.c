/* What passes through the manager without being stored: events, logs, figures. */
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define RUNNING_ DAVIT__TASK_REPORT__OBSERVED__RUNNING

TEST(manager_relays_logs_down_and_up)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__ReadLogsRequest request = DAVIT__READ_LOGS_REQUEST__INIT;
	Davit__AnswerQueriesRequest up = DAVIT__ANSWER_QUERIES_REQUEST__INIT;
	Davit__QueryAnswer answer = DAVIT__QUERY_ANSWER__INIT, *answers[] = {&answer};
	Davit__ReadLogsReply logs = DAVIT__READ_LOGS_REPLY__INIT;
	struct desk_reply reply, carrier;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	request.task = "web";
	desk_send(&desk, "ReadLogs", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION); /* not running yet */
	desk_reply_fini(&reply);

	request.has_wait_ms = true;
	request.wait_ms = 10000;
	desk_send(&desk, "ReadLogs", &request.base, NULL, &reply); /* waits for the start */
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	CHECK(!reply.is_there);
	desk_worker_poll(&worker, NULL);
	CHECK(worker.last != NULL && worker.last->n_queries == 1);
	CHECK_STR(worker.last->queries[0]->logs->task_id, id);

	answer.id = worker.last->queries[0]->id;
	logs.cursor = "c1";
	answer.logs = &logs;
	up.node_id = worker.node_id;
	up.session = worker.session;
	up.n_answers = 1;
	up.answers = answers;
	desk_send(&desk, "AnswerQueries", &up.base, NULL, &carrier);
	desk_turn(&desk);
	CHECK(reply.is_there);
	CHECK_STR(((Davit__ReadLogsReply *)reply.response)->cursor, "c1");
	desk_reply_fini(&reply);
	desk_fini(&desk);
	desk_reply_fini(&carrier);
	desk_worker_fini(&worker);
}

TEST(manager_tells_readers_of_logs_that_the_node_fell_silent)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__ReadLogsRequest request = DAVIT__READ_LOGS_REQUEST__INIT;
	struct desk_reply reply;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	request.task = "web";
	request.has_wait_ms = true;
	request.wait_ms = 60000;
	desk_send(&desk, "ReadLogs", &request.base, NULL, &reply);
	desk_pass(&desk, MANAGER_SILENT_MS + 500);
	CHECK(reply.is_there);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	desk_reply_fini(&reply);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_lists_volumes_of_all_nodes_and_names_the_silent)
{
	struct desk desk;
	struct desk_worker one = {0}, two = {0};
	Davit__ListVolumesRequest request = DAVIT__LIST_VOLUMES_REQUEST__INIT;
	Davit__AnswerQueriesRequest up = DAVIT__ANSWER_QUERIES_REQUEST__INIT;
	Davit__QueryAnswer answer = DAVIT__QUERY_ANSWER__INIT, *answers[] = {&answer};
	Davit__Volume volume = DAVIT__VOLUME__INIT, *volumes[] = {&volume};
	struct desk_reply reply, carrier;
	Davit__ListVolumesReply *list;

	desk_init(&desk);
	desk_worker_join(&desk, &one, "n1", 1000);
	desk_worker_join(&desk, &two, "n2", 1000);
	desk_send(&desk, "ListVolumes", &request.base, NULL, &reply);
	desk_turn(&desk);
	desk_worker_poll(&one, NULL);
	CHECK_EQ(one.last->n_queries, 1);
	volume.name = "data";
	answer.id = one.last->queries[0]->id;
	answer.n_volumes = 1;
	answer.volumes = volumes;
	up.node_id = one.node_id;
	up.session = one.session;
	up.n_answers = 1;
	up.answers = answers;
	desk_send(&desk, "AnswerQueries", &up.base, NULL, &carrier);
	desk_turn(&desk);
	CHECK(!reply.is_there);
	desk_pass(&desk, MANAGER_QUERY_MARGIN_MS + MANAGER_SILENT_MS);
	CHECK(reply.is_there);
	list = (Davit__ListVolumesReply *)reply.response;
	CHECK_EQ(list->n_volumes, 1);
	CHECK_STR(list->volumes[0]->name, "data");
	CHECK_STR(list->volumes[0]->node_name, "n1");
	CHECK_EQ(list->n_silent_nodes, 1);
	CHECK_STR(list->silent_nodes[0], "n2");
	desk_reply_fini(&reply);
	desk_fini(&desk);
	desk_reply_fini(&carrier);
	desk_worker_fini(&one);
	desk_worker_fini(&two);
}

TEST(manager_shows_events_in_order_and_wakes_who_waits)
{
	struct desk desk;
	Davit__ReadEventsRequest request = DAVIT__READ_EVENTS_REQUEST__INIT;
	struct desk_reply parked;
	Davit__ReadEventsReply *reply;
	char id[ID_TEXT_SIZE], cursor[64];

	desk_init(&desk);
	request.has_wait_ms = true;
	request.wait_ms = 60000;
	desk_send(&desk, "ReadEvents", &request.base, NULL, &parked);
	desk_turn(&desk);
	CHECK(!parked.is_there);
	desk_submit(&desk, "web", 0, false, id);
	CHECK(parked.is_there);
	reply = (Davit__ReadEventsReply *)parked.response;
	CHECK_EQ(reply->n_events, 1);
	CHECK_STR(reply->events[0]->task_id, id);
	CHECK_STR(reply->events[0]->what, "pending");
	(void)snprintf(cursor, sizeof cursor, "%s", reply->cursor);
	desk_reply_fini(&parked);
	for (unsigned i = 0; i < MANAGER_EVENTS_MAX + 10; i++)
		events_node(desk.manager, &(struct node){.name = "n"}, "ready");
	desk_turn(&desk);
	request.cursor = cursor;
	reply = (Davit__ReadEventsReply *)desk_ask(&desk, "ReadEvents", &request.base);
	CHECK_EQ(reply->lost, 10);
	davit__read_events_reply__free_unpacked(reply, NULL);
	request.cursor = "nonsense";
	desk_send(&desk, "ReadEvents", &request.base, NULL, &parked);
	desk_turn(&desk);
	CHECK_STR(parked.field, "cursor");
	desk_reply_fini(&parked);
	desk_fini(&desk);
}

TEST(manager_keeps_last_peak_and_average_and_the_final_values)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__NodeStats stats = DAVIT__NODE_STATS__INIT;
	Davit__TaskSample sample = DAVIT__TASK_SAMPLE__INIT, *samples[] = {&sample};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	stats.node_id = worker.node_id;
	stats.n_tasks = 1;
	stats.tasks = samples;
	sample.task_id = id;
	for (uint64_t i = 1; i <= 3; i++) {
		stats.has_seq = true;
		stats.seq = i;
		sample.has_cpu_milli = true;
		sample.cpu_milli = i == 2 ? 700 : 100;
		manager_node_stats(desk.manager, desk.now, &stats);
	}
	CHECK_EQ(desk_task(&desk, id)->usage->last.cpu_milli, 100);
	CHECK_EQ(desk_task(&desk, id)->usage->cpu_milli_peak, 700);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__ENDED, 0);
	desk_restart(&desk);
	CHECK_EQ(desk_task(&desk, id)->usage->cpu_milli_peak, 700);
	CHECK_EQ(desk_task(&desk, id)->usage->cpu_milli_sum / 3, 300);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_ignores_figures_of_unknown_nodes_and_tasks)
{
	struct desk desk;
	Davit__NodeStats stats = DAVIT__NODE_STATS__INIT;

	desk_init(&desk);
	manager_node_stats(desk.manager, desk.now, &stats);
	stats.node_id = "no id";
	manager_node_stats(desk.manager, desk.now, &stats);
	CHECK_EQ(desk.n_published, 0);
	desk_fini(&desk);
}

/* ---- channels ---- */

#define STATUS(x) DAVIT__REPLY__STATUS__##x

struct channel_scene {
	struct desk desk;
	struct desk_worker worker;
	char task[ID_TEXT_SIZE];
};

static void
channel_scene_init(struct channel_scene *scene)
{
	*scene = (struct channel_scene){0};
	desk_init(&scene->desk);
	desk_worker_join(&scene->desk, &scene->worker, "n1", 4000);
	desk_submit(&scene->desk, "web", 0, false, scene->task);
	desk_worker_report(&scene->worker, scene->task, 1, RUNNING_, 0);
	desk_worker_poll(&scene->worker, NULL);
}

static void
channel_scene_fini(struct channel_scene *scene)
{
	desk_fini(&scene->desk);
	desk_worker_fini(&scene->worker);
}

/* Sends and turns; the status, OK while it is still under way. */
static Davit__Reply__Status
try_call(struct channel_scene *scene, const char *method, const ProtobufCMessage *request)
{
	struct desk_reply reply;
	Davit__Reply__Status status;

	desk_send(&scene->desk, method, request, "req-1", &reply);
	desk_turn(&scene->desk);
	CHECK(reply.is_there);
	status = reply.status;
	desk_reply_fini(&reply);
	return status;
}

TEST(manager_names_a_channel_by_node_and_request_and_finds_it_without_remembering)
{
	struct channel_scene scene;
	Davit__OpenChannelRequest open = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__ExecOptions exec = DAVIT__EXEC_OPTIONS__INIT;
	Davit__WriteChannelRequest write = DAVIT__WRITE_CHANNEL_REQUEST__INIT;
	struct desk_reply reply, again;
	char *command[] = {"cat"}, channel[128];

	channel_scene_init(&scene);
	open.task = "web";
	open.exec = &exec;
	exec.command = command;
	exec.n_command = 1;
	desk_send(&scene.desk, "OpenChannel", &open.base, "req-1", &reply);
	desk_turn(&scene.desk);
	desk_worker_poll(&scene.worker, NULL);
	CHECK_EQ(scene.worker.last->n_queries, 1);
	(void)snprintf(channel, sizeof channel, "%s.req-1", scene.worker.node_id);
	CHECK_STR(scene.worker.last->queries[0]->open->channel, channel);
	CHECK_STR(scene.worker.last->queries[0]->open->task_id, scene.task);
	CHECK_STR(scene.worker.last->queries[0]->open->exec->command[0], "cat");
	desk_restart(&scene.desk); /* the manager forgets, and finds it all the same */
	CHECK_EQ(reply.status, STATUS(UNAVAILABLE));
	desk_reply_fini(&reply);
	scene.worker.session = 0;
	desk_worker_join(&scene.desk, &scene.worker, "n1", 4000);
	desk_worker_poll(&scene.worker, NULL);
	write.channel = channel;
	write.has_data = true;
	write.data.data = (uint8_t *)"hello";
	write.data.len = 5;
	desk_send(&scene.desk, "WriteChannel", &write.base, NULL, &again);
	desk_turn(&scene.desk);
	desk_worker_poll(&scene.worker, NULL);
	CHECK_EQ(scene.worker.last->n_queries, 1);
	CHECK_EQ(scene.worker.last->queries[0]->write->data.len, 5);
	CHECK_EQ(scene.desk.manager->relay.n_bytes, 5);
	desk_pass(&scene.desk, MANAGER_SILENT_MS + 500); /* the node goes away: it is freed */
	CHECK(again.is_there);
	CHECK_EQ(again.status, STATUS(UNAVAILABLE));
	CHECK_EQ(scene.desk.manager->relay.n, 0);
	CHECK_EQ(scene.desk.manager->relay.n_bytes, 0);
	desk_reply_fini(&again);
	channel_scene_fini(&scene);
}

TEST(manager_refuses_channels_that_make_no_sense)
{
	struct channel_scene scene;
	Davit__OpenChannelRequest open = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__ExecOptions exec = DAVIT__EXEC_OPTIONS__INIT;
	Davit__CopyOutOptions out = DAVIT__COPY_OUT_OPTIONS__INIT;
	Davit__ReadChannelRequest read = DAVIT__READ_CHANNEL_REQUEST__INIT;
	Davit__WriteChannelRequest write = DAVIT__WRITE_CHANNEL_REQUEST__INIT;
	static char *words[1001], path[4098];
	static uint8_t data[MANAGER_CHANNEL_BYTES_MAX + 1];
	Davit__StringEntry entry = DAVIT__STRING_ENTRY__INIT, *variable = &entry;
	struct desk_reply reply;

	entry.key = "DAVIT_TASK_ID";
	channel_scene_init(&scene);
	for (size_t i = 0; i < 1001; i++)
		words[i] = "x";
	(void)memset(path, 'a', sizeof path - 1);
	open.task = "web";
	CHECK_EQ(try_call(&scene, "OpenChannel", &open.base), STATUS(INVALID_ARGUMENT));
	open.exec = &exec;
	CHECK_EQ(try_call(&scene, "OpenChannel", &open.base), STATUS(INVALID_ARGUMENT));
	exec.command = words;
	exec.n_command = 1001;
	CHECK_EQ(try_call(&scene, "OpenChannel", &open.base), STATUS(INVALID_ARGUMENT));
	exec.n_command = 1;
	exec.env = &variable;
	exec.n_env = 1;
	desk_send(&scene.desk, "OpenChannel", &open.base, NULL, &reply);
	desk_turn(&scene.desk);
	CHECK_EQ(reply.status, STATUS(INVALID_ARGUMENT));
	CHECK_STR(reply.field, "exec.env[\"DAVIT_TASK_ID\"]");
	desk_reply_fini(&reply);
	entry.key = "PLAIN"; /* without a value: an empty one */
	open.task = "nosuch";
	CHECK_EQ(try_call(&scene, "OpenChannel", &open.base), STATUS(NOT_FOUND));
	open.task = "web";
	open.copy_out = &out;
	out.path = "/x";
	CHECK_EQ(try_call(&scene, "OpenChannel", &open.base), STATUS(INVALID_ARGUMENT));
	open.exec = NULL;
	out.path = path;
	CHECK_EQ(try_call(&scene, "OpenChannel", &open.base), STATUS(INVALID_ARGUMENT));
	out.path = "/x";
	open.task = "nosuch";
	CHECK_EQ(try_call(&scene, "OpenChannel", &open.base), STATUS(NOT_FOUND));
	read.channel = "nonsense";
	CHECK_EQ(try_call(&scene, "ReadChannel", &read.base), STATUS(NOT_FOUND));
	read.channel = "01890000-0000-7000-8000-00000000ffff.x";
	CHECK_EQ(try_call(&scene, "ReadChannel", &read.base), STATUS(NOT_FOUND));
	read.has_max_bytes = true;
	read.max_bytes = MANAGER_CHANNEL_BYTES_MAX + 1;
	CHECK_EQ(try_call(&scene, "ReadChannel", &read.base), STATUS(INVALID_ARGUMENT));
	write.channel = "nonsense";
	write.has_data = true;
	write.data.data = data;
	write.data.len = sizeof data;
	CHECK_EQ(try_call(&scene, "WriteChannel", &write.base), STATUS(INVALID_ARGUMENT));
	channel_scene_fini(&scene);
}

TEST(manager_bounds_the_bytes_on_their_way_to_workers)
{
	enum { N = MANAGER_QUERY_BYTES_MAX / MANAGER_CHANNEL_BYTES_MAX };
	static uint8_t data[MANAGER_CHANNEL_BYTES_MAX];
	static struct desk_reply replies[N];
	struct channel_scene scene;
	Davit__WriteChannelRequest write = DAVIT__WRITE_CHANNEL_REQUEST__INIT;
	char channel[128];

	channel_scene_init(&scene);
	(void)snprintf(channel, sizeof channel, "%s.c", scene.worker.node_id);
	write.channel = channel;
	write.has_data = true;
	write.data.data = data;
	write.data.len = sizeof data;
	for (size_t i = 0; i < N; i++)
		desk_send(&scene.desk, "WriteChannel", &write.base, NULL, &replies[i]);
	CHECK_EQ(try_call(&scene, "WriteChannel", &write.base), STATUS(RESOURCE_EXHAUSTED));
	/* One Poll's answer carries what fits one message, the next one goes on. */
	desk_worker_poll(&scene.worker, NULL);
	CHECK_EQ(scene.worker.last->n_queries, MANAGER_HANDOVER_BYTES_MAX / sizeof data);
	desk_worker_poll(&scene.worker, NULL);
	CHECK_EQ(scene.worker.last->n_queries, MANAGER_HANDOVER_BYTES_MAX / sizeof data);
	channel_scene_fini(&scene);
	for (size_t i = 0; i < N; i++)
		desk_reply_fini(&replies[i]);
}

TEST(manager_passes_on_the_status_that_a_worker_gives)
{
	struct channel_scene scene;
	Davit__ReadChannelRequest read = DAVIT__READ_CHANNEL_REQUEST__INIT;
	Davit__AnswerQueriesRequest up = DAVIT__ANSWER_QUERIES_REQUEST__INIT;
	Davit__QueryAnswer answer = DAVIT__QUERY_ANSWER__INIT, *answers[] = {&answer};
	struct desk_reply reply, carrier;
	char channel[128];

	channel_scene_init(&scene);
	(void)snprintf(channel, sizeof channel, "%s.c", scene.worker.node_id);
	read.channel = channel;
	desk_send(&scene.desk, "ReadChannel", &read.base, NULL, &reply);
	desk_turn(&scene.desk);
	desk_worker_poll(&scene.worker, NULL);
	answer.id = scene.worker.last->queries[0]->id;
	answer.error = "no such channel";
	answer.has_status = true;
	answer.status = STATUS(NOT_FOUND);
	up.node_id = scene.worker.node_id;
	up.session = scene.worker.session;
	up.answers = answers;
	up.n_answers = 1;
	desk_send(&scene.desk, "AnswerQueries", &up.base, NULL, &carrier);
	desk_turn(&scene.desk);
	CHECK(reply.is_there);
	CHECK_EQ(reply.status, STATUS(NOT_FOUND));
	CHECK_STR(reply.field, "channel");
	CHECK_HAS(reply.message, "no such channel");
	desk_reply_fini(&reply);
	desk_reply_fini(&carrier);
	channel_scene_fini(&scene);
}
