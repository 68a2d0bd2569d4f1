/* Tested by tests/unit/test_worker_chaos.c. */
#include "services/worker/chaos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/chaos_rules.h"
#include "services/worker/limits.h"

/* Kinds begin with 1; what ends at once is not among them. */
enum { KINDS = DAVIT__FAULT__KIND__SLOW + 1 };

/* Of one kind. */
struct trouble {
	Davit__Fault *fault; /* unpacked copy; NULL: none */
	uint64_t begin_ms;   /* begins then at the latest; 0: it has begun */
	uint64_t until_ms;   /* on the clock that never goes back */
};

struct order {
	char *request_id; /* NULL: this place is free */
	uint64_t since_ms, until_ms;
};

struct worker_chaos {
	struct worker_chaos_ports ports;
	struct trouble troubles[KINDS];
	struct order orders[WORKER_CHAOS_ORDERS_KEPT];
	size_t n_orders; /* ever */
	uint64_t mono_ms, wall_ms, check_ms;
	bool is_checking, can_check;
	bool has_news;         /* the manager does not know how it is */
	bool must_check_again; /* news came while it was being asked */
};

struct worker_chaos *
worker_chaos_new(const struct worker_chaos_ports *ports)
{
	struct worker_chaos *chaos = xcalloc(1, sizeof *chaos);

	chaos->ports = *ports;
	chaos->has_news = true; /* a worker that was started anew has no faults */
	return chaos;
}

static void
drop(struct trouble *trouble)
{
	if (trouble->fault != NULL)
		davit__fault__free_unpacked(trouble->fault, NULL);
	*trouble = (struct trouble){0};
}

void
worker_chaos_free(struct worker_chaos *chaos)
{
	if (chaos == NULL)
		return;
	for (size_t i = 0; i < KINDS; i++)
		drop(&chaos->troubles[i]);
	for (size_t i = 0; i < WORKER_CHAOS_ORDERS_KEPT; i++)
		free(chaos->orders[i].request_id);
	free(chaos);
}

static void
note_news(struct worker_chaos *chaos)
{
	chaos->has_news = true;
	chaos->must_check_again = chaos->is_checking;
	chaos->check_ms = 0;
}

/* ---- orders ---- */

static void
set_times(Davit__Fault *fault, uint64_t since_ms, uint64_t until_ms, uint64_t left_ms)
{
	fault->has_since_ms = fault->has_until_ms = fault->has_left_ms = true;
	fault->since_ms = since_ms;
	fault->until_ms = until_ms;
	fault->left_ms = left_ms;
}

static struct order *
find_order(struct worker_chaos *chaos, const char *request_id)
{
	for (size_t i = 0; request_id != NULL && i < WORKER_CHAOS_ORDERS_KEPT; i++) {
		if (chaos->orders[i].request_id != NULL &&
			strcmp(chaos->orders[i].request_id, request_id) == 0)
			return &chaos->orders[i];
	}
	return NULL;
}

static void
keep_order(struct worker_chaos *chaos, const char *request_id, const Davit__Fault *fault)
{
	struct order *order = &chaos->orders[chaos->n_orders++ % WORKER_CHAOS_ORDERS_KEPT];

	free(order->request_id);
	*order = (struct order){xstrdup(request_id), fault->since_ms, fault->until_ms};
}

int
worker_chaos_order(struct worker_chaos *chaos, Davit__Fault *fault, const char *request_id,
	struct err *err)
{
	const struct order *order = find_order(chaos, request_id);
	struct trouble *trouble;
	const char *field;
	int rc = chaos_check(fault, &field, err);

	if (rc < 0)
		return rc;
	chaos_fill(fault);
	if ((size_t)fault->kind >= KINDS) { /* over as soon as it is done */
		if (order == NULL && request_id != NULL)
			keep_order(chaos, request_id, fault);
		return order != NULL ? -EALREADY : 0;
	}
	if (order != NULL) {
		set_times(fault, order->since_ms, order->until_ms,
			order->until_ms > chaos->wall_ms ? order->until_ms - chaos->wall_ms : 0);
		return 0;
	}
	set_times(fault, chaos->wall_ms, chaos->wall_ms + fault->for_ms, fault->for_ms);
	if (request_id != NULL)
		keep_order(chaos, request_id, fault);
	trouble = &chaos->troubles[fault->kind];
	drop(trouble);
	*trouble = (struct trouble){chaos_copy(fault), chaos->mono_ms + WORKER_CHAOS_BEGIN_MS,
		chaos->mono_ms + fault->for_ms};
	note_news(chaos);
	return 0;
}

void
worker_chaos_heard(struct worker_chaos *chaos)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (chaos->troubles[i].begin_ms > chaos->mono_ms)
			chaos->troubles[i].begin_ms = chaos->mono_ms == 0 ? 1 : chaos->mono_ms;
	}
}

/* ---- beginning and end ---- */

static void
begin(struct worker_chaos *chaos, struct trouble *trouble)
{
	char sentence[CHAOS_SENTENCE_SIZE];

	log_warn("chaos.begins", "fault=\"%s\"", chaos_sentence(trouble->fault, sentence));
	trouble->begin_ms = 0;
	chaos->ports.apply(chaos->ports.arg, trouble->fault->kind, trouble->fault);
}

static void
heal(struct worker_chaos *chaos, struct trouble *trouble, const char *why)
{
	Davit__Fault__Kind kind = trouble->fault->kind;

	log_info("chaos.over", "fault=%s reason=\"%s\"", chaos_kind_name(kind), why);
	drop(trouble);
	note_news(chaos);
	chaos->ports.apply(chaos->ports.arg, kind, NULL);
}

static bool
is_any_known(const struct worker_chaos *chaos)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (chaos->troubles[i].fault != NULL)
			return true;
	}
	return false;
}

/* ---- asking ---- */

static void
check(struct worker_chaos *chaos, const char *node_id)
{
	Davit__CheckFaultsRequest request = DAVIT__CHECK_FAULTS_REQUEST__INIT;
	Davit__Fault *faults[KINDS];

	request.node_id = (char *)(uintptr_t)node_id;
	request.faults = faults;
	for (size_t i = 0; i < KINDS; i++) {
		struct trouble *trouble = &chaos->troubles[i];

		if (trouble->fault == NULL)
			continue;
		trouble->fault->left_ms =
			trouble->until_ms > chaos->mono_ms ? trouble->until_ms - chaos->mono_ms : 0;
		faults[request.n_faults++] = trouble->fault;
	}
	chaos->is_checking = true;
	chaos->must_check_again = false;
	chaos->check_ms = chaos->mono_ms + WORKER_CHAOS_CHECK_MS;
	chaos->ports.check(chaos->ports.arg, &request);
}

void
worker_chaos_checked(struct worker_chaos *chaos, const Davit__CheckFaultsReply *reply)
{
	chaos->is_checking = false;
	if (reply == NULL)
		return;
	chaos->has_news = chaos->must_check_again;
	for (size_t i = 0; i < reply->n_heal; i++) {
		size_t kind = (size_t)reply->heal[i];

		if (kind < KINDS && chaos->troubles[kind].fault != NULL)
			heal(chaos, &chaos->troubles[kind], "healed by order");
	}
}

void
worker_chaos_tick(struct worker_chaos *chaos, uint64_t mono_ms, uint64_t wall_ms,
	const char *node_id)
{
	chaos->mono_ms = mono_ms;
	chaos->wall_ms = wall_ms;
	chaos->can_check = node_id[0] != '\0';
	for (size_t i = 0; i < KINDS; i++) {
		struct trouble *trouble = &chaos->troubles[i];

		if (trouble->fault == NULL)
			continue;
		if (trouble->until_ms <= mono_ms)
			heal(chaos, trouble, "its time is over");
		else if (trouble->begin_ms > 0 && trouble->begin_ms <= mono_ms)
			begin(chaos, trouble);
	}
	if (!chaos->is_checking && chaos->can_check && chaos->check_ms <= mono_ms &&
		(chaos->has_news || is_any_known(chaos)))
		check(chaos, node_id);
}

uint64_t
worker_chaos_due_ms(const struct worker_chaos *chaos)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < KINDS; i++) {
		const struct trouble *trouble = &chaos->troubles[i];
		uint64_t at = trouble->begin_ms > 0 ? trouble->begin_ms : trouble->until_ms;

		if (trouble->fault != NULL)
			due = at < due ? at : due;
		if (trouble->fault != NULL && trouble->until_ms < due)
			due = trouble->until_ms;
	}
	if (!chaos->is_checking && chaos->can_check && (chaos->has_news || is_any_known(chaos)) &&
		chaos->check_ms < due)
		due = chaos->check_ms;
	return due;
}
