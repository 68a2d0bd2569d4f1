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
