#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048 };

static const char *const level_name[LOG_LVL_COUNT] = {
	[LOG_LVL_ERROR] = "error",
	[LOG_LVL_WARN] = "warn",
	[LOG_LVL_INFO] = "info",
	[LOG_LVL_DEBUG] = "debug",
};

static const char *log_service = "?";
static enum log_level log_max = LOG_LVL_INFO;
static const char *log_path;
static int log_fd = STDERR_FILENO;

void
log_open(const char *service, enum log_level max)
{
	log_service = service;
	log_max = max;
}

int
log_to_file(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd < 0)
		return err_set(err, -errno, "cannot open log file '%s': %s", path, strerror(errno));
	log_path = path;
	if (log_fd == STDERR_FILENO) {
		log_fd = fd;
		return 0;
	}
	(void)dup3(fd, log_fd, O_CLOEXEC); /* the number stays: other threads may be logging */
	(void)close(fd);
	return 0;
}

int
log_reopen(struct err *err)
{
	return log_path == NULL ? 0 : log_to_file(log_path, err);
}

int
log_level_parse(const char *text, enum log_level *ret_level, struct err *err)
{
	for (unsigned level = 0; level < LOG_LVL_COUNT; level++) {
		if (strcmp(text, level_name[level]) == 0) {
			*ret_level = (enum log_level)level;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "log level '%s' is not one of error, warn, info, debug", text);
}

void
log_emit(enum log_level level, const char *event, const char *fmt, ...)
{
	int saved_errno = errno;
	char stamp[32], line[LOG_LINE_MAX];
	struct timespec now;
	struct tm utc;
	va_list ap;
	size_t used;
	int n;

	if (level > log_max)
		return;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
	n = snprintf(line, sizeof line, "ts=%s.%03ldZ lvl=%s svc=%s ev=%s ", stamp,
		now.tv_nsec / 1000000, level_name[level], log_service, event);
	used = n < 0 ? 0 : (size_t)n;
	va_start(ap, fmt);
	(void)vsnprintf(line + used, sizeof line - used - 1, fmt, ap);
	va_end(ap);
	used = strlen(line);
	line[used++] = '\n';
	(void)!write(log_fd, line, used); /* one write a line: lines of threads do not mix */
	errno = saved_errno;
}
