#include "common/rpc/pack.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "tests/lib/test.h"
#include "tests/proto/zoo.pb-c.h"

/* test_decode.c compares with protobuf-c over messages of all kinds; here is what it does not
 * reach. */

static void
check_like_protobuf_c(const ProtobufCMessage *message)
{
	CLEANUP(buf_fini) struct buf packed = {0};
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *theirs = xmalloc(size);

	CHECK_EQ(protobuf_c_message_pack(message, theirs), size);
	rpc_pack(message, &packed);
	CHECK_EQ(packed.size, size);
	CHECK_EQ(memcmp(packed.data, theirs, size), 0);
	free(theirs);
}

TEST(pack_moves_what_is_behind_a_long_length)
{
	static const size_t sizes[] = {0, 1, 125, 126, 127, 128, 129, 16380, 16384, 20000};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		Zoo__Animal animal = ZOO__ANIMAL__INIT, child = ZOO__ANIMAL__INIT;
		char *text = xcalloc(1, sizes[i] + 1);

		memset(text, 'x', sizes[i]);
		child.text = text;
		animal.child = &child;
		animal.has_u32 = true;
		animal.u32 = 3;
		check_like_protobuf_c(&animal.base);
		free(text);
	}
}

TEST(pack_takes_numbers_at_their_ends)
{
	Zoo__Animal animal = ZOO__ANIMAL__INIT;
	uint64_t many[] = {0, 127, 128, UINT64_MAX};
	int32_t small[] = {INT32_MIN, -1, 0, INT32_MAX};

	animal.has_i32 = animal.has_s32 = animal.has_s64 = animal.has_i64 = animal.has_u64 = true;
	animal.i32 = animal.s32 = INT32_MIN;
	animal.s64 = animal.i64 = INT64_MIN;
	animal.u64 = UINT64_MAX;
	animal.n_u64s = 4; /* packed */
	animal.u64s = many;
	animal.n_i32s = 4;
	animal.i32s = small;
	animal.food_case = ZOO__ANIMAL__FOOD_N_MICE;
	animal.n_mice = 0;
	check_like_protobuf_c(&animal.base);
}

TEST(pack_appends_and_nests)
{
	CLEANUP(buf_fini) struct buf out = {0};
	Zoo__Entry entry = ZOO__ENTRY__INIT;

	entry.key = (char[]){"k"};
	buf_puts(&out, "head");
	rpc_pack_nested(2, &entry.base, &out);
	CHECK_EQ(out.size, 4 + 2 + 3);
	CHECK_EQ(memcmp(out.data, "head\x12\x03\x0a\x01k", out.size), 0);
}

TEST(pack_writes_what_is_required_though_it_is_not_there)
{
	Zoo__Strict strict = ZOO__STRICT__INIT;

	check_like_protobuf_c(&strict.base);
}
