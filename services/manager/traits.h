/*
 * traits.h - labels, taints and class of a node: what its worker says, and what the operator
 * wishes over it.
 *
 * Functions return messages on the heap that the caller owns
 * (davit__node_traits__free_unpacked). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/manager.pb-c.h"
#include "proto/store.pb-c.h"

/* NULL stays NULL. */
Davit__NodeTraits *traits_copy(const Davit__NodeTraits *traits);

/* What the worker says with the wishes (NULL: none) over it. */
Davit__NodeTraits *traits_merge(const Davit__NodeTraits *declared, const Davit__NodeTraits *wishes);

/* The wishes with those of the request over them. */
Davit__NodeTraits *traits_wish(const Davit__NodeTraits *wishes,
	const Davit__UpdateNodeRequest *request);

/* In the same order, too. NULL equals NULL alone. */
bool traits_are_equal(const Davit__NodeTraits *a, const Davit__NodeTraits *b);

/* Frees what is there; NULL is fine. `with` is owned by the place from here on. */
void traits_replace(Davit__NodeTraits **place, Davit__NodeTraits *with);

/* Whether each may be: keys without blanks, values not too long, taints with an effect. */
bool traits_labels_are_good(Davit__StringEntry *const *labels, size_t n);
bool traits_taints_are_good(Davit__Taint *const *taints, size_t n);
