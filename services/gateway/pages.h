/*
 * pages.h - what the gateway says of itself: is it there, can it work, which one is it.
 */
#pragma once

#include "common/http/http.h"

/* GET /v1/health, /v1/ready, /v1/version; /openapi.json, and at /v1 a page to try its calls. The
 * arg is a struct site. */
extern const struct http_route pages[];
