#include "services/worker/engine_words.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const step_words[WORKER_STEP_COUNT] = {
	[WORKER_STEP_PULL] = "pull image",
	[WORKER_STEP_CREATE] = "create the container",
	[WORKER_STEP_CONNECT] = "connect the container to its networks",
	[WORKER_STEP_START] = "start the container",
	[WORKER_STEP_PAUSE] = "pause or unpause the container",
	[WORKER_STEP_STOP] = "stop the container",
	[WORKER_STEP_REMOVE] = "remove the container",
	[WORKER_STEP_INSPECT] = "look at the container",
};

static bool
has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static enum worker_verdict
verdict_of_start(const struct err *err)
{
	switch (err->code) {
	case -ENOENT: /* "network x not found" is also a 404 */
		return has(err->text, "network") ? WORKER_VERDICT_FATAL : WORKER_VERDICT_ABSENT;
	case -EBUSY:
		return WORKER_VERDICT_LOOK;
	case -EEXIST:
		return WORKER_VERDICT_STUCK;
	case -EADDRINUSE:
	case -EINVAL:
	case -ENOSPC:
		return WORKER_VERDICT_FATAL;
	default:
		return WORKER_VERDICT_RETRY;
	}
}

static enum worker_verdict
verdict_of_create(const struct err *err)
{
	switch (err->code) {
	case -ENOENT:
		return has(err->text, "image") ? WORKER_VERDICT_IMAGE : WORKER_VERDICT_FATAL;
	case -EEXIST:
	case -EBUSY:
		return WORKER_VERDICT_CONFLICT;
	case -EINVAL:
	case -EACCES:
	case -ENOSPC:
		return WORKER_VERDICT_FATAL;
	default:
		return WORKER_VERDICT_RETRY;
	}
}

/* A pull that ran out of time or met no registry may work later; the engine itself answered. */
static enum worker_verdict
verdict_of_pull(const struct err *err)
{
	switch (err->code) {
	case -ENOENT:
	case -EACCES:
	case -EINVAL:
	case -ENOSPC:
		return WORKER_VERDICT_FATAL;
	default:
		return WORKER_VERDICT_RETRY;
	}
}

enum worker_verdict
worker_engine_verdict(enum worker_step step, const struct err *err)
{
	if (err->code == 0)
		return WORKER_VERDICT_NONE;
	if (err->code == -ECONNREFUSED || err->code == -ENOTCONN || err->code == -ECANCELED ||
		(err->code == -EACCES && has(err->text, "socket")))
		return WORKER_VERDICT_AWAY;
	if (step == WORKER_STEP_PULL)
		return verdict_of_pull(err);
	if (err->code == -ETIMEDOUT)
		return WORKER_VERDICT_AWAY;
	if (step == WORKER_STEP_CREATE)
		return verdict_of_create(err);
	if (step == WORKER_STEP_START || step == WORKER_STEP_CONNECT)
		return verdict_of_start(err);
	if (err->code == -ENOENT)
		return WORKER_VERDICT_ABSENT;
	return err->code == -EBUSY ? WORKER_VERDICT_LOOK : WORKER_VERDICT_RETRY;
}

static const char *
advice(enum worker_step step, const struct err *err)
{
	if (step == WORKER_STEP_PULL) {
		if (err->code == -ENOENT)
			return "check the image's name and tag";
		if (err->code == -EACCES)
			return "check the name, or log in to the registry on this node";
		if (err->code == -EINVAL)
			return "an image is written [registry/]name[:tag]";
		if (err->code != -ENOSPC)
			return "check that this node reaches the registry, or load the image there";
	}
	if (err->code == -ENOSPC)
		return "free disk space on this node (docker system prune)";
	if (err->code == -EADDRINUSE)
		return "another program on this node holds the port";
	if ((step == WORKER_STEP_START || step == WORKER_STEP_CONNECT) && err->code == -ENOENT)
		return "create the network on this node first (docker network create)";
	if (step == WORKER_STEP_START && has(err->text, "no such file"))
		return "the image has no such program: check 'entrypoint' and 'command'";
	if (step == WORKER_STEP_START && has(err->text, "permission denied"))
		return "the program is not executable: check 'entrypoint', 'command' and 'user'";
	return NULL;
}

const char *
worker_engine_sentence(enum worker_step step, const struct err *err, const char *what,
	char *ret_text, size_t size)
{
	const char *hint = advice(step, err);
	bool named = what != NULL && step == WORKER_STEP_PULL;

	(void)snprintf(ret_text, size, "cannot %s%s%s%s: %s%s%s", step_words[step],
		named ? " '" : "", named ? what : "", named ? "'" : "", err->text,
		hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
	return ret_text;
}

/* ":80" followed by no further digit. */
static bool
names_port(const char *words, uint32_t port)
{
	char text[16];
	size_t size = (size_t)snprintf(text, sizeof text, ":%" PRIu32, port);

	for (const char *p = strstr(words, text); p != NULL; p = strstr(p + 1, text)) {
		if (!isdigit((unsigned char)p[size]))
			return true;
	}
	return false;
}

uint32_t
worker_engine_busy_port(const char *words, Davit__PortMapping *const *ports, size_t n_ports)
{
	for (size_t i = 0; i < n_ports; i++) {
		if (ports[i]->host_port > 0 && names_port(words, ports[i]->host_port))
			return ports[i]->host_port;
	}
	return n_ports == 1 ? ports[0]->host_port : 0;
}
