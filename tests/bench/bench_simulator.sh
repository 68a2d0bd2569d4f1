#!/bin/bash
# bench_simulator.sh - how fast the simulated cluster goes, by the CPU time of one core: with faults and users
# (20 seeds of 20,000 steps, five nodes), and a quiet cluster of 50 nodes beside real time.
# Prints "name value unit", a figure a line.
set -euo pipefail
cd "$(dirname "$0")/../.."
sim=${BUILD:-build/release}/sim/sim

# figure NAME NUMBER UNIT ARGUMENTS...: that number of the last line: 1 steps/s, 2 times real time.
figure() {
	local name=$1 which=$2 unit=$3
	shift 3
	"$sim" "$@" | sed -nE 's|^sim: .* ([0-9]+) steps/s of a core, ([0-9]+) times real time.*|\'"$which"'|p' |
		sed "s|.*|$name & $unit|"
}
figure simulator_storm_steps 1 steps/s --seed 100 --runs 20
figure simulator_quiet_50_nodes 2 times-real-time --calm --workers 50 --steps 400000
