#include "common/docker/engine_call.h"

void
engine_call_finish(const struct engine_call *call, const struct err *err)
{
	switch (call->kind) {
	case ENGINE_CALL_ABOUT:
		call->done.about(err, NULL, call->arg);
		break;
	case ENGINE_CALL_CREATE:
	case ENGINE_CALL_EXEC_CREATE:
		call->done.id(err, NULL, call->arg);
		break;
	case ENGINE_CALL_INSPECT:
		call->done.container(err, NULL, call->arg);
		break;
	case ENGINE_CALL_LIST:
		call->done.list(err, NULL, 0, call->arg);
		break;
	case ENGINE_CALL_VOLUME_LIST:
	case ENGINE_CALL_NETWORK_LIST:
	case ENGINE_CALL_IMAGE_LIST:
	case ENGINE_CALL_IMAGE_REMOVE:
	case ENGINE_CALL_IMAGE_PRUNE:
		call->done.json(err, NULL, 0, call->arg);
		break;
	case ENGINE_CALL_EXEC_INSPECT:
		call->done.exec(err, NULL, call->arg);
		break;
	case ENGINE_CALL_PATH_STAT:
		call->done.path(err, NULL, call->arg);
		break;
	default:
		call->done.plain(err, call->arg);
		break;
	}
}

const char *
engine_call_name(enum engine_call_kind kind)
{
	static const char *const names[ENGINE_CALL_COUNT] = {
		[ENGINE_CALL_NONE] = "none",
		[ENGINE_CALL_ABOUT] = "about",
		[ENGINE_CALL_CREATE] = "create",
		[ENGINE_CALL_START] = "start",
		[ENGINE_CALL_STOP] = "stop",
		[ENGINE_CALL_KILL] = "kill",
		[ENGINE_CALL_PAUSE] = "pause",
		[ENGINE_CALL_UNPAUSE] = "unpause",
		[ENGINE_CALL_REMOVE] = "remove",
		[ENGINE_CALL_INSPECT] = "inspect",
		[ENGINE_CALL_LIST] = "list",
		[ENGINE_CALL_IMAGE_INSPECT] = "image inspect",
		[ENGINE_CALL_PULL] = "pull",
		[ENGINE_CALL_EVENTS] = "events",
		[ENGINE_CALL_LOGS] = "logs",
		[ENGINE_CALL_STATS] = "stats",
		[ENGINE_CALL_VOLUME_LIST] = "volume list",
		[ENGINE_CALL_NETWORK_LIST] = "network list",
		[ENGINE_CALL_NETWORK_CREATE] = "network create",
		[ENGINE_CALL_NETWORK_CONNECT] = "network connect",
		[ENGINE_CALL_NETWORK_REMOVE] = "network remove",
		[ENGINE_CALL_EXEC_CREATE] = "exec create",
		[ENGINE_CALL_EXEC_START] = "exec start",
		[ENGINE_CALL_EXEC_INSPECT] = "exec inspect",
		[ENGINE_CALL_EXEC_RESIZE] = "exec resize",
		[ENGINE_CALL_RESIZE] = "resize",
		[ENGINE_CALL_ATTACH] = "attach",
		[ENGINE_CALL_PATH_STAT] = "path stat",
		[ENGINE_CALL_ARCHIVE_GET] = "archive get",
		[ENGINE_CALL_ARCHIVE_PUT] = "archive put",
		[ENGINE_CALL_IMAGE_LIST] = "image list",
		[ENGINE_CALL_IMAGE_REMOVE] = "image remove",
		[ENGINE_CALL_IMAGE_PRUNE] = "image prune",
		[ENGINE_CALL_PING] = "ping",
	};

	return (unsigned)kind < ENGINE_CALL_COUNT ? names[kind] : "unknown";
}
