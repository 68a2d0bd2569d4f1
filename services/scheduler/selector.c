/* The selectors of groups.h; tested by tests/unit/test_groups.c. */
#include <string.h>

#include "common/base/mem.h"
#include "services/scheduler/groups.h"

void
selector_read(struct selector *selector, const char *text)
{
	size_t n = strcspn(text, "=");

	selector->key = xcalloc(1, n + 1);
	memcpy(selector->key, text, n);
	selector->value = text[n] == '=' ? xstrdup(text + n + 1) : NULL;
}

void
selector_fini(struct selector *selector)
{
	free(selector->key);
	free(selector->value);
}

bool
selector_equal(const struct selector *a, const struct selector *b)
{
	if (strcmp(a->key, b->key) != 0 || (a->value == NULL) != (b->value == NULL))
		return false;
	return a->value == NULL || strcmp(a->value, b->value) == 0;
}

static bool
admits(const struct selector *selector, const char *key, const char *value)
{
	return strcmp(selector->key, key) == 0 &&
	       (selector->value == NULL || strcmp(selector->value, value) == 0);
}

bool
selector_admits_group(const struct selector *selector, const struct group *group)
{
	for (uint32_t i = 0; i < group->n_labels; i++)
		if (admits(selector, group->labels[i].key, group->labels[i].value))
			return true;
	return false;
}

bool
selector_admits_spec(const struct selector *selector, const Davit__TaskSpec *spec)
{
	for (size_t i = 0; i < spec->n_labels; i++) {
		const char *value = spec->labels[i]->value;

		if (admits(selector, spec->labels[i]->key, value != NULL ? value : ""))
			return true;
	}
	return false;
}
