/*
 * sim.h - a whole cluster in one thread, on a clock that is only a number.
 *
 * The real cores of manager, scheduler and workers run here, over calls, stores and
 * engines in memory. One seed decides everything: which message is lost, who dies
 * when, what users ask. The same seed gives the same run, step by step.
 *
 * A step is one event delivered to one process: a message arrives, a timer fires, a
 * disk is done, an engine takes a request or answers, a container lives on, somebody
 * is killed, a user wishes. What nobody hears of (a timer whose call was answered, a
 * message that meets a cut link) is an event of the queue but no step.
 *
 *     sim.c         clock, trace, a run
 *     queue.c       what is to happen, by time
 *     dice.c        chance, in streams that do not disturb one another
 *     only.c        a run in which only some things happen, …
 *     shrink.c      … and the search for the shortest that still fails
 *     tally.c       how often each thing went wrong
 *     network.c     calls between processes: late, lost, doubled, cut
 *     host_*.c      a process each: the shell around a core, its birth and its death
 *     users.c       people who submit, stop, remove, drain, and ask again
 *     specs.c       what they submit
 *     faults.c      what goes wrong
 *     strangers.c   what others do to our containers
 *     lies.c        what no honest process would say
 *     witness.c     a second book of what was promised and what was seen
 *     invariants.c  what must be true all the same (docs/ARCHITECTURE.md: what is always true)
 *     converge.c    what must be true some time after faults have stopped
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/docker/engine_mem.h"
#include "common/fsm/fsm.h"
#include "services/manager/manager.h"
#include "tests/sim/dice.h"
#include "tests/sim/only.h"
#include "tests/sim/queue.h"

enum {
	SIM_WORKERS_MAX = 64,
	SIM_MANAGER = 0, /* numbers of processes */
	SIM_SCHEDULER = 1,
	SIM_USER = 2,
	SIM_WORKER = 3, /* the first; worker i is SIM_WORKER + i */
	SIM_PROCS_MAX = SIM_WORKER + SIM_WORKERS_MAX,
	SIM_JOURNAL_MAX = 2000, /* entries of a worker's journal */
	SIM_TICK_MS = 100,
	SIM_DELAY_MS = 20, /* the longest that a message travels in good weather */
};

/* What went wrong, and what users did; counted over all runs. */
/* clang-format off */
#define SIM_TALLIES(X)                                                       \
	X(LOST,             "messages lost")                                 \
	X(DOUBLED,          "messages doubled")                              \
	X(LATE,             "messages late")                                 \
	X(OVERTAKEN,        "messages overtaken")                            \
	X(RESENT,           "messages sent again")                           \
	X(GIVEN_UP,         "calls given up")                                \
	X(TOO_LATE,         "answers after that")                            \
	X(CUT,              "links cut")                                     \
	X(CUT_ONE_WAY,      "links cut one way")                             \
	X(MANAGER_KILLED,   "manager killed")                                \
	X(SCHEDULER_KILLED, "scheduler killed")                              \
	X(WORKER_KILLED,    "worker killed")                                 \
	X(WORKER_LEFT,      "worker ended with notice")                      \
	X(KILLED_BETWEEN,   "of these right after a step")                   \
	X(BURST,            "most nodes vanished")                           \
	X(MACHINE_LOST,     "machines lost with all they ran")               \
	X(COMMIT_FAILED,    "commits failed")                                \
	X(COMMIT_LATE,      "commits failed that the disk had")              \
	X(DISK_FULL,        "commits on a full disk")                        \
	X(COMMIT_CUT,       "killed in a commit that was lost")                      \
	X(COMMIT_CUT_KEPT,  "killed in a commit that was kept")                      \
	X(READ_FAILED,      "store unreadable")                              \
	X(JOURNAL_CUT,      "killed in a journal write")                     \
	X(JOURNAL_FAILED,   "journal writes failed")                         \
	X(CALENDAR,         "calendars jumped")                              \
	X(DRIFT,            "clocks changed their drift")                    \
	X(ENGINE_RESTARTED, "engines restarted")                             \
	X(ENGINE_HUNG,      "engines hung")                                  \
	X(ENGINE_FAILED,    "engine requests failed")                        \
	X(ENGINE_SILENT,    "engine answers lost")                           \
	X(CONTAINER_ENDED,  "containers ended by strangers")                 \
	X(CONTAINER_GONE,   "containers removed by strangers")               \
	X(CONTAINER_LOST,   "containers forgotten")                          \
	X(CONTAINER_BEGUN,  "containers started by strangers")               \
	X(PORT_HELD,        "ports taken by strangers")                      \
	X(FORGED,           "reports and sets forged")                                \
	X(OFFERED,          "forbidden events offered")                      \
	X(SUBMITTED,        "submissions")                                   \
	X(SUBMITTED_ARRAY,  "of these arrays")                               \
	X(SUBMITTED_GANG,   "of these gangs")                                \
	X(SUBMITTED_CHOOSY, "submissions with a choice of nodes")            \
	X(SUBMITTED_HELD,   "submissions that wait for a start")             \
	X(PLANNED,          "plans")                                         \
	X(STOPPED,          "stops")                                         \
	X(STARTED,          "starts")                                        \
	X(PAUSED,           "pauses and their ends")                         \
	X(MARKED,           "labels and taints")                             \
	X(PREEMPTED,        "tasks preempted")                               \
	X(CLAIMED,          "rooms kept for those who wait")                 \
	X(REMOVED,          "removals")                                      \
	X(DRAINED,          "drains and undrains")                           \
	X(NODE_REMOVED,     "nodes removed")                                 \
	X(WAITED,           "waits")                                         \
	X(LISTED,           "lists")                                         \
	X(REPEATED,         "requests repeated")                             \
	X(CHECKED,          "full checks")
/* clang-format on */

enum sim_tally {
#define X(id, name) SIM_##id,
	SIM_TALLIES(X)
#undef X
		SIM_TALLY_COUNT
};

struct sim;
struct host_manager;
struct host_scheduler;
struct host_worker;
struct users;
struct witness;
struct conduct;

/* What every process has. */
struct sim_proc {
	char name[16];
	uint64_t epoch; /* counts its lives: what belongs to an earlier one is dropped */
	bool is_up;
	int64_t wall_offset_ms; /* its calendar against the truth */
	int64_t drift;          /* of its monotonic clock, in thousandths, … */
	uint64_t since_ms;      /* … since then, … */
	uint64_t mono_ms;       /* … when it showed this */
	struct dice dice;       /* its own chance, and how long its disk takes */
};

struct sim_options {
	uint64_t seed;
	uint64_t steps;    /* events until faults stop */
	uint64_t quiet_ms; /* of the time to converge */
	unsigned n_workers;
	bool trace;
	bool calm;               /* no faults, no users: for measuring */
	const struct only *only; /* what may happen; NULL: everything */
	unsigned hurry; /* faults and wishes come so many times as fast; 1: as they should */
};

enum { SIM_HAPPENINGS_MAX = 8192, SIM_INVARIANT_MAX = 64, SIM_FAILURE_MAX = 512 };

struct sim_result {
	char invariant[SIM_INVARIANT_MAX]; /* the first that did not hold; "" if all did */
	char failure[SIM_FAILURE_MAX];     /* what, when and about whom */
	uint64_t steps, ms;
	uint64_t faults_ended_step; /* after so many; 0: they had not */
	/* What the dice made happen, in the order of time; beyond the maximum only counted. */
	struct happening happenings[SIM_HAPPENINGS_MAX];
	size_t n_happenings;
};

struct sim_link {
	bool is_cut;      /* this direction */
	uint64_t last_ms; /* the latest arrival so far */
	struct dice dice;
};

struct sim {
	struct sim_options options;
	uint64_t now_ms;
	uint64_t n_steps, n_events_done; /* the second counts also what nobody heard of */
	struct queue *queue;
	struct sim_proc procs[SIM_PROCS_MAX];
	struct sim_link links[SIM_PROCS_MAX][SIM_PROCS_MAX]; /* [from][to] */
	unsigned loss, doubling;                             /* of messages, in thousandths */
	uint64_t delay_max_ms;
	struct dice fault_dice, wish_dice; /* of the one that happens now */
	uint64_t n_faults, n_deaths,
		n_answers; /* that the dice made, whether or not they may happen */
	uint64_t next_death_step;
	bool faults_on, is_ending; /* ending: queued events only free what they own */
	struct host_manager *manager;
	struct host_scheduler *scheduler;
	struct host_worker *workers[SIM_WORKERS_MAX];
	struct users *users;
	struct witness *witness;
	struct conduct *conduct;
	struct sim_result *result;
};

/* Runs to its end. True if every invariant held. */
bool sim_run(const struct sim_options *options, struct sim_result *ret_result);

/*
 * Looks for a shorter run that fails by the same invariant: fewer faults and wishes, fewer nodes,
 * less time; gives up after patience_s. Prints the line that replays it. False if the run fails.
 */
bool sim_shrink(const struct sim_options *options, unsigned patience_s);

/* The command that runs it again; only: as a list, "" for everything. */
void sim_print_replay(const struct sim_options *options, const char *only);

/* ---- for the parts ---- */

void sim_at(struct sim *sim, uint64_t at_ms, sim_event_fn *fn, void *arg);

/* False if it was left out of this run; else it happens, is noted and traced. */
bool sim_happens(struct sim *sim, enum only_kind kind, uint64_t number);
/* True once an invariant did not hold. */
bool sim_has_failed(const struct sim *sim);

void sim_count(struct sim *sim, enum sim_tally what);

/* The number of the worker that a node is, by its name "w…"; SIM_WORKERS_MAX if it is none. */
unsigned sim_worker_of(const char *name);

/* The clocks of a process, and when its monotonic clock will show that. */
uint64_t sim_mono(const struct sim *sim, unsigned proc);
uint64_t sim_wall(const struct sim *sim, unsigned proc);
void sim_set_drift(struct sim *sim, unsigned proc, int64_t drift);
uint64_t sim_when(const struct sim *sim, unsigned proc, uint64_t mono_ms);

void sim_trace(struct sim *sim, unsigned proc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Records the first violation; the run ends after this step. */
void sim_fail(struct sim *sim, const char *invariant, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What was counted, over all runs; only what happened at all. */
void sim_tally_print(void);

/* The tables of the state machines, with how often each cell was taken or refused, over all runs.
 */
void sim_coverage_print(void);
/* Whether the cell was offered so often in this process that once more tells nothing new. */
bool sim_coverage_is_worn(const struct fsm *fsm, unsigned state, unsigned event);
bool sim_coverage_is_allowed(const struct fsm *fsm, unsigned state, unsigned event);
