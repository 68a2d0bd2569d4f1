#include "common/http/http_problem.h"

#include "tests/lib/test.h"

TEST(http_problem_says_what_and_where)
{
	struct buf out = {0};

	http_problem_print(400, "INVALID_ARGUMENT", "'a\"b' is too long", "spec.name", &out);
	CHECK_STR(buf_text(&out),
		"{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
		"\"detail\":\"'a\\\"b' is too long\",\"code\":\"INVALID_ARGUMENT\","
		"\"field\":\"spec.name\"}\n");
	buf_reset(&out);
	http_problem_print(404, NULL, "", NULL, &out);
	CHECK_STR(buf_text(&out),
		"{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}\n");
	CHECK_STR(http_status_title(299), "Error");
	buf_fini(&out);
}
