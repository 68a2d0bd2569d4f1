/*
 * fuzz.h - one parser of foreign bytes, given whatever there is.
 *
 * Each tests/fuzz/fuzz_X.c defines LLVMFuzzerTestOneInput; tests/fuzz/corpus/X/ holds
 * what it is begun with, and every input that once broke it. `make check` gives each
 * the corpus and its small mutations (replay.c); `make fuzz TARGET=X SECONDS=60` lets
 * libFuzzer search for more, where clang and its runtime are installed.
 *
 * A target returns 0 and stops the process (assert) when what must hold does not.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
