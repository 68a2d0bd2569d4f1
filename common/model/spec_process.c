/* What the process is; tested by tests/unit/test_spec.c. */
#include <errno.h>
#include <string.h>

#include "common/model/rules.h"
#include "common/model/spec_rules.h"

static int
check_names(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	const char *trouble;

	if (spec->name != NULL && !rule_is_name(spec->name))
		return err_set(spec_at(check, "name"), -EINVAL,
			"'%.64s' is no name; want 2 to %d of [a-zA-Z0-9_.-], a letter or digit "
			"first",
			spec->name, SPEC_NAME_MAX);
	if (spec->namespace_ != NULL && !rule_is_namespace(spec->namespace_))
		return err_set(spec_at(check, "namespace"), -EINVAL,
			"'%.64s' is no namespace; want 1 to %d of [a-z0-9-], no hyphen at its ends",
			spec->namespace_, SPEC_NAMESPACE_MAX);
	if (spec->image == NULL)
		return err_set(spec_at(check, "image"), -EINVAL,
			"is required; want an image such as nginx:1.25");
	trouble = rule_image_trouble(spec->image);
	if (trouble != NULL)
		return err_set(spec_at(check, "image"), -EINVAL,
			"'%.80s' is no image reference: %s", spec->image, trouble);
	return 0;
}

static int
check_arguments(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = spec_check_count(check, "entrypoint", spec->n_entrypoint, SPEC_ARGUMENTS_MAX);

	if (rc == 0)
		rc = spec_check_texts(check, "entrypoint", spec->entrypoint, spec->n_entrypoint,
			SPEC_ARGUMENT_MAX);
	if (rc == 0)
		rc = spec_check_count(check, "command", spec->n_command, SPEC_ARGUMENTS_MAX);
	if (rc == 0)
		rc = spec_check_texts(check, "command", spec->command, spec->n_command,
			SPEC_ARGUMENT_MAX);
	return rc;
}

static int
check_place(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;

	if (spec->working_dir != NULL && !rule_is_path(spec->working_dir))
		return err_set(spec_at(check, "working_dir"), -EINVAL,
			"'%.64s' is no absolute path without '..'", spec->working_dir);
	if (spec->user != NULL && !rule_is_word(spec->user))
		return err_set(spec_at(check, "user"), -EINVAL,
			"'%.64s' is no user; want a name or number, or user:group", spec->user);
	if (spec->hostname != NULL && !rule_is_hostname(spec->hostname, SPEC_HOSTNAME_MAX))
		return err_set(spec_at(check, "hostname"), -EINVAL,
			"'%.64s' is no host name of at most %d characters", spec->hostname,
			SPEC_HOSTNAME_MAX);
	return 0;
}

static int
check_labels(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;

	for (size_t i = 0; i < spec->n_labels; i++)
		if (strncmp(spec->labels[i]->key, "davit.", 6) == 0)
			return err_set(spec_at(check, "labels"), -EINVAL,
				"'%.64s': labels that begin with 'davit.' are Davit's own",
				spec->labels[i]->key);
	return spec_check_map(check,
		&(struct spec_map){.field = "labels",
			.entries = spec->labels,
			.n = spec->n_labels,
			.n_max = SPEC_LABELS_MAX,
			.value_max = SPEC_VALUE_MAX,
			.is_key = rule_is_label_key,
			.want = "1 to 255 printable characters without spaces, = and quotes"});
}

static bool
is_capability(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= SPEC_HOSTNAME_MAX &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz") == n;
}

static int
check_capabilities(const struct spec_check *check, const char *field, char **names, size_t n)
{
	int rc = spec_check_count(check, field, n, SPEC_LIST_MAX);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (!is_capability(names[i]))
			return err_set(spec_at(check, "%s[%zu]", field, i), -EINVAL,
				"'%.64s' is no capability; want such as NET_ADMIN, or ALL",
				names[i]);
	return 0;
}

static int
check_rights(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = check_capabilities(check, "cap_add", spec->cap_add, spec->n_cap_add);

	if (rc == 0)
		rc = check_capabilities(check, "cap_drop", spec->cap_drop, spec->n_cap_drop);
	if (rc == 0)
		rc = spec_check_count(check, "security_opt", spec->n_security_opt, SPEC_LIST_MAX);
	if (rc == 0)
		rc = spec_check_texts(check, "security_opt", spec->security_opt,
			spec->n_security_opt, SPEC_VALUE_MAX);
	for (size_t i = 0; rc == 0 && i < spec->n_security_opt; i++)
		if (strpbrk(spec->security_opt[i], "=:") == NULL &&
			strcmp(spec->security_opt[i], "no-new-privileges") != 0)
			return err_set(spec_at(check, "security_opt[%zu]", i), -EINVAL,
				"'%.64s' is no security option; want such as apparmor=PROFILE",
				spec->security_opt[i]);
	return rc;
}

/* What the program inside is told by us cannot be told otherwise: it would be left out in silence.
 */
static int
check_own_names(const struct spec_check *check, Davit__StringEntry *const *env, size_t n)
{
	static const char own[] = "DAVIT_";

	for (size_t i = 0; i < n; i++) {
		if (strncmp(env[i]->key, own, strlen(own)) == 0)
			return err_set(spec_at(check, "env[\"%.64s\"]", env[i]->key), -EINVAL,
				"variables that begin with %s are Davit's own", own);
	}
	return 0;
}

static int
check_env(const struct spec_check *check, Davit__StringEntry **env, size_t n)
{
	int rc = spec_check_map(check, &(struct spec_map){.field = "env",
					       .entries = env,
					       .n = n,
					       .n_max = SPEC_ENV_MAX,
					       .value_max = SPEC_ARGUMENT_MAX,
					       .is_key = rule_is_env_key,
					       .want = "1 to 255 characters without ="});

	return rc < 0 ? rc : check_own_names(check, env, n);
}

int
spec_check_env(Davit__StringEntry **env, size_t n, char ret_field[SPEC_FIELD_MAX], struct err *err)
{
	struct spec_check check = {.field = ret_field, .err = err};

	return check_env(&check, env, n);
}

int
spec_check_process(const struct spec_check *check)
{
	int rc = check_names(check);

	if (rc == 0)
		rc = check_arguments(check);
	if (rc == 0)
		rc = check_env(check, check->spec->env, check->spec->n_env);
	if (rc == 0)
		rc = check_place(check);
	if (rc == 0)
		rc = check_labels(check);
	if (rc == 0)
		rc = check_rights(check);
	return rc;
}
