#include "common/model/constraint.h"

#include <errno.h>
#include <string.h>

#include "common/model/limits.h"

static const char label_prefix[] = "node.labels.";

static const struct {
	const char *name;
	enum constraint_subject subject;
} subjects[] = {
	{"node.id", CONSTRAINT_NODE_ID},
	{"node.name", CONSTRAINT_NODE_NAME},
	{"node.hostname", CONSTRAINT_NODE_NAME}, /* Swarm's word for it */
	{"node.address", CONSTRAINT_NODE_ADDRESS},
	{"engine.os", CONSTRAINT_ENGINE_OS},
	{"engine.arch", CONSTRAINT_ENGINE_ARCH},
	{"engine.version", CONSTRAINT_ENGINE_VERSION},
};

/* The size of what is left of text when spaces at both ends are gone; *text is moved. */
static size_t
trim(const char **text, size_t size)
{
	while (size > 0 && **text == ' ') {
		(*text)++;
		size--;
	}
	while (size > 0 && (*text)[size - 1] == ' ')
		size--;
	return size;
}

static bool
is_key(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("=!<>\"'~", text[i]) != NULL)
			return false;
	return size > 0 && size <= SPEC_KEY_MAX;
}

static int
read_subject(const char *text, size_t size, struct constraint *ret, struct err *err)
{
	size_t prefix = sizeof label_prefix - 1;

	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
		if (strlen(subjects[i].name) == size && memcmp(subjects[i].name, text, size) == 0) {
			ret->subject = subjects[i].subject;
			return 0;
		}
	}
	if (size > prefix && memcmp(text, label_prefix, prefix) == 0 &&
		is_key(text + prefix, size - prefix)) {
		ret->subject = CONSTRAINT_NODE_LABEL;
		ret->key = text + prefix;
		ret->key_size = size - prefix;
		return 0;
	}
	return err_set(err, -EINVAL,
		"'%.*s' cannot be compared; want node.name, node.id, node.address, "
		"node.labels.KEY, engine.os, engine.arch or engine.version",
		(int)(size < 40 ? size : 40), text);
}

static int
read_value(const char *text, size_t size, struct constraint *ret, struct err *err)
{
	if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
		text++;
		size -= 2;
	}
	if (size > SPEC_VALUE_MAX)
		return err_set(err, -EINVAL, "the value is longer than %d characters",
			SPEC_VALUE_MAX);
	if (size > 0 && (text[0] == '=' || text[0] == '~' || memchr(text, '"', size) != NULL))
		return err_set(err, -EINVAL, "the value may not begin with = or ~, nor hold a \"");
	ret->value = text;
	ret->value_size = size;
	return 0;
}

int
constraint_parse(const char *text, struct constraint *ret, struct err *err)
{
	struct constraint c = {0};
	size_t at = strcspn(text, "=!<>~"), size = at;
	const char *subject = text, *value;
	int rc;

	size = trim(&subject, size);
	if (text[at] == '\0')
		return err_set(err, -EINVAL,
			"there is no == or != in '%.40s'; want such as node.labels.disk == ssd",
			text);
	if (strncmp(text + at, "==", 2) != 0 && strncmp(text + at, "!=", 2) != 0) {
		if (strchr("<>~", text[at]) != NULL)
			return err_set(err, -ENOSYS, "only == and != work yet, not '%c'", text[at]);
		return err_set(err, -EINVAL, "want == or !=, not a single '%c'", text[at]);
	}
	c.is_not = text[at] == '!';
	rc = read_subject(subject, size, &c, err);
	if (rc < 0)
		return rc;
	value = text + at + 2;
	size = trim(&value, strlen(value));
	rc = read_value(value, size, &c, err);
	if (rc < 0)
		return rc;
	*ret = c;
	return 0;
}

bool
constraint_holds(const struct constraint *constraint, const char *actual)
{
	bool equal;

	if (actual == NULL)
		actual = "";
	equal = strlen(actual) == constraint->value_size &&
		memcmp(actual, constraint->value, constraint->value_size) == 0;
	return equal != constraint->is_not;
}
