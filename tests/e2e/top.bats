#!/usr/bin/env bats
# top.bats - `davit top` in a real terminal (tmux), on a cluster with an engine.

load lib

setup_file() {
	cluster_up
	monitor_start
	davit submit - <<-YAML
		spec: {name: talker, image: $E2E_IMAGE, entrypoint: [sh, -c, "while true; do echo talk; sleep 1; done"], restart: {condition: always}}
	YAML
	davit submit - <<-YAML
		spec: {name: quiet, namespace: other, image: $E2E_IMAGE, entrypoint: [sleep, "3600"], memory: 64MiB}
	YAML
	wait_task talker RUNNING
}
teardown_file() { cluster_down; }
teardown() { tmux -L "$socket" kill-server 2>/dev/null || true; }

setup() { socket=davit-$BATS_TEST_NUMBER-$$; }

# term COLUMNS ROWS COMMAND: runs it in a terminal of that size.
term() {
	local columns=$1 rows=$2
	shift 2
	tmux -u -L "$socket" -f /dev/null new-session -d -x "$columns" -y "$rows" \
		"env TERM=screen DAVIT_MANAGER=$url_manager $* 2>$BATS_TEST_TMPDIR/err; echo ended with \$?; exec sleep 60"
}
keys() { tmux -L "$socket" send-keys "$@"; }
page() { tmux -u -L "$socket" capture-pane -p; }
page_colours() { tmux -u -L "$socket" capture-pane -p -e; }
shows() { page | grep -q -- "$1"; }
hides() { ! shows "$1"; }
sees() { wait_for 30 shows "$1" || fail "expected on the screen: $1
$(page; cat "$BATS_TEST_TMPDIR/err")"; }
misses() { wait_for 30 hides "$1" || fail "not expected on the screen: $1
$(page)"; }
top() { term 120 30 "LC_ALL=C.UTF-8 $DAVIT_BIN/davit top --monitor ${1:-$url_monitor} ${*:2}"; }

@test "top shows tasks with curves, follows keys and gives the terminal back" {
	top
	sees 'nodes 2 of 2 ready'
	sees '\[monitor\]'
	sees 'talker'
	sees 'quiet'
	sees '▁\|█'
	page_colours | grep -q $'\e\[[0-9;]*m' || fail "no colours"
	keys m
	sees '\*MEMORY'
	keys n
	sees '\*NAME'
	keys h
	sees 'davit top: keys'
	keys h
	misses 'davit top: keys'
	keys Tab
	sees 'LOAD'
	sees 'n1  *ready'
	keys Tab
	sees 'PIDS'
	keys q
	sees 'ended with 0'
}

@test "top filters and groups" {
	top
	sees quiet
	keys /
	sees 'filter: _'
	keys talk
	misses quiet
	sees talker
	keys Enter
	sees 'filter: talk'
	keys Escape
	sees quiet
	keys g
	sees 'n[12]: [12] tasks'
	keys g g
	sees 'other: 1 tasks'
	keys q
	sees 'ended with 0'
}

@test "top shows details and the output of a task, and returns" {
	top
	sees talker
	keys /
	keys talker Enter
	misses quiet
	keys Enter
	sees '^task talker'
	sees '^restarts'
	keys i
	sees 'q quit'
	keys l
	sees '^talk$'
	keys C-c
	sees 'q quit'
	sees '\[monitor\]'
	keys q
	sees 'ended with 0'
}

@test "top gives a shell in a task" {
	top
	sees talker
	keys / && keys talker Enter
	misses quiet
	keys e
	sees 'a shell of task'
	has_prompt() { shows '[#$] *$'; }
	wait_for 15 has_prompt || fail "$(page)"
	keys 'echo in-$((40+2))' Enter
	sees 'in-42'
	keys exit Enter
	sees 'q quit'
	keys q
	sees 'ended with 0'
}

@test "top stops a task only after a yes" {
	davit submit - <<<"spec: {name: victim, image: $E2E_IMAGE, entrypoint: [sleep, \"3600\"], stop_timeout_ms: 500}"
	wait_task victim RUNNING
	top
	sees victim
	keys / && keys victim Enter
	misses quiet
	keys x
	sees 'stop task victim? y/n'
	keys n
	misses 'y/n'
	wait_task victim RUNNING
	keys x
	sees 'y/n'
	keys y
	wait_task victim COMPLETED
	keys q
	sees 'ended with 0'
}

@test "top fits a terminal that changes its size" {
	top
	sees 'q quit'
	tmux -L "$socket" resize-window -x 60 -y 12
	last_is_keys() { [ "$(page | grep -c .)" -le 12 ] && page | tail -1 | grep -q '^q quit'; }
	wait_for 15 last_is_keys || fail "$(page)"
	narrow() { [ "$(page | LC_ALL=C.UTF-8 wc -L)" -le 60 ]; }
	wait_for 30 narrow || fail "$(page)"
	tmux -L "$socket" resize-window -x 140 -y 40
	wide() { [ "$(page | sed -n 5p | awk '{print length($0)}')" -gt 90 ]; }
	wait_for 15 wide || fail "$(page)"
	keys q
	sees 'ended with 0'
}

@test "top works without colours, without UTF-8 and without a monitor" {
	term 120 30 "LC_ALL=C NO_COLOR=1 $DAVIT_BIN/davit top --monitor tcp://127.0.0.1:1"
	sees '\[manager\]'
	sees '> [a-z]'
	page | LC_ALL=C grep -q '[^ -~]' && fail "that is no ASCII: $(page)"
	page_colours | grep -q $'\e\[[0-9;]*m' && fail "colours: $(page_colours)"
	keys q
	sees 'ended with 0'
}

@test "top in a pipe and on a dumb terminal is plain lines" {
	davit top --once | grep -q talker
	run davit top --count 2 --interval 100ms
	[ "$status" -eq 0 ]
	[ "$(grep -c '^nodes   2 of 2 ready' <<<"$output")" -eq 2 ]
	! grep -q $'\e' <<<"$output"
	term 120 30 "TERM=dumb $DAVIT_BIN/davit top --once"
	sees 'nodes   2 of 2 ready'
}

@test "stats is one table in a pipe, is drawn in place on a terminal, and knows the past" {
	stats() { davit stats --monitor "$url_monitor" "$@"; }
	limited() { stats | grep -E 'quiet +[0-9.]+% +[0-9.]+[KM]?i?B/64MiB'; }
	wait_for 15 limited || fail "$(stats)"
	[ "$(stats --no-stream talker | wc -l)" -eq 2 ]
	[ "$(stats -o json --namespace other | jq -r '.[].name')" = quiet ]
	run stats nobody
	[ "$status" -eq 4 ]
	davit stats --monitor "" -o wide | grep -qE "quiet +other +n[12] "
	past() { stats --history --step 1s talker | grep -qE '^talker +20.*[KM]iB'; }
	wait_for 15 past || fail "$(stats --history --step 1s talker)"
	run davit stats --monitor "" --history
	[ "$status" -eq 3 ]
	term 120 30 "$DAVIT_BIN/davit stats -i 200ms --monitor $url_monitor"
	sees talker
	davit submit - <<<"spec: {name: newcomer, image: $E2E_IMAGE, entrypoint: [sleep, \"3600\"], stop_timeout_ms: 500}"
	sees newcomer
	one_table() { [ "$(page | grep -c '^ID ')" -eq 1 ]; }
	wait_for 30 one_table || fail "$(page)"
	davit rm -f newcomer
	misses newcomer
	keys C-c
	sees 'ended with 0'
}
