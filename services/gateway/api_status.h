/*
 * api_status.h - the one table from the statuses of calls to those of HTTP.
 *
 * Pure; any thread.
 */
#pragma once

#include "proto/rpc.pb-c.h"

/* INTERNAL's for a number that is no status. */
unsigned api_status_http(Davit__Reply__Status status);
