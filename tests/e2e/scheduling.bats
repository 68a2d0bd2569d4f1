#!/usr/bin/env bats
# scheduling.bats - where tasks go, what makes them wait and what wakes them, through the real CLI.
#
# Three nodes with containers in memory (mem://), so no engine is needed: besides
# tests/e2e/run.sh, `bats tests/e2e/scheduling.bats` works as it is.

export E2E_DIR=${E2E_DIR:-$BATS_RUN_TMPDIR}
load lib
export DAVIT_BIN=${DAVIT_BIN:-$repo/build/debug/bin}

setup_file() {
	cluster_use "$E2E_DIR/scheduling" "$(free_ports 12)"
	export home url_manager url_feed url_stats url_feed_json url_scheduler url_monitor DAVIT_MANAGER
	manager_start --silent-after 10s --claim-after 1s --sweep 1s
	scheduler_start
	worker_start n1 4 8GiB --docker-host mem:// --label zone=a --label disk=ssd --class large
	worker_start n2 4 8GiB --docker-host mem:// --label zone=b --device fpga=2 --label cores=16 --label driver=535.100
	worker_start n3 4 8GiB --docker-host mem:// --label zone=c --label cores=4 --label driver=535.10
	wait_for 30 ready
}
teardown_file() {
	local pids
	readarray -t pids < <(find "$home/run" -name '*.pid')
	proc_stop 10 "${pids[@]}"
}
ready() { [ "$(davit nodes -o json | jq '[.[] | select(.state == "READY")] | length')" = 3 ]; }
teardown() { davit ps -q | xargs -r "$DAVIT_BIN/davit" rm -f >/dev/null; wait_for 15 is_empty; }
is_empty() { [ "$(davit nodes -o json | jq '[.[].n_tasks // 0] | add')" = 0 ]; }

state() { davit inspect "$1" | jq -r .state; }
is() { [ "$(state "$1")" = "$2" ]; }
on() { davit inspect "$1" | jq -r .node_name; }
because() { davit inspect "$1" | jq -r .message; }
nodes_of() { davit ps -o json | jq -r ".[] | select(.name | startswith(\"$1\")) | .node_name" | sort; }

@test "constraints, classes and devices choose the node" {
	davit run --name fast --wait --constraint 'node.labels.disk == ssd' nginx
	[ "$(on fast)" = n1 ]
	davit run --name big --wait --constraint 'node.class == large' nginx
	[ "$(on big)" = n1 ]
	davit run --name chip --wait --reserve-device fpga=2 nginx
	[ "$(on chip)" = n2 ]
	davit run --name more --reserve-device fpga nginx
	wait_for 15 is more PENDING
	davit rm -f chip
	wait_for 15 is more RUNNING
}

# How many nodes a constraint leaves, written in YAML.
n_fit() { printf 'image: nginx\nconstraints:\n  - "%s"\n' "$1" | davit plan -f - -o json | jq '.explanation.n_feasible // 0'; }

@test "every kind of constraint, in YAML" {
	local constraint n
	while IFS='|' read -r n constraint; do
		[ "$(n_fit "$constraint")" = "$n" ] || fail "'$constraint' leaves $(n_fit "$constraint"), not $n"
	done <<-'END'
		1|node.labels.zone = b
		2|node.labels.zone != b
		2|node.labels.zone in (a, b)
		1|node.labels.zone not in (a, b)
		1|node.labels.disk exists
		2|node.labels.disk not exists
		1|node.class == large
		2|node.name =~ ^n[12]$
		1|node.name !~ ^n[12]$
		1|node.labels.cores >= 8
		1|node.labels.cores < 8
		1|node.labels.driver version > 535.50
		3|engine.version = mem
		3|engine.os == linux
		3|engine.arch exists
		3|engine.kernel exists
		3|node.address exists
	END
}

@test "spread over zones, one per node, affinity" {
	davit run --count 3 --name even --spread zone --wait nginx
	[ "$(nodes_of even | uniq | wc -l)" = 3 ]
	davit run --name apart --count 4 --distinct-hosts nginx
	three_run() { [ "$(davit ps -o json | jq '[.[] | select((.name | startswith("apart")) and .state == "RUNNING")] | length')" = 3 ]; }
	wait_for 15 three_run
	[ "$(nodes_of apart | grep -c n)" -ge 3 ]
	davit run --name base -l app=db --constraint 'node.name == n3' --wait nginx
	davit run --name near --affinity app=db --wait nginx
	[ "$(on near)" = n3 ]
	davit run --name liked --prefer 'node.labels.zone in (b),weight=100' --cpus 1 --wait nginx
	[ "$(on liked)" = n2 ]
	davit run --name far --anti-affinity app=db,topology=zone,weight=100 --prefer 'node.name == n2,weight=-90' --wait nginx
	[ "$(on far)" = n1 ]
	davit run --count 4 --name share --spread zone,target=a:75,target=*:10 --wait nginx
	[ "$(nodes_of share | grep -c n1)" = 3 ]
	run davit explain liked
	has 'preference node.labels.zone in (b)'
}

@test "a taint keeps tasks off, and no-execute moves them" {
	davit node update n1 --taint own=team:no-schedule
	davit node update n2 --taint own=team:no-schedule
	davit run --name free --wait --restart always nginx
	[ "$(on free)" = n3 ]
	davit run --name ours --wait --toleration own=team --constraint 'node.name == n1' nginx
	davit node update n3 --taint broken:no-execute
	davit node update n1 n2 --taint-rm own
	moved() { [ "$(davit ps -o json | jq -r '.[] | select(.name == "free" and .state == "RUNNING") | .node_name')" != n3 ] && is free RUNNING; }
	wait_for 15 moved
	davit node update n3 --taint-rm broken
}

@test "a release wakes who waits for it; explain says what is lacking" {
	davit run --count 3 --name full --cpus 4 --wait nginx
	davit run --name later --cpus 4 nginx
	wait_for 15 is later PENDING
	run davit explain later
	has 'it fits on 0'
	has 'nearest   n'
	has 'which lacks 4 CPU'
	has 'would have to end there'
	has 'a node with 4 CPU would have to join'
	[[ $output =~ 3\ +cpu ]]
	run davit plan --cpus 4 nginx
	has '1 would wait'
	davit rm -f full-1
	wait_for 15 is later RUNNING
	run davit explain later
	has 'RUNNING'
	has 'BEST NODES'
	[[ $output =~ n[123]\ +8\ +8 ]] # the score, and its one component: 0 cores and 8 GiB left over
}

@test "a task of high priority takes the place of others, as plan says" {
	davit run --count 3 --name low --cpus 4 --priority 10 --wait nginx
	run davit plan --cpus 4 --priority 90 nginx
	has 'WOULD END'
	davit run --name high --cpus 4 --priority 90 nginx
	wait_for 15 is high RUNNING
	[ "$(davit ps -a -o json | jq '[.[] | select(.message == "preempted by '"'high'"'")] | length')" = 1 ]
}

@test "a gang starts whole or not at all" {
	davit run --name one --cpus 4 --wait nginx
	davit run --count 3 --name gang --gang --cpus 4 nginx
	wait_for 15 is gang-0 PENDING
	[ "$(state gang-1)$(state gang-2)" = PENDINGPENDING ]
	davit rm -f one
	wait_for 15 is gang-0 RUNNING
	wait_for 15 is gang-2 RUNNING
}

@test "room is kept for a big task that has waited long" {
	davit run --count 6 --name small --cpus 2 --wait nginx
	davit run --name big --cpus 4 nginx
	kept() { [[ $(because big) == *"kept for it"* ]]; }
	wait_for 20 kept
	local node first second
	node=$(because big | sed "s/.*'\(n[0-9]\)'.*/\1/")
	read -r first second < <(davit ps -n "$node" -o json | jq -r '[.[].name] | join(" ")')
	davit rm -f "$first"
	davit run --name eager --cpus 2 nginx
	wait_for 15 is eager PENDING
	davit rm -f "$second"
	wait_for 15 is big RUNNING
	[ "$(on big)" = "$node" ]
}

@test "a gang takes the place of others for all of its tasks, as plan says" {
	davit run --count 3 --name low --cpus 4 --priority 10 --wait nginx
	run davit plan --count 4 --gang --cpus 4 --priority 90 nginx
	has '4 would wait'
	[[ $output != *'WOULD END'* ]]
	[ "$(davit plan -o json --count 2 --gang --cpus 4 --priority 90 nginx | jq '[.nodes[].evicted[]] | length')" = 2 ]
	davit run --count 2 --name group --gang --cpus 4 --priority 90 nginx
	wait_for 15 is group-0 RUNNING
	wait_for 15 is group-1 RUNNING
	[ "$(davit ps -a -o json | jq '[.[] | select(.message == "preempted by '"'group'"'")] | length')" = 2 ]
}

@test "room is kept for all of a gang that has waited long" {
	davit run --count 6 --name small --cpus 2 --wait nginx
	davit run --count 2 --name gang --gang --cpus 4 nginx
	kept() { [[ $(because gang-0) == *"with all of its array"* && $(because gang-1) == *"kept for it"* ]]; }
	wait_for 20 kept
	local first second
	first=$(because gang-0 | sed "s/.*'\(n[0-9]\)'.*/\1/")
	second=$(because gang-1 | sed "s/.*'\(n[0-9]\)'.*/\1/")
	[ "$first" != "$second" ]
	davit ps -n "$first" -q | xargs "$DAVIT_BIN/davit" rm -f
	davit run --name eager --cpus 2 nginx
	wait_for 15 is eager PENDING
	is gang-0 PENDING
	davit ps -n "$second" -q | xargs "$DAVIT_BIN/davit" rm -f
	wait_for 15 is gang-0 RUNNING
	wait_for 15 is gang-1 RUNNING
}

@test "tasks wait while the scheduler is away, and go on when it is back" {
	kill -KILL "$(proc_pid "$home/run/scheduler.pid")"
	wait_for 15 procs_gone "$home/run/scheduler.pid"
	davit run --name patient nginx
	told() { [[ $(because patient) == *"waiting for a scheduler"* ]]; }
	wait_for 15 told
	scheduler_start
	wait_for 15 is patient RUNNING
}

@test "only a release wakes who waits for it: no sweep is near" {
	kill -TERM "$(proc_pid "$home/run/manager.pid")"
	wait_for 15 procs_gone "$home/run/manager.pid"
	manager_start --silent-after 10s --claim-after 1s --sweep 1000h
	wait_for 30 ready
	davit run --count 3 --name full --cpus 4 --wait nginx
	davit run --name later --cpus 4 nginx
	davit run --name other --cpus 4 --constraint 'node.name == n2' nginx
	waits() { [[ $(because later) == *"no node fits"* && $(because other) == *"no node fits"* ]]; }
	wait_for 15 waits
	davit rm -f "$(davit ps -n n1 -q)"
	wait_for 15 is later RUNNING
	is other PENDING
	davit rm -f "$(davit ps -n n2 -q)"
	wait_for 15 is other RUNNING
	# The tests behind this one want the usual sweep again.
	kill -TERM "$(proc_pid "$home/run/manager.pid")"
	wait_for 15 procs_gone "$home/run/manager.pid"
	manager_start --silent-after 10s --claim-after 1s
	wait_for 30 ready
}

@test "a scheduler of a hundred lines of Python does, too" {
	kill -TERM "$(proc_pid "$home/run/scheduler.pid")"
	wait_for 15 procs_gone "$home/run/scheduler.pid"
	python3 "$repo/docs/examples/scheduler.py" "${url_scheduler##*:}" 3>&- &
	local python=$!
	davit run --count 4 --name snake --cpus 2 nginx
	four_run() { [ "$(davit ps -o json | jq '[.[] | select((.name | startswith("snake")) and .state == "RUNNING")] | length')" = 4 ]; }
	wait_for 15 four_run
	davit run --name huge --cpus 64 nginx
	refused() { [[ $(because huge) == *"in Python"* ]]; }
	wait_for 15 refused
	kill "$python"
	wait "$python" || true
	scheduler_start
	placed_by_ours() { # questions show that another is there; its opinion is asked every 5 s at most
		davit run nginx >/dev/null
		[[ $(because huge) != *"in Python"* ]]
	}
	wait_for 15 placed_by_ours
}

@test "a scheduler that lies places nothing, and its lies are counted" {
	n_lies() { davit cluster -o json | jq '.n_refused_proposals // 0'; }
	local before liar
	before=$(n_lies)
	davit run --name big --cpus 64 nginx
	kill -TERM "$(proc_pid "$home/run/scheduler.pid")"
	wait_for 15 procs_gone "$home/run/scheduler.pid"
	python3 "$repo/tests/e2e/liar.py" "${url_scheduler##*:}" "$repo/docs/examples" 3>&- &
	liar=$!
	all_told() { [ "$(n_lies)" -ge $((before + 8)) ]; }
	davit run --name bait --cpus 64 nginx
	wait_for 20 all_told
	is big PENDING
	is bait PENDING
	is_empty
	kill "$liar"
	wait "$liar" || true
	scheduler_start
	honest() {
		davit run nginx >/dev/null
		[[ $(because big) == *"no node fits"* ]]
	}
	wait_for 15 honest
}
