/*
 * core.h - what the core's own files share. Nobody else includes it, but its tests.
 *
 *   worker.c      birth, death, the tick
 *   jobs.c        operations under way; lanes that bound their number
 *   slots.c       the set of attempts: made, found, superseded, forgotten
 *   journal.c     which attempts were started, over a crash
 *   slot.c        one attempt: its transitions, what it observes, what it reports
 *   slot_told.c   what the engine's events tell of it
 *   slot_report.c what a report says of it
 *   slot_duty.c   what each state obliges us to do
 *   slot_engine.c the engine's answers about one container
 *   images.c      which images are there; pulls, joined
 *   pulled.c      images that go again when nobody needs them
 *   health.c      health checks by HTTP and TCP
 *   disk.c        what containers write, against what they may
 *   networks.c    which networks are there; made on demand, removed when idle
 *   watch.c       the engine as a whole: is it there, its list, its events
 *   uplink.c      registration, polls, reports, answers
 *   assign.c      what the manager says, applied
 *   queries.c     questions to this node; logs_relay.c, inventory.c, chaos_query.c, channel.h
 *                 answer them
 */
#pragma once

#include <uthash.h>
#include <utlist.h>

#include "services/worker/backoff.h"
#include "services/worker/engine_words.h"
#include "services/worker/images.h"
#include "services/worker/limits.h"
#include "services/worker/log_cursor.h"
#include "services/worker/slot_fsm.h"
#include "services/worker/width.h"
#include "services/worker/worker.h"

struct worker_slot;

enum { WORKER_EXIT_KILLED = 128 + 9 }; /* the exit code of what KILL ended */

/* ---- jobs: operations of the engine that may outlive whoever asked ---- */

struct worker_job {
	void *owner; /* NULL: nobody waits for it any more */
	struct worker_job **place;
	struct engine_op *op;
};

/* Puts a job in *place. Set its op at once; pass it as the operation's arg. */
struct worker_job *worker_job_new(struct worker_job **place, void *owner);
/* First thing in the done callback: empties the place; the owner, or NULL. */
void *worker_job_end(void *arg);
/* In other callbacks: the owner, or NULL. */
void *worker_job_owner(void *arg);
/* Cancels; the callbacks will find no owner. An empty place is fine. */
void worker_job_abandon(struct worker_job **place);

/*
 * ---- lanes: so many at one time, the rest waits by priority and age ----
 *
 * Each WORKER_LANE_TURNS-th place goes to whoever has waited longest, whatever its priority:
 * what restarts without end keeps nobody of lower priority out for ever.
 */
enum { WORKER_LANE_TURNS = 8 };

enum worker_pass_state { WORKER_PASS_NONE, WORKER_PASS_WAITING, WORKER_PASS_HELD };

struct worker_pass {
	enum worker_pass_state state;
	struct worker_slot *slot;
	struct worker_lane *lane;
	uint64_t number; /* the lower of two that wait has waited longer */
	struct worker_pass *prev, *next;
};

struct worker_lane {
	unsigned n_held, limit;
	unsigned n_ended;            /* that held a place since somebody set this to 0 */
	struct worker_pass *waiting; /* highest priority first, then oldest */
	uint64_t n_numbers;          /* given to those that wait */
	unsigned n_turns; /* places given to the first in line since the oldest got one */
};

/* True when the slot may go on now; otherwise it waits and is touched when its turn comes. */
bool worker_lane_enter(struct worker_lane *lane, struct worker_pass *pass);
/* Leaves the lane or its queue; the next one is let in. Not in any: nothing. */
void worker_lane_leave(struct worker_pass *pass);
/* From now on so many; if that is more, those next in line are let in. */
void worker_lane_widen(struct worker_lane *lane, unsigned limit);

/* ---- specs, shared by the attempts that have them ---- */

struct worker_spec {
	UT_hash_handle hh;
	unsigned n_refs;
	Davit__TaskSpec *spec;
	char id[]; /* as the manager calls it */
};

/* ---- networks ---- */

enum worker_network_state {
	WORKER_NETWORK_UNKNOWN,
	WORKER_NETWORK_BUSY, /* being made or removed */
	WORKER_NETWORK_PRESENT,
	WORKER_NETWORK_GONE,
};

struct worker_network {
	UT_hash_handle hh;
	struct worker *worker;
	enum worker_network_state state;
	struct worker_job *job;
	size_t n_users;              /* attempts that hold it */
	bool is_wanted;              /* one of them is about to use it */
	bool is_new;                 /* found, or left by an attempt: idle from the next tick on */
	uint64_t idle_ms;            /* with no users: removed then */
	uint64_t listed_in, made_in; /* list of the engine that showed it last, or came before */
	uint64_t retry_ms;           /* not before */
	uint32_t wait_ms;            /* the next tick turns it into retry_ms */
	unsigned n_tries;
	char trouble[256]; /* why it could not be made, or "" */
	char name[];       /* on the engine */
};

/* ---- one attempt ---- */

/* What is wanted of an attempt now, everything considered. */
enum worker_want {
	WORKER_WANT_HOLD, /* not known yet: leave it as it is */
	WORKER_WANT_READY,
	WORKER_WANT_RUN,
	WORKER_WANT_STOP,
	WORKER_WANT_REMOVE,
};

/* A removal of what runs. */
enum worker_felling {
	WORKER_FELLING_NONE,
	WORKER_FELLING_ASKED, /* it is the job under way */
	WORKER_FELLING_DONE,  /* and the event of its end is on its way */
};

struct worker_slot {
	struct worker *worker;
	struct id task;
	uint32_t attempt;
	uint64_t serial;
	UT_hash_handle hh;                 /* the newest attempt of each task */
	struct worker_slot *prev, *next;   /* all */
	struct worker_slot *older, *newer; /* of the same task */
	bool is_touched;
	struct worker_slot *touched_prev, *touched_next;

	/* What the manager wants. */
	bool is_assigned;
	bool is_unwanted; /* the manager does not know it, or has a newer attempt */
	bool has_ended;   /* as the manager has recorded */
	bool wants_pause; /* by the wish of pause_generation */
	uint32_t pause_generation;
	bool has_stop_timeout;
	Davit__Task__Desired desired;
	uint64_t stop_timeout_ms;
	uint64_t created_ms;
	struct worker_spec *spec; /* NULL until assigned */
	struct worker_restart restart;
	uint64_t stop_after_ms; /* without contact; 0: never */
	char *name;
	Davit__PortMapping *ports; /* its host_address strings are owned, too */
	Davit__PortMapping **port_list;
	size_t n_ports;
	uint64_t seen_in;   /* complete set that named it last */
	uint64_t listed_in; /* list of the engine that showed it last */

	/* What there is. */
	enum worker_slot_state state;
	char container_id[ENGINE_ID_MAX + 1]; /* "": none that we know of */
	char *log_path;      /* of the engine's json-file; NULL: there is none, … */
	bool knows_log_path; /* … if this is true */
	int64_t pid;
	bool is_journaled;  /* it was started, or was about to be */
	bool wants_journal; /* in worker->to_journal or ->in_journal */
	struct worker_slot *journal_prev, *journal_next;
	bool may_have_run;    /* by the journal, or because it was seen */
	bool may_come_up;     /* a start that nobody saw the answer of may still come through */
	bool is_remade;       /* its container went away and is made again */
	bool is_stuck;        /* its container can never start again; nobody knows what runs */
	bool had_orphans;     /* what its start had begun was ended, behind the engine's back */
	unsigned n_stuck;     /* containers of it that were so */
	bool is_stray;        /* has ended, and somebody started it again */
	bool was_oom;         /* an event, or the kernel, said so */
	bool was_killed;      /* an event said that somebody had the engine kill it */
	bool is_lack_awaited; /* a lack of memory may be told after the end */
	bool is_start_told;   /* an event told of the present start, … */
	bool is_end_told;     /* … and one of its end: see slot_told.c */
	bool is_stop_asked;   /* the job under way is a stop */
	enum worker_felling felling;
	bool is_overtaken;      /* an end was told while it was looked at: look again */
	int16_t told_exit_code; /* of that end */
	uint64_t told_start_ms; /* by the engine's clock */
	uint64_t told_end_ms;   /* of the latest end that is known, however; the same clock */
	uint64_t last_end_ms;   /* may_come_up: what was known of that before the start */
	bool is_paused;
	bool is_pausing;      /* what the pause or unpause under way will make of is_paused */
	bool is_disk_limited; /* the engine holds it to its size */
	bool is_over_disk;    /* it wrote more than it may: is stopped for that */
	bool is_unfit;        /* stopped because it is unhealthy, to be started again */
	bool has_host_network;
	bool knows_restarts;               /* restart_count has what earlier workers counted */
	char address[WORKER_ADDRESS_SIZE]; /* of the container, where it is looked at; "": not known
					    */
	uint64_t up_mono_ms;               /* of the first start */
	uint64_t last_up_ms;               /* of the latest, same clock */
	bool is_up_fresh;                  /* the two above are to be set by the next tick */
	uint64_t ttl_ms;                   /* when it ends, same clock; 0: never */
	uint64_t restart_ms;               /* RESTARTING: not before, same clock */

	/* What is under way. */
	struct worker_job *job, *kill_job, *probe_job, *size_job;
	uint64_t size_ms;         /* of the next look at what it wrote */
	uint64_t probe_ms;        /* of the next look at its health */
	bool is_probe_done;       /* the next tick says when that is */
	uint32_t n_probes_failed; /* in a row */
	bool must_look;           /* inspect before anything else */
	bool is_hurried;          /* stop_timeout became shorter while stopping */
	unsigned n_tries;         /* of the present step, failed for no clear reason */
	unsigned n_image_tries;   /* creates for which the image was missing after all */
	uint32_t wait_ms;         /* the next tick turns it into hold_ms */
	uint64_t hold_ms;         /* do nothing before */
	uint32_t restart_wait_ms; /* the next tick turns it into restart_ms */
	bool has_restart_wait;
	uint64_t kill_ms;  /* KILL then; 0: leave it to the engine */
	uint64_t yield_ms; /* the stop under way gives its place to others then; 0: never */
	struct worker_pass pass, look_pass;
	struct worker_image *image;
	struct worker_slot *image_prev, *image_next;
	struct worker_network **networks; /* that it holds; NULL: none */
	size_t n_held_networks;
	size_t n_connected; /* of the spec's networks; the first by creating it */
	uint32_t n_again;   /* restarts in a row of quick ends */

	/* What is reported. */
	Davit__TaskReport__Observed observed, sent_observed, told;
	Davit__TaskReport__Cause cause;
	Davit__Task__Phase health; /* HEALTHY, UNHEALTHY or PHASE_NONE */
	bool has_exit_code, oom_killed;
	int32_t exit_code;
	uint32_t restart_count, busy_port;
	uint64_t started_ms, finished_ms;
	char *message;
	uint32_t version, sent_version, acked_version; /* of all that a report says */
	struct worker_slot **queue; /* list of the uplink that it is in, or NULL */
	struct worker_slot *report_prev, *report_next;
};

/* ---- questions ---- */

struct worker_query {
	struct worker_query *prev, *next;
	struct worker *worker;
	uint64_t id;
	uint64_t deadline_ms; /* when it is answered with what there is */
	bool is_new;          /* deadline_ms is still a duration */
	struct worker_job *job;
	bool is_done; /* answer is ready */
	Davit__QueryAnswer answer;
	/* logs */
	struct worker_log_relay *relay;
	/* channels */
	struct worker_query **channel_place; /* where it waits, or NULL */
	size_t max_bytes;
	/* images to remove */
	Davit__RemoveImagesRequest *removal; /* owned */
	size_t n_removals;                   /* under way or done */
};

/* ---- the whole ---- */

enum worker_uplink_state {
	WORKER_UPLINK_WAITING, /* for the engine's list, or to try again */
	WORKER_UPLINK_REGISTERING,
	WORKER_UPLINK_ONLINE,
	WORKER_UPLINK_LEAVING,
	WORKER_UPLINK_LEFT,
};

struct worker_uplink {
	enum worker_uplink_state state;
	uint64_t ticket;                                                     /* last given out */
	uint64_t register_ticket, leave_ticket, parked_ticket, carry_ticket; /* 0: none */
	uint64_t session, poll_ms;
	uint64_t have_version, seen_version; /* the second stays when a complete set is wanted */
	uint64_t retry_ms, contact_ms;       /* on the steady clock */
	uint64_t carried_ms;                 /* when carry_ticket was sent */
	unsigned n_failed;
	bool has_news; /* a failure: retry_ms is to be set by the next tick */
	bool has_set;  /* a complete set came in this session */
	bool ever_had_set;
	bool was_in_contact;
	bool is_contact_fresh; /* contact_ms is to be set by the next tick */
	bool wants_set;        /* something is missing: ask for a complete set */
	bool is_leaving;
	bool knew_engine;                        /* when it registered */
	uint64_t n_sets;                         /* complete sets applied */
	struct worker_slot *fresh, *lazy, *sent; /* reports to send soon, or later; under way */
	uint64_t lazy_ms;                        /* when the lazy ones are due; 0: there are none */
	struct worker_query *answers;
	uint64_t answer_tickets[WORKER_ANSWER_CALLS_MAX]; /* calls under way; 0: free */
};

struct worker_watch {
	bool is_up;        /* the list was taken since the engine last failed */
	bool was_listed;   /* ever */
	bool has_news;     /* it failed: away_since is to be set by the next tick */
	bool look_failed;  /* the same for look_ms */
	bool is_answering; /* engine_about worked since it last failed */
	uint64_t away_since_ms, look_ms;
	unsigned n_failed;
	struct worker_job *about_job, *list_job, *events_job, *ping_job;
	uint64_t ping_ms; /* of the next ping */
	uint64_t listed_ms, n_lists;
	bool knows_about;
	struct engine_about about;
	char *trouble;
};

struct worker {
	struct worker_ports ports;
	struct engine *engine;
	char *name, *instance, *address, *cluster;
	char *engine_address; /* NULL: this machine's */
	char node_id[64];
	Davit__StringEntry *labels;
	Davit__StringEntry **label_list;
	size_t n_labels;
	const struct worker_declared *declared; /* or NULL */
	Davit__Resources capacity, fallback;
	struct worker_policy policy;
	uint64_t mono_ms, wall_ms, born_ms;
	uint64_t due_ms;
	bool is_born; /* the first tick was */
	bool is_dying;

	struct worker_slot *by_task; /* hash */
	struct worker_slot *slots;   /* list */
	size_t n_slots;
	uint64_t n_serials;
	struct worker_slot *touched;
	uint64_t sweep_ms, swept_ms;    /* when slots' timers are looked at next; were, last */
	struct worker_started *started; /* hash: journal entries of attempts without a slot */
	bool is_journaling;
	struct worker_slot *to_journal, *in_journal;
	struct worker_width start_width; /* of the start lane */
	unsigned n_removals;             /* of the remove lane, unless it is quiet */
	struct worker_lane start_lane, stop_lane, grace_lane, kill_lane, ttl_lane, remove_lane,
		look_lane;
	uint64_t quiet_ms; /* until then starts and removals make room for whose ttl is over */

	struct worker_spec *specs;
	struct worker_image *images;
	unsigned n_pulls;
	struct worker_pulled_set pulled;
	struct worker_lack { /* of memory: what the kernel has counted */
		bool is_known;
		uint64_t before, last; /* at the two latest answers to a ping */
	} lack;
	struct worker_disk {
		bool cannot_limit; /* the engine has said so */
		uint64_t look_ms;
	} disk;
	struct worker_network *networks;
	struct worker_job *network_list_job;
	uint64_t n_network_lists;
	struct worker_query *queries;
	size_t n_queries;
	struct worker_channel *channels; /* hash */

	struct worker_watch watch;
	struct worker_uplink uplink;
};

/* ---- slot.c ---- */

struct worker_slot *worker_slot_new(struct worker *worker, struct id task, uint32_t attempt);
void worker_slot_free(struct worker_slot *slot);
/* It will be looked at in this or the next tick. */
void worker_slot_touch(struct worker_slot *slot);
/* Follows the table; false (and a log line) where the event is forbidden. */
bool worker_slot_step(struct worker_slot *slot, enum worker_slot_event event);
/* The sentence of its report; NULL takes it away. */
void worker_slot_say(struct worker_slot *slot, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Something in its report changed. */
void worker_slot_changed(struct worker_slot *slot);
/* Do nothing for that long (from the next tick on). */
void worker_slot_rest(struct worker_slot *slot, uint64_t wait_ms);
/* A timer: the slot is touched at that time or a little later. */
void worker_slot_wake_at(struct worker_slot *slot, uint64_t mono_ms);
enum worker_want worker_slot_want(const struct worker_slot *slot);
bool worker_slot_ttl_is_over(const struct worker_slot *slot);
/* The container ended (exit_code) or vanished: decides between starting it again and the end. */
void worker_slot_over(struct worker_slot *slot, int exit_code);
void worker_slot_vanished(struct worker_slot *slot);
/* It is to end or go away although it never ran (any more): no engine is needed. */
void worker_slot_give_up(struct worker_slot *slot, enum worker_want want);
/* Why it is to end now. */
Davit__TaskReport__Cause worker_slot_cause(const struct worker_slot *slot);
/* Of an inspection. */
void worker_slot_keep_log_path(struct worker_slot *slot, const struct engine_container *container);
/* An event of the engine about its container. */
void worker_slot_told(struct worker_slot *slot, const struct engine_event *event);
/* What was told is of no more use: it starts again (end_ms 0), or its end was seen otherwise. */
void worker_slot_told_nothing(struct worker_slot *slot, uint64_t end_ms);
/* True: it is looked at again a little later, since a lack of memory may yet be told. */
bool worker_slot_awaits_lack(struct worker_slot *slot, const struct engine_container *container);
/* Now and then: remembers how many the kernel has killed for lack of memory. */
void worker_lack_note(struct worker *worker);
/* False: it does not run, or its end was not told. */
bool worker_slot_end_as_told(struct worker_slot *slot);
/* "healthy", "unhealthy", or anything else for neither. */
void worker_slot_set_health(struct worker_slot *slot, const char *health);
/* The table's answer to what an inspection showed. */
void worker_slot_observe(struct worker_slot *slot, const struct engine_container *container);
struct worker_report {
	Davit__TaskReport report;
	Davit__PullProgress pull;
	char task_id[ID_TEXT_SIZE];
};
/* Strings are the slot's. */
void worker_slot_report(const struct worker_slot *slot, struct worker_report *ret_report);
/* It never ran and will not. */
void worker_slot_reject(struct worker_slot *slot, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool worker_slot_has_container(const struct worker_slot *slot);
const char *worker_slot_image(const struct worker_slot *slot);

/* ---- slot_duty.c, slot_engine.c ---- */

/* Does what the slot's state obliges to, if nothing is under way. */
void worker_slot_act(struct worker_slot *slot);
void worker_slot_look(struct worker_slot *slot);
void worker_slot_create(struct worker_slot *slot);
/* Puts the created container into the next of its networks. */
void worker_slot_connect(struct worker_slot *slot);
void worker_slot_start(struct worker_slot *slot);
/* Its container can never start again: what may run of it is ended, then it is made anew. */
void worker_slot_unstick(struct worker_slot *slot);
/* How long a stop lets it say good-bye; 0: it is killed. */
uint64_t worker_slot_grace_ms(const struct worker_slot *slot);
void worker_slot_stop(struct worker_slot *slot);
/* A stop under way becomes a kill at that time, or when the ttl is over if that is earlier. */
void worker_slot_kill_at(struct worker_slot *slot, uint64_t mono_ms);
void worker_slot_kill(struct worker_slot *slot);
/* Freezes it, or lets it go on, as is wanted. */
void worker_slot_pause(struct worker_slot *slot);
void worker_slot_remove(struct worker_slot *slot, const char *container_id);
/* Kills and removes it in one. */
void worker_slot_fell(struct worker_slot *slot);

/* ---- slots.c ---- */

struct worker_slot *worker_slots_find(struct worker *worker, struct id task);
/* Puts a new slot in the place of the newest attempt of its task. */
struct worker_slot *worker_slots_add(struct worker *worker, struct id task, uint32_t attempt);
/* Forgets it for good. */
void worker_slots_drop(struct worker_slot *slot);
/* By the label that says whose cluster it is of: it must be there, and be ours once that is known.
 */
bool worker_slots_own(const struct worker *worker, const char *cluster);
/* One container of the engine's list. */
void worker_slots_found(struct worker *worker, const struct engine_container *container);
/* After the engine's list: what was not in it is looked at. */
void worker_slots_compare(struct worker *worker);
/* Timers, then everything that was touched. */
void worker_slots_tick(struct worker *worker);
/* True while a container that was found at the start was not looked at yet. */
bool worker_slots_are_unsure(const struct worker *worker);
/* The next moment at which a deadline of the slot passes, after since_ms; UINT64_MAX: none. */
uint64_t worker_slot_deadline_ms(const struct worker_slot *slot, uint64_t since_ms);

struct worker_started {
	UT_hash_handle hh;
	struct worker_journal_entry entry;
};
void worker_started_load(struct worker *worker, const struct worker_journal_entry *entries,
	size_t n);
/* True, and forgotten here, if the journal has that attempt of the task. */
bool worker_started_take(struct worker *worker, struct id task, uint32_t attempt);
void worker_started_drop_all(struct worker *worker);
/* Remembers the slot before its first start; it is touched when that is on disk. */
void worker_journal_want(struct worker_slot *slot);
void worker_journal_leave(struct worker_slot *slot);
void worker_journal_tick(struct worker *worker);

/* ---- assign.c ---- */

void worker_assign(struct worker *worker, const Davit__PollReply *reply);
void worker_spec_unref(struct worker *worker, struct worker_spec *spec);

/* ---- health.c ---- */

/* It was started: forgets what was seen before. */
void worker_health_begin(struct worker_slot *slot);
/* Looks at its health when it is time to. */
void worker_health_act(struct worker_slot *slot);
/* True when it is to be stopped, and started again if its policy says so, for being unhealthy. */
bool worker_health_ends(const struct worker_slot *slot);

/* ---- disk.c ---- */

/* The engine shall hold the container, which is about to be created, to its size. */
bool worker_disk_limits(const struct worker_slot *slot);
/* True: the engine cannot, so it is created again without. */
bool worker_disk_refused(struct worker_slot *slot, const struct err *err);
uint64_t worker_disk_tick(struct worker *worker);

/* ---- networks.c ---- */

/* From now on the networks of its spec stay; until it is left. */
void worker_networks_hold(struct worker_slot *slot);
void worker_networks_leave(struct worker_slot *slot);
/* True when all of them are there; otherwise they are made, and the slot is touched then. */
bool worker_networks_want(struct worker_slot *slot);
/* The engine says that one of them is not there after all. */
void worker_networks_forget(struct worker_slot *slot);
/* Asks the engine for its list. */
void worker_networks_list(struct worker *worker);
uint64_t worker_networks_tick(struct worker *worker);
void worker_networks_free(struct worker *worker);

/* ---- watch.c ---- */

/* An operation found the engine away. */
void worker_watch_failed(struct worker *worker, const struct err *err);
/* The list was taken. */
void worker_watch_works(struct worker *worker);
uint64_t worker_watch_tick(struct worker *worker);
void worker_watch_free(struct worker *worker);
/* How long the engine has been away; 0: it is there. */
uint64_t worker_watch_away_ms(const struct worker *worker);

/* ---- uplink.c ---- */

uint64_t worker_uplink_tick(struct worker *worker);
/* A slot has something to report. */
void worker_uplink_put(struct worker_slot *slot);
void worker_uplink_forget(struct worker_slot *slot);

/* ---- queries.c, logs_relay.c, inventory.c ---- */

void worker_query_begin(struct worker *worker, const Davit__Query *query);
uint64_t worker_queries_tick(struct worker *worker);
void worker_query_done(struct worker_query *query);
void worker_query_fail(struct worker_query *query, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void worker_query_refuse(struct worker_query *query, Davit__Reply__Status status, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));
void worker_query_free(struct worker_query *query);
/* Sends what was answered, if the session stands. */
void worker_answers_send(struct worker *worker);
/* True if the ticket was of a call that carried answers. */
bool worker_answers_heard(struct worker *worker, uint64_t ticket);
void worker_queries_free(struct worker *worker);

void worker_logs_begin(struct worker_query *query, const Davit__LogsQuery *logs);
/* When it wants to be asked again. */
uint64_t worker_logs_tick(struct worker_query *query);
void worker_logs_free(struct worker_query *query);

void worker_channel_open(struct worker_query *query, const Davit__ChannelQuery *spec);
void worker_channel_read(struct worker_query *query, const Davit__ReadChannelRequest *request);
void worker_channel_write(struct worker_query *query, const Davit__WriteChannelRequest *request);
void worker_channel_close(struct worker_query *query, const Davit__CloseChannelRequest *request);
/* The query waits for no channel any more. */
void worker_channel_forget(struct worker_query *query);
uint64_t worker_channels_tick(struct worker *worker);
void worker_channels_free(struct worker *worker);
/* Ends copies out of and into the container: the engine lets its end and removal wait for them. */
void worker_channels_end_copies(struct worker *worker, const char *container_id);

void worker_inventory_remove(struct worker_query *query, const Davit__RemoveImagesRequest *request);

/* chaos_query.c */
void worker_chaos_query(struct worker_query *query, const Davit__ChaosQuery *asked);

/* Lists out of the engine's JSON, for the caller to free with the answer. */
int worker_inventory_volumes(const char *json, size_t size, const char *node_name,
	Davit__QueryAnswer *answer, struct err *err);
int worker_inventory_images(const char *json, size_t size, const char *node_name,
	Davit__QueryAnswer *answer, struct err *err);
int worker_inventory_networks(const char *json, size_t size, const char *node_name,
	Davit__QueryAnswer *answer, struct err *err);
