#include "services/worker/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uthash.h>

#include "common/base/buf.h"
#include "common/base/mem.h"

enum {
	LINE_MAX_SIZE = 64,
	DROPS_MAX = 16 << 10,    /* bytes of dropped entries kept for the next write */
	COMPACT_MIN = 256 << 10, /* bytes below which a file is never written anew */
	COMPACT_FACTOR = 4,
};

struct worker_journal_file {
	uv_loop_t *loop;
	uv_work_t work;
	char *path;
	int fd;
	uint64_t size, compact_size;
	worker_journal_done_fn *done;
	void *arg;
	struct buf pending; /* of drops */
	struct buf batch;   /* what the thread writes: its own while it works */
	struct err err;
	bool is_working, is_closed;
};

/* ---- reading ---- */

struct live {
	UT_hash_handle hh;
	struct worker_journal_entry entry;
};

static bool
parse_line(char *line, struct worker_journal_entry *ret_entry, bool *ret_added)
{
	char id[ID_TEXT_SIZE], sign, end;

	if (sscanf(line, "%c %36s %" SCNu32 "%c", &sign, id, &ret_entry->attempt, &end) != 4 ||
		end != '\n' || (sign != '+' && sign != '-') || !id_parse(id, &ret_entry->task))
		return false;
	*ret_added = sign == '+';
	return true;
}

static void
apply(struct live **set, const struct worker_journal_entry *entry, bool added)
{
	struct live *live;

	HASH_FIND(hh, *set, &entry->task, sizeof entry->task, live);
	if (live == NULL && !added)
		return;
	if (live == NULL) {
		live = xcalloc(1, sizeof *live);
		live->entry = *entry;
		HASH_ADD(hh, *set, entry.task, sizeof live->entry.task, live);
	} else if (added) {
		live->entry.attempt = entry->attempt;
	} else if (live->entry.attempt == entry->attempt) {
		HASH_DELETE(hh, *set, live);
		free(live);
	}
}

static int
load(const char *path, struct worker_journal_entry **ret_entries, size_t *ret_n, struct err *err)
{
	FILE *in = fopen(path, "re");
	struct live *set = NULL, *live, *next;
	struct worker_journal_entry entry;
	char line[LINE_MAX_SIZE * 2];
	bool added;
	size_t n = 0;

	*ret_entries = NULL;
	*ret_n = 0;
	if (in == NULL)
		return errno == ENOENT ? 0
				       : err_set(err, -errno, "cannot read journal '%s': %s", path,
						 strerror(errno));
	while (fgets(line, sizeof line, in) != NULL) {
		if (parse_line(line, &entry, &added))
			apply(&set, &entry, added);
	}
	(void)fclose(in);
	*ret_entries = xcalloc(HASH_COUNT(set) + 1, sizeof **ret_entries);
	HASH_ITER(hh, set, live, next)
	{
		(*ret_entries)[n++] = live->entry;
		HASH_DELETE(hh, set, live);
		free(live);
	}
	*ret_n = n;
	return 0;
}

/* ---- writing ---- */

static void
put_line(struct buf *out, char sign, const struct worker_journal_entry *entry)
{
	char id[ID_TEXT_SIZE];

	id_format(entry->task, id);
	buf_printf(out, "%c %s %" PRIu32 "\n", sign, id, entry->attempt);
}

static int
write_all(int fd, const struct buf *bytes, struct err *err)
{
	size_t done = 0;

	while (done < bytes->size) {
		ssize_t n = write(fd, bytes->data + done, bytes->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "cannot write the journal: %s",
				strerror(errno));
		done += (size_t)n;
	}
	if (bytes->size > 0 && fdatasync(fd) < 0)
		return err_set(err, -errno, "cannot sync the journal: %s", strerror(errno));
	return 0;
}

static void
sync_folder(const char *path)
{
	char *folder = xstrdup(path), *slash = strrchr(folder, '/');
	int fd;

	if (slash != NULL)
		*slash = '\0';
	fd = open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(folder);
}

/* A new file with these entries takes the place of the old one, or nothing changes. */
static int
rewrite(struct worker_journal_file *file, const struct worker_journal_entry *entries, size_t n,
	struct err *err)
{
	CLEANUP(free) char *fresh = NULL;
	struct buf bytes = {0};
	int fd, rc;

	if (asprintf(&fresh, "%s.new", file->path) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_set(err, -errno, "cannot write journal '%s': %s", fresh,
			strerror(errno));
	for (size_t i = 0; i < n; i++)
		put_line(&bytes, '+', &entries[i]);
	rc = write_all(fd, &bytes, err);
	if (rc == 0 && rename(fresh, file->path) < 0)
		rc = err_set(err, -errno, "cannot replace journal '%s': %s", file->path,
			strerror(errno));
	if (rc == 0) {
		sync_folder(file->path);
		if (file->fd >= 0)
			(void)close(file->fd);
		file->fd = fd;
		file->size = bytes.size;
		file->compact_size = COMPACT_FACTOR * file->size;
		if (file->compact_size < COMPACT_MIN)
			file->compact_size = COMPACT_MIN;
	} else {
		(void)close(fd);
	}
	buf_fini(&bytes);
	return rc;
}

/* In a thread of the pool: touches fd, sizes, batch and err, and nobody else does meanwhile. */
static void
work(uv_work_t *work)
{
	struct worker_journal_file *file = work->data;
	struct worker_journal_entry *entries = NULL;
	struct err ignored;
	size_t n;

	if (write_all(file->fd, &file->batch, &file->err) < 0)
		return;
	file->size += file->batch.size;
	if (file->size > file->compact_size && load(file->path, &entries, &n, &ignored) == 0)
		(void)rewrite(file, entries, n, &ignored); /* if not now, then at the next start */
	free(entries);
}

static void
file_free(struct worker_journal_file *file)
{
	struct err ignored;

	if (file->fd >= 0) {
		(void)write_all(file->fd, &file->pending, &ignored);
		(void)close(file->fd);
	}
	buf_fini(&file->pending);
	buf_fini(&file->batch);
	free(file->path);
	free(file);
}

static void
after_work(uv_work_t *work, int status)
{
	struct worker_journal_file *file = work->data;

	(void)status; /* it is never cancelled */
	file->is_working = false;
	buf_reset(&file->batch);
	if (file->is_closed)
		file_free(file);
	else
		file->done(&file->err, file->arg);
}

void
worker_journal_file_add(struct worker_journal_file *file,
	const struct worker_journal_entry *entries, size_t n)
{
	buf_put(&file->batch, file->pending.data, file->pending.size);
	buf_reset(&file->pending);
	for (size_t i = 0; i < n; i++)
		put_line(&file->batch, '+', &entries[i]);
	file->err = (struct err){0};
	file->is_working = true;
	file->work.data = file;
	(void)uv_queue_work(file->loop, &file->work, work, after_work);
}

void
worker_journal_file_drop(struct worker_journal_file *file, const struct worker_journal_entry *entry)
{
	if (file->pending.size < DROPS_MAX || !file->is_working)
		put_line(&file->pending, '-', entry);
	if (file->pending.size >= DROPS_MAX && !file->is_working) {
		/* Nothing waits for it: no sync. */
		ssize_t n = write(file->fd, file->pending.data, file->pending.size);

		file->size += n > 0 ? (uint64_t)n : 0;
		buf_reset(&file->pending);
	}
}

int
worker_journal_file_open(uv_loop_t *loop, const char *path, worker_journal_done_fn *done, void *arg,
	struct worker_journal_file **ret_file, struct worker_journal_entry **ret_entries,
	size_t *ret_n, struct err *err)
{
	struct worker_journal_file *file = xcalloc(1, sizeof *file);
	int rc = load(path, ret_entries, ret_n, err);

	file->loop = loop;
	file->path = xstrdup(path);
	file->fd = -1;
	file->done = done;
	file->arg = arg;
	if (rc == 0) {
		rc = rewrite(file, *ret_entries, *ret_n, err);
		if (rc < 0)
			free(*ret_entries);
	}
	if (rc < 0)
		file_free(file);
	else
		*ret_file = file;
	return rc;
}

void
worker_journal_file_close(struct worker_journal_file *file)
{
	if (file == NULL)
		return;
	file->is_closed = true;
	if (!file->is_working)
		file_free(file);
}
