/* Which node it may have; tested by tests/unit/test_spec_placement.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/model/constraint.h"
#include "common/model/rules.h"
#include "common/model/spec_rules.h"

enum { PERCENT_MAX = 100 };

static int
check_constraints(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = spec_check_count(check, "constraints", spec->n_constraints, SPEC_LIST_MAX);

	if (rc == 0)
		rc = spec_check_texts(check, "constraints", spec->constraints, spec->n_constraints,
			SPEC_CONSTRAINT_MAX);
	for (size_t i = 0; rc == 0 && i < spec->n_constraints; i++) {
		CLEANUP(constraint_fini) struct constraint constraint = {0};

		rc = constraint_parse(spec->constraints[i], &constraint,
			spec_at(check, "constraints[%zu]", i));
	}
	return rc;
}

static int
check_preference(const struct spec_check *check, size_t i)
{
	const Davit__Preference *preference = check->spec->preferences[i];
	CLEANUP(constraint_fini) struct constraint constraint = {0};

	if (!rule_is_utf8(preference->constraint) ||
		strlen(preference->constraint) > SPEC_CONSTRAINT_MAX)
		return err_set(spec_at(check, "preferences[%zu].constraint", i), -EINVAL,
			"is no text of at most %d bytes", SPEC_CONSTRAINT_MAX);
	if (preference->has_weight &&
		(preference->weight == 0 || preference->weight < -SPEC_WEIGHT_MAX ||
			preference->weight > SPEC_WEIGHT_MAX))
		return err_set(spec_at(check, "preferences[%zu].weight", i), -EINVAL,
			"%d is out of range; want %d to %d, but not 0", preference->weight,
			-SPEC_WEIGHT_MAX, SPEC_WEIGHT_MAX);
	return constraint_parse(preference->constraint, &constraint,
		spec_at(check, "preferences[%zu].constraint", i));
}

/* "app=web", or "app". */
static bool
is_selector(const char *text)
{
	char key[SPEC_KEY_MAX + 1];
	size_t n = strcspn(text, "=");

	if (n > SPEC_KEY_MAX || strlen(text) > SPEC_CONSTRAINT_MAX || !rule_is_utf8(text))
		return false;
	memcpy(key, text, n);
	key[n] = '\0';
	return rule_is_label_key(key);
}

static int
check_affinity(const struct spec_check *check, size_t i)
{
	const Davit__Affinity *affinity = check->spec->affinities[i];

	if (!is_selector(affinity->label))
		return err_set(spec_at(check, "affinities[%zu].label", i), -EINVAL,
			"'%.64s' is no label of other tasks; want such as app=web, or app",
			affinity->label);
	if (affinity->topology != NULL && !rule_is_label_key(affinity->topology))
		return err_set(spec_at(check, "affinities[%zu].topology", i), -EINVAL,
			"'%.64s' is no label key of nodes; want such as zone", affinity->topology);
	if (affinity->has_weight && (affinity->weight < 1 || affinity->weight > SPEC_WEIGHT_MAX))
		return err_set(spec_at(check, "affinities[%zu].weight", i), -EINVAL,
			"%d is out of range; want 1 to %d, or none for a must", affinity->weight,
			SPEC_WEIGHT_MAX);
	return 0;
}

/* A whole number of per cent; -1 when it is none. */
static int
percent_of(const char *text)
{
	int percent = 0;

	if (text == NULL || text[0] == '\0' || strlen(text) > 3)
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		percent = percent * 10 + (*text - '0');
	}
	return percent;
}

static int
check_spread(const struct spec_check *check, size_t i)
{
	const Davit__Spread *spread = check->spec->spreads[i];
	int sum = 0;

	if (!rule_is_label_key(spread->topology))
		return err_set(spec_at(check, "spreads[%zu].topology", i), -EINVAL,
			"'%.64s' is no label key of nodes; want such as zone, or node",
			spread->topology);
	if (spread->has_weight && (spread->weight < 1 || spread->weight > SPEC_WEIGHT_MAX))
		return err_set(spec_at(check, "spreads[%zu].weight", i), -EINVAL,
			"%u is out of range; want 1 to %d", spread->weight, SPEC_WEIGHT_MAX);
	if (spread->n_targets > SPEC_LIST_MAX)
		return err_set(spec_at(check, "spreads[%zu].targets", i), -EINVAL,
			"has %zu items, at most %d", spread->n_targets, SPEC_LIST_MAX);
	for (size_t k = 0; k < spread->n_targets; k++) {
		const Davit__StringEntry *target = spread->targets[k];
		int percent = percent_of(target->value);

		for (size_t other = 0; other < k; other++)
			if (strcmp(spread->targets[other]->key, target->key) == 0)
				return err_set(spec_at(check, "spreads[%zu].targets", i), -EINVAL,
					"'%.64s' is given twice", target->key);
		if (percent < 0 || strlen(target->key) > SPEC_KEY_MAX)
			return err_set(spec_at(check, "spreads[%zu].targets", i), -EINVAL,
				"'%.64s': want a whole number of per cent, such as 70",
				target->key);
		sum += percent;
	}
	if (sum > PERCENT_MAX)
		return err_set(spec_at(check, "spreads[%zu].targets", i), -EINVAL,
			"are %d per cent together, at most 100", sum);
	return 0;
}

static int
check_toleration(const struct spec_check *check, size_t i)
{
	const Davit__Toleration *toleration = check->spec->tolerations[i];
	char field[SPEC_FIELD_MAX];

	if (!rule_is_label_key(toleration->key))
		return err_set(spec_at(check, "tolerations[%zu].key", i), -EINVAL,
			"'%.64s' is no key of taints; want such as dedicated, or *",
			toleration->key);
	if (toleration->value != NULL &&
		(strlen(toleration->value) > SPEC_KEY_MAX || !rule_is_utf8(toleration->value)))
		return err_set(spec_at(check, "tolerations[%zu].value", i), -EINVAL,
			"is no text of at most %d bytes", SPEC_KEY_MAX);
	if (!toleration->has_effect)
		return 0;
	(void)snprintf(field, sizeof field, "tolerations[%zu].effect", i);
	return spec_check_enum(check, field, &davit__taint__effect__descriptor,
		(int)toleration->effect);
}

static int
check_device_request(const struct spec_check *check, size_t i)
{
	const Davit__TaskSpec *spec = check->spec;
	const Davit__DeviceCount *request = spec->device_requests[i];

	if (!rule_is_namespace(request->kind))
		return err_set(spec_at(check, "device_requests[%zu].kind", i), -EINVAL,
			"'%.64s' is no kind of device; want such as gpu or fpga", request->kind);
	if (request->has_count && (request->count < 1 || request->count > SPEC_DEVICES_MAX))
		return err_set(spec_at(check, "device_requests[%zu].count", i), -EINVAL,
			"%u is out of range; want 1 to %d", request->count, SPEC_DEVICES_MAX);
	for (size_t k = 0; k < i; k++)
		if (strcmp(spec->device_requests[k]->kind, request->kind) == 0)
			return err_set(spec_at(check, "device_requests[%zu].kind", i), -EINVAL,
				"'%s' is given twice", request->kind);
	if (spec->gpus > 0 && strcmp(request->kind, "gpu") == 0)
		return err_set(spec_at(check, "device_requests[%zu].kind", i), -EINVAL,
			"gpu is given by 'gpus' already");
	return 0;
}

static int
check_lists(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	const struct {
		const char *field;
		size_t n, n_max;
		int (*item)(const struct spec_check *check, size_t i);
	} lists[] = {
		{"preferences", spec->n_preferences, SPEC_LIST_MAX, check_preference},
		{"affinities", spec->n_affinities, SPEC_AFFINITIES_MAX, check_affinity},
		{"spreads", spec->n_spreads, SPEC_SPREADS_MAX, check_spread},
		{"tolerations", spec->n_tolerations, SPEC_LIST_MAX, check_toleration},
		{"device_requests", spec->n_device_requests, SPEC_DEVICE_KINDS_MAX,
			check_device_request},
	};

	for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
		int rc = spec_check_count(check, lists[k].field, lists[k].n, lists[k].n_max);

		for (size_t i = 0; rc == 0 && i < lists[k].n; i++)
			rc = lists[k].item(check, i);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
spec_check_placement(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = 0;

	if (spec->has_priority)
		rc = spec_check_range(check, "priority", spec->priority, 1, SPEC_PRIORITY_MAX);
	if (rc == 0 && spec->has_strategy)
		rc = spec_check_enum(check, "strategy", &davit__task_spec__strategy__descriptor,
			(int)spec->strategy);
	if (rc == 0)
		rc = check_constraints(check);
	if (rc == 0 && spec->has_gpus)
		rc = spec_check_range(check, "gpus", spec->gpus, 1, SPEC_DEVICES_MAX);
	if (rc == 0 && spec->has_max_per_node)
		rc = spec_check_range(check, "max_per_node", spec->max_per_node, 1,
			SPEC_MAX_PER_NODE_MAX);
	return rc < 0 ? rc : check_lists(check);
}
