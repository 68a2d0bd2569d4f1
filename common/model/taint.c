#include "common/model/taint.h"

#include <errno.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/limits.h"
#include "common/model/rules.h"

static const struct {
	const char *word;
	Davit__Taint__Effect effect;
} effects[] = {
	{"no-schedule", DAVIT__TAINT__EFFECT__NO_SCHEDULE},
	{"prefer-no-schedule", DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE},
	{"no-execute", DAVIT__TAINT__EFFECT__NO_EXECUTE},
};

static Davit__Taint__Effect
parse_effect(const char *word)
{
	for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++) {
		if (strcmp(effects[i].word, word) == 0)
			return effects[i].effect;
	}
	return DAVIT__TAINT__EFFECT__EFFECT_NONE;
}

static void
taint_free(Davit__Taint *taint)
{
	if (taint != NULL)
		davit__taint__free_unpacked(taint, NULL);
}
CLEANUP_DEFINE(Davit__Taint *, taint_free)

int
taint_parse(const char *text, Davit__Taint **ret_taint, struct err *err)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon == NULL ? strlen(text) : (size_t)(colon - text);
	size_t n_key = strcspn(text, "=");
	CLEANUP(taint_free) Davit__Taint *taint = xcalloc(1, sizeof *taint);

	davit__taint__init(taint);
	n_key = n_key < n ? n_key : n;
	taint->key = xcalloc(n_key + 1, 1);
	memcpy(taint->key, text, n_key);
	if (n_key < n) {
		taint->value = xcalloc(n - n_key, 1);
		memcpy(taint->value, text + n_key + 1, n - n_key - 1);
	}
	taint->has_effect = true;
	taint->effect = colon == NULL ? DAVIT__TAINT__EFFECT__EFFECT_NONE : parse_effect(colon + 1);
	if (!taint_is_good(taint))
		return err_set(err, -EINVAL,
			"'%.60s': want KEY[=VALUE]:no-schedule, :prefer-no-schedule or :no-execute",
			text);
	*ret_taint = TAKE(taint);
	return 0;
}

bool
taint_is_good(const Davit__Taint *taint)
{
	return strlen(taint->key) <= SPEC_KEY_MAX && rule_is_label_key(taint->key) &&
	       (taint->value == NULL ||
		       (strlen(taint->value) <= SPEC_KEY_MAX && rule_is_utf8(taint->value))) &&
	       taint->effect > DAVIT__TAINT__EFFECT__EFFECT_NONE &&
	       taint->effect <= DAVIT__TAINT__EFFECT__NO_EXECUTE;
}

static bool
tolerates(const Davit__Toleration *toleration, const Davit__Taint *taint)
{
	const char *value = taint->value == NULL ? "" : taint->value;

	if (toleration->has_effect && toleration->effect != DAVIT__TAINT__EFFECT__EFFECT_NONE &&
		toleration->effect != taint->effect)
		return false;
	if (strcmp(toleration->key, "*") == 0)
		return true;
	return strcmp(toleration->key, taint->key) == 0 &&
	       (toleration->value == NULL || strcmp(toleration->value, value) == 0);
}

bool
taint_is_tolerated(const Davit__Taint *taint, const Davit__TaskSpec *spec)
{
	for (size_t i = 0; i < spec->n_tolerations; i++) {
		if (tolerates(spec->tolerations[i], taint))
			return true;
	}
	return false;
}
