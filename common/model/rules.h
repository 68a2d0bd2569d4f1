/*
 * rules.h - what names, paths, addresses and references may look like.
 *
 * Each answers for one text (never NULL) and knows its length limit (limits.h).
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Docker's [a-zA-Z0-9][a-zA-Z0-9_.-]+; of tasks, nodes, volumes and networks. */
bool rule_is_name(const char *text);

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
bool rule_is_namespace(const char *text);

/* One or more labels of letters, digits and inner hyphens, with dots between, at most max long. */
bool rule_is_hostname(const char *text, unsigned max);

/* Absolute, without "..", control characters or a NUL too far. */
bool rule_is_path(const char *text);

/* Of a variable: not empty, without '='. */
bool rule_is_env_key(const char *text);

/* Of a label: not empty, printable ASCII without spaces, '=' and quotes. */
bool rule_is_label_key(const char *text);

/* Printable, not empty, without spaces: users, drivers, runtimes. */
bool rule_is_word(const char *text);

/* An IPv4 or IPv6 address in numbers. */
bool rule_is_address(const char *text);

/* UTF-8 as a whole: what came over the wire as a string may hold anything. */
bool rule_is_utf8(const char *text);

/*
 * An image reference: [host[:port]/]path[:tag][@digest]. NULL if it is one, else what
 * is wrong with it, for behind "'x' is no image reference: ".
 */
const char *rule_image_trouble(const char *text);

/* "http://:8080/health": the port, and the path in the text ("/" if there is none). */
bool rule_http_get(const char *text, uint32_t *ret_port, const char **ret_path);

/* "TERM", "SIGTERM", "15", "RTMIN+3": the signal's number, 1 to 64, or -1. */
int rule_signal_number(const char *text);
