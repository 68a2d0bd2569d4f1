#include "common/store/store_thread.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

#include "common/base/mem.h"

enum { STACK_BYTES = 512 << 10 };

struct store_thread {
	struct store *store;
	struct store_work work;
	pthread_t thread;
	pthread_mutex_t lock;            /* of all that follows */
	pthread_cond_t asked, moved;     /* the caller wants something; something was done */
	const struct store_batch *batch; /* to be committed */
	bool wants_tidy, presses, is_at_work, ends;
	unsigned n_waiting;     /* that want the store: nothing is pressed before they had it */
	bool is_begun, is_done; /* a commit was asked for and not finished; it was made */
	store_done_fn *done;
	void *arg;
	int rc; /* of the last commit, and its words */
	struct err err;
};

static void
lock(struct store_thread *thread)
{
	(void)pthread_mutex_lock(&thread->lock);
}

static void
unlock(struct store_thread *thread)
{
	(void)pthread_mutex_unlock(&thread->lock);
}

/* Locked before and after; the store is ours in between. */
static void
commit(struct store_thread *thread)
{
	const struct store_batch *batch = TAKE(thread->batch);
	struct err err = {0};
	int rc;

	unlock(thread);
	rc = thread->work.commit(thread->store, batch, &err);
	lock(thread);
	thread->rc = rc;
	thread->err = err;
	thread->is_done = thread->presses = true;
	(void)pthread_cond_broadcast(&thread->moved);
	thread->done(thread->arg); /* before anybody can finish it and go away */
}

static void
tidy(struct store_thread *thread)
{
	thread->wants_tidy = false;
	unlock(thread);
	thread->work.tidy(thread->store);
	lock(thread);
}

static void
press(struct store_thread *thread)
{
	bool more;

	unlock(thread);
	more = thread->work.press(thread->store);
	lock(thread);
	thread->presses = more;
}

/* Whether it has something to do, now. */
static bool
has_work(const struct store_thread *thread)
{
	return thread->batch != NULL || thread->wants_tidy ||
	       (thread->presses && !thread->ends && thread->n_waiting == 0);
}

static void *
run(void *arg)
{
	struct store_thread *thread = arg;

	lock(thread);
	for (;;) {
		thread->is_at_work = has_work(thread);
		if (thread->batch != NULL) {
			commit(thread);
		} else if (thread->wants_tidy) {
			tidy(thread);
		} else if (thread->is_at_work) {
			press(thread);
		} else {
			(void)pthread_cond_broadcast(&thread->moved);
			if (thread->ends)
				break;
			(void)pthread_cond_wait(&thread->asked, &thread->lock);
		}
	}
	unlock(thread);
	return NULL;
}

static void
dispose(struct store_thread *thread)
{
	(void)pthread_cond_destroy(&thread->asked);
	(void)pthread_cond_destroy(&thread->moved);
	(void)pthread_mutex_destroy(&thread->lock);
	free(thread);
}

struct store_thread *
store_thread_new(struct store *store, struct store_work work)
{
	struct store_thread *thread = xcalloc(1, sizeof *thread);
	sigset_t all, before;
	pthread_attr_t attr;
	int rc;

	thread->store = store;
	thread->work = work;
	(void)pthread_mutex_init(&thread->lock, NULL);
	(void)pthread_cond_init(&thread->asked, NULL);
	(void)pthread_cond_init(&thread->moved, NULL);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the caller's */
	rc = pthread_create(&thread->thread, &attr, run, thread);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	if (rc == 0)
		return thread;
	dispose(thread);
	return NULL;
}

void
store_thread_free(struct store_thread *thread)
{
	if (thread == NULL)
		return;
	lock(thread);
	thread->ends = true;
	(void)pthread_cond_signal(&thread->asked);
	unlock(thread);
	(void)pthread_join(thread->thread, NULL);
	dispose(thread);
}

void
store_thread_commit(struct store_thread *thread, const struct store_batch *batch,
	store_done_fn *done, void *arg)
{
	lock(thread);
	assert(!thread->is_begun);
	thread->is_begun = true;
	thread->batch = batch;
	thread->done = done;
	thread->arg = arg;
	(void)pthread_cond_signal(&thread->asked);
	unlock(thread);
}

static bool
is_busy(const struct store_thread *thread)
{
	return thread->is_at_work || thread->batch != NULL || thread->wants_tidy;
}

int
store_thread_finish(struct store_thread *thread, struct err *err)
{
	int rc;

	lock(thread);
	assert(thread->is_begun);
	while (!thread->is_done)
		(void)pthread_cond_wait(&thread->moved, &thread->lock);
	thread->is_begun = thread->is_done = false;
	rc = thread->rc;
	*err = thread->err;
	unlock(thread);
	return rc;
}

void
store_thread_tidy(struct store_thread *thread)
{
	lock(thread);
	thread->wants_tidy = true;
	(void)pthread_cond_signal(&thread->asked);
	unlock(thread);
}

void
store_thread_settle(struct store_thread *thread)
{
	if (thread == NULL)
		return;
	lock(thread);
	thread->n_waiting++;
	while (is_busy(thread))
		(void)pthread_cond_wait(&thread->moved, &thread->lock);
	thread->n_waiting--;
	unlock(thread);
}

bool
store_thread_is_busy(struct store_thread *thread)
{
	bool busy;

	if (thread == NULL)
		return false;
	lock(thread);
	busy = is_busy(thread);
	unlock(thread);
	return busy;
}
