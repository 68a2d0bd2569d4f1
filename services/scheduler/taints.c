#include "services/scheduler/taints.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"

/* Keys and values hold no control characters, or at least none of these means another taint. */
enum { FIELD_END = '\x1f', TAINT_END = '\x1e' };

char *
taints_text(Davit__Taint *const *taints, size_t n)
{
	struct buf text = {0};

	if (n == 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%d%s%c%s%c", (int)taints[i]->effect % 10, taints[i]->key,
			FIELD_END, taints[i]->value != NULL ? taints[i]->value : "", TAINT_END);
	return buf_take(&text, &(size_t){0});
}

struct taint {
	Davit__Taint__Effect effect;
	const char *key, *value;
	size_t key_size, value_size;
};

/* False at the end; *text is moved. */
static bool
next_taint(const char **text, struct taint *ret_taint)
{
	const char *end = *text != NULL ? strchr(*text, TAINT_END) : NULL;
	const char *middle = end != NULL ? memchr(*text, FIELD_END, (size_t)(end - *text)) : NULL;

	if (middle == NULL)
		return false;
	*ret_taint = (struct taint){.effect = (Davit__Taint__Effect)(**text - '0'),
		.key = *text + 1,
		.key_size = (size_t)(middle - *text) - 1,
		.value = middle + 1,
		.value_size = (size_t)(end - middle) - 1};
	*text = end + 1;
	return true;
}

static bool
is_text(const char *text, const char *bytes, size_t size)
{
	return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

static bool
is_tolerated(const struct taint *taint, const Davit__TaskSpec *spec)
{
	for (size_t i = 0; i < spec->n_tolerations; i++) {
		const Davit__Toleration *toleration = spec->tolerations[i];

		if (strcmp(toleration->key, "*") != 0 &&
			!is_text(toleration->key, taint->key, taint->key_size))
			continue;
		if (toleration->value != NULL &&
			!is_text(toleration->value, taint->value, taint->value_size))
			continue;
		if (toleration->effect == DAVIT__TAINT__EFFECT__EFFECT_NONE ||
			toleration->effect == taint->effect)
			return true;
	}
	return false;
}

struct taints_verdict
taints_judge(const char *text, const Davit__TaskSpec *spec)
{
	struct taints_verdict verdict = {0};
	struct taint taint;

	while (next_taint(&text, &taint)) {
		if (is_tolerated(&taint, spec))
			continue;
		if (taint.effect == DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE) {
			verdict.n_disliked++;
			continue;
		}
		if (!verdict.is_kept_off)
			(void)snprintf(verdict.first, sizeof verdict.first, "%.*s%s%.*s",
				(int)taint.key_size, taint.key, taint.value_size > 0 ? "=" : "",
				(int)taint.value_size, taint.value);
		verdict.is_kept_off = true;
	}
	return verdict;
}
