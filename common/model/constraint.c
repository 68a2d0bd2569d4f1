#include "common/model/constraint.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/limits.h"

enum { NUMBER_TEXT_MAX = 32 };

static const char label_prefix[] = "node.labels.";

static const struct {
	const char *name;
	enum constraint_subject subject;
} subjects[] = {
	{"node.id", CONSTRAINT_NODE_ID},
	{"node.name", CONSTRAINT_NODE_NAME},
	{"node.hostname", CONSTRAINT_NODE_NAME}, /* Swarm's word for it */
	{"node.address", CONSTRAINT_NODE_ADDRESS},
	{"node.class", CONSTRAINT_NODE_CLASS},
	{"node.platform.os", CONSTRAINT_ENGINE_OS}, /* Swarm's */
	{"node.platform.arch", CONSTRAINT_ENGINE_ARCH},
	{"engine.os", CONSTRAINT_ENGINE_OS},
	{"engine.arch", CONSTRAINT_ENGINE_ARCH},
	{"engine.version", CONSTRAINT_ENGINE_VERSION},
	{"engine.kernel", CONSTRAINT_ENGINE_KERNEL},
};

/* Longer ones first, where one begins like another. */
static const struct {
	const char *text;
	enum constraint_operator operator;
	bool is_not;
	bool is_version;
	bool is_word; /* a space or "(" has to follow, or the end */
} operators[] = {
	{"==", CONSTRAINT_EQUAL, .is_not = false},
	{"=~", CONSTRAINT_MATCHES, .is_not = false},
	{"=", CONSTRAINT_EQUAL, .is_not = false},
	{"!=", CONSTRAINT_EQUAL, .is_not = true},
	{"!~", CONSTRAINT_MATCHES, .is_not = true},
	{"<=", CONSTRAINT_LESS_EQUAL, .is_not = false},
	{"<", CONSTRAINT_LESS, .is_not = false},
	{">=", CONSTRAINT_LESS, .is_not = true},
	{">", CONSTRAINT_LESS_EQUAL, .is_not = true},
	{"version <=", CONSTRAINT_LESS_EQUAL, .is_not = false, .is_version = true},
	{"version <", CONSTRAINT_LESS, .is_not = false, .is_version = true},
	{"version >=", CONSTRAINT_LESS, .is_not = true, .is_version = true},
	{"version >", CONSTRAINT_LESS_EQUAL, .is_not = true, .is_version = true},
	{"in", CONSTRAINT_IN, .is_not = false, .is_word = true},
	{"not in", CONSTRAINT_IN, .is_not = true, .is_word = true},
	{"exists", CONSTRAINT_EXISTS, .is_not = false, .is_word = true},
	{"not exists", CONSTRAINT_EXISTS, .is_not = true, .is_word = true},
	{"is set", CONSTRAINT_EXISTS, .is_not = false, .is_word = true},
	{"is not set", CONSTRAINT_EXISTS, .is_not = true, .is_word = true},
	{"matches", CONSTRAINT_MATCHES, .is_not = false, .is_word = true},
	{"not matches", CONSTRAINT_MATCHES, .is_not = true, .is_word = true},
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
		"'%.*s' cannot be compared; want node.name, node.id, node.address, node.class, "
		"node.labels.KEY, engine.os, engine.arch, engine.version or engine.kernel",
		(int)(size < 40 ? size : 40), text);
}

/* Which operator stands at the beginning of text; *ret_size is how much of it that is. */
static int
read_operator(const char *text, struct constraint *ret, size_t *ret_size, struct err *err)
{
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		size_t size = strlen(operators[i].text);
		char next;

		if (strncmp(text, operators[i].text, size) != 0)
			continue;
		next = text[size];
		if (operators[i].is_word && next != '\0' && next != ' ' && next != '(')
			continue;
		ret->operator= operators[i].operator;
		ret->is_not = operators[i].is_not;
		ret->is_version = operators[i].is_version ||
				  ret->subject == CONSTRAINT_ENGINE_VERSION ||
				  ret->subject == CONSTRAINT_ENGINE_KERNEL;
		*ret_size = size;
		return 0;
	}
	return err_set(err, -EINVAL,
		"'%.20s' is no comparison; want ==, !=, <, <=, >, >=, =~, !~, in (…), not in (…), "
		"exists or not exists",
		text);
}

static int
read_plain(const char *text, size_t size, struct constraint *ret, struct err *err)
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

/* The next of a list of values between commas; false when there is none. *list is moved. */
static bool
next_value(const char **list, size_t *size, const char **ret_value, size_t *ret_size)
{
	const char *comma;

	if (*list == NULL)
		return false;
	comma = memchr(*list, ',', *size);
	*ret_value = *list;
	*ret_size = comma != NULL ? (size_t)(comma - *list) : *size;
	*size -= comma != NULL ? *ret_size + 1 : *ret_size;
	*list = comma != NULL ? comma + 1 : NULL;
	*ret_size = trim(ret_value, *ret_size);
	if (*ret_size >= 2 && (*ret_value)[0] == '"' && (*ret_value)[*ret_size - 1] == '"') {
		(*ret_value)++;
		*ret_size -= 2;
	}
	return true;
}

static int
read_list(const char *text, size_t size, struct constraint *ret, struct err *err)
{
	const char *list, *value;
	size_t left, value_size, n = 0;

	if (size < 2 || text[0] != '(' || text[size - 1] != ')')
		return err_set(err, -EINVAL, "want a list behind 'in', such as (a, b)");
	ret->value = text + 1;
	ret->value_size = size - 2;
	if (memchr(ret->value, '(', ret->value_size) != NULL ||
		memchr(ret->value, ')', ret->value_size) != NULL)
		return err_set(err, -EINVAL, "there may be no ( or ) inside of a list");
	list = ret->value;
	left = ret->value_size;
	while (next_value(&list, &left, &value, &value_size)) {
		if (memchr(value, '"', value_size) != NULL)
			return err_set(err, -EINVAL, "a \" is not closed in the list");
		if (value_size == 0 && (value == ret->value || value[-1] != '"'))
			return err_set(err, -EINVAL,
				"a value of the list is empty; want \"\" for an empty one");
		if (++n > CONSTRAINT_VALUES_MAX)
			return err_set(err, -EINVAL, "more than %d values in one list",
				CONSTRAINT_VALUES_MAX);
	}
	return 0;
}

/* A decimal number, and nothing else. */
static bool
number_parse(const char *text, size_t size, double *ret_number)
{
	char copy[NUMBER_TEXT_MAX + 1];
	char *end;

	if (size == 0 || size > NUMBER_TEXT_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (!isdigit((unsigned char)text[i]) && strchr("+-.", text[i]) == NULL)
			return false;
	memcpy(copy, text, size);
	copy[size] = '\0';
	*ret_number = strtod(copy, &end);
	return *end == '\0';
}

static bool
is_version(const char *text)
{
	return isdigit((unsigned char)text[text[0] == 'v']);
}

static int
read_value(const char *text, size_t size, struct constraint *ret, struct err *err)
{
	int rc;

	if (ret->operator== CONSTRAINT_EXISTS)
		return size == 0 ? 0
				 : err_set(err, -EINVAL, "there is '%.20s' behind 'exists'", text);
	if (ret->operator== CONSTRAINT_IN)
		return read_list(text, size, ret, err);
	if (ret->operator== CONSTRAINT_MATCHES) {
		ret->value = text;
		ret->value_size = size;
		return pattern_new(text, size, &ret->pattern, err);
	}
	rc = read_plain(text, size, ret, err);
	if (rc < 0 || ret->operator== CONSTRAINT_EQUAL)
		return rc;
	if (ret->is_version && (ret->value_size == 0 || !is_version(ret->value) ||
				       ret->value_size > NUMBER_TEXT_MAX))
		return err_set(err, -EINVAL, "'%.*s' is no version; want such as 20.10",
			(int)(ret->value_size < 40 ? ret->value_size : 40), ret->value);
	if (!ret->is_version && !number_parse(ret->value, ret->value_size, &ret->number))
		return err_set(err, -EINVAL,
			"'%.*s' is no number; for versions write 'version >= 1.2.3'",
			(int)(ret->value_size < 40 ? ret->value_size : 40), ret->value);
	return 0;
}

int
constraint_parse(const char *text, struct constraint *ret, struct err *err)
{
	struct constraint c = {0};
	const char *subject = text + strspn(text, " "), *at, *value;
	size_t size = strcspn(subject, " =!<>~("), operator_size = 0;
	int rc;

	at = subject + size;
	at += strspn(at, " ");
	if (*at == '\0')
		return err_set(err, -EINVAL,
			"there is no comparison in '%.40s'; want such as node.labels.disk == ssd",
			text);
	rc = read_subject(subject, size, &c, err);
	if (rc == 0)
		rc = read_operator(at, &c, &operator_size, err);
	if (rc < 0)
		return rc;
	value = at + operator_size;
	size = trim(&value, strlen(value));
	rc = read_value(value, size, &c, err);
	if (rc < 0)
		return rc;
	*ret = c;
	return 0;
}

void
constraint_fini(struct constraint *constraint)
{
	pattern_free(constraint->pattern);
	constraint->pattern = NULL;
}

const char *
constraint_arch(const char *arch)
{
	static const struct {
		const char *from, *to;
	} names[] = {
		{"x86_64", "amd64"},
		{"x86-64", "amd64"},
		{"aarch64", "arm64"},
		{"armhf", "arm"},
		{"armv6l", "arm"},
		{"armv7l", "arm"},
		{"i686", "386"},
		{"i386", "386"},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(arch, names[i].from) == 0)
			return names[i].to;
	return arch;
}

static bool
equals(const struct constraint *constraint, const char *value, size_t size, const char *actual)
{
	char wanted[NUMBER_TEXT_MAX];

	if (constraint->subject == CONSTRAINT_ENGINE_ARCH && size < sizeof wanted) {
		memcpy(wanted, value, size);
		wanted[size] = '\0';
		return strcmp(constraint_arch(wanted), constraint_arch(actual)) == 0;
	}
	return strlen(actual) == size && memcmp(actual, value, size) == 0;
}

static bool
is_in(const struct constraint *constraint, const char *actual)
{
	const char *list = constraint->value, *value;
	size_t left = constraint->value_size, size;

	while (next_value(&list, &left, &value, &size))
		if (equals(constraint, value, size, actual))
			return true;
	return false;
}

/* The number at the beginning of *text, which is moved behind it and one dot; 0 when there is none.
 */
static unsigned long long
next_number(const char **text)
{
	unsigned long long number = 0;

	for (; isdigit((unsigned char)**text); (*text)++)
		if (number < (1ULL << 50))
			number = number * 10 + (unsigned)(**text - '0');
	if (**text == '.' && isdigit((unsigned char)(*text)[1]))
		(*text)++;
	return number;
}

/* "rc1" of "1.2-rc1", which comes before 1.2; NULL when it is no such. */
static const char *
before_release(const char *text)
{
	static const char *const words[] = {"alpha", "beta", "dev", "pre", "rc"};

	if (*text == '-' || *text == '~')
		text++;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return text;
	return NULL;
}

int
constraint_version_compare(const char *a, const char *b)
{
	const char *before_a, *before_b;
	int order;

	if (!is_version(a) || !is_version(b))
		return (int)is_version(a) - (int)is_version(b);
	a += *a == 'v';
	b += *b == 'v';
	while (isdigit((unsigned char)*a) || isdigit((unsigned char)*b)) {
		unsigned long long x = next_number(&a), y = next_number(&b);

		if (x != y)
			return x < y ? -1 : 1;
	}
	before_a = before_release(a);
	before_b = before_release(b);
	if (before_a == NULL || before_b == NULL)
		return (int)(before_a == NULL) - (int)(before_b == NULL);
	order = strncmp(before_a, before_b, strcspn(before_a, "0123456789"));
	if (order != 0)
		return order;
	before_a += strcspn(before_a, "0123456789");
	before_b += strcspn(before_b, "0123456789");
	return (int)next_number(&before_a) - (int)next_number(&before_b);
}

/* LESS or LESS_EQUAL; false in ret_comparable when the node's value is neither. */
static bool
is_less(const struct constraint *constraint, const char *actual, bool *ret_comparable)
{
	bool or_equal = constraint->operator== CONSTRAINT_LESS_EQUAL;
	char wanted[NUMBER_TEXT_MAX + 1];
	double number;
	int order;

	if (constraint->is_version) {
		memcpy(wanted, constraint->value, constraint->value_size);
		wanted[constraint->value_size] = '\0';
		*ret_comparable = is_version(actual);
		order = constraint_version_compare(actual, wanted);
		return or_equal ? order <= 0 : order < 0;
	}
	*ret_comparable = number_parse(actual, strlen(actual), &number);
	if (!*ret_comparable)
		return false;
	return or_equal ? number <= constraint->number : number < constraint->number;
}

bool
constraint_holds(const struct constraint *constraint, const char *actual)
{
	bool is_comparable = actual != NULL, is_so = false;

	switch (constraint->operator) {
	case CONSTRAINT_EQUAL:
		return equals(constraint, constraint->value, constraint->value_size,
			       actual != NULL ? actual : "") != constraint->is_not;
	case CONSTRAINT_IN:
		return is_in(constraint, actual != NULL ? actual : "") != constraint->is_not;
	case CONSTRAINT_EXISTS:
		return (actual != NULL) != constraint->is_not;
	case CONSTRAINT_LESS:
	case CONSTRAINT_LESS_EQUAL:
		if (is_comparable)
			is_so = is_less(constraint, actual, &is_comparable);
		break;
	case CONSTRAINT_MATCHES:
		if (is_comparable)
			is_so = pattern_matches(constraint->pattern, actual);
		break;
	}
	return is_comparable && is_so != constraint->is_not;
}
