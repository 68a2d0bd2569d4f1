#include "common/model/rules.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/utf8.h"
#include "common/model/limits.h"

/* ASCII only, whatever the locale says. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || is_lower((char)(c | 0x20));
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

bool
rule_is_name(const char *text)
{
	size_t n = strlen(text);

	if (n < 2 || n > SPEC_NAME_MAX || !is_alnum(text[0]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!is_alnum(text[i]) && !is_one_of(text[i], "_.-"))
			return false;
	return true;
}

bool
rule_is_namespace(const char *text)
{
	size_t n = strlen(text);

	if (n < 1 || n > SPEC_NAMESPACE_MAX || text[0] == '-' || text[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_lower(text[i]) && !is_digit(text[i]) && text[i] != '-')
			return false;
	return true;
}

bool
rule_is_hostname(const char *text, unsigned max)
{
	size_t label = 0;

	if (strlen(text) > max)
		return false;
	for (const char *p = text;; p++) {
		if (*p == '.' || *p == '\0') {
			if (label == 0 || label > SPEC_HOSTNAME_MAX || p[-1] == '-')
				return false;
			if (*p == '\0')
				return true;
			label = 0;
		} else if (is_alnum(*p) || *p == '_' || (*p == '-' && label > 0)) {
			label++;
		} else {
			return false;
		}
	}
}

bool
rule_is_path(const char *text)
{
	if (text[0] != '/' || strlen(text) > SPEC_PATH_MAX || !rule_is_utf8(text))
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
		if (strncmp(p, "/..", 3) == 0 && (p[3] == '/' || p[3] == '\0'))
			return false;
	}
	return true;
}

bool
rule_is_env_key(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= SPEC_KEY_MAX && strchr(text, '=') == NULL && rule_is_utf8(text);
}

bool
rule_is_label_key(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~' || is_one_of(text[i], "=\"'"))
			return false;
	return n > 0 && n <= SPEC_KEY_MAX;
}

bool
rule_is_word(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n > 0 && n <= SPEC_TEXT_MAX;
}

bool
rule_is_address(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

bool
rule_is_utf8(const char *text)
{
	return utf8_is_text(text, strlen(text));
}

/* [a-z0-9]+ with ".", "_", "__" or hyphens between: moves *text behind. */
static const char *
component_trouble(const char **text)
{
	const char *p = *text;

	for (;;) {
		const char *start = p;

		while (is_lower(*p) || is_digit(*p))
			p++;
		if (p == start) {
			if (*p >= 'A' && *p <= 'Z')
				return "the repository's name must be lower case";
			return "a part of the name is empty, or begins or ends with . _ or -";
		}
		if (*p == '.' || (*p == '_' && p[1] != '_'))
			p++;
		else if (*p == '_')
			p += 2;
		else if (*p == '-')
			p += strspn(p, "-");
		else
			break;
	}
	if (*p >= 'A' && *p <= 'Z')
		return "the repository's name must be lower case";
	*text = p;
	return NULL;
}

/* The part before the first slash is a host if it has a dot or a port, or is localhost. */
static const char *
host_trouble(const char **text)
{
	const char *slash = strchr(*text, '/'), *colon;
	char host[SPEC_IMAGE_MAX + 1];
	size_t n;

	if (slash == NULL)
		return NULL;
	n = (size_t)(slash - *text);
	memcpy(host, *text, n);
	host[n] = '\0';
	if (strpbrk(host, ".:") == NULL && strcmp(host, "localhost") != 0)
		return NULL;
	*text = slash + 1;
	if (host[0] == '[') {
		char *end = strchr(host, ']');

		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			return "the registry's address is not understood";
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		if (!rule_is_address(host + 1))
			return "the registry's address is not understood";
	} else {
		colon = strchr(host, ':');
		if (colon != NULL)
			host[colon - host] = '\0';
		if (!rule_is_hostname(host, SPEC_DOMAIN_MAX))
			return "the registry's name is not understood";
	}
	if (colon != NULL && (strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
				     strlen(colon + 1) > 5 || colon[1] == '\0'))
		return "the registry's port is not understood";
	return NULL;
}

/* Behind the name: [:tag][@algorithm:hex]. */
static const char *
tag_trouble(const char *p)
{
	size_t n = 0;

	if (*p == ':') {
		for (p++; is_alnum(p[n]) || p[n] == '_' || (n > 0 && is_one_of(p[n], ".-"));)
			n++;
		if (n == 0 || n > 128)
			return "the tag is not understood (letters, digits, _ . -, at most 128)";
		p += n;
	}
	if (*p == '@') {
		const char *colon = strchr(p, ':');

		if (colon == NULL || colon == p + 1 ||
			strspn(colon + 1, "0123456789abcdef") != strlen(colon + 1) ||
			strlen(colon + 1) < 32)
			return "the digest is not understood (such as sha256:0123…)";
		return NULL;
	}
	return *p == '\0' ? NULL : "a character that may not be there";
}

const char *
rule_image_trouble(const char *text)
{
	const char *trouble;

	if (text[0] == '\0')
		return "it is empty";
	if (strlen(text) > SPEC_IMAGE_MAX)
		return "it is too long";
	trouble = host_trouble(&text);
	while (trouble == NULL) {
		trouble = component_trouble(&text);
		if (trouble != NULL || *text != '/')
			break;
		text++;
	}
	return trouble != NULL ? trouble : tag_trouble(text);
}

static const struct {
	const char *name;
	int number;
} signals[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL},
	{"TRAP", SIGTRAP}, {"ABRT", SIGABRT}, {"IOT", SIGABRT}, {"BUS", SIGBUS}, {"FPE", SIGFPE},
	{"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},
	{"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"STKFLT", SIGSTKFLT},
	{"CHLD", SIGCHLD}, {"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN}, {"TTOU", SIGTTOU}, {"URG", SIGURG}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},
	{"POLL", SIGIO}, {"PWR", SIGPWR}, {"SYS", SIGSYS}};

enum { SIGNAL_MAX = 64, SIGNAL_RTMIN = 34 }; /* as the engine counts them, with glibc's two gone */

/* Digits alone, at most two. -1 if it is anything else. */
static int
small_number(const char *text)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 2 || text[n] != '\0')
		return -1;
	return (int)strtol(text, NULL, 10);
}

int
rule_signal_number(const char *text)
{
	int n = small_number(text);

	if (n >= 0)
		return n >= 1 && n <= SIGNAL_MAX ? n : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (strcasecmp(text, signals[i].name) == 0)
			return signals[i].number;
	if (strncasecmp(text, "RTMIN", 5) == 0) {
		n = text[5] == '+' ? small_number(text + 6) : text[5] == '\0' ? 0 : -1;
		return n >= 0 && n <= 15 ? SIGNAL_RTMIN + n : -1;
	}
	if (strncasecmp(text, "RTMAX", 5) == 0) {
		n = text[5] == '-' ? small_number(text + 6) : text[5] == '\0' ? 0 : -1;
		return n >= 0 && n <= 14 ? SIGNAL_MAX - n : -1;
	}
	return -1;
}

bool
rule_http_get(const char *text, uint32_t *ret_port, const char **ret_path)
{
	static const char before[] = "http://:";
	size_t size = strlen(text), digits;

	if (strncmp(text, before, sizeof before - 1) != 0 || size > SPEC_VALUE_MAX)
		return false;
	text += sizeof before - 1;
	digits = strspn(text, "0123456789");
	if (digits < 1 || digits > 5 || (text[digits] != '/' && text[digits] != '\0'))
		return false;
	*ret_port = (uint32_t)strtoul(text, NULL, 10);
	*ret_path = text[digits] == '\0' ? "/" : text + digits;
	for (const char *p = *ret_path; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~')
			return false;
	}
	return *ret_port >= 1 && *ret_port <= UINT16_MAX;
}
