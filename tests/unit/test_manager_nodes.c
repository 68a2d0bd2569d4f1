/* What happens to tasks when nodes come, go, fall silent and return. */
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define RUNNING_ DAVIT__TASK_REPORT__OBSERVED__RUNNING
#define ENDED_   DAVIT__TASK_REPORT__OBSERVED__ENDED
#define GONE_    DAVIT__TASK_REPORT__OBSERVED__GONE

/* Two nodes; the worker of `silent` is not heard while time passes. */
static void
pass_polling(struct desk *desk, struct desk_worker *const *workers, size_t n, uint64_t ms)
{
	for (uint64_t passed = 0; passed < ms; passed += 500) {
		desk_pass(desk, 500);
		for (size_t i = 0; i < n; i++) {
			if (!workers[i]->is_silent)
				desk_worker_poll(workers[i], NULL);
		}
	}
}

TEST(manager_runs_a_task_from_submission_to_its_end)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 1000, false, id);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_SCHEDULED);
	CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, 1000);
	desk_worker_poll(&worker, NULL);
	CHECK(desk_worker_assignment(&worker, id) != NULL);
	CHECK_EQ(desk_worker_assignment(&worker, id)->desired, DAVIT__TASK__DESIRED__RUN);
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_RUNNING);
	desk_worker_report(&worker, id, 1, ENDED_, 0);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_COMPLETED);
	CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(r3_manager_ends_a_restarting_task_that_its_worker_rejects_at_last)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 1000, true, id);
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__REJECTED, 0);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_FAILED);
	CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_drops_reports_of_another_attempt)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 1000, false, id);
	desk_worker_report(&worker, id, 7, RUNNING_, 0);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_SCHEDULED);
	CHECK(worker.last->complete); /* it is told what it should have */
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_refuses_a_session_that_is_over)
{
	struct desk desk;
	struct desk_worker old = {0}, fresh = {0};

	desk_init(&desk);
	desk_worker_join(&desk, &old, "n1", 4000);
	memcpy(fresh.node_id, old.node_id, sizeof fresh.node_id);
	desk_worker_join(&desk, &fresh, "n1", 4000);
	desk_worker_poll(&old, NULL);
	CHECK(old.poll->is_there);
	CHECK_EQ(old.poll->status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	desk_fini(&desk);
	desk_worker_fini(&old);
	desk_worker_fini(&fresh);
}

TEST(manager_sends_the_full_set_when_an_answer_was_lost)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_worker_poll(&worker, NULL);
	desk_submit(&desk, "aa", 0, false, a);
	protobuf_c_message_free_unpacked(worker.poll->response, NULL);
	worker.poll->response = NULL; /* the answer with its assignment never arrives */
	desk_worker_poll(&worker, NULL);
	CHECK(!worker.poll->is_there); /* it might still be under way */
	desk_pass(&desk, MANAGER_POLL_MS + MANAGER_TICK_MS);
	desk_worker_poll(&worker, NULL);
	CHECK(worker.last != NULL && worker.last->complete);
	CHECK(desk_worker_assignment(&worker, a) != NULL);
	desk_worker_poll(&worker, NULL);
	desk_submit(&desk, "bb", 0, false, b);
	desk_worker_poll(&worker, NULL);
	CHECK(!worker.last->complete);
	CHECK_EQ(worker.last->n_assignments, 1);
	CHECK(desk_worker_assignment(&worker, b) != NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_chains_what_follows_to_an_answer_that_is_under_way)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE];
	uint64_t under_way;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_worker_poll(&worker, NULL);
	desk_submit(&desk, "aa", 0, false, a);
	CHECK(worker.poll->is_there);
	under_way = ((Davit__PollReply *)worker.poll->response)->results_in;
	protobuf_c_message_free_unpacked(worker.poll->response, NULL);
	worker.poll->response = NULL; /* not heard yet, and it asks again */
	desk_worker_poll(&worker, NULL);
	desk_submit(&desk, "bb", 0, false, b);
	CHECK(worker.poll->is_there);
	CHECK(!((Davit__PollReply *)worker.poll->response)->complete);
	CHECK_EQ(((Davit__PollReply *)worker.poll->response)->applies_to, under_way);
	CHECK_EQ(((Davit__PollReply *)worker.poll->response)->n_assignments, 1);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

struct pair {
	struct desk desk;
	struct desk_worker w1, w2;
	struct desk_worker *both[2];
};

static void
pair_init(struct pair *pair)
{
	memset(pair, 0, sizeof *pair);
	desk_init(&pair->desk);
	desk_worker_join(&pair->desk, &pair->w1, "n1", 4000);
	desk_worker_join(&pair->desk, &pair->w2, "n2", 8000);
	pair->both[0] = &pair->w1;
	pair->both[1] = &pair->w2;
	pass_polling(&pair->desk, pair->both, 2, MANAGER_RESTART_GRACE_MS + 1000);
}

static void
pair_fini(struct pair *pair)
{
	desk_fini(&pair->desk);
	desk_worker_fini(&pair->w1);
	desk_worker_fini(&pair->w2);
}

/* The replacement's id, or fails. */
static void
replacement(struct desk *desk, const char *id, char ret_id[ID_TEXT_SIZE])
{
	CHECK(!id_is_none(desk_task(desk, id)->replaced_by));
	id_format(desk_task(desk, id)->replaced_by, ret_id);
}

TEST(manager_replaces_what_restarts_when_its_node_falls_silent)
{
	struct pair pair;
	char id[ID_TEXT_SIZE], other[ID_TEXT_SIZE];

	pair_init(&pair);
	desk_submit(&pair.desk, "web", 1000, true, id);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, 3000);
	CHECK_EQ(desk_node(&pair.desk, "n1")->state, DAVIT__NODE__STATE__DOWN);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	CHECK_EQ(desk_task(&pair.desk, id)->phase, DAVIT__TASK__PHASE__LOST);
	/* The room stays taken: it may still be running there. */
	CHECK_EQ(desk_node(&pair.desk, "n1")->account.reserved.cpu_milli, 1000);
	replacement(&pair.desk, id, other);
	CHECK_EQ(desk_task(&pair.desk, other)->state, TASK_SCHEDULED);
	CHECK_STR(desk_task(&pair.desk, other)->node->name, "n2");

	/* It returns: the old one is to be stopped, and only then its room is free. */
	pair.w1.is_silent = false;
	desk_worker_poll(&pair.w1, NULL);
	CHECK_EQ(desk_node(&pair.desk, "n1")->state, DAVIT__NODE__STATE__READY);
	desk_worker_poll(&pair.w1, NULL);
	CHECK_EQ(desk_worker_assignment(&pair.w1, id)->desired, DAVIT__TASK__DESIRED__STOP);
	CHECK(desk_worker_assignment(&pair.w1, id)->has_ended);
	desk_worker_report(&pair.w1, id, 1, ENDED_, 143);
	CHECK_EQ(desk_node(&pair.desk, "n1")->account.reserved.cpu_milli, 0);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	CHECK(!desk_task(&pair.desk, id)->has_exit_code); /* its record does not change */
	pair_fini(&pair);
}

TEST(r3_manager_remembers_what_was_reported_of_a_lost_task_over_a_restart)
{
	struct pair pair;
	char id[ID_TEXT_SIZE];

	pair_init(&pair);
	desk_submit(&pair.desk, "web", 1000, true,
		id); /* nothing is heard of it before it is lost */
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, 3000);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	CHECK_EQ(desk_task(&pair.desk, id)->observed, RUNNING_);
	desk_restart(&pair.desk);
	CHECK_EQ(desk_task(&pair.desk, id)->observed, RUNNING_);
	pair_fini(&pair);
}

TEST(manager_keeps_what_does_not_restart_until_its_node_returns)
{
	struct pair pair;
	char id[ID_TEXT_SIZE];

	pair_init(&pair);
	desk_submit(&pair.desk, "job", 1000, false, id);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, 600000);
	CHECK_EQ(desk_node(&pair.desk, "n1")->state, DAVIT__NODE__STATE__UNKNOWN);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_RUNNING);
	CHECK_EQ(desk_task(&pair.desk, id)->phase, DAVIT__TASK__PHASE__UNREACHABLE);
	desk_worker_poll(&pair.w1, NULL);
	CHECK_EQ(desk_task(&pair.desk, id)->phase, DAVIT__TASK__PHASE__STARTED);
	pair_fini(&pair);
}

TEST(manager_ends_what_was_kept_when_its_node_is_removed)
{
	struct pair pair;
	char id[ID_TEXT_SIZE];
	Davit__RemoveNodeRequest request = DAVIT__REMOVE_NODE_REQUEST__INIT;
	struct desk_reply reply;

	pair_init(&pair);
	desk_submit(&pair.desk, "job", 1000, false, id);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	request.node = "n1";
	desk_send(&pair.desk, "RemoveNode", &request.base, NULL, &reply);
	desk_turn(&pair.desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	desk_reply_fini(&reply);
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, 5000);
	protobuf_c_message_free_unpacked(desk_ask(&pair.desk, "RemoveNode", &request.base), NULL);
	CHECK(desk_node(&pair.desk, "n1") == NULL);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	CHECK(id_is_none(desk_task(&pair.desk, id)->replaced_by));
	desk_restart(&pair.desk); /* and the store agrees */
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	pair_fini(&pair);
}

/* It keeps its id over a removal: told as removed and changed at once, it would stay away for ever.
 */
TEST(r3_manager_tells_the_scheduler_of_a_node_that_was_removed_and_came_back)
{
	struct pair pair;
	char id[ID_TEXT_SIZE];
	Davit__RemoveNodeRequest request = DAVIT__REMOVE_NODE_REQUEST__INIT;

	pair_init(&pair);
	desk_submit(&pair.desk, "first", 1000, false, id); /* it hears of both nodes */
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, 5000);
	request.node = "n1";
	protobuf_c_message_free_unpacked(desk_ask(&pair.desk, "RemoveNode", &request.base), NULL);
	desk_worker_join(&pair.desk, &pair.w1, "n1", 1000);
	pair.desk.no_scheduler = true;
	desk_submit(&pair.desk, "job", 1000, false, id);
	CHECK(pair.desk.question->snapshot || pair.desk.question->n_removed_nodes == 0);
	CHECK_EQ(pair.desk.question->n_nodes, pair.desk.question->snapshot ? 2 : 1);
	pair_fini(&pair);
}

TEST(manager_moves_nothing_in_the_grace_after_its_own_start)
{
	struct pair pair;
	char id[ID_TEXT_SIZE];

	pair_init(&pair);
	desk_submit(&pair.desk, "web", 1000, true, id);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	desk_restart(&pair.desk);
	CHECK_EQ(desk_node(&pair.desk, "n1")->state, DAVIT__NODE__STATE__UNKNOWN);
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, MANAGER_RESTART_GRACE_MS - 1000);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_RUNNING);
	pass_polling(&pair.desk, pair.both, 2, 2000);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	pair_fini(&pair);
}

TEST(manager_waits_out_the_grace_that_a_worker_announced)
{
	struct pair pair;
	char id[ID_TEXT_SIZE];
	Davit__LeaveNodeRequest request = DAVIT__LEAVE_NODE_REQUEST__INIT;

	pair_init(&pair);
	desk_submit(&pair.desk, "web", 1000, true, id);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	request.node_id = pair.w1.node_id;
	request.session = pair.w1.session;
	protobuf_c_message_free_unpacked(desk_ask(&pair.desk, "LeaveNode", &request.base), NULL);
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, MANAGER_LEAVE_GRACE_MS - 1000);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_RUNNING);
	pass_polling(&pair.desk, pair.both, 2, 3000);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	pair_fini(&pair);
}

TEST(manager_holds_when_most_of_four_nodes_are_silent_at_once)
{
	struct pair pair;
	struct desk_worker w3 = {0}, w4 = {0};
	struct desk_worker *all[] = {&pair.w1, &pair.w2, &w3, &w4};
	char id[ID_TEXT_SIZE];

	pair_init(&pair);
	desk_worker_join(&pair.desk, &w3, "n3", 1000);
	desk_worker_join(&pair.desk, &w4, "n4", 1000);
	desk_submit(&pair.desk, "web", 2000, true, id);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	pair.w1.is_silent = w3.is_silent = w4.is_silent = true;
	pass_polling(&pair.desk, all, 4, 120000);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_RUNNING);
	w3.is_silent = w4.is_silent = false;
	pass_polling(&pair.desk, all, 4, 2000);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_FAILED);
	pair_fini(&pair);
	desk_worker_fini(&w3);
	desk_worker_fini(&w4);
}

TEST(manager_forgives_nodes_its_own_pause)
{
	struct pair pair;

	pair_init(&pair);
	pair.desk.now.mono_ms += 20000; /* the process stood still */
	desk_pass(&pair.desk, 200);
	CHECK_EQ(desk_node(&pair.desk, "n1")->state, DAVIT__NODE__STATE__READY);
	pair_fini(&pair);
}

TEST(manager_drains_by_stopping_first_and_running_elsewhere)
{
	struct pair pair;
	char id[ID_TEXT_SIZE], job[ID_TEXT_SIZE], other[ID_TEXT_SIZE];
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;

	pair_init(&pair);
	desk_submit(&pair.desk, "web", 1000, true, id);
	desk_submit(&pair.desk, "job", 1000, false, job);
	desk_worker_report(&pair.w1, id, 1, RUNNING_, 0);
	desk_worker_report(&pair.w1, job, 1, RUNNING_, 0);
	request.node = "n1";
	request.has_draining = request.draining = true;
	protobuf_c_message_free_unpacked(desk_ask(&pair.desk, "UpdateNode", &request.base), NULL);
	CHECK_EQ(desk_task(&pair.desk, id)->state, TASK_RUNNING);
	CHECK(id_is_none(desk_task(&pair.desk, id)->replaced_by)); /* never two at once */
	CHECK_EQ(desk_task(&pair.desk, job)->desired, DAVIT__TASK__DESIRED__RUN);
	desk_restart(&pair.desk); /* the intention survives */
	desk_worker_join(&pair.desk, &pair.w1, "n1", 4000);
	desk_worker_join(&pair.desk, &pair.w2, "n2", 8000);
	desk_worker_report(&pair.w1, id, 1, ENDED_, 143);
	CHECK(task_state_is_final(desk_task(&pair.desk, id)->state));
	replacement(&pair.desk, id, other);
	CHECK_STR(desk_task(&pair.desk, other)->node->name, "n2");
	pair_fini(&pair);
}

TEST(manager_tells_two_nodes_of_one_engine_different_ports)
{
	struct pair pair;
	char ids[2][ID_TEXT_SIZE];

	pair_init(&pair);
	for (unsigned i = 0; i < 2; i++) {
		Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
		Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
		Davit__Port port = DAVIT__PORT__INIT, *ports[1] = {&port};
		Davit__SubmitTasksReply *reply;

		port.container_port = 80;
		port.has_host_port = true;
		port.host_port = 8080;
		spec.image = "demo";
		spec.has_cpu_milli = true;
		spec.cpu_milli = 4000; /* one a node */
		spec.n_ports = 1;
		spec.ports = ports;
		request.spec = &spec;
		reply = (Davit__SubmitTasksReply *)desk_ask(&pair.desk, "SubmitTasks",
			&request.base);
		(void)snprintf(ids[i], sizeof ids[i], "%s", reply->task_ids[0]);
		davit__submit_tasks_reply__free_unpacked(reply, NULL);
	}
	CHECK_EQ(desk_task(&pair.desk, ids[0])->state, TASK_SCHEDULED);
	CHECK_EQ(desk_task(&pair.desk, ids[1])->state, TASK_PENDING);
	CHECK_HAS(desk_task(&pair.desk, ids[1])->message, "8080");
	pair_fini(&pair);
}

/* One task with a dynamic port, placed on n1 or n2; its worker finds the port taken. */
static struct task *
find_port_taken(struct pair *pair, bool restarts, uint16_t *ret_port)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__RestartPolicy restart = DAVIT__RESTART_POLICY__INIT;
	Davit__Port port = DAVIT__PORT__INIT, *ports[1] = {&port};
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;
	Davit__SubmitTasksReply *reply;
	struct task *task;

	port.container_port = 80;
	spec.image = "demo";
	spec.n_ports = 1;
	spec.ports = ports;
	spec.has_cpu_milli = true;
	spec.cpu_milli = 1000;
	restart.has_condition = true;
	restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.restart = restarts ? &restart : NULL;
	request.spec = &spec;
	reply = (Davit__SubmitTasksReply *)desk_ask(&pair->desk, "SubmitTasks", &request.base);
	task = desk_task(&pair->desk, reply->task_ids[0]);
	*ret_port = task->host_ports[0];
	report.task_id = reply->task_ids[0];
	report.attempt = 1;
	report.observed = DAVIT__TASK_REPORT__OBSERVED__REJECTED;
	report.has_busy_port = true;
	report.busy_port = *ret_port;
	desk_worker_poll(&pair->w1, &report);
	CHECK_EQ(task->state, TASK_SCHEDULED);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	return task;
}

TEST(manager_places_anew_after_a_strangers_port)
{
	struct pair pair;
	char id[ID_TEXT_SIZE];
	uint16_t first;
	struct task *task;

	pair_init(&pair);
	task = find_port_taken(&pair, false, &first);
	id_format(task->id, id);
	desk_worker_poll(&pair.w1, NULL);
	CHECK_EQ(desk_worker_assignment(&pair.w1, id)->desired, DAVIT__TASK__DESIRED__REMOVE);
	desk_worker_report(&pair.w1, id, 1, GONE_, 0);
	CHECK_EQ(task->state, TASK_SCHEDULED);
	CHECK_EQ(task->attempt, 2);
	CHECK(task->host_ports[0] != first);
	pair_fini(&pair);
}

TEST(r3_manager_gives_back_the_room_of_a_rejected_task_that_is_lost)
{
	struct pair pair;
	uint16_t first;
	struct task *task;

	pair_init(&pair);
	task = find_port_taken(&pair, true, &first);
	CHECK_EQ(desk_node(&pair.desk, "n1")->account.reserved.cpu_milli, 1000);
	pair.w1.is_silent = true;
	pass_polling(&pair.desk, pair.both, 2, 3000);
	CHECK_EQ(task->state, TASK_FAILED);
	/* What its worker says after a restart is behind REJECTED, so nothing else would. */
	CHECK_EQ(desk_node(&pair.desk, "n1")->account.reserved.cpu_milli, 0);
	pair_fini(&pair);
}

TEST(r3_manager_tells_the_scheduler_that_a_strangers_port_is_free_again)
{
	struct pair pair;
	char id[ID_TEXT_SIZE], large[ID_TEXT_SIZE];
	size_t n_told = 0;
	uint16_t first;

	pair_init(&pair);
	id_format(find_port_taken(&pair, false, &first)->id, id);
	desk_worker_report(&pair.w1, id, 1, GONE_, 0);
	desk_submit(&pair.desk, "large", 100000, false,
		large); /* it waits, so questions are asked */
	for (unsigned i = 0; n_told == 0 && i < 2 * MANAGER_STRANGER_MS / MANAGER_SWEEP_MS; i++) {
		pair.desk.no_scheduler = true;
		pass_polling(&pair.desk, pair.both, 2, MANAGER_SWEEP_MS);
		n_told = pair.desk.question->n_nodes;
		CHECK(!pair.desk.question->snapshot);
		pair.desk.no_scheduler = false;
		desk_turn(&pair.desk);
	}
	CHECK(n_told > 0);
	pair_fini(&pair);
}

static Davit__Node *
update_node(struct desk *desk, Davit__UpdateNodeRequest *request, Davit__UpdateNodeReply **reply)
{
	request->node = "n1";
	*reply = (Davit__UpdateNodeReply *)desk_ask(desk, "UpdateNode", &request->base);
	return (*reply)->node;
}

TEST(manager_keeps_what_the_operator_sets_over_what_the_worker_says)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
	Davit__UpdateNodeReply *reply;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};
	Davit__Taint taint = DAVIT__TAINT__INIT, *taints[] = {&taint};
	Davit__Node *node;
	char *keys[] = {"disk"};

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	label.key = "disk";
	label.value = "ssd";
	taint.key = "old";
	taint.has_effect = true;
	taint.effect = DAVIT__TAINT__EFFECT__NO_SCHEDULE;
	request.labels = labels;
	request.taints = taints;
	request.n_labels = request.n_taints = 1;
	node = update_node(&desk, &request, &reply);
	CHECK_STR(node->labels[0]->value, "ssd");
	CHECK_STR(node->taints[0]->key, "old");
	davit__update_node_reply__free_unpacked(reply, NULL);
	desk_restart(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000); /* says nothing of either */
	CHECK_EQ(desk_node(&desk, "n1")->traits->n_labels, 1);
	CHECK_EQ(desk_node(&desk, "n1")->traits->n_taints, 1);
	davit__update_node_request__init(&request);
	request.remove_labels = keys;
	request.n_remove_labels = 1;
	node = update_node(&desk, &request, &reply);
	CHECK_EQ(node->n_labels, 0);
	davit__update_node_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_moves_what_does_not_tolerate_no_execute)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
	Davit__UpdateNodeReply *reply;
	Davit__Taint taint = DAVIT__TAINT__INIT, *taints[] = {&taint};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "web", 500, true, id);
	taint.key = "gone";
	taint.has_effect = true;
	taint.effect = DAVIT__TAINT__EFFECT__NO_EXECUTE;
	request.taints = taints;
	request.n_taints = 1;
	(void)update_node(&desk, &request, &reply);
	davit__update_node_reply__free_unpacked(reply, NULL);
	CHECK_EQ(desk_task(&desk, id)->desired, DAVIT__TASK__DESIRED__STOP);
	CHECK_HAS(desk_task(&desk, id)->message, "taint 'gone'");
	CHECK(desk_task(&desk, id)->replace_when_ended);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
