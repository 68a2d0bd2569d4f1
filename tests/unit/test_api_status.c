#include "services/gateway/api_status.h"

#include "common/http/http_problem.h"
#include "tests/lib/test.h"

TEST(api_status_has_an_answer_for_every_status)
{
	const ProtobufCEnumDescriptor *type = &davit__reply__status__descriptor;

	for (unsigned i = 0; i < type->n_values; i++) {
		unsigned http = api_status_http((Davit__Reply__Status)type->values[i].value);

		CHECK(http == 200 ? type->values[i].value == 0 : http >= 400 && http <= 504);
		CHECK(strcmp(http_status_title(http), "Error") != 0);
	}
	CHECK_EQ(api_status_http((Davit__Reply__Status)99), 500);
	CHECK_EQ(api_status_http(DAVIT__REPLY__STATUS__NOT_FOUND), 404);
}
