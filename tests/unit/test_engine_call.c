#include "common/docker/engine_call.h"

#include <errno.h>

#include "tests/lib/got.h"
#include "tests/lib/test.h"

TEST(engine_call_a_failure_reaches_every_kind_of_callback)
{
	for (int kind = ENGINE_CALL_NONE + 1; kind < ENGINE_CALL_COUNT; kind++) {
		struct got got = {0};
		struct engine_call call = {.kind = (enum engine_call_kind)kind, .arg = &got};
		struct err err = {0};

		switch (call.kind) {
		case ENGINE_CALL_ABOUT:
			call.done.about = got_about;
			break;
		case ENGINE_CALL_CREATE:
		case ENGINE_CALL_EXEC_CREATE:
			call.done.id = got_id;
			break;
		case ENGINE_CALL_INSPECT:
			call.done.container = got_container;
			break;
		case ENGINE_CALL_LIST:
			call.done.list = got_list;
			break;
		case ENGINE_CALL_VOLUME_LIST:
		case ENGINE_CALL_NETWORK_LIST:
		case ENGINE_CALL_IMAGE_LIST:
		case ENGINE_CALL_IMAGE_REMOVE:
		case ENGINE_CALL_IMAGE_PRUNE:
			call.done.json = got_json;
			break;
		case ENGINE_CALL_EXEC_INSPECT:
			call.done.exec = got_exec;
			break;
		case ENGINE_CALL_PATH_STAT:
			call.done.path = got_path;
			break;
		default:
			call.done.plain = got_done;
			break;
		}
		(void)err_set(&err, -EIO, "broken");
		engine_call_finish(&call, &err);
		CHECK_EQ(got.n, 1);
		CHECK_EQ(got.err.code, -EIO);
		CHECK(engine_call_name(call.kind)[0] != '\0');
	}
	CHECK_STR(engine_call_name(ENGINE_CALL_STOP), "stop");
}
