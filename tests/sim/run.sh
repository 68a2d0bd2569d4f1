#!/bin/sh
# run.sh SIM SEED SEEDS STEPS - runs seeds on all cores; TAP, one line a share.
set -u
sim=$1 seed=$2 seeds=$3 steps=$4
jobs=$(nproc)
share=$(((seeds + jobs - 1) / jobs))
out=$(dirname "$sim")
i=0
while [ "$i" -lt "$jobs" ]; do
	"$sim" --seed $((seed + i * share)) --runs "$share" --steps "$steps" > "$out/share-$i.txt" 2>&1 &
	echo $! > "$out/share-$i.pid"
	i=$((i + 1))
done
bad=0 i=0
while [ "$i" -lt "$jobs" ]; do
	if wait "$(cat "$out/share-$i.pid")"; then
		echo "ok $((i + 1)) - $(tail -1 "$out/share-$i.txt")"
	else
		echo "not ok $((i + 1)) - seeds from $((seed + i * share))"
		sed 's/^/# /' "$out/share-$i.txt"
		bad=1
	fi
	i=$((i + 1))
done
exit $bad
