/*
 * http_problem.h - how a failure is told: application/problem+json (RFC 9457).
 *
 *     {"type": "about:blank", "title": "Not Found", "status": 404,
 *      "detail": "no task 'x' in namespace 'default'", "code": "NOT_FOUND", "field": "task"}
 *
 * Pure; any thread.
 */
#pragma once

#include "common/base/buf.h"

#define HTTP_PROBLEM_TYPE "application/problem+json"

/* code, detail and field may be NULL or "": then they are left out. */
void http_problem_print(unsigned status, const char *code, const char *detail, const char *field,
	struct buf *out);

/* "Not Found"; "Error" for a status that is not known here. */
const char *http_status_title(unsigned status);
