/*
 * cli_input.h - bytes from a file descriptor, as they come, and the terminal behind it.
 *
 * Works on an open file description of its own where there can be one, so that
 * what the shell sees of its standard input does not change. Regular files, which
 * no event loop can watch, are always ready. The loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

#include "common/base/cleanup.h"

struct cli_input;

/* Something may have come, the terminal has another size, or is_over. */
typedef void cli_input_fn(void *arg);

/*
 * is_raw: fd is a terminal, and every key goes through as it is until the close
 * (also when the process is asked to end). fd is borrowed. Never fails: what cannot
 * be read is at its end.
 */
struct cli_input *cli_input_open(uv_loop_t *loop, int fd, bool is_raw, cli_input_fn *on_news,
	void *arg);

/* What there is, at most size: 0 nothing yet (on_news follows), -1 the end. */
ssize_t cli_input_read(struct cli_input *input, void *data, size_t size);

/* Rows and columns of the terminal; false: it is none. */
bool cli_input_size(const struct cli_input *input, uint32_t *ret_rows, uint32_t *ret_columns);

/* TERM or HUP came. */
bool cli_input_is_over(const struct cli_input *input);

void cli_input_close(struct cli_input *input);
CLEANUP_DEFINE(struct cli_input *, cli_input_close)
