/* Orders to make a fault; tested by tests/unit/test_worker_chaos_query.c. */
#include "services/worker/core.h"

#include <errno.h>

#include "common/base/mem.h"
#include "common/model/chaos_rules.h"

static void
accept_order(struct worker_query *query, const Davit__Fault *fault)
{
	Davit__InjectFaultReply *reply = xmalloc(sizeof *reply);

	davit__inject_fault_reply__init(reply);
	reply->fault = chaos_copy(fault);
	query->answer.fault = reply;
}

static void
on_killed(const struct err *err, void *arg)
{
	struct worker_query *query = worker_job_end(arg);

	if (query == NULL)
		return;
	if (err->code < 0)
		worker_query_fail(query, "the engine cannot kill it: %s", err->text);
	else
		worker_query_done(query);
}

/* Behind the back of whoever looks after the task, as a stranger would. */
static void
kill_task(struct worker_query *query, const Davit__Fault *fault)
{
	struct worker *worker = query->worker;
	struct worker_slot *slot = NULL;
	struct worker_job *job;
	struct id task;

	if (fault->task_id != NULL && id_parse(fault->task_id, &task))
		slot = worker_slots_find(worker, task);
	if (slot == NULL || slot->state != WORKER_SLOT_RUNNING || slot->container_id[0] == '\0') {
		worker_query_refuse(query, DAVIT__REPLY__STATUS__FAILED_PRECONDITION,
			"the task does not run just now");
		return;
	}
	job = worker_job_new(&query->job, query);
	job->op = engine_container_kill(worker->engine, slot->container_id, fault->signal,
		on_killed, job);
}

void
worker_chaos_query(struct worker_query *query, const Davit__ChaosQuery *asked)
{
	const struct worker_ports *ports = &query->worker->ports;
	Davit__Fault fault = DAVIT__FAULT__INIT;
	struct err err = {0};
	int rc;

	if (ports->chaos == NULL) {
		worker_query_refuse(query, DAVIT__REPLY__STATUS__FAILED_PRECONDITION,
			"its worker does not allow chaos: start davit-worker there with "
			"--allow-chaos");
		return;
	}
	rc = ports->chaos(ports->arg, asked, &fault, &err);
	if (rc < 0 && rc != -EALREADY) {
		worker_query_refuse(query, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "%s", err.text);
		return;
	}
	accept_order(query, &fault);
	if (rc == 0 && fault.kind == DAVIT__FAULT__KIND__KILL_TASK)
		kill_task(query, &fault);
	else
		worker_query_done(query);
}
