#include "common/rpc/decode.h"

#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/rpc/pack.h"
#include "proto/manager.pb-c.h"
#include "proto/store.pb-c.h"
#include "proto/worker.pb-c.h"
#include "tests/lib/test.h"
#include "tests/proto/zoo.pb-c.h"

enum { ROUNDS = 4000, BYTES_MAX = 400, MEMORY_MAX = 1 << 20 };

static const ProtobufCMessageDescriptor *const types[] = {&zoo__animal__descriptor,
	&zoo__strict__descriptor, &davit__submit_tasks_request__descriptor,
	&davit__list_tasks_reply__descriptor, &davit__poll_reply__descriptor,
	&davit__poll_request__descriptor, &davit__spec_record__descriptor,
	&davit__node_record__descriptor};

struct random {
	uint64_t state;
};

static unsigned
roll(struct random *random, unsigned n)
{
	random->state = random->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random->state >> 33) % n;
}

static ProtobufCMessage *
decode(const ProtobufCMessageDescriptor *type, const void *data, size_t size, struct arena *arena)
{
	struct rpc_decode decode = {.left = MEMORY_MAX, .arena = arena};

	return rpc_decode(&decode, type, data, size);
}

/* The bytes of the message, by protobuf-c. */
static struct buf
bytes_of(const ProtobufCMessage *message)
{
	struct buf bytes = {0};
	size_t size = protobuf_c_message_get_packed_size(message);

	bytes.size = protobuf_c_message_pack(message, buf_reserve(&bytes, size));
	return bytes;
}

static void *
alloc_in(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void
free_in(void *arena, void *block)
{
	(void)arena;
	(void)block;
}

static void forget_unknown(ProtobufCMessage *message);

static void
forget_unknown_of(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	uint8_t *base = (uint8_t *)message;
	ProtobufCMessage **children = (void *)(base + field->offset);
	size_t n = 1;
	uint32_t chosen;

	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
		memcpy(&chosen, base + field->quantifier_offset, sizeof chosen);
		n = chosen == field->id;
	}
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		memcpy(&n, base + field->quantifier_offset, sizeof n);
		memcpy(&children, base + field->offset, sizeof children);
	}
	for (size_t i = 0; i < n; i++) {
		if (children[i] != NULL)
			forget_unknown(children[i]);
	}
}

static void
forget_unknown(ProtobufCMessage *message)
{
	message->n_unknown_fields = 0;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		if (message->descriptor->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			forget_unknown_of(message, &message->descriptor->fields[i]);
	}
}

static bool
are_same(const struct buf *a, const struct buf *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/*
 * Where a message comes in two parts, protobuf-c loses what it does not know of the first; we keep
 * it. Then the rest must be the same.
 */
static bool
are_alike(ProtobufCMessage *theirs, ProtobufCMessage *ours)
{
	CLEANUP(buf_fini) struct buf left = {0}, right = {0};

	forget_unknown(theirs);
	forget_unknown(ours);
	left = bytes_of(theirs);
	right = bytes_of(ours);
	return are_same(&left, &right);
}

/* ours lies in an arena. */
static void
check_same(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size,
	ProtobufCMessage *ours)
{
	struct arena arena = {0};
	ProtobufCAllocator allocator = {alloc_in, free_in, &arena};
	ProtobufCMessage *theirs = protobuf_c_message_unpack(type, &allocator, size, data);
	CLEANUP(buf_fini) struct buf left = bytes_of(theirs), right = bytes_of(ours), packed = {0};

	rpc_pack(ours, &packed);
	CHECK(are_same(&right, &packed));
	CHECK(are_same(&left, &right) || are_alike(theirs, ours));
	arena_fini(&arena);
}

enum verdict { BAD, GOOD, ONLY_THEIRS, ONLY_OURS };

/* Both ways of memory, and protobuf-c. */
static enum verdict
compare(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	ProtobufCMessage *theirs = protobuf_c_message_unpack(type, NULL, size, data);
	ProtobufCMessage *ours = decode(type, data, size, NULL);
	ProtobufCMessage *in_arena = decode(type, data, size, &arena);
	enum verdict verdict = theirs != NULL ? ours != NULL ? GOOD : ONLY_THEIRS
			       : ours != NULL ? ONLY_OURS
					      : BAD;

	CHECK((in_arena != NULL) == (ours != NULL));
	if (verdict == GOOD) {
		CLEANUP(buf_fini) struct buf left = bytes_of(ours), right = bytes_of(in_arena);

		CHECK(are_same(&left, &right));
		check_same(type, data, size, in_arena);
	}
	protobuf_c_message_free_unpacked(theirs, NULL);
	protobuf_c_message_free_unpacked(ours, NULL);
	arena_fini(&arena);
	return verdict;
}

/* Any member that a type has, or nearly has, with any content. */
static size_t put_members(struct random *random, const ProtobufCMessageDescriptor *type,
	uint8_t *data, size_t room, unsigned depth);

static size_t
put_number(uint8_t *data, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		data[n++] = (uint8_t)(value | 0x80);
	data[n++] = (uint8_t)value;
	return n;
}

static unsigned
wire_of(struct random *random, ProtobufCType type)
{
	if (type == PROTOBUF_C_TYPE_BOOL)
		return 0; /* protobuf-c takes it as anything */
	if (roll(random, 60) == 0)
		return roll(random, 6);
	switch (type) {
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return 5;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 1;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return 2;
	default:
		return roll(random, 10) == 0 ? 2 : 0; /* packed, perhaps */
	}
}

static size_t
put_sized(struct random *random, const ProtobufCFieldDescriptor *field, uint8_t *data,
	unsigned depth)
{
	uint8_t content[BYTES_MAX];
	size_t size = 0;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth < 4)
		size = put_members(random, field->descriptor, content, BYTES_MAX / 2, depth + 1);
	else
		for (size_t n = roll(random, 12); size < n; size++)
			content[size] = (uint8_t)(roll(random, 4) == 0 ? roll(random, 256) : 'a');
	data[0] = (uint8_t)((size & 0x7f) | 0x80);
	data[1] = (uint8_t)(size >> 7);
	memcpy(data + 2, content, size);
	return size + 2;
}

static size_t
put_members(struct random *random, const ProtobufCMessageDescriptor *type, uint8_t *data,
	size_t room, unsigned depth)
{
	size_t size = 0;
	bool used[64] = {false};

	for (unsigned n = roll(random, 8); n > 0; n--) {
		unsigned i = roll(random, type->n_fields);
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		unsigned wire = wire_of(random, field->type);
		uint32_t number = roll(random, 30) == 0 ? 4000 + roll(random, 99) : field->id;
		uint8_t part[BYTES_MAX];
		size_t at = put_number(part, (uint64_t)number << 3 | wire);

		/* What comes in two parts protobuf-c does not always put together. */
		if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
			field->label != PROTOBUF_C_LABEL_REPEATED && used[i])
			continue;
		used[i] = true;
		if (wire == 0)
			at += put_number(part + at, (uint64_t)roll(random, 1u << 31)
								    << roll(random, 33) >>
							    roll(random, 64));
		else if (wire == 2)
			at += put_sized(random, field, part + at, depth);
		else
			for (size_t k = 0; k < (wire == 1 ? 8 : 4); k++)
				part[at++] = (uint8_t)roll(random, 256);
		if (size + at > room)
			break;
		memcpy(data + size, part, at);
		size += at;
	}
	return size;
}

TEST(decode_does_as_protobuf_c_does_with_any_members)
{
	struct random random = {42};
	unsigned n[4] = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		const ProtobufCMessageDescriptor *type = types[roll(&random, 8)];
		uint8_t data[BYTES_MAX];
		size_t size = put_members(&random, type, data, sizeof data, 0);

		n[compare(type, data, size)]++;
	}
	CHECK(n[GOOD] > ROUNDS / 10 && n[BAD] > ROUNDS / 10);
	CHECK_EQ(n[ONLY_THEIRS] + n[ONLY_OURS], 0);
}

/* Bools of another wire type are only theirs, messages in several parts may be only ours. */
TEST(decode_does_as_protobuf_c_does_with_damaged_bytes)
{
	struct random random = {7};
	unsigned n[4] = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		const ProtobufCMessageDescriptor *type = types[roll(&random, 8)];
		uint8_t data[BYTES_MAX];
		size_t size = put_members(&random, type, data, sizeof data, 0);

		for (unsigned k = 1 + roll(&random, 3); size > 0 && k > 0; k--) {
			size_t at = roll(&random, (unsigned)size);

			if (roll(&random, 4) == 0)
				size = at;
			else
				data[at] ^= (uint8_t)(1u << roll(&random, 8));
		}
		n[compare(type, data, size)]++;
	}
	CHECK(n[GOOD] > ROUNDS / 20 && n[BAD] > ROUNDS / 10);
	CHECK(n[ONLY_THEIRS] + n[ONLY_OURS] < ROUNDS / 100);
}

TEST(decode_puts_a_message_together_that_comes_in_parts)
{
	/* child {i32: 1, texts: "a"}, child {i32: 2, texts: "b", child {}} */
	static const uint8_t data[] = {0x8a, 1, 6, 0x08, 1, 0xca, 1, 1, 'a', 0x8a, 1, 9, 0x08, 2,
		0xca, 1, 1, 'b', 0x8a, 1, 0};
	Zoo__Animal *animal =
		(Zoo__Animal *)decode(&zoo__animal__descriptor, data, sizeof data, NULL);

	CHECK(animal != NULL && animal->child != NULL && animal->child->child != NULL);
	CHECK_EQ(animal->child->i32, 2);
	CHECK_EQ(animal->child->n_texts, 2);
	CHECK_STR(animal->child->texts[0], "a");
	CHECK_STR(animal->child->texts[1], "b");
	protobuf_c_message_free_unpacked(&animal->base, NULL);
}

/* grass, n_mice, prey, grass: the last one counts. */
TEST(decode_keeps_the_last_of_a_oneof)
{
	static const uint8_t data[] = {0xca, 2, 1, 'x', 0xd0, 2, 5, 0xda, 2, 2, 0x08, 1, 0xca, 2, 1,
		'y'};
	Zoo__Animal *animal =
		(Zoo__Animal *)decode(&zoo__animal__descriptor, data, sizeof data, NULL);

	CHECK_EQ(animal->food_case, ZOO__ANIMAL__FOOD_GRASS);
	CHECK_STR(animal->grass, "y");
	protobuf_c_message_free_unpacked(&animal->base, NULL);
	CHECK_EQ(compare(&zoo__animal__descriptor, data, 12), GOOD);
}

TEST(decode_keeps_what_it_does_not_know)
{
	uint8_t data[64 * 3];
	ProtobufCMessage *message;

	for (size_t i = 0; i < sizeof data; i += 3)
		memcpy(data + i, "\xf8\x3f\x05", 3); /* field 1023 */
	CHECK_EQ(compare(&zoo__animal__descriptor, data, sizeof data), GOOD);
	message = decode(&zoo__animal__descriptor, data, sizeof data, NULL);
	CHECK_EQ(message->n_unknown_fields, 64);
	protobuf_c_message_free_unpacked(message, NULL);
}

TEST(decode_says_when_a_text_or_an_enum_is_doubtful)
{
	static const struct {
		const char *data;
		bool is_doubtful;
	} cases[] = {{"\x72\x02ok", false}, {"\x72\x02\xc3\x28", true}, {"\x80\x01\x07", false},
		{"\x80\x01\x08", true}, {"\xda\x01\x02\x01\x09", true}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rpc_decode decode = {.left = MEMORY_MAX};
		ProtobufCMessage *message = rpc_decode(&decode, &zoo__animal__descriptor,
			cases[i].data, strlen(cases[i].data));

		CHECK(message != NULL);
		CHECK_EQ(decode.is_doubtful, cases[i].is_doubtful);
		protobuf_c_message_free_unpacked(message, NULL);
	}
}

TEST(decode_borrows_bytes_when_it_may)
{
	static const uint8_t data[] = {0x7a, 3, 'x', 'y', 'z'};
	struct arena arena = {0};
	struct rpc_decode decode = {.left = MEMORY_MAX, .arena = &arena, .borrows_bytes = true};
	const Zoo__Animal *animal = (const Zoo__Animal *)rpc_decode(&decode,
		&zoo__animal__descriptor, data, sizeof data);

	CHECK(animal->data.data == data + 2);
	CHECK_EQ(animal->data.len, 3);
	arena_fini(&arena);
}

TEST(decode_takes_no_more_memory_than_it_may)
{
	uint8_t data[3 * 1000];
	struct rpc_decode decode = {.left = 20000};

	for (size_t i = 0; i < sizeof data; i += 3)
		memcpy(data + i, "\xe2\x01\x00", 3); /* an empty child */
	CHECK(rpc_decode(&decode, &zoo__animal__descriptor, data, sizeof data) == NULL);
	CHECK(decode.is_spent);
}
