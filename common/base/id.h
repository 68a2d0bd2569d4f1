/*
 * id.h - UUID version 7 (RFC 9562 §5.7): 48 bits of time, then chance.
 *
 * Ids sort by age. The low 32 bits of a base id are left zero by id_make_base,
 * so that element i of an array is the base plus i, and a million ids need not
 * be stored: that leaves 42 bits of chance per millisecond.
 * Pure: time and chance are arguments.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	ID_TEXT_SIZE = 37, /* 36 characters and a NUL */
	ID_RANDOM_SIZE = 10,
};

struct id {
	uint64_t hi, lo; /* as printed: hi first */
};

/* A new id from wall time and ID_RANDOM_SIZE bytes of chance. */
struct id id_make(uint64_t now_ms, const uint8_t random[ID_RANDOM_SIZE]);

/* The same with the low 32 bits zero. */
struct id id_make_base(uint64_t now_ms, const uint8_t random[ID_RANDOM_SIZE]);

/*
 * The least bit behind last, with some chance, for when id_make gives one that is not greater:
 * many in one millisecond, or a clock that was set back. The low 32 bits are zero for a base.
 */
struct id id_make_after(struct id last, bool is_base, const uint8_t random[ID_RANDOM_SIZE]);

/* Element index of the array whose base id this is. */
struct id id_at(struct id base, uint32_t index);

void id_format(struct id id, char ret_text[ID_TEXT_SIZE]);

/* Exactly 36 characters, lower or upper case hex with dashes at 8-4-4-4-12. False otherwise. */
bool id_parse(const char *text, struct id *ret_id);

static inline bool
id_equal(struct id a, struct id b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static inline bool
id_is_less(struct id a, struct id b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

static inline bool
id_is_none(struct id id)
{
	return id.hi == 0 && id.lo == 0;
}
