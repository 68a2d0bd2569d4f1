/* What an image name, a label or a command line means to the engine in memory.
 * tested by tests/unit/test_engine_mem.c */
#include <errno.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/docker/engine_mem_impl.h"

enum { WORD_MAX = 128 };

static void
step(struct mem_behaviour *behaviour, enum mem_step_kind kind, uint64_t n, const char *text)
{
	if (behaviour->n_steps >= ENGINE_MEM_STEPS_MAX)
		return;
	if ((behaviour->n_steps & (behaviour->n_steps - 1)) == 0)
		behaviour->steps = xrealloc(behaviour->steps,
			behaviour->n_steps == 0 ? 1 : behaviour->n_steps * 2,
			sizeof *behaviour->steps);
	behaviour->steps[behaviour->n_steps++] =
		(struct mem_step){.kind = kind, .n = n, .text = xstrdup(text)};
}

void
engine_mem_behaviour_fini(struct mem_behaviour *behaviour)
{
	for (size_t i = 0; i < behaviour->n_steps; i++)
		free(behaviour->steps[i].text);
	free(behaviour->steps);
	*behaviour = (struct mem_behaviour){0};
}

/* "50ms", "0.05" (seconds), "0"; nonsense is no time at all. */
static uint64_t
time_of(const char *text)
{
	struct err err = {0};
	uint64_t ms = 0;
	char *end;
	double seconds;

	if (units_parse_duration(text, &ms, &err) == 0)
		return ms;
	seconds = strtod(text, &end);
	return *end == '\0' && seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * 1000) : 0;
}

/* What the words come to, before it is known in which order they are done. */
struct wish {
	bool forever, exits, oom, health, healthy, any;
	int code;
	uint64_t after_ms, lines;
};

static int
code_of(const char *text)
{
	return (int)(strtol(text, NULL, 10) & 0xff);
}

static void
take_word(struct mem_behaviour *behaviour, struct wish *wish, const char *key, const char *value)
{
	bool known = true;

	if (strcmp(key, "run") == 0) {
		wish->forever = true;
	} else if (strcmp(key, "exit") == 0) {
		wish->exits = true;
		wish->code = code_of(value);
	} else if (strcmp(key, "after") == 0) {
		wish->after_ms = time_of(value);
	} else if (strcmp(key, "oom") == 0) {
		wish->oom = true;
		wish->after_ms = time_of(value);
	} else if (strcmp(key, "log") == 0) {
		wish->lines = strtoul(value, NULL, 10);
	} else if (strcmp(key, "health") == 0) {
		wish->health = true;
		wish->healthy = strcmp(value, "ok") == 0;
	} else if (strcmp(key, "stubborn") == 0) {
		behaviour->stubborn = true;
	} else if (strcmp(key, "stop") == 0) {
		behaviour->stop_code = code_of(value);
	} else if (strcmp(key, "slow") == 0) {
		behaviour->slow_ms = time_of(value);
	} else if (strcmp(key, "writes") == 0) {
		struct err err = {0};

		(void)units_parse_bytes(value, &behaviour->writes, &err);
	} else if (strcmp(key, "badcmd") == 0) {
		behaviour->bad_command = true;
	} else {
		known = false;
	}
	wish->any |= known;
}

bool
engine_mem_behaviour_words(struct mem_behaviour *behaviour, const char *words)
{
	struct wish wish = {0};

	while (*words != '\0') {
		size_t n = strcspn(words, "/");
		char word[WORD_MAX];
		char *colon;

		(void)snprintf(word, sizeof word, "%.*s", (int)(n < WORD_MAX ? n : WORD_MAX - 1),
			words);
		colon = strchr(word, ':');
		if (colon != NULL) {
			*colon = '\0';
			take_word(behaviour, &wish, word, colon + 1);
		}
		words += n + (words[n] == '/');
	}
	if (!wish.any)
		return false;
	if (wish.lines > 0)
		step(behaviour, MEM_STEP_LINES, wish.lines, NULL);
	if (wish.health)
		step(behaviour, MEM_STEP_HEALTH, wish.healthy, NULL);
	if (wish.after_ms > 0)
		step(behaviour, MEM_STEP_SLEEP, wish.after_ms, NULL);
	if (wish.oom)
		step(behaviour, MEM_STEP_OOM, 0, NULL);
	else if (wish.exits)
		step(behaviour, MEM_STEP_EXIT, (uint64_t)wish.code, NULL);
	else
		step(behaviour, MEM_STEP_FOREVER, 0, NULL);
	return true;
}

/* One simple command of a shell. False: unknown, so it runs for ever. */
static bool
take_command(struct mem_behaviour *behaviour, const char *command)
{
	char word[WORD_MAX], text[WORD_MAX + 2];
	size_t n;

	command += strspn(command, " ");
	n = strcspn(command, " ");
	(void)snprintf(word, sizeof word, "%.*s", (int)(n < WORD_MAX ? n : WORD_MAX - 1), command);
	command += n + strspn(command + n, " ");
	if (strcmp(word, "true") == 0 || word[0] == '\0') {
		return true;
	} else if (strcmp(word, "false") == 0) {
		step(behaviour, MEM_STEP_EXIT, 1, NULL);
	} else if (strcmp(word, "exit") == 0) {
		step(behaviour, MEM_STEP_EXIT, (uint64_t)code_of(command), NULL);
	} else if (strcmp(word, "sleep") == 0) {
		step(behaviour, MEM_STEP_SLEEP, time_of(command), NULL);
	} else if (strcmp(word, "echo") == 0) {
		const char *aside = strstr(command, " >&2");

		n = aside == NULL ? strlen(command) : (size_t)(aside - command);
		(void)snprintf(text, sizeof text, "%.*s\n", (int)(n < WORD_MAX ? n : WORD_MAX),
			command);
		step(behaviour, MEM_STEP_PRINT, aside == NULL ? ENGINE_STDOUT : ENGINE_STDERR,
			text);
	} else {
		step(behaviour, MEM_STEP_FOREVER, 0, NULL);
		return false;
	}
	return true;
}

static void
take_script(struct mem_behaviour *behaviour, const char *script)
{
	while (*script != '\0') {
		size_t n = strcspn(script, ";\n");
		char command[2 * WORD_MAX];

		(void)snprintf(command, sizeof command, "%.*s",
			(int)(n < sizeof command ? n : sizeof command - 1), script);
		if (!take_command(behaviour, command))
			return;
		script += n + (script[n] != '\0');
	}
}

void
engine_mem_behaviour_command(struct mem_behaviour *behaviour, const json_t *entrypoint,
	const json_t *command)
{
	const json_t *lists[] = {entrypoint, command};
	char line[4 * WORD_MAX] = "";
	size_t used = 0, n_words = 0;
	bool shell = false;

	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < json_array_size(lists[i]); at++) {
			const char *word = json_string_value(json_array_get(lists[i], at));
			const char *base = word == NULL ? NULL : strrchr(word, '/');

			if (word == NULL)
				continue;
			if (n_words == 0 && base != NULL)
				word = base + 1;
			shell |= n_words == 0 && strcmp(word, "sh") == 0;
			if (shell && n_words == 2) {
				take_script(behaviour, word);
				return;
			}
			n_words++;
			used += (size_t)snprintf(line + used, sizeof line - used, "%s%s",
				used > 0 ? " " : "", word);
			if (used >= sizeof line)
				used = sizeof line - 1;
		}
	}
	if (n_words == 0)
		step(behaviour, MEM_STEP_FOREVER, 0, NULL);
	else
		(void)take_command(behaviour, line);
}

enum mem_image_kind
engine_mem_image_kind(const char *image, uint64_t *ret_pull_ms)
{
	*ret_pull_ms = 0;
	if (strncmp(image, "missing:", 8) == 0) {
		char time[WORD_MAX];

		(void)snprintf(time, sizeof time, "%.*s", (int)strcspn(image + 8, "/"), image + 8);
		*ret_pull_ms = time_of(time);
		return MEM_IMAGE_MISSING;
	}
	if (strncmp(image, "nosuch:", 7) == 0)
		return MEM_IMAGE_NOSUCH;
	if (strncmp(image, "denied:", 7) == 0)
		return MEM_IMAGE_DENIED;
	if (strncmp(image, "offline:", 8) == 0)
		return MEM_IMAGE_OFFLINE;
	return MEM_IMAGE_THERE;
}
