#include "services/scheduler/repels.h"

#include <assert.h>

#include "common/base/mem.h"

static struct repel_kind *
find(struct repels *repels, const char *namespace, const char *key, const char *value)
{
	struct repel_kind *kind;

	buf_reset(&repels->key);
	buf_puts(&repels->key, namespace);
	buf_puts(&repels->key, "\n");
	buf_puts(&repels->key, key);
	if (value != NULL) {
		buf_puts(&repels->key, "=");
		buf_puts(&repels->key, value);
	}
	HASH_FIND(hh, repels->by_key, buf_text(&repels->key), (unsigned)repels->key.size, kind);
	return kind;
}

const struct repel_kind *
repels_find(struct repels *repels, const char *namespace, const char *key, const char *value)
{
	return repels->by_key == NULL ? NULL : find(repels, namespace, key, value);
}

static bool
has_topology(const struct repel_kind *kind, const char *topology)
{
	return kind->topology == topology || (kind->topology != NULL && topology != NULL &&
						     strcmp(kind->topology, topology) == 0);
}

void
repels_ref(struct repels *repels, const char *namespace, const struct repel *repel)
{
	const struct selector *selector = &repel->selector;
	struct repel_kind *first = find(repels, namespace, selector->key, selector->value), *kind;

	for (kind = first; kind != NULL; kind = kind->next) {
		if (has_topology(kind, repel->topology)) {
			kind->n_groups++;
			return;
		}
	}
	kind = xcalloc(1, sizeof *kind);
	kind->n_groups = 1;
	kind->key = xstrdup(buf_text(&repels->key));
	kind->label = kind->key + strlen(namespace) + 1;
	kind->topology = xstrdup(repel->topology);
	if (first != NULL) {
		kind->next = first->next;
		first->next = kind;
	} else {
		HASH_ADD_KEYPTR(hh, repels->by_key, kind->key, (unsigned)strlen(kind->key), kind);
	}
	repels->epoch++;
}

static void
kind_free(struct repel_kind *kind)
{
	free(kind->key);
	free(kind->topology);
	free(kind);
}

void
repels_unref(struct repels *repels, const char *namespace, const struct repel *repel)
{
	const struct selector *selector = &repel->selector;
	struct repel_kind *first = find(repels, namespace, selector->key, selector->value);
	struct repel_kind **at = &first, *kind;

	while (*at != NULL && !has_topology(*at, repel->topology))
		at = &(*at)->next;
	kind = *at;
	assert(kind != NULL);
	if (--kind->n_groups > 0)
		return;
	if (kind == first) {
		HASH_DEL(repels->by_key, kind);
		first = kind->next;
		if (first != NULL)
			HASH_ADD_KEYPTR(hh, repels->by_key, first->key,
				(unsigned)strlen(first->key), first);
	} else {
		*at = kind->next;
	}
	kind_free(kind);
	repels->epoch++;
}

void
repels_fini(struct repels *repels)
{
	struct repel_kind *kind, *next;

	HASH_ITER(hh, repels->by_key, kind, next)
	{
		HASH_DEL(repels->by_key, kind);
		for (struct repel_kind *other = kind, *after; other != NULL; other = after) {
			after = other->next;
			kind_free(other);
		}
	}
	buf_fini(&repels->key);
	*repels = (struct repels){0};
}
