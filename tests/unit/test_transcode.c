#include "services/gateway/transcode.h"

#include <errno.h>

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/test.h"

static char printed[4096];
static struct pbjson_err err;

/* What becomes of it, in JSON; or "! path: words". pairs end with a NULL name. */
static const char *
transcoded(const ProtobufCMessageDescriptor *type, const struct transcode_pair *pairs,
	const char *body)
{
	struct transcode_input input = {.type = type, .pairs = pairs, .body = body};
	ProtobufCMessage *message = NULL;
	struct buf text = {0};

	while (pairs[input.n_pairs].name != NULL)
		input.n_pairs++;
	input.body_size = strlen(body);
	if (transcode_request(&input, &message, &err) < 0) {
		(void)snprintf(printed, sizeof printed, "! %s: %s", err.path, err.err.text);
		return printed;
	}
	pbjson_print(message, PBJSON_COMPACT, &text);
	(void)snprintf(printed, sizeof printed, "%s", buf_text(&text));
	buf_fini(&text);
	protobuf_c_message_free_unpacked(message, NULL);
	return printed;
}

#define PAIRS(...) ((const struct transcode_pair[]){__VA_ARGS__, {NULL, NULL}})
#define NO_PAIRS   ((const struct transcode_pair[]){{NULL, NULL}})
#define LIST       &davit__list_tasks_request__descriptor
#define SUBMIT     &davit__submit_tasks_request__descriptor
#define STOP       &davit__stop_tasks_request__descriptor

TEST(transcode_reads_a_query)
{
	CHECK_STR(transcoded(LIST, NO_PAIRS, ""), "{}");
	CHECK_STR(transcoded(LIST,
			  PAIRS({"limit", "10"}, {"states", "running,pending"}, {"with_spec", ""},
				  {"labels", "app=web"}, {"labels", "tier=a,b"}),
			  " \n"),
		"{\"states\":[\"RUNNING\",\"PENDING\"],"
		"\"labels\":{\"app\":\"web\",\"tier\":\"a,b\"},\"limit\":10,\"with_spec\":true}");
	CHECK_STR(transcoded(LIST, PAIRS({"with_spec", "0"}, {"name", "a\"b"}), ""),
		"{\"name\":\"a\\\"b\",\"with_spec\":false}");
	CHECK_STR(transcoded(&davit__wait_task_request__descriptor,
			  PAIRS({"task", "t"}, {"wait", "5s"}), ""),
		"{\"task\":\"t\",\"wait_ms\":5000}");
}

TEST(transcode_names_the_parameter_at_fault)
{
	CHECK_STR(transcoded(LIST, PAIRS({"nonsense", "1"}), ""),
		"! nonsense: there is no such parameter");
	CHECK_STR(transcoded(LIST, PAIRS({"limit", "1"}, {"limit", "2"}), ""),
		"! limit: given twice");
	CHECK_HAS(transcoded(LIST, PAIRS({"limit", "many"}), ""), "! limit: ");
	CHECK_HAS(transcoded(LIST, PAIRS({"states", "running,asleep"}), ""), "! states[1]: ");
	CHECK_HAS(transcoded(LIST, PAIRS({"name", "\xff"}), ""), "! name: not UTF-8");
	CHECK_HAS(transcoded(&davit__get_task_request__descriptor, NO_PAIRS, ""), "! task: ");
}

TEST(transcode_joins_path_and_body)
{
	CHECK_STR(transcoded(SUBMIT, NO_PAIRS, "{\"spec\":{\"image\":\"x\"}}"),
		"{\"spec\":{\"image\":\"x\"}}");
	CHECK_STR(transcoded(SUBMIT, PAIRS({"count", "3"}), " { \"spec\":{\"image\":\"x\"}} "),
		"{\"spec\":{\"image\":\"x\"},\"count\":3}");
	CHECK_STR(transcoded(STOP, PAIRS({"tasks", "a"}), "{ }"), "{\"tasks\":[\"a\"]}");
	CHECK_STR(transcoded(STOP, PAIRS({"tasks", "a,b"}), "{\"timeout\":\"5s\"}"),
		"{\"tasks\":[\"a,b\"],\"timeout_ms\":5000}");
}

TEST(transcode_refuses_bodies_that_are_no_request)
{
	CHECK_HAS(transcoded(SUBMIT, NO_PAIRS, "[]"), "! : the body is no JSON object");
	CHECK_HAS(transcoded(STOP, PAIRS({"tasks", "a"}), "{\"tasks\":[\"b\"]}"), "! ");
	CHECK_HAS(transcoded(STOP, PAIRS({"tasks", "a"}), "{"), "! ");
	CHECK_HAS(transcoded(STOP, PAIRS({"tasks", "a"}), "{}}"), "! ");
	CHECK_HAS(transcoded(STOP, PAIRS({"tasks", "a"}), "{\"x\":1}"), "! x: ");
}

TEST(transcode_bounds_the_parameters)
{
	struct transcode_pair pairs[TRANSCODE_PAIRS_MAX + 2] = {{NULL, NULL}};

	for (size_t i = 0; i <= TRANSCODE_PAIRS_MAX; i++)
		pairs[i] = (struct transcode_pair){"states", "running"};
	CHECK_HAS(transcoded(LIST, pairs, ""), "at most 128");
	pairs[TRANSCODE_PAIRS_MAX].name = NULL;
	CHECK_HAS(transcoded(LIST, pairs, ""), "{\"states\":[");
}
