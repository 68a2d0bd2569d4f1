#include <errno.h>
#include <pthread.h>

#include "common/base/mailbox.h"
#include "common/base/mem.h"
#include "tests/lib/test.h"

enum { N_LETTERS = 1000 };

static void
count_wake(void *arg)
{
	unsigned *n = arg;

	(*n)++;
}

TEST(mailbox_keeps_order_and_wakes_once_per_filling)
{
	unsigned n_wakes = 0;
	CLEANUP(mailbox_free) struct mailbox *box = mailbox_new(10, count_wake, &n_wakes);
	struct letter a, b;

	CHECK_EQ(mailbox_put(box, &a), 0);
	CHECK_EQ(mailbox_put(box, &b), 0);
	CHECK_EQ(n_wakes, 1);
	CHECK(mailbox_take_all(box) == &a);
	CHECK(a.next == &b);
	CHECK(b.next == NULL);
	CHECK(mailbox_take_all(box) == NULL);
	CHECK_EQ(mailbox_put(box, &a), 0);
	CHECK_EQ(n_wakes, 2);
	(void)mailbox_take_all(box);
}

TEST(mailbox_that_is_full_says_so)
{
	unsigned n_wakes = 0;
	CLEANUP(mailbox_free) struct mailbox *box = mailbox_new(1, count_wake, &n_wakes);
	struct letter a, b;

	CHECK_EQ(mailbox_put(box, &a), 0);
	CHECK_EQ(mailbox_put(box, &b), -ENOBUFS);
	(void)mailbox_take_all(box);
	CHECK_EQ(mailbox_put(box, &b), 0);
	(void)mailbox_take_all(box);
}

static void
wake_nobody(void *arg)
{
	(void)arg;
}

static void *
put_many(void *arg)
{
	for (unsigned i = 0; i < N_LETTERS; i++)
		(void)mailbox_put(arg, xcalloc(1, sizeof(struct letter)));
	return NULL;
}

TEST(mailbox_loses_nothing_between_threads)
{
	CLEANUP(mailbox_free) struct mailbox *box = mailbox_new(SIZE_MAX, wake_nobody, NULL);
	unsigned n = 0;
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, put_many, box), 0);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (struct letter *letter = mailbox_take_all(box), *next; letter != NULL; letter = next) {
		next = letter->next;
		free(letter);
		n++;
	}
	CHECK_EQ(n, 2 * N_LETTERS);
}
