#include "common/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/store/store_impl.h"
#include "common/store/store_thread.h"

struct write {
	size_t at; /* in bytes: the key, a NUL, the value */
	size_t key_size, size;
	bool is_delete, is_new;
};

/* Writes lie in one block behind each other: a thousand of them are a few allocations. */
struct store_batch {
	struct buf bytes;
	struct write *writes;
	size_t n, room;
	int code; /* what a commit answers when a write broke a limit */
	char text[96];
};

struct store_batch *
store_batch_new(void)
{
	return xcalloc(1, sizeof(struct store_batch));
}

void
store_batch_free(struct store_batch *batch)
{
	if (batch == NULL)
		return;
	buf_fini(&batch->bytes);
	free(batch->writes);
	free(batch);
}

/* Remembers the first broken limit; what breaks one is not copied. */
static bool
is_within_limits(struct store_batch *batch, const char *key, size_t key_size, size_t size)
{
	if (key_size > 0 && key_size <= STORE_KEY_MAX && size <= STORE_VALUE_MAX)
		return true;
	if (batch->code != 0)
		return false;
	if (key_size == 0 || key_size > STORE_KEY_MAX) {
		batch->code = -EINVAL;
		(void)snprintf(batch->text, sizeof batch->text,
			"key '%.32s…' has not 1 to %d bytes", key, STORE_KEY_MAX);
	} else {
		batch->code = -EMSGSIZE;
		(void)snprintf(batch->text, sizeof batch->text,
			"value of '%.32s' has %zu bytes, at most %d", key, size, STORE_VALUE_MAX);
	}
	return false;
}

static void
add(struct store_batch *batch, const char *key, const void *value, struct write write)
{
	size_t key_size = strnlen(key, STORE_KEY_MAX + 1), size = write.size;

	if (!is_within_limits(batch, key, key_size, size))
		return;
	if (batch->n == batch->room) {
		batch->room = batch->room == 0 ? 8 : batch->room * 2;
		batch->writes = xrealloc(batch->writes, batch->room, sizeof *batch->writes);
	}
	write.at = batch->bytes.size;
	write.key_size = key_size;
	batch->writes[batch->n++] = write;
	buf_put(&batch->bytes, key, key_size + 1);
	buf_put(&batch->bytes, value, size);
}

void
store_batch_put(struct store_batch *batch, const char *key, const void *value, size_t size)
{
	add(batch, key, value, (struct write){.size = size});
}

void
store_batch_put_new(struct store_batch *batch, const char *key, const void *value, size_t size)
{
	add(batch, key, value, (struct write){.size = size, .is_new = true});
}

void
store_batch_delete(struct store_batch *batch, const char *key)
{
	add(batch, key, NULL, (struct write){.is_delete = true});
}

size_t
store_batch_count(const struct store_batch *batch)
{
	return batch->n;
}

void
store_batch_reset(struct store_batch *batch)
{
	buf_reset(&batch->bytes);
	batch->n = 0;
	batch->code = 0;
}

struct store_write
store_batch_at(const struct store_batch *batch, size_t i)
{
	const struct write *write = &batch->writes[i];
	const char *key = (const char *)batch->bytes.data + write->at;

	return (struct store_write){
		.key = key,
		.key_size = write->key_size,
		.value = key + write->key_size + 1,
		.size = write->size,
		.is_delete = write->is_delete,
		.is_new = write->is_new,
	};
}

bool
store_prefix_end(const char *prefix, char ret_end[STORE_KEY_MAX + 1])
{
	size_t n = strnlen(prefix, STORE_KEY_MAX);

	while (n > 0 && (unsigned char)prefix[n - 1] == 0xff)
		n--;
	if (n == 0)
		return false;
	memcpy(ret_end, prefix, n);
	ret_end[n - 1] = (char)((unsigned char)prefix[n - 1] + 1);
	ret_end[n] = '\0';
	return true;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	store_thread_free(TAKE(store->thread));
	store->ops->close(store);
}

static uint64_t
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* In whichever thread has the store. */
static int
commit(struct store *store, const struct store_batch *batch, struct err *err)
{
	struct store_figures *figures = &store->figures;
	uint64_t begin = now_us();
	int rc;

	if (batch->code != 0)
		return err_set(err, batch->code, "%s", batch->text);
	if (batch->n == 0)
		return 0;
	rc = store->ops->commit(store, batch, err);
	if (rc < 0)
		return rc;
	figures->n_commits++;
	figures->n_writes += batch->n;
	figures->commit_us_last = now_us() - begin;
	if (figures->commit_us_last > figures->commit_us_max)
		figures->commit_us_max = figures->commit_us_last;
	return 0;
}

static void
tidy(struct store *store)
{
	store->ops->tidy(store);
}

static bool
press(struct store *store)
{
	return store->ops->press(store);
}

/* The store with its own thread, if one can be had. */
static struct store_thread *
get_thread(struct store *store)
{
	if (store->thread == NULL)
		store->thread = store_thread_new(store, (struct store_work){commit, tidy, press});
	return store->thread;
}

int
store_commit(struct store *store, const struct store_batch *batch, struct err *err)
{
	if (batch->n > 0)
		store_thread_settle(store->thread);
	return commit(store, batch, err);
}

void
store_commit_begin(struct store *store, const struct store_batch *batch, store_done_fn *done,
	void *arg)
{
	store->is_aside = get_thread(store) != NULL;
	if (store->is_aside) {
		store_thread_commit(store->thread, batch, done, arg);
		return;
	}
	store->begun_err = (struct err){0};
	store->begun_rc = commit(store, batch, &store->begun_err);
	done(arg);
}

int
store_commit_finish(struct store *store, struct err *err)
{
	if (store->is_aside)
		return store_thread_finish(store->thread, err);
	*err = store->begun_err;
	return store->begun_rc;
}

int
store_get(struct store *store, const char *key, struct buf *ret_value, struct err *err)
{
	store_thread_settle(store->thread);
	return store->ops->get(store, key, ret_value, err);
}

int
store_scan(struct store *store, const char *prefix, store_visit_fn *visit, void *arg,
	struct err *err)
{
	if (strnlen(prefix, STORE_KEY_MAX + 1) > STORE_KEY_MAX)
		return 0; /* no key is that long */
	store_thread_settle(store->thread);
	return store->ops->scan(store, prefix, visit, arg, err);
}

void
store_figures(struct store *store, struct store_figures *ret_figures)
{
	store_thread_settle(store->thread);
	*ret_figures = store->figures;
	store->ops->sizes(store, &ret_figures->file_bytes, &ret_figures->wal_bytes);
}

void
store_limit_log(struct store *store, size_t bytes)
{
	store_thread_settle(store->thread);
	store->log_max_bytes = bytes;
}

void
store_tidy(struct store *store)
{
	store_thread_settle(store->thread);
	tidy(store);
}

void
store_tidy_begin(struct store *store)
{
	if (get_thread(store) != NULL)
		store_thread_tidy(store->thread);
	else
		tidy(store);
}

bool
store_is_busy(struct store *store)
{
	return store_thread_is_busy(store->thread);
}
