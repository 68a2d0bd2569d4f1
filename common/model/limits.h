/*
 * limits.h - how much of everything a task may have.
 *
 * What is over a limit is refused with the field and the limit; each is reached by
 * a test in tests/unit/test_spec*.c. They are far above what is sensible, and low
 * enough that no single task can hurt the manager that keeps it in memory.
 */
#pragma once

enum {
	SPEC_SIZE_MAX = 256 << 10, /* bytes of the whole spec, encoded */

	SPEC_NAME_MAX = 128, /* characters; names of tasks, nodes, volumes, networks */
	SPEC_NAMESPACE_MAX = 63,
	SPEC_IMAGE_MAX = 512,
	SPEC_TEXT_MAX = 255,        /* user, runtime, platform, names of drivers, … */
	SPEC_HOSTNAME_MAX = 63,     /* of one label, and of the container's own name */
	SPEC_DOMAIN_MAX = 253,      /* labels with dots */
	SPEC_PATH_MAX = 4095,       /* the kernel's PATH_MAX less its NUL */
	SPEC_ARGUMENT_MAX = 131071, /* the kernel's MAX_ARG_STRLEN less its NUL */
	SPEC_ARGUMENTS_MAX = 1024,  /* of the entrypoint, the command, a health check */
	SPEC_ENV_MAX = 1024,
	SPEC_LABELS_MAX = 256,
	SPEC_KEY_MAX = 255,     /* of env, labels, options, sysctls */
	SPEC_VALUE_MAX = 16384, /* of labels, options, sysctls, security options */
	SPEC_PORTS_MAX = 256,
	SPEC_LIST_MAX = 64,      /* of any other list */
	SPEC_CPU_MILLI_MIN = 10, /* the engine's minimum: 1 ms of each 100 */
	SPEC_CPU_MILLI_MAX = 10 * 1000 * 1000,
	SPEC_MEMORY_BYTES_MIN = 6 << 20, /* the engine's minimum */
	SPEC_PIDS_MAX = 4194304,         /* the kernel's PID_MAX_LIMIT */
	SPEC_PRIORITY_MAX = 100,
	SPEC_CONSTRAINT_MAX = 1024, /* bytes of one */
	SPEC_AFFINITIES_MAX = 16,
	SPEC_SPREADS_MAX = 8,
	SPEC_WEIGHT_MAX = 100, /* of preferences, affinities, spreads */
	SPEC_DEVICE_KINDS_MAX = 16,
	SPEC_DEVICES_MAX = 1024, /* of one kind; of gpus */
	SPEC_MAX_PER_NODE_MAX = 1000 * 1000,
	SPEC_STOP_TIMEOUT_MAX_MS = 3600 * 1000,
	SPEC_RESTART_DELAY_MAX_MS = 24 * 3600 * 1000,
	SPEC_RESTART_ATTEMPTS_MAX = 1000 * 1000,
	SPEC_HEALTH_TIME_MAX_MS = 24 * 3600 * 1000,
	SPEC_HEALTH_RETRIES_MAX = 1000,
};

/* Of faults that are made on purpose. */
enum {
	CHAOS_FOR_MS = 30000, /* where nothing is said */
	CHAOS_FOR_MAX_MS = 3600 * 1000,
	CHAOS_DELAY_MAX_MS = 60000,
	CHAOS_BY_MAX = 128, /* characters of who wants it */
};

#define SPEC_BYTES_MAX   (1ULL << 50)                     /* of memory, disk, … */
#define SPEC_TIME_MAX_MS (10ULL * 365 * 24 * 3600 * 1000) /* of ttl, max_run_time, … */
