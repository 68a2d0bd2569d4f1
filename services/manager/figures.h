/*
 * figures.h - how much of what the manager's core holds: counted when somebody asks.
 *
 * Figures of counts only: whatever needs a clock is measured by the shell. Walks over nodes
 * and their tasks. One thread.
 */
#pragma once

#include <stdint.h>

#include "services/manager/manager.h"

struct manager_figures {
	uint32_t tasks[5];   /* PENDING, SCHEDULED, RUNNING, COMPLETED, FAILED */
	uint32_t n_desired;  /* tasks that are wanted running */
	uint32_t n_stopping; /* that were asked to end and have not */
	uint32_t nodes[5];   /* by Davit__Node__State; 0: of no other */
	uint32_t n_draining;
	uint64_t n_pending_queue, n_blocked_queue, n_history; /* lengths of queues */
	uint64_t n_waits, n_answers, answer_bytes;
	uint64_t last_event;
	uint64_t n_disposed; /* proposals that the ledger did not accept */
	uint64_t cpu_milli_capacity, cpu_milli_reserved, memory_bytes_capacity,
		memory_bytes_reserved;
};

void manager_figures(const struct manager *manager, struct manager_figures *ret_figures);
