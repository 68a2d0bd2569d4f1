/*
 * cli_stats.h - what `davit stats` prints: a line for each task that runs, or for each step of
 * the last hour. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"

/* The manager's task as the monitor would tell it; rates are not known. Borrows its texts. */
void cli_stats_task(const Davit__Task *task, Davit__TopTask *ret_task);

/* True for its name, its id, or the beginning of its id. */
bool cli_stats_is_named(const Davit__TopTask *task, const char *name);

/* Sorts by name, then id: lines do not jump about. */
void cli_stats_sort(Davit__TopTask **tasks, size_t n);

/* Whole ids, nodes and namespaces too if is_wide. */
void cli_stats_print(Davit__TopTask **tasks, size_t n, bool is_wide, FILE *out);

/* Steps in which nothing was heard have no line. */
void cli_stats_print_history(Davit__HistorySeries **series, size_t n, FILE *out);

/*
 * Draws text over what stands on the terminal from its first line on. At most rows - 1 lines (0:
 * all), so that the terminal does not scroll.
 */
void cli_stats_redraw(const char *text, unsigned rows, FILE *out);
