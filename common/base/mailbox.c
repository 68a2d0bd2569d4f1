#include "common/base/mailbox.h"

#include <errno.h>
#include <pthread.h>

#include "common/base/mem.h"

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first, **end;
	size_t n, max;
	void (*wake)(void *arg);
	void *arg;
};

struct mailbox *
mailbox_new(size_t max, void (*wake)(void *arg), void *arg)
{
	struct mailbox *box = xcalloc(1, sizeof *box);

	(void)pthread_mutex_init(&box->lock, NULL);
	box->end = &box->first;
	box->max = max;
	box->wake = wake;
	box->arg = arg;
	return box;
}

void
mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	(void)pthread_mutex_destroy(&box->lock);
	free(box);
}

int
mailbox_put(struct mailbox *box, struct letter *letter)
{
	bool was_empty;
	int rc = 0;

	(void)pthread_mutex_lock(&box->lock);
	was_empty = box->n == 0;
	if (box->n == box->max) {
		rc = -ENOBUFS;
	} else {
		letter->next = NULL;
		*box->end = letter;
		box->end = &letter->next;
		box->n++;
	}
	(void)pthread_mutex_unlock(&box->lock);
	if (rc == 0 && was_empty)
		box->wake(box->arg);
	return rc;
}

struct letter *
mailbox_take_all(struct mailbox *box)
{
	struct letter *first;

	(void)pthread_mutex_lock(&box->lock);
	first = box->first;
	box->first = NULL;
	box->end = &box->first;
	box->n = 0;
	(void)pthread_mutex_unlock(&box->lock);
	return first;
}
