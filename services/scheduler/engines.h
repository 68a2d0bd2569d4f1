/*
 * engines.h - which host ports are taken on which engine.
 *
 * Several nodes may share one engine, and then they share its host ports. A node
 * whose engine has no id has one of its own. Handles are counted by node. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"

struct engines;

struct engines *engines_new(void);
void engines_free(struct engines *engines);
CLEANUP_DEFINE(struct engines *, engines_free)

/* The handle of an engine, with one more reference. NULL or "": a new one without a name. */
uint32_t engines_ref(struct engines *engines, const char *id);
void engines_unref(struct engines *engines, uint32_t engine);

/* Nodes on that engine. */
uint32_t engines_n_refs(const struct engines *engines, uint32_t engine);

/* Replaces what is taken. Ports are below 65536; they may repeat and come in any order. */
void engines_ports_set(struct engines *engines, uint32_t engine, const uint32_t *ports,
	size_t n_ports);

bool engines_port_is_taken(const struct engines *engines, uint32_t engine, uint16_t port);
/* Taking a port twice is a bug, as is giving back one that is free. */
void engines_port_take(struct engines *engines, uint32_t engine, uint16_t port);
void engines_port_give(struct engines *engines, uint32_t engine, uint16_t port);
