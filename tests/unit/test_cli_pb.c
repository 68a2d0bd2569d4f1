#include "services/cli/cli_pb.h"

#include <errno.h>

#include "proto/types.pb-c.h"
#include "tests/lib/test.h"

TEST(cli_pb_enum_takes_names_as_people_write_them)
{
	struct err err = {0};
	int value = 0;

	CHECK_OK(cli_pb_enum(&davit__restart_policy__condition__descriptor, "on-failure", &value,
			 &err),
		&err);
	CHECK_EQ(value, DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE);
	CHECK_OK(cli_pb_enum(&davit__restart_policy__condition__descriptor, "ALWAYS", &value, &err),
		&err);
	CHECK_EQ(value, DAVIT__RESTART_POLICY__CONDITION__ALWAYS);
}

TEST(cli_pb_enum_lists_what_would_be_right)
{
	struct err err = {0};
	int value = 7;

	CHECK_EQ(cli_pb_enum(&davit__restart_policy__condition__descriptor, "on", &value, &err),
		-EINVAL);
	CHECK_STR(err.text, "'on' is none of no, on-failure, always or unless-stopped");
	CHECK_EQ(value, 7);
	CHECK_EQ(cli_pb_enum(&davit__restart_policy__condition__descriptor, "", &value, &err),
		-EINVAL);
}

TEST(cli_pb_messages_are_freed_whole)
{
	Davit__TaskSpec *spec = CLI_PB_NEW(davit__task_spec, Davit__TaskSpec);

	CLI_PB_ADD(spec, command, cli_pb_text("echo hi", 4));
	CLI_PB_ADD(spec, command, cli_pb_text("hi", 2));
	CLI_PB_SET(spec, priority, 7);
	CHECK_EQ(spec->n_command, 2);
	CHECK_STR(spec->command[0], "echo");
	CHECK(spec->has_priority);
	davit__task_spec__free_unpacked(spec, NULL);
}
