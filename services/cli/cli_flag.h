/*
 * cli_flag.h - the values of `davit run`'s flags, as docker writes them, into a spec.
 *
 * Each function reads one text and puts what it says into the spec, on the heap
 * (cli_pb.h). -EINVAL or -ERANGE with words that name what would be right; the
 * spec then holds some of it and is to be thrown away.
 */
#pragma once

#include "common/base/err.h"
#include "proto/types.pb-c.h"

typedef int cli_flag_fn(Davit__TaskSpec *spec, const char *text, struct err *err);

enum {
	CLI_PORT_RANGE_MAX = 1024,  /* ports of one "8000-8100" */
	CLI_ENV_FILE_MAX = 1 << 20, /* bytes */
};

cli_flag_fn cli_flag_publish;  /* "80", "8080:80/udp", "127.0.0.1:8080:80", "[::1]::80", "80-82" */
cli_flag_fn cli_flag_env;      /* "A=b", or "A" with the value that it has here */
cli_flag_fn cli_flag_env_file; /* a file of such lines */
cli_flag_fn cli_flag_label;    /* "a=b", "a" */
cli_flag_fn cli_flag_sysctl;   /* "net.core.somaxconn=1024" */
cli_flag_fn cli_flag_log_opt;  /* "max-size=10m" */
cli_flag_fn cli_flag_ulimit;   /* "nofile=1024:2048" */
cli_flag_fn cli_flag_device;   /* "/dev/a:/dev/b:rw" */
cli_flag_fn cli_flag_volume;   /* "name:/path:ro", "/host:/path", "/path" */
cli_flag_fn cli_flag_mount;    /* "type=bind,source=/a,target=/b"; a part with commas in quotes */
cli_flag_fn cli_flag_tmpfs;    /* "/run:size=64MiB" */
cli_flag_fn cli_flag_network;  /* "net", "name=net,alias=db" */
cli_flag_fn cli_flag_restart;  /* "no", "on-failure:3", "always", "unless-stopped" */
cli_flag_fn cli_flag_disconnect; /* "replace", "replace:10s", "keep", "stop-after:30s" */
cli_flag_fn cli_flag_pull;       /* "missing", "always", "never" */
cli_flag_fn cli_flag_strategy;   /* "best-fit", … */
cli_flag_fn cli_flag_affinity;   /* "app=web", "app=web,topology=zone,weight=10" */
cli_flag_fn cli_flag_anti_affinity;
cli_flag_fn cli_flag_spread; /* "zone", "zone,weight=10,target=a:70" */
cli_flag_fn cli_flag_prefer; /* "node.labels.disk == ssd", "node.arch == arm64,weight=-20" */
cli_flag_fn cli_flag_reserve_device; /* "fpga", "fpga=2" */
cli_flag_fn cli_flag_toleration;     /* "key", "key=value", "key=value:effect" */
cli_flag_fn cli_flag_priority;
cli_flag_fn cli_flag_stop_timeout;
