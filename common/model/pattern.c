#include "common/model/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/base/mem.h"

enum step_kind {
	STEP_BYTE,
	STEP_ANY,
	STEP_SET,
	STEP_SPLIT,
	STEP_JUMP,
	STEP_BEGIN,
	STEP_END,
	STEP_DONE
};

/* Jumps are relative, so that a piece of the program can be moved and copied. */
struct step {
	uint8_t kind;  /* enum step_kind */
	uint8_t value; /* the byte, or the number of the set */
	int16_t to;    /* SPLIT: the second way, the first is the next step; JUMP: the way */
};

struct set {
	uint32_t bits[8];
};

struct pattern {
	struct step steps[PATTERN_SIZE_MAX];
	struct set sets[PATTERN_SETS_MAX];
	unsigned n_steps, n_sets;
};

struct reader {
	struct pattern *pattern;
	const char *text;
	size_t size, at;
	unsigned depth;
	struct err *err;
};

static int read_choice(struct reader *reader);

static int
fail(struct reader *reader, const char *what)
{
	return err_set(reader->err, -EINVAL, "%s at character %zu of the pattern", what,
		reader->at + 1);
}

static bool
is_at(const struct reader *reader, char c)
{
	return reader->at < reader->size && reader->text[reader->at] == c;
}

/* Opens room for n steps at where; the last step of all is always free for DONE. */
static int
make_room(struct reader *reader, unsigned where, unsigned n)
{
	struct pattern *pattern = reader->pattern;

	if (pattern->n_steps + n >= PATTERN_SIZE_MAX)
		return err_set(reader->err, -EINVAL,
			"the pattern is too large: at most %d steps with its repetitions written out",
			PATTERN_SIZE_MAX);
	memmove(&pattern->steps[where + n], &pattern->steps[where],
		(pattern->n_steps - where) * sizeof pattern->steps[0]);
	pattern->n_steps += n;
	return 0;
}

static int
insert(struct reader *reader, unsigned where, struct step step)
{
	int rc = make_room(reader, where, 1);

	if (rc == 0)
		reader->pattern->steps[where] = step;
	return rc;
}

static int
append(struct reader *reader, enum step_kind kind, unsigned value)
{
	return insert(reader, reader->pattern->n_steps,
		(struct step){.kind = (uint8_t)kind, .value = (uint8_t)value});
}

static void
set_add(struct set *set, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		set->bits[c / 32] |= 1U << (c % 32);
}

static bool
set_add_class(struct set *set, const char *name, size_t size)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum},
		{"upper", isupper}, {"lower", islower}, {"space", isspace}, {"punct", ispunct},
		{"xdigit", isxdigit}, {"blank", isblank}, {"print", isprint}};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		if (strlen(classes[i].name) != size || memcmp(classes[i].name, name, size) != 0)
			continue;
		for (unsigned c = 0; c < 128; c++)
			if (classes[i].is((int)c) != 0)
				set_add(set, c, c);
		return true;
	}
	return false;
}

static int
set_new(struct reader *reader, struct set **ret_set)
{
	struct pattern *pattern = reader->pattern;
	int rc;

	if (pattern->n_sets == PATTERN_SETS_MAX)
		return err_set(reader->err, -EINVAL, "the pattern has more than %d sets",
			PATTERN_SETS_MAX);
	rc = append(reader, STEP_SET, pattern->n_sets);
	if (rc == 0)
		*ret_set = &pattern->sets[pattern->n_sets++];
	return rc;
}

/* "[:alpha:]" inside of a set. */
static int
read_class(struct reader *reader, struct set *set)
{
	const char *name = reader->text + reader->at + 2;
	const char *end = memchr(name, ':', reader->size - reader->at - 2);

	if (end == NULL || end + 1 >= reader->text + reader->size || end[1] != ']' ||
		!set_add_class(set, name, (size_t)(end - name)))
		return fail(reader, "there is an unknown [:class:]");
	reader->at = (size_t)(end + 2 - reader->text);
	return 0;
}

/* Behind the "[". A "]" that comes first means itself, as does a "-" at either end. */
static int
read_set(struct reader *reader)
{
	const unsigned char *text = (const unsigned char *)reader->text;
	bool is_not = is_at(reader, '^');
	struct set *set;
	size_t first;
	int rc = set_new(reader, &set);

	reader->at += is_not;
	first = reader->at;
	while (rc == 0) {
		unsigned from, to;

		if (reader->at >= reader->size)
			return fail(reader, "a [ is not closed");
		if (is_at(reader, ']') && reader->at > first)
			break;
		if (is_at(reader, '[') && reader->at + 1 < reader->size &&
			text[reader->at + 1] == ':') {
			rc = read_class(reader, set);
			continue;
		}
		from = to = text[reader->at++];
		if (reader->at + 1 < reader->size && is_at(reader, '-') &&
			text[reader->at + 1] != ']') {
			to = text[reader->at + 1];
			reader->at += 2;
		}
		if (to < from)
			return fail(reader, "a range ends before it begins");
		set_add(set, from, to);
	}
	if (rc < 0)
		return rc;
	reader->at++;
	for (unsigned i = 0; is_not && i < 8; i++)
		set->bits[i] = ~set->bits[i];
	return 0;
}

static int
read_escape(struct reader *reader)
{
	struct set *set;
	unsigned char c;
	int rc;

	if (reader->at >= reader->size)
		return fail(reader, "there is nothing behind a \\");
	c = (unsigned char)reader->text[reader->at++];
	if (c >= 0x80 || ispunct(c))
		return append(reader, STEP_BYTE, c);
	if (strchr("dws", c) == NULL)
		return fail(reader, "only signs, d, w and s may stand behind a \\");
	rc = set_new(reader, &set);
	if (rc < 0)
		return rc;
	(void)set_add_class(set, c == 'd' ? "digit" : c == 's' ? "space" : "alnum", 5);
	if (c == 'w')
		set_add(set, '_', '_');
	return 0;
}

static int
read_group(struct reader *reader)
{
	int rc;

	if (++reader->depth > PATTERN_DEPTH_MAX)
		return err_set(reader->err, -EINVAL, "more than %d ( stand in each other",
			PATTERN_DEPTH_MAX);
	rc = read_choice(reader);
	reader->depth--;
	if (rc < 0)
		return rc;
	if (!is_at(reader, ')'))
		return fail(reader, "a ( is not closed");
	reader->at++;
	return 0;
}

static int
read_atom(struct reader *reader)
{
	char c = reader->text[reader->at++];

	switch (c) {
	case '(':
		return read_group(reader);
	case '[':
		return read_set(reader);
	case '\\':
		return read_escape(reader);
	case '.':
		return append(reader, STEP_ANY, 0);
	case '^':
		return append(reader, STEP_BEGIN, 0);
	case '$':
		return append(reader, STEP_END, 0);
	case '*':
	case '+':
	case '?':
	case '{':
		reader->at--;
		return fail(reader, "there is nothing to repeat");
	default:
		return append(reader, STEP_BYTE, (unsigned char)c);
	}
}

/* What stands from start on may be left out. */
static int
make_optional(struct reader *reader, unsigned start)
{
	unsigned size = reader->pattern->n_steps - start;

	return insert(reader, start, (struct step){.kind = STEP_SPLIT, .to = (int16_t)(size + 1)});
}

/* What stands from start on may come again. */
static int
make_loop(struct reader *reader, unsigned start)
{
	int size = (int)(reader->pattern->n_steps - start);
	int rc = append(reader, STEP_SPLIT, 0);

	/* On with the next step, or back; matching takes both ways at once. */
	if (rc == 0)
		reader->pattern->steps[reader->pattern->n_steps - 1].to = (int16_t)-size;
	return rc;
}

struct repeat {
	unsigned least, most; /* most 0: without end */
};

static int
read_number(struct reader *reader, unsigned *ret_number)
{
	unsigned number = 0;

	if (reader->at >= reader->size || !isdigit((unsigned char)reader->text[reader->at]))
		return fail(reader, "want a number");
	for (; reader->at < reader->size && isdigit((unsigned char)reader->text[reader->at]);
		reader->at++) {
		number = number * 10 + (unsigned)(reader->text[reader->at] - '0');
		if (number > PATTERN_REPEAT_MAX)
			return fail(reader, "a repetition is over 255");
	}
	*ret_number = number;
	return 0;
}

/* Behind the "{". */
static int
read_braces(struct reader *reader, struct repeat *ret_repeat)
{
	struct repeat repeat;
	int rc = read_number(reader, &repeat.least);

	if (rc < 0)
		return rc;
	repeat.most = repeat.least;
	if (is_at(reader, ',')) {
		reader->at++;
		repeat.most = 0;
		if (!is_at(reader, '}'))
			rc = read_number(reader, &repeat.most);
		if (rc == 0 && repeat.most == 0 && !is_at(reader, '}'))
			return fail(reader, "want a }");
		if (rc == 0 && repeat.most != 0 && repeat.most < repeat.least)
			return fail(reader, "a repetition ends before it begins");
	} else if (repeat.most == 0) {
		return fail(reader, "a repetition of 0");
	}
	if (rc < 0)
		return rc;
	if (!is_at(reader, '}'))
		return fail(reader, "want a }");
	reader->at++;
	*ret_repeat = repeat;
	return 0;
}

/* Writes what stands from start on as often as is said. */
static int
repeat_steps(struct reader *reader, unsigned start, struct repeat repeat)
{
	struct pattern *pattern = reader->pattern;
	unsigned size = pattern->n_steps - start;
	unsigned n = repeat.most != 0 ? repeat.most : repeat.least > 0 ? repeat.least : 1;
	CLEANUP(free) char *copy = xmemdup(&pattern->steps[start], size * sizeof(struct step));
	unsigned last = start;
	int rc = 0;

	pattern->n_steps = start;
	for (unsigned i = 0; rc == 0 && i < n; i++) {
		last = pattern->n_steps;
		rc = make_room(reader, last, size);
		if (rc < 0)
			return rc;
		memcpy(&pattern->steps[last], copy, size * sizeof(struct step));
		if (i >= repeat.least && repeat.most != 0)
			rc = make_optional(reader, last);
	}
	if (rc == 0 && repeat.most == 0)
		rc = make_loop(reader, last);
	if (rc == 0 && repeat.most == 0 && repeat.least == 0)
		rc = make_optional(reader, last);
	return rc;
}

static int
read_piece(struct reader *reader)
{
	unsigned start = reader->pattern->n_steps;
	int rc = read_atom(reader);

	while (rc == 0 && reader->at < reader->size) {
		struct repeat repeat = {0};
		char c = reader->text[reader->at];

		if (strchr("*+?{", c) == NULL)
			break;
		reader->at++;
		if (c == '+')
			repeat.least = 1;
		if (c == '?')
			repeat.most = 1;
		if (c == '{')
			rc = read_braces(reader, &repeat);
		if (rc == 0)
			rc = repeat_steps(reader, start, repeat);
	}
	return rc;
}

static int
read_row(struct reader *reader)
{
	int rc = 0;

	while (rc == 0 && reader->at < reader->size && !is_at(reader, '|') && !is_at(reader, ')'))
		rc = read_piece(reader);
	return rc;
}

static int
read_choice(struct reader *reader)
{
	struct pattern *pattern = reader->pattern;
	unsigned start = pattern->n_steps;
	int rc = read_row(reader);

	while (rc == 0 && is_at(reader, '|')) {
		unsigned jump;

		reader->at++;
		rc = append(reader, STEP_JUMP, 0);
		if (rc == 0)
			rc = make_optional(reader, start);
		jump = pattern->n_steps - 1;
		if (rc == 0)
			rc = read_row(reader);
		if (rc == 0)
			pattern->steps[jump].to = (int16_t)(pattern->n_steps - jump);
	}
	return rc;
}

int
pattern_new(const char *text, size_t size, struct pattern **ret_pattern, struct err *err)
{
	CLEANUP(pattern_free) struct pattern *pattern = xcalloc(1, sizeof *pattern);
	struct reader reader = {.pattern = pattern, .text = text, .size = size, .err = err};
	int rc;

	if (size > PATTERN_TEXT_MAX)
		return err_set(err, -EINVAL, "the pattern is longer than %d bytes",
			PATTERN_TEXT_MAX);
	rc = read_choice(&reader);
	if (rc == 0 && reader.at < reader.size)
		rc = fail(&reader, "a ) was not opened");
	if (rc < 0)
		return rc;
	pattern->steps[pattern->n_steps++].kind = STEP_DONE;
	*ret_pattern = TAKE(pattern);
	return 0;
}

void
pattern_free(struct pattern *pattern)
{
	free(pattern);
}

/* The steps that matching stands at, all at once. */
struct crowd {
	uint16_t at[PATTERN_SIZE_MAX];
	unsigned n;
};

struct match {
	const struct pattern *pattern;
	const char *begin, *now;
	uint32_t mark[PATTERN_SIZE_MAX]; /* round in which a step was entered last */
	uint32_t round;
	bool is_done;
};

/* Enters a step, and through splits and jumps what follows from it without a byte. */
static void
enter(struct match *match, struct crowd *crowd, unsigned first)
{
	uint16_t stack[PATTERN_SIZE_MAX];
	unsigned n = 0;

	stack[n++] = (uint16_t)first;
	match->mark[first] = match->round;
	while (n > 0) {
		unsigned at = stack[--n], next[2], n_next = 0;
		const struct step *step = &match->pattern->steps[at];

		if (step->kind == STEP_DONE)
			match->is_done = true;
		else if (step->kind == STEP_JUMP)
			next[n_next++] = (unsigned)((int)at + step->to);
		else if (step->kind == STEP_SPLIT)
			next[n_next++] = (unsigned)((int)at + step->to), next[n_next++] = at + 1;
		else if (step->kind == STEP_BEGIN && match->now == match->begin)
			next[n_next++] = at + 1;
		else if (step->kind == STEP_END && *match->now == '\0')
			next[n_next++] = at + 1;
		else if (step->kind <= STEP_SET)
			crowd->at[crowd->n++] = (uint16_t)at;
		for (unsigned i = 0; i < n_next; i++) {
			if (match->mark[next[i]] == match->round)
				continue;
			match->mark[next[i]] = match->round;
			stack[n++] = (uint16_t)next[i];
		}
	}
}

static bool
takes(const struct pattern *pattern, const struct step *step, unsigned char c)
{
	if (step->kind == STEP_BYTE)
		return step->value == c;
	if (step->kind == STEP_SET)
		return (pattern->sets[step->value].bits[c / 32] >> (c % 32) & 1) != 0;
	return true;
}

bool
pattern_matches(const struct pattern *pattern, const char *text)
{
	struct match match = {.pattern = pattern, .begin = text, .now = text, .round = 1};
	struct crowd crowds[2], *now = &crowds[0], *next = &crowds[1], *swap;

	now->n = 0;
	enter(&match, now, 0);
	while (!match.is_done && *match.now != '\0') {
		unsigned char c = (unsigned char)*match.now++;

		match.round++;
		next->n = 0;
		for (unsigned i = 0; i < now->n; i++) {
			unsigned at = now->at[i];

			if (takes(pattern, &pattern->steps[at], c) &&
				match.mark[at + 1] != match.round)
				enter(&match, next, at + 1);
		}
		if (match.mark[0] != match.round)
			enter(&match, next, 0); /* it may begin anywhere */
		swap = now, now = next, next = swap;
	}
	return match.is_done;
}
