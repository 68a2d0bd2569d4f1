/*
 * cli_text.h - words and figures as a person at a terminal reads them.
 *
 * Pure: time is an argument. Whatever came from a peer goes through
 * cli_text_clean before it reaches a terminal, so that a task's name or a message
 * cannot move the cursor or ring the bell.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "proto/types.pb-c.h"

enum {
	CLI_ID_SHORT_MIN = 13, /* characters: a UUIDv7's time, dash included */
	CLI_TIME_SIZE = 40,
};

/* Columns that a UTF-8 text takes: 0 for combining marks, 2 for wide characters. */
size_t cli_text_width(const char *text);

/* Bytes of the longest beginning of text that takes at most width columns. */
size_t cli_text_fit(const char *text, size_t width);

/* Appends text with control characters as blanks and bytes that are no UTF-8 as U+FFFD. */
void cli_text_clean(const char *text, struct buf *out);

/* "12s", "3m20s", "5h12m", "4d3h"; "0s" for what has not happened yet. */
void cli_text_age(uint64_t now_ms, uint64_t then_ms, struct buf *out);

/* "2026-01-31 13:05:09.123" in local time. */
const char *cli_text_time(uint64_t ms, char ret_text[CLI_TIME_SIZE]);

/*
 * How many characters each of n ids needs to be told from the others, in the order
 * of the ids: at least CLI_ID_SHORT_MIN, and no dash is the last. The caller frees it.
 */
int *cli_ids_short(const char *const *ids, size_t n);

/* "RUNNING (healthy) 3m20s", "FAILED (exit 3) 2m5s ago". */
void cli_text_task_state(const Davit__Task *task, uint64_t now_ms, struct buf *out);

/* "0.0.0.0:30001->80/tcp, 53/udp"; nothing for a task without ports. */
void cli_text_task_ports(const Davit__Task *task, struct buf *out);

/* "ready", "ready, draining". */
void cli_text_node_state(const Davit__Node *node, struct buf *out);

/* "1.5/4" or "512MiB/2GiB"; "1.5/-" when there is no limit. */
void cli_text_cpu_of(uint64_t used_milli, uint64_t total_milli, struct buf *out);
void cli_text_bytes_of(uint64_t used, uint64_t total, struct buf *out);

/* "a=1,b=2" */
void cli_text_entries(Davit__StringEntry **entries, size_t n, struct buf *out);

/*
 * Reads a time to stop after: "30" is seconds, as docker has it, "1m30s" a
 * duration. 0, or -EINVAL or -ERANGE with words.
 */
struct err;
int cli_text_parse_seconds(const char *text, uint64_t *ret_ms, struct err *err);

/*
 * Reads a moment: "10m" is that long before now_ms, "2026-01-31T13:05:09Z" (or
 * with an offset, or without for local time) that time, "1700000000" seconds since
 * the epoch. -EINVAL with words.
 */
int cli_text_parse_moment(const char *text, uint64_t now_ms, uint64_t *ret_ms, struct err *err);
