#!/usr/bin/env bats
# exec.bats - commands, terminals and copies in containers far away, through the manager.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	cluster_up
	davit run -d --name box "$E2E_IMAGE" -- sleep 1000 >/dev/null
	wait_task box RUNNING
}
teardown_file() { cluster_down; }

# Keys into a terminal of 90x30 in which COMMAND runs; tmux shows what a person would see.
term() { tmux -L "$CLUSTER" "$@"; }
term_start() { term -f /dev/null new-session -d -x 90 -y 30 -s t "$@"; }
screen_has() { term capture-pane -p -t t | grep -qF -- "$1"; }
sees() {
	wait_for "${2:-15}" screen_has "$1" || fail "the screen never showed: $1
$(term capture-pane -p -t t)"
}
teardown() { term kill-server 2>/dev/null || true; }

@test "exec prints both streams apart and ends with the command's exit code" {
	run --separate-stderr davit exec box -- sh -c 'echo out; echo err >&2; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "exec tells what cannot be run from what failed elsewhere" {
	run -127 davit exec box -- nosuch
	run davit exec box -- /etc/passwd
	[ "$status" -eq 126 ]
	run davit exec nosuch -- true
	[ "$status" -eq 4 ]
	run davit exec box
	[ "$status" -eq 2 ]
	davit run -d --name over "$E2E_IMAGE" -- true >/dev/null
	wait_task over COMPLETED
	run davit exec over -- true
	[ "$status" -eq 125 ]
	has "the task has ended"
}

@test "exec passes user, environment and directory on" {
	run davit exec -u 1234:99 -e COLOUR=blue -w /tmp box -- sh -c 'id -u; id -g; echo $COLOUR; pwd'
	[ "$output" = "1234
99
blue
/tmp" ]
}

@test "exec -i is binary safe both ways" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	davit exec -i box -- cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	[ "$(printf 'a\0b' | davit exec -i box -- wc -c)" -eq 3 ]
	[ "$(davit exec -i box -- wc -c </dev/null)" -eq 0 ]
}

@test "exec -it is a terminal: size, keys, ctrl-c, exit code" {
	term_start sh -c "'$DAVIT_BIN/davit' exec -it box -- sh; echo code=\$?; sleep 100"
	term send-keys -t t 'stty size; tty' Enter
	sees "30 90"
	sees "/dev/pts/"
	term send-keys -t t 'sleep 100' Enter
	sees "sleep 100"
	term send-keys -t t C-c
	term send-keys -t t 'echo after=$?' Enter
	sees "after=130"
	term resize-window -t t -x 70 -y 20
	term send-keys -t t 'clear; stty size' Enter
	sees "20 70"
	term send-keys -t t 'exit 9' Enter
	sees "code=9"
	# The terminal of the caller is as it was.
	term send-keys -t t C-c
}

@test "ctrl-p ctrl-q leaves an exec" {
	term_start sh -c "'$DAVIT_BIN/davit' exec -it box -- sh; echo code=\$?; sleep 100"
	term send-keys -t t 'echo mark' Enter
	sees "mark"
	term send-keys -t t C-p C-q
	sees "code=0"
}

@test "many execs at once do not mix" {
	local i pids=()
	for i in $(seq 1 20); do
		davit exec box -- sh -c "echo $i; sleep 0.2; echo $i" >"$BATS_TEST_TMPDIR/$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in $(seq 1 20); do
		[ "$(cat "$BATS_TEST_TMPDIR/$i")" = "$i
$i" ] || fail "exec $i printed $(cat "$BATS_TEST_TMPDIR/$i")"
	done
}
