#!/bin/bash
# down.sh - ends what up.sh started: containers, processes, and the engine if it was started for
# this. The state stays for the next time; PURGE=1 forgets it, the image and ./davit as well.
set -uo pipefail
. "$(dirname "$0")/cluster.sh"
cd "$repo" || exit 1

home=${DAVIT_HOME:-$repo/.davit}
wrapper=$repo/davit
[ "$home" = "$repo/.davit" ] || wrapper=$home/davit
purge=${PURGE:-0}
demo=${DAVIT_DEMO:-davit-demo}
user=up
[ "$home" = "$repo/.davit" ] || user=up-$(cat "$home/port" 2>/dev/null)

rc=0
if [ -s "$home/id" ] && ! engine_answers; then
	complain "no Docker Engine answers, so containers cannot be removed:"
	deploy/engine.sh status
	rc=1
fi
cluster_end "$home" 15 || rc=1
if [ "$purge" != 0 ]; then
	engine_answers && docker image rm -f "$demo" >/dev/null 2>&1
	rm -f "$wrapper"
fi
deploy/engine.sh stop "$user" || rc=1
if [ "$purge" != 0 ]; then
	# The engine's own corner stays while somebody else uses that engine.
	find "$home" -mindepth 1 -maxdepth 1 ! -name engine -exec rm -rf {} + 2>/dev/null
	[ -n "$(ls "$home/engine/users" 2>/dev/null)" ] || rm -rf "$home"
fi
[ $rc -eq 0 ] && say "the cluster is down"
exit $rc
