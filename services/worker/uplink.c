/*
 * The way to the manager and back; tested by tests/unit/test_worker_uplink.c.
 *
 * At most two polls are under way: a parked one, in which the manager may answer
 * at any time, and one that carries reports up. Answers to questions go apart. A report is kept
 * until the poll that carried it was answered OK; meanwhile newer facts about the
 * same attempt replace it.
 */
#include "services/worker/core.h"
#include "services/worker/declared.h"

#include "common/base/log.h"
#include "common/base/mem.h"

enum { LINGER_MS = 100 }; /* for reports of mere progress: most are overtaken by a fact */

/* ---- reports ---- */

static void
leave_queue(struct worker_slot *slot)
{
	if (slot->queue != NULL)
		DL_DELETE2(*slot->queue, slot, report_prev, report_next);
	slot->queue = NULL;
}

static void
enter_queue(struct worker_slot *slot, struct worker_slot **queue)
{
	if (slot->queue == queue)
		return;
	leave_queue(slot);
	slot->queue = queue;
	DL_APPEND2(*queue, slot, report_prev, report_next);
}

void
worker_uplink_put(struct worker_slot *slot)
{
	struct worker_uplink *uplink = &slot->worker->uplink;
	bool is_fact = slot->observed > DAVIT__TASK_REPORT__OBSERVED__PREPARING;

	if (slot->newer != NULL || slot->queue == &uplink->sent || slot->queue == &uplink->fresh)
		return;
	if (slot->state == WORKER_SLOT_ACCEPTED && slot->message == NULL)
		return; /* nothing to tell yet */
	enter_queue(slot, is_fact ? &uplink->fresh : &uplink->lazy);
}

void
worker_uplink_forget(struct worker_slot *slot)
{
	leave_queue(slot);
}

/* The newest word on the attempt was heard. */
static void
acknowledge(struct worker_slot *slot)
{
	leave_queue(slot);
	slot->acked_version = slot->sent_version;
	slot->told = slot->sent_observed;
	if (slot->version != slot->acked_version || slot->told < slot->observed)
		worker_uplink_put(slot);
	if (slot->state == WORKER_SLOT_GONE)
		worker_slot_touch(slot);
}

static void
take_back_reports(struct worker *worker)
{
	while (worker->uplink.sent != NULL)
		enter_queue(worker->uplink.sent, &worker->uplink.fresh);
}

static void
reports_were_heard(struct worker *worker)
{
	while (worker->uplink.sent != NULL)
		acknowledge(worker->uplink.sent);
}

static void
note_sent(struct worker_slot *slot, const struct worker_report *report)
{
	slot->sent_version = slot->version;
	slot->sent_observed = report->report.observed;
}

/* ---- registering ---- */

static void
fill_engine(const struct worker *worker, Davit__EngineInfo *engine)
{
	const struct engine_about *about = &worker->watch.about;

	davit__engine_info__init(engine);
	engine->id = (char *)about->id;
	engine->version = (char *)about->version;
	engine->api_version = (char *)about->api_version;
	engine->os = (char *)about->os;
	engine->arch = (char *)about->arch;
	engine->kernel = (char *)about->kernel;
}

/* Of what the machine has; percentages are bounded by settings.c, so it stays in range. */
static uint64_t
given_away(uint64_t all, uint64_t reserved, uint32_t percent)
{
	uint64_t left = all > reserved ? all - reserved : 0;

	return percent == 0 ? left : left / 100 * percent + left % 100 * percent / 100;
}

/* Of the disk that the engine keeps its things on, and GPUs that it can hand out. */
static void
fill_disk_and_gpus(const struct worker *worker, Davit__Resources *capacity)
{
	const struct worker_ports *ports = &worker->ports;
	const struct engine_about *about = &worker->watch.about;
	bool is_here = worker->watch.knows_about && worker->engine_address == NULL;
	uint64_t used, total = 0;

	if (!capacity->has_disk_bytes && is_here && ports->disk_usage != NULL &&
		ports->disk_usage(ports->arg, about->root_dir, &used, &total) < 0)
		total = 0;
	if (!capacity->has_disk_bytes && total == 0)
		total = worker->fallback.disk_bytes;
	if (!capacity->has_disk_bytes && total > 0) {
		capacity->has_disk_bytes = true;
		capacity->disk_bytes = total > worker->policy.reserved_disk_bytes
					       ? total - worker->policy.reserved_disk_bytes
					       : 0;
	}
	if (!capacity->has_gpus && is_here && about->has_gpu_runtime && ports->count_gpus != NULL) {
		capacity->gpus = ports->count_gpus(ports->arg);
		capacity->has_gpus = capacity->gpus > 0;
	}
}

static void
fill_capacity(const struct worker *worker, Davit__Resources *capacity)
{
	const struct worker_policy *policy = &worker->policy;
	bool known = worker->watch.knows_about;

	*capacity = worker->capacity;
	if (!capacity->has_cpu_milli) {
		capacity->has_cpu_milli = true;
		capacity->cpu_milli = given_away(known ? worker->watch.about.cpu_milli
						       : worker->fallback.cpu_milli,
			policy->reserved_cpu_milli, policy->cpu_percent);
	}
	if (!capacity->has_memory_bytes) {
		capacity->has_memory_bytes = true;
		capacity->memory_bytes = given_away(known ? worker->watch.about.memory_bytes
							  : worker->fallback.memory_bytes,
			policy->reserved_memory_bytes, policy->memory_percent);
	}
	fill_disk_and_gpus(worker, capacity);
}

static void
start_register(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	struct worker_report *reports = xcalloc(worker->n_slots + 1, sizeof *reports);
	Davit__TaskReport **list = xcalloc(worker->n_slots + 1, sizeof *list);
	Davit__Resources capacity;
	Davit__EngineInfo engine;
	struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if (slot->newer != NULL)
			continue;
		worker_slot_report(slot, &reports[request.n_tasks]);
		list[request.n_tasks] = &reports[request.n_tasks].report;
		request.n_tasks++;
	}
	fill_capacity(worker, &capacity);
	fill_engine(worker, &engine);
	request.name = worker->name;
	request.node_id = worker->node_id[0] == '\0' ? NULL : worker->node_id;
	request.labels = worker->label_list;
	request.n_labels = worker->n_labels;
	request.capacity = &capacity;
	if (worker->declared != NULL)
		worker_declared_fill(worker->declared, &request, &capacity);
	request.engine = worker->watch.knows_about ? &engine : NULL;
	request.address = worker->address;
	request.davit_version = (char *)DAVIT_VERSION;
	request.tasks = list;
	request.instance = worker->instance;
	uplink->state = WORKER_UPLINK_REGISTERING;
	uplink->knew_engine = worker->watch.knows_about;
	uplink->register_ticket = ++uplink->ticket;
	worker->ports.call(worker->ports.arg, uplink->register_ticket, "RegisterNode",
		&request.base, WORKER_CALL_MS);
	free(list);
	free(reports);
}

/* Before the first time, the engine has a moment to say what runs. */
static bool
may_register(const struct worker *worker)
{
	const struct worker_watch *watch = &worker->watch;
	bool is_surveyed = worker->node_id[0] == '\0'
				   ? watch->knows_about
				   : watch->was_listed && !worker_slots_are_unsure(worker);

	return is_surveyed || worker->uplink.was_in_contact ||
	       worker->mono_ms - worker->born_ms >= WORKER_REGISTER_HOLD_MS;
}

static void
call_failed(struct worker *worker)
{
	worker->uplink.n_failed++;
	worker->uplink.has_news = true;
}

static void
in_contact(struct worker *worker)
{
	worker->uplink.was_in_contact = true;
	worker->uplink.is_contact_fresh = true;
}

/* Whatever was under way belongs to the old session: its replies will not be known. */
static void
go_offline(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;

	uplink->state = WORKER_UPLINK_WAITING;
	uplink->parked_ticket = uplink->carry_ticket = uplink->register_ticket = 0;
	uplink->session = 0;
	uplink->have_version = uplink->seen_version = 0;
	uplink->has_set = false;
	take_back_reports(worker);
	/* Those who asked were told that this node is gone. */
	memset(uplink->answer_tickets, 0, sizeof uplink->answer_tickets);
}

static void
registered(struct worker *worker, Davit__Reply__Status status, const char *message,
	const Davit__RegisterNodeReply *reply)
{
	struct worker_uplink *uplink = &worker->uplink;

	uplink->state = WORKER_UPLINK_WAITING;
	if (status != DAVIT__REPLY__STATUS__OK || reply == NULL) {
		if (uplink->n_failed % 16 == 0)
			log_warn("worker.register", "error=\"%s\", retrying", message);
		call_failed(worker);
		return;
	}
	in_contact(worker);
	uplink->state = WORKER_UPLINK_ONLINE;
	uplink->session = reply->session;
	uplink->have_version = uplink->seen_version = 0;
	uplink->has_set = false;
	uplink->poll_ms =
		reply->has_poll_ms && reply->poll_ms > 0 ? reply->poll_ms : WORKER_POLL_MS;
	free(worker->cluster);
	worker->cluster = xstrdup(reply->cluster_id);
	if (strcmp(worker->node_id, reply->node_id) != 0 &&
		strlen(reply->node_id) < sizeof worker->node_id) {
		(void)strncpy(worker->node_id, reply->node_id, sizeof worker->node_id - 1);
		worker->watch.is_up = false; /* list and events go by this id */
		worker_job_abandon(&worker->watch.events_job);
		worker_job_abandon(&worker->watch.list_job);
		if (worker->ports.save_node_id != NULL)
			worker->ports.save_node_id(worker->ports.arg, worker->node_id);
	}
	log_info("worker.registered", "node=%s session=%llu poll=%llu ms", worker->node_id,
		(unsigned long long)uplink->session, (unsigned long long)uplink->poll_ms);
}

/* ---- polls ---- */

static void
apply_reply(struct worker *worker, const Davit__PollReply *reply)
{
	struct worker_uplink *uplink = &worker->uplink;

	in_contact(worker);
	uplink->n_failed = 0; /* not by a registration: one that is over at once must not spin */
	if (reply->has_poll_ms && reply->poll_ms > 0)
		uplink->poll_ms = reply->poll_ms;
	for (size_t i = 0; i < reply->n_queries; i++)
		worker_query_begin(worker, reply->queries[i]);
	worker_assign(worker, reply);
}

static void
polled(struct worker *worker, bool carried, Davit__Reply__Status status, const char *message,
	const Davit__PollReply *reply)
{
	if (status == DAVIT__REPLY__STATUS__OK && reply != NULL) {
		if (carried)
			reports_were_heard(worker);
		apply_reply(worker, reply);
		return;
	}
	if (carried)
		take_back_reports(worker);
	if (status == DAVIT__REPLY__STATUS__FAILED_PRECONDITION ||
		status == DAVIT__REPLY__STATUS__NOT_FOUND) {
		log_info("worker.session.over", "reason=\"%s\"", message);
		go_offline(worker);
		if (worker->uplink.n_failed++ > 0)
			worker->uplink.has_news = true; /* the first time at once */
		return;
	}
	if (worker->uplink.n_failed % 16 == 0)
		log_warn("worker.poll", "error=\"%s\", retrying", message);
	call_failed(worker);
	if (worker->ports.redial != NULL && status == DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED)
		worker->ports.redial(worker->ports.arg);
}

static void
say_version(const struct worker_uplink *uplink, Davit__PollRequest *request)
{
	request->has_have_version = true;
	request->have_version = uplink->have_version;
	request->has_seen_version = uplink->seen_version > uplink->have_version;
	request->seen_version = uplink->seen_version;
}

static void
start_parked(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;
	Davit__PollRequest request = DAVIT__POLL_REQUEST__INIT;

	request.node_id = worker->node_id;
	request.session = uplink->session;
	say_version(uplink, &request);
	request.has_wait_ms = true;
	request.wait_ms = uplink->poll_ms;
	request.engine_trouble = worker->watch.trouble;
	uplink->parked_ticket = ++uplink->ticket;
	worker->ports.call(worker->ports.arg, uplink->parked_ticket, "Poll", &request.base,
		2 * uplink->poll_ms + WORKER_POLL_SLACK_MS);
}

/* Progress that nothing overtook is sent, too. */
static bool
has_something_to_say(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;

	if (uplink->lazy != NULL && uplink->lazy_ms == 0)
		uplink->lazy_ms = worker->mono_ms + LINGER_MS;
	if (uplink->lazy == NULL)
		uplink->lazy_ms = 0;
	if (uplink->lazy_ms != 0 && uplink->lazy_ms <= worker->mono_ms) {
		while (uplink->lazy != NULL)
			enter_queue(uplink->lazy, &uplink->fresh);
		uplink->lazy_ms = 0;
	}
	return uplink->fresh != NULL;
}

static void
start_carry(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;
	Davit__PollRequest request = DAVIT__POLL_REQUEST__INIT;
	struct worker_report *reports;
	Davit__TaskReport **list;
	struct worker_slot *slot;
	size_t n = 0;

	DL_FOREACH2(uplink->fresh, slot, report_next)
	{
		if (++n == WORKER_REPORTS_MAX)
			break;
	}
	reports = xcalloc(n + 1, sizeof *reports);
	list = xcalloc(n + 1, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		slot = uplink->fresh;
		worker_slot_report(slot, &reports[i]);
		list[i] = &reports[i].report;
		note_sent(slot, &reports[i]);
		enter_queue(slot, &uplink->sent);
	}
	request.node_id = worker->node_id;
	request.session = uplink->session;
	say_version(uplink, &request);
	request.reports = list;
	request.n_reports = n;
	request.engine_trouble = worker->watch.trouble;
	uplink->carry_ticket = ++uplink->ticket;
	uplink->carried_ms = worker->mono_ms;
	worker->ports.call(worker->ports.arg, uplink->carry_ticket, "Poll", &request.base,
		WORKER_CALL_MS);
	free(list);
	free(reports);
}

static void
start_leave(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;
	Davit__LeaveNodeRequest request = DAVIT__LEAVE_NODE_REQUEST__INIT;

	if (uplink->state != WORKER_UPLINK_ONLINE) {
		uplink->state = WORKER_UPLINK_LEFT;
		return;
	}
	uplink->state = WORKER_UPLINK_LEAVING;
	uplink->parked_ticket = uplink->carry_ticket = 0;
	request.node_id = worker->node_id;
	request.session = uplink->session;
	request.has_grace_ms = true;
	request.grace_ms = WORKER_GRACE_MS;
	uplink->leave_ticket = ++uplink->ticket;
	worker->ports.call(worker->ports.arg, uplink->leave_ticket, "LeaveNode", &request.base,
		WORKER_LEAVE_MS);
}

/* ---- from outside ---- */

void
worker_answered(struct worker *worker, uint64_t ticket, Davit__Reply__Status status,
	const char *message, const ProtobufCMessage *response)
{
	struct worker_uplink *uplink = &worker->uplink;

	if (ticket == 0)
		return;
	if (worker_answers_heard(worker, ticket))
		return;
	if (ticket == uplink->register_ticket) {
		uplink->register_ticket = 0;
		registered(worker, status, message, (const Davit__RegisterNodeReply *)response);
	} else if (ticket == uplink->parked_ticket) {
		uplink->parked_ticket = 0;
		polled(worker, false, status, message, (const Davit__PollReply *)response);
	} else if (ticket == uplink->carry_ticket) {
		uplink->carry_ticket = 0;
		polled(worker, true, status, message, (const Davit__PollReply *)response);
	} else if (ticket == uplink->leave_ticket) {
		uplink->leave_ticket = 0;
		uplink->state = WORKER_UPLINK_LEFT;
	}
}

void
worker_leave(struct worker *worker)
{
	worker->uplink.is_leaving = true;
}

bool
worker_has_left(const struct worker *worker)
{
	return worker->uplink.state == WORKER_UPLINK_LEFT;
}

static void
take_time(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;

	if (uplink->is_contact_fresh)
		uplink->contact_ms = worker->mono_ms;
	uplink->is_contact_fresh = false;
	if (uplink->has_news)
		uplink->retry_ms =
			worker->mono_ms + worker_retry_delay_ms(uplink->n_failed,
						  WORKER_RETRY_MIN_MS, WORKER_RETRY_MAX_MS,
						  worker->ports.random(worker->ports.arg));
	uplink->has_news = false;
}

/*
 * A poll that carries something is about to be answered, and is a heartbeat until
 * then. Parking another meanwhile would ask from a version that the answer on its
 * way has left behind, and cost a complete set.
 */
static bool
waits_for_carry(const struct worker *worker)
{
	const struct worker_uplink *uplink = &worker->uplink;

	return uplink->carry_ticket != 0 && worker->mono_ms < uplink->carried_ms + uplink->poll_ms;
}

uint64_t
worker_uplink_tick(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;

	take_time(worker);
	if (uplink->is_leaving && uplink->state < WORKER_UPLINK_LEAVING)
		start_leave(worker);
	if (uplink->state >= WORKER_UPLINK_LEAVING)
		return UINT64_MAX;
	if (worker->mono_ms < uplink->retry_ms)
		return uplink->retry_ms;
	/* The manager is to know which engine it is: nodes that share one share its ports. */
	if (uplink->state == WORKER_UPLINK_ONLINE && !uplink->knew_engine &&
		worker->watch.knows_about)
		go_offline(worker);
	if (uplink->state == WORKER_UPLINK_WAITING) {
		if (!may_register(worker))
			return worker->born_ms + WORKER_REGISTER_HOLD_MS;
		start_register(worker);
	}
	if (uplink->state != WORKER_UPLINK_ONLINE)
		return UINT64_MAX;
	worker_answers_send(worker);
	if (uplink->carry_ticket == 0 && has_something_to_say(worker))
		start_carry(worker);
	if (uplink->parked_ticket == 0) {
		if (!waits_for_carry(worker))
			start_parked(worker);
		else
			return uplink->carried_ms + uplink->poll_ms;
	}
	return uplink->carry_ticket == 0 && uplink->lazy_ms != 0 ? uplink->lazy_ms : UINT64_MAX;
}
