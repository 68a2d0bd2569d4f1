/* What a spec means where it is silent. */
#include "common/model/spec.h"
#include "common/pbjson/pbjson.h"
#include "tests/lib/test.h"

static Davit__TaskSpec *
spec_of(const char *text)
{
	struct pbjson_err why;
	ProtobufCMessage *message;

	if (pbjson_parse(&davit__task_spec__descriptor, text, strlen(text), &message, &why) < 0)
		fail_msg("%s: %s: %s", text, why.path, why.err.text);
	return (Davit__TaskSpec *)message;
}

TEST(what_is_not_said_has_its_default)
{
	Davit__TaskSpec *spec = spec_of("{}");

	CHECK_STR(spec_namespace(spec), "default");
	CHECK_EQ(spec_priority(spec), 50);
	CHECK_EQ(spec_stop_timeout_ms(spec), 10000);
	CHECK_EQ(spec_ttl_ms(spec), 0);
	CHECK_EQ(spec_max_run_time_ms(spec), 0);
	CHECK_EQ(spec_restart_condition(spec), DAVIT__RESTART_POLICY__CONDITION__NO);
	CHECK_EQ(spec_restart_max_attempts(spec), 0);
	CHECK_EQ(spec_restart_reset_after_ms(spec), 10000);
	CHECK_EQ(spec_reserve(spec).cpu_milli + spec_reserve(spec).memory_bytes, 0);
	CHECK_EQ(spec_signal_number("TERM"), 15);
	davit__task_spec__free_unpacked(spec, NULL);
	spec = spec_of(
		"{\"namespace\":\"a\",\"priority\":0,\"stop_timeout\":0,\"ttl\":\"1s\","
		"\"max_run_time\":\"2s\",\"restart\":{\"condition\":\"ALWAYS\","
		"\"max_attempts\":4,\"reset_after\":\"5s\"},\"cpu\":1,\"memory\":7,\"disk\":8}");
	CHECK_STR(spec_namespace(spec), "a");
	CHECK_EQ(spec_priority(spec), 0);
	CHECK_EQ(spec_stop_timeout_ms(spec), 0);
	CHECK_EQ(spec_ttl_ms(spec), 1000);
	CHECK_EQ(spec_max_run_time_ms(spec), 2000);
	CHECK_EQ(spec_restart_condition(spec), DAVIT__RESTART_POLICY__CONDITION__ALWAYS);
	CHECK_EQ(spec_restart_max_attempts(spec), 4);
	CHECK_EQ(spec_restart_reset_after_ms(spec), 5000);
	CHECK_EQ(spec_reserve(spec).cpu_milli, 1000);
	CHECK_EQ(spec_reserve(spec).memory_bytes, 7);
	CHECK_EQ(spec_reserve(spec).disk_bytes, 8);
	davit__task_spec__free_unpacked(spec, NULL);
}

TEST(restarts_back_off_and_the_first_is_immediate)
{
	Davit__TaskSpec *spec = spec_of("{}");

	CHECK_EQ(spec_restart_delay_ms(spec, 0), 0);
	CHECK_EQ(spec_restart_delay_ms(spec, 1), 100);
	CHECK_EQ(spec_restart_delay_ms(spec, 2), 200);
	CHECK_EQ(spec_restart_delay_ms(spec, 10), 51200);
	CHECK_EQ(spec_restart_delay_ms(spec, 11), 60000);
	CHECK_EQ(spec_restart_delay_ms(spec, UINT32_MAX), 60000);
	davit__task_spec__free_unpacked(spec, NULL);
	spec = spec_of("{\"restart\":{\"delay\":\"1s\",\"max_delay\":\"3s\"}}");
	CHECK_EQ(spec_restart_delay_ms(spec, 1), 1000);
	CHECK_EQ(spec_restart_delay_ms(spec, 2), 2000);
	CHECK_EQ(spec_restart_delay_ms(spec, 3), 3000);
	davit__task_spec__free_unpacked(spec, NULL);
	spec = spec_of("{\"restart\":{\"delay\":\"2h\"}}");
	CHECK_EQ(spec_restart_delay_ms(spec, 5), 7200000);
	davit__task_spec__free_unpacked(spec, NULL);
	spec = spec_of("{\"restart\":{\"delay\":0,\"max_delay\":0,\"reset_after\":0}}");
	CHECK_EQ(spec_restart_delay_ms(spec, 1), 100);
	CHECK_EQ(spec_restart_delay_ms(spec, UINT32_MAX), 60000);
	CHECK_EQ(spec_restart_reset_after_ms(spec), 10000);
	davit__task_spec__free_unpacked(spec, NULL);
}

static void
check_disconnect(const char *text, Davit__Disconnect__Mode mode, uint64_t replace_after_ms,
	uint64_t stop_after_ms)
{
	Davit__TaskSpec *spec = spec_of(text);
	struct spec_disconnect got = spec_disconnect(spec);

	CHECK_EQ(got.mode, mode);
	CHECK_EQ(got.replace_after_ms, replace_after_ms);
	CHECK_EQ(got.stop_after_ms, stop_after_ms);
	davit__task_spec__free_unpacked(spec, NULL);
}

TEST(a_silent_node_means_what_the_restart_policy_says_unless_told)
{
	check_disconnect("{}", DAVIT__DISCONNECT__MODE__KEEP, 0, 0);
	check_disconnect("{\"restart\":{\"condition\":\"NO\"},\"disconnect\":{}}",
		DAVIT__DISCONNECT__MODE__KEEP, 0, 0);
	check_disconnect("{\"restart\":{\"condition\":\"ON_FAILURE\"}}",
		DAVIT__DISCONNECT__MODE__REPLACE, 0, 0);
	check_disconnect("{\"restart\":{\"condition\":\"ALWAYS\"},\"disconnect\":{"
			 "\"replace_after\":\"5s\"}}",
		DAVIT__DISCONNECT__MODE__REPLACE, 5000, 0);
	check_disconnect("{\"disconnect\":{\"replace_after\":\"5s\"}}",
		DAVIT__DISCONNECT__MODE__KEEP, 0, 0);
	check_disconnect(
		"{\"restart\":{\"condition\":\"ALWAYS\"},\"disconnect\":{\"mode\":\"KEEP\"}}",
		DAVIT__DISCONNECT__MODE__KEEP, 0, 0);
	check_disconnect("{\"disconnect\":{\"mode\":\"STOP_AFTER\",\"stop_after\":\"7s\"}}",
		DAVIT__DISCONNECT__MODE__STOP_AFTER, 0, 7000);
}
