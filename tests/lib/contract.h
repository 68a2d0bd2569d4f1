/*
 * contract.h - one test for both engines: the one in memory, and the real one where there is one.
 *
 * TEST_ENGINE(words) { uses stage } becomes the tests engine_mem_words and engine_http_words.
 */
#pragma once

#include "tests/lib/stage.h"
#include "tests/lib/test.h"

#define TEST_ENGINE(name)                                                                       \
	static void engine_##name(struct stage *stage);                                         \
	TEST(engine_mem_##name)                                                                 \
	{                                                                                       \
		CLEANUP(stage_fini) struct stage stage = {0};                                   \
		CHECK(stage_init(&stage, false));                                               \
		engine_##name(&stage);                                                          \
	}                                                                                       \
	TEST(engine_http_##name)                                                                \
	{                                                                                       \
		CLEANUP(stage_fini) struct stage stage = {0};                                   \
		if (!stage_init(&stage, true)) {                                                \
			stage = (struct stage){0};                                              \
			print_message("# set DAVIT_TEST_ENGINE=1 to try this on the engine\n"); \
			skip();                                                                 \
		}                                                                               \
		engine_##name(&stage);                                                          \
	}                                                                                       \
	static void engine_##name(struct stage *stage)
