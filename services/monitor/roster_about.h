/*
 * roster_about.h - what a task is, packed into one block of memory.
 *
 * Private to roster.c. The block is the caller's: free(). Labels and ports beyond the limits of
 * limits.h are left out.
 */
#pragma once

#include "services/monitor/roster.h"

struct roster_about *roster_about_of_event(const Davit__Event *event);
struct roster_about *roster_about_of_task(const Davit__Task *task);
