#include "services/manager/traits.h"

#include <string.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/model/limits.h"
#include "common/model/rules.h"
#include "common/model/taint.h"
#include "common/rpc/unpack.h"
#include "services/manager/limits.h"

Davit__NodeTraits *
traits_copy(const Davit__NodeTraits *traits)
{
	return traits == NULL ? NULL : rpc_copy(&traits->base);
}

/* The traits under construction borrow everything; there is room for all that may come. */
static void
put_label(Davit__NodeTraits *traits, Davit__StringEntry *label)
{
	for (size_t i = 0; i < traits->n_labels; i++) {
		if (strcmp(traits->labels[i]->key, label->key) == 0) {
			traits->labels[i] = label;
			return;
		}
	}
	traits->labels[traits->n_labels++] = label;
}

static void
put_taint(Davit__NodeTraits *traits, Davit__Taint *taint)
{
	for (size_t i = 0; i < traits->n_taints; i++) {
		if (strcmp(traits->taints[i]->key, taint->key) == 0) {
			traits->taints[i] = taint;
			return;
		}
	}
	traits->taints[traits->n_taints++] = taint;
}

static void
begin(Davit__NodeTraits *traits, size_t n_labels, size_t n_taints, struct arena *arena)
{
	davit__node_traits__init(traits);
	traits->labels = arena_array(arena, n_labels, sizeof *traits->labels);
	traits->taints = arena_array(arena, n_taints, sizeof *traits->taints);
}

static void
put_all(Davit__NodeTraits *traits, const Davit__NodeTraits *more)
{
	for (size_t i = 0; more != NULL && i < more->n_labels; i++)
		put_label(traits, more->labels[i]);
	for (size_t i = 0; more != NULL && i < more->n_taints; i++)
		put_taint(traits, more->taints[i]);
}

/* What says that something is removed has done its work. */
static void
leave_out_removed(Davit__NodeTraits *traits)
{
	size_t n_labels = 0, n_taints = 0;

	for (size_t i = 0; i < traits->n_labels; i++) {
		if (traits->labels[i]->value != NULL)
			traits->labels[n_labels++] = traits->labels[i];
	}
	for (size_t i = 0; i < traits->n_taints; i++) {
		if (traits->taints[i]->effect != DAVIT__TAINT__EFFECT__EFFECT_NONE)
			traits->taints[n_taints++] = traits->taints[i];
	}
	traits->n_labels = n_labels;
	traits->n_taints = n_taints;
}

Davit__NodeTraits *
traits_merge(const Davit__NodeTraits *declared, const Davit__NodeTraits *wishes)
{
	static const Davit__NodeTraits none = DAVIT__NODE_TRAITS__INIT;
	struct arena arena = {0};
	Davit__NodeTraits traits, *copy;

	wishes = wishes == NULL ? &none : wishes;
	begin(&traits, declared->n_labels + wishes->n_labels, declared->n_taints + wishes->n_taints,
		&arena);
	put_all(&traits, declared);
	put_all(&traits, wishes);
	leave_out_removed(&traits);
	traits.class_ = declared->class_;
	copy = traits_copy(&traits);
	arena_fini(&arena);
	return copy;
}

Davit__NodeTraits *
traits_wish(const Davit__NodeTraits *wishes, const Davit__UpdateNodeRequest *request)
{
	static const Davit__NodeTraits none = DAVIT__NODE_TRAITS__INIT;
	struct arena arena = {0};
	Davit__NodeTraits traits, *copy;

	wishes = wishes == NULL ? &none : wishes;
	begin(&traits, wishes->n_labels + request->n_labels + request->n_remove_labels,
		wishes->n_taints + request->n_taints + request->n_remove_taints, &arena);
	put_all(&traits, wishes);
	for (size_t i = 0; i < request->n_remove_labels; i++) {
		Davit__StringEntry *label = arena_alloc(&arena, sizeof *label);

		davit__string_entry__init(label);
		label->key = request->remove_labels[i];
		put_label(&traits, label);
	}
	for (size_t i = 0; i < request->n_labels; i++) {
		Davit__StringEntry *label = arena_alloc(&arena, sizeof *label);

		*label = *request->labels[i];
		if (label->value == NULL)
			label->value = (char *)(uintptr_t) "";
		put_label(&traits, label);
	}
	for (size_t i = 0; i < request->n_remove_taints; i++) {
		Davit__Taint *taint = arena_alloc(&arena, sizeof *taint);

		davit__taint__init(taint);
		taint->key = request->remove_taints[i];
		put_taint(&traits, taint);
	}
	for (size_t i = 0; i < request->n_taints; i++)
		put_taint(&traits, request->taints[i]);
	copy = traits_copy(&traits);
	arena_fini(&arena);
	return copy;
}

bool
traits_are_equal(const Davit__NodeTraits *a, const Davit__NodeTraits *b)
{
	struct arena arena = {0};
	bool are_equal = a == NULL && b == NULL;

	if (a != NULL && b != NULL) {
		size_t size = davit__node_traits__get_packed_size(a);

		are_equal = size == davit__node_traits__get_packed_size(b);
		if (are_equal) {
			uint8_t *x = arena_raw(&arena, size + 1), *y = arena_raw(&arena, size + 1);

			(void)davit__node_traits__pack(a, x);
			(void)davit__node_traits__pack(b, y);
			are_equal = memcmp(x, y, size) == 0;
		}
	}
	arena_fini(&arena);
	return are_equal;
}

void
traits_replace(Davit__NodeTraits **place, Davit__NodeTraits *with)
{
	if (*place != NULL)
		davit__node_traits__free_unpacked(*place, NULL);
	*place = with;
}

bool
traits_labels_are_good(Davit__StringEntry *const *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(labels[i]->key) > SPEC_KEY_MAX || !rule_is_label_key(labels[i]->key) ||
			(labels[i]->value != NULL &&
				strlen(labels[i]->value) > MANAGER_LABEL_VALUE_MAX))
			return false;
	}
	return true;
}

bool
traits_taints_are_good(Davit__Taint *const *taints, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!taint_is_good(taints[i]))
			return false;
	}
	return true;
}
