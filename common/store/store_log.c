#include "common/store/store_log.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

/* Before each write of a row; the key and a NUL and the value are behind it. */
struct head {
	uint32_t size;
	uint16_t key_size;
	uint8_t is_delete, is_new;
};

struct entry {
	const uint8_t *at; /* of the latest write's head */
	uint32_t hash;
	bool was_new; /* with the first write here */
};

struct row {
	struct row *next;
	uint8_t *data;
};

struct store_log {
	struct row *rows;
	struct entry *entries;
	size_t n, room;
	uint32_t *places; /* open addressing: number of the entry + 1; 0: free */
	size_t n_places;  /* a power of two, at least twice the entries */
	size_t bytes;
};

struct store_log *
store_log_new(void)
{
	return xcalloc(1, sizeof(struct store_log));
}

void
store_log_free(struct store_log *log)
{
	struct row *row;

	if (log == NULL)
		return;
	while ((row = log->rows) != NULL) {
		log->rows = row->next;
		free(row->data);
		free(row);
	}
	free(log->entries);
	free(log->places);
	free(log);
}

void
store_log_encode(struct buf *row, struct store_write write)
{
	struct head head = {htole32((uint32_t)write.size), htole16((uint16_t)write.key_size),
		write.is_delete, write.is_new};

	buf_put(row, &head, sizeof head);
	buf_put(row, write.key, write.key_size + 1);
	if (!write.is_delete)
		buf_put(row, write.value, write.size);
}

static struct head
head_at(const uint8_t *at)
{
	struct head head;

	memcpy(&head, at, sizeof head);
	head.size = le32toh(head.size);
	head.key_size = le16toh(head.key_size);
	return head;
}

static struct store_write
write_at(const uint8_t *at)
{
	struct head head = head_at(at);
	const uint8_t *key = at + sizeof head;

	return (struct store_write){.key = (const char *)key,
		.key_size = head.key_size,
		.value = key + head.key_size + 1,
		.size = head.size,
		.is_delete = head.is_delete != 0,
		.is_new = head.is_new != 0};
}

/* Of head, key and value together. */
static size_t
size_at(const uint8_t *at)
{
	struct head head = head_at(at);

	return sizeof head + head.key_size + 1 + (head.is_delete != 0 ? 0 : head.size);
}

/* A file can hold anything: every size is checked against what is left. */
static bool
is_sound(const uint8_t *at, size_t left)
{
	struct head head;

	if (left < sizeof head)
		return false;
	head = head_at(at);
	return head.key_size > 0 && head.key_size <= STORE_KEY_MAX &&
	       head.size <= STORE_VALUE_MAX && size_at(at) <= left &&
	       memchr(at + sizeof head, '\0', head.key_size + 1u) ==
		       at + sizeof head + head.key_size;
}

/* ---- the index ---- */

static uint32_t
hash_key(const char *key, size_t size)
{
	uint64_t hash = size;

	while (size > 0) {
		size_t n = size < sizeof hash ? size : sizeof hash;
		uint64_t word = 0;

		memcpy(&word, key, n);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
		key += n;
		size -= n;
	}
	return (uint32_t)hash;
}

/* Where the key is, or the free place where it belongs. */
static uint32_t *
find_place(const struct store_log *log, uint32_t hash, const char *key, size_t key_size)
{
	size_t mask = log->n_places - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		uint32_t *place = &log->places[i];
		const struct entry *entry;
		struct store_write write;

		if (*place == 0)
			return place;
		entry = &log->entries[*place - 1];
		if (entry->hash != hash)
			continue;
		write = write_at(entry->at);
		if (write.key_size == key_size && memcmp(write.key, key, key_size) == 0)
			return place;
	}
}

static void
grow_index(struct store_log *log)
{
	size_t n_places = log->n_places == 0 ? 64 : 2 * log->n_places, mask = n_places - 1;

	if (2 * (log->n + 1) <= log->n_places)
		return;
	free(log->places);
	log->places = xcalloc(n_places, sizeof *log->places);
	log->n_places = n_places;
	for (size_t i = 0; i < log->n; i++) {
		size_t at = log->entries[i].hash & mask;

		while (log->places[at] != 0)
			at = (at + 1) & mask;
		log->places[at] = (uint32_t)i + 1;
	}
}

static void
enter(struct store_log *log, const uint8_t *at, bool is_read)
{
	struct store_write write = write_at(at);
	uint32_t hash = hash_key(write.key, write.key_size);
	uint32_t *place;

	grow_index(log);
	place = find_place(log, hash, write.key, write.key_size);
	if (*place != 0) {
		log->entries[*place - 1].at = at;
		return;
	}
	if (log->n == log->room) {
		log->room = log->room == 0 ? 32 : 2 * log->room;
		log->entries = xrealloc(log->entries, log->room, sizeof *log->entries);
	}
	log->entries[log->n++] = (struct entry){at, hash, write.is_new && !is_read};
	*place = (uint32_t)log->n;
}

int
store_log_add_take(struct store_log *log, struct buf *row, bool is_read)
{
	struct row *kept;
	size_t size = row->size;

	for (size_t at = 0; at < size; at += size_at(row->data + at)) {
		if (!is_sound(row->data + at, size - at))
			return -EUCLEAN;
	}
	if (size == 0)
		return 0;
	kept = xcalloc(1, sizeof *kept);
	kept->data = buf_take(row, NULL);
	kept->next = log->rows;
	log->rows = kept;
	log->bytes += size;
	for (size_t at = 0; at < size; at += size_at(kept->data + at))
		enter(log, kept->data + at, is_read);
	return 0;
}

bool
store_log_find(const struct store_log *log, const char *key, size_t key_size,
	struct store_write *ret_write)
{
	const uint32_t *place;

	if (log == NULL || log->n == 0)
		return false;
	place = find_place(log, hash_key(key, key_size), key, key_size);
	if (*place == 0)
		return false;
	*ret_write = write_at(log->entries[*place - 1].at);
	return true;
}

size_t
store_log_count(const struct store_log *log)
{
	return log == NULL ? 0 : log->n;
}

struct store_write
store_log_at(const struct store_log *log, size_t i)
{
	return write_at(log->entries[i].at);
}

bool
store_log_is_over(const struct store_log *log, size_t i)
{
	return log->entries[i].was_new && write_at(log->entries[i].at).is_delete;
}

bool
store_log_outdates(const struct store_log *later, const char *key, size_t key_size)
{
	const uint32_t *place;

	if (later == NULL || later->n == 0)
		return false;
	place = find_place(later, hash_key(key, key_size), key, key_size);
	return *place != 0 && !later->entries[*place - 1].was_new;
}

size_t
store_log_bytes(const struct store_log *log)
{
	return log == NULL ? 0 : log->bytes;
}

/* ---- in order ---- */

int
store_write_compare(const void *a, const void *b)
{
	const struct store_write *x = a, *y = b;
	size_t n = x->key_size < y->key_size ? x->key_size : y->key_size;
	int order = memcmp(x->key, y->key, n);

	return order != 0 ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

struct store_write *
store_log_collect(const struct store_log *later, const struct store_log *earlier,
	const char *prefix, size_t *ret_n)
{
	const struct store_log *const logs[] = {later, earlier};
	size_t prefix_size = strlen(prefix), n = 0;
	struct store_write *writes = xcalloc(store_log_count(later) + store_log_count(earlier) + 1,
				   sizeof *writes),
			   newer;

	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < store_log_count(logs[k]); i++) {
			struct store_write write = store_log_at(logs[k], i);

			if (write.key_size < prefix_size ||
				memcmp(write.key, prefix, prefix_size) != 0 ||
				(k == 1 &&
					store_log_find(later, write.key, write.key_size, &newer)))
				continue;
			writes[n++] = write;
		}
	}
	qsort(writes, n, sizeof *writes, store_write_compare);
	*ret_n = n;
	return writes;
}
