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
	wait_for "${2:-30}" screen_has "$1" || fail "the screen never showed: $1
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
	# The engine is told a size after it has started the shell.
	sized() { echo "until [ \"\$(stty size 2>&1)\" = '$1' ]; do sleep 0.1; done; stty size"; }
	term send-keys -t t "$(sized "3''0 90"); tty" Enter
	sees "30 90"
	sees "/dev/pts/"
	# ^C ends what runs: typed to a shell that still edits its line it would be lost.
	term send-keys -t t 'sleep 100' Enter
	wait_for 60 davit exec box -- sh -c 'ps | grep -q "[s]leep 100$"'
	term send-keys -t t C-c
	term send-keys -t t 'echo after=$?' Enter
	sees "after=130"
	term resize-window -t t -x 70 -y 20
	term send-keys -t t "clear; $(sized "2''0 70")" Enter
	sees "20 70"
	term send-keys -t t 'exit 9' Enter
	sees "code=9"
	# The terminal of the caller is as it was.
	term send-keys -t t C-c
}

@test "ctrl-p ctrl-q leaves an exec" {
	term_start sh -c "'$DAVIT_BIN/davit' exec -it box -- sh; echo code=\$?; sleep 100"
	term send-keys -t t 'echo mark$((1+1))' Enter # not what the caller's own terminal echoes before it is raw
	sees "mark2"
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

@test "cp brings files and directories in and out, whole and with their names" {
	local dir=$BATS_TEST_TMPDIR
	mkdir -p "$dir/src/sub"
	head -c 2000000 /dev/urandom >"$dir/src/big"
	echo small >"$dir/src/sub/a b"
	chmod 600 "$dir/src/sub/a b"
	davit cp "$dir/src" box:/tmp/new
	davit exec box -- sh -c 'cat /tmp/new/big' | cmp - "$dir/src/big"
	[ "$(davit exec box -- stat -c %a '/tmp/new/sub/a b')" = 600 ]
	davit cp "$dir/src" box:/tmp/new
	davit exec box -- test -f /tmp/new/src/big
	davit cp "$dir/src/big" box:/tmp/other.name
	davit cp box:/tmp/other.name "$dir/back"
	cmp "$dir/back" "$dir/src/big"
	davit cp box:/tmp/new "$dir/tree"
	diff -r "$dir/src" "$dir/tree/src"
	mkdir "$dir/into"
	davit cp box:/tmp/new/src "$dir/into"
	diff -r "$dir/src" "$dir/into/src"
	davit cp box:/tmp/new/sub - | tar -t | grep -qx 'sub/a b'
	tar -c -C "$dir" src | davit cp - box:/tmp
	davit exec box -- cmp /tmp/src/big /tmp/new/big
}

# The most that the process ever held of its own, in KiB, while the command runs.
anon() { awk '/^RssAnon/ {print $2}' "/proc/$1/status" 2>/dev/null || echo 0; }
watch_anon() { # FILE PID COMMAND...
	local file=$1 pid=$2 most=0 now
	shift 2
	"$@" &
	local command=$! own=0
	while kill -0 "$command" 2>/dev/null; do
		now=$(anon "$pid")
		((now <= most)) || most=$now
		now=$(anon "$command")
		((${now:-0} <= own)) || own=$now
	done
	wait "$command"
	echo "$most $own" >"$file"
}

@test "cp of 100 MB costs neither worker, manager nor command memory" {
	local dir=$BATS_TEST_TMPDIR node worker manager most own side
	node=$(task box .node_name)
	worker=$(proc_pid "$home/run/$node.pid")
	manager=$(proc_pid "$home/run/manager.pid")
	head -c 100000000 /dev/urandom >"$dir/big"
	local worker_before manager_before
	worker_before=$(anon "$worker")
	manager_before=$(anon "$manager")
	watch_anon "$dir/in" "$worker" "$DAVIT_BIN/davit" cp "$dir/big" box:/tmp/hundred
	watch_anon "$dir/out" "$manager" "$DAVIT_BIN/davit" cp box:/tmp/hundred "$dir/back"
	cmp "$dir/big" "$dir/back"
	davit exec box -- rm /tmp/hundred
	read -r most own <"$dir/in"
	echo "in: worker $worker_before to $most KiB, command $own KiB"
	[ $((most - worker_before)) -lt 16384 ]
	[ "$own" -lt 16384 ]
	read -r most own <"$dir/out"
	echo "out: manager $manager_before to $most KiB, command $own KiB"
	[ $((most - manager_before)) -lt 32768 ]
	[ "$own" -lt 16384 ]
}

@test "cp works with a task that has ended" {
	davit run -d --name ended "$E2E_IMAGE" -- sh -c 'echo left > /tmp/x' >/dev/null
	wait_task ended COMPLETED
	davit cp ended:/tmp/x "$BATS_TEST_TMPDIR/x"
	[ "$(cat "$BATS_TEST_TMPDIR/x")" = left ]
}

@test "cp says what is wrong and leaves nothing behind" {
	local dir=$BATS_TEST_TMPDIR
	run davit cp box:/nosuch "$dir/x"
	[ "$status" -eq 4 ]
	run davit cp "$dir/nosuch" box:/tmp
	[ "$status" -eq 4 ]
	run davit cp /etc/hosts box:/nosuch/dir/file
	[ "$status" -eq 4 ]
	run davit cp /etc/hosts /tmp
	[ "$status" -eq 2 ]
}

@test "a copy that stands still keeps no task from being stopped, and leaves nothing behind" {
	local dir=$BATS_TEST_TMPDIR id code=0
	# More than comes through before it is held.
	id=$(davit run -q --name brief "$E2E_IMAGE" -- sh -c 'truncate -s 100G /tmp/zero; sleep 1000')
	wait_for 60 davit exec brief -- test -e /tmp/zero
	"$DAVIT_BIN/davit" cp brief:/tmp/zero "$dir/zero" 2>"$dir/err" 3>&- &
	local copy=$!
	comes() { [ -n "$(find "$dir" -path '*/.davit-cp-*/*')" ] || ! kill -0 "$copy" 2>/dev/null; }
	wait_for 60 comes
	kill -STOP "$copy"
	davit rm -f brief >/dev/null
	gone() { [ -z "$(containers "$id" -a)" ]; }
	wait_for 60 gone || { kill -CONT "$copy"; fail "$(davit inspect "$id")"; }
	kill -CONT "$copy"
	wait "$copy" || code=$?
	[ "$code" -ne 0 ]
	grep -q 'stopped or removed' "$dir/err" || fail "$(cat "$dir/err")"
	[ -z "$(find "$dir" -name '.davit-cp-*')" ]
}

@test "images are listed, pulled, removed and told per node" {
	docker tag "$E2E_IMAGE" "$E2E_IMAGE:extra"
	run davit images
	has "$E2E_IMAGE:extra"
	[ "$(davit image ls -n n1 -o json | jq -r '.[].node_name' | sort -u)" = n1 ]
	run davit image rm -n n1 "$E2E_IMAGE:extra"
	[ "$status" -eq 0 ]
	has "n1: removed $E2E_IMAGE:extra"
	run davit image rm "$E2E_IMAGE:extra"
	[ "$status" -eq 4 ]
	run davit image rm -n nosuch x
	[ "$status" -eq 4 ]
	run davit image pull -n n1 "127.0.0.1:1/$E2E_IMAGE"
	[ "$status" -eq 1 ]
	has "refused"
}

@test "an exec outlives a restart of the manager, and ends with the worker's" {
	davit exec box -- sh -c 'echo before; until [ -e /tmp/on ]; do sleep 0.1; done; echo after; exit 7' >"$BATS_TEST_TMPDIR/out" &
	local run=$! code=0
	wait_for 60 grep -q before "$BATS_TEST_TMPDIR/out"
	manager_restart KILL
	davit exec box -- touch /tmp/on
	wait "$run" || code=$?
	[ "$code" -eq 7 ]
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "before
after" ]
	local node name
	node=$(task box .node_name)
	davit exec box -- sh -c "touch /tmp/mark; sleep 1000" 2>"$BATS_TEST_TMPDIR/err" &
	run=$!
	wait_for 60 davit exec box -- test -e /tmp/mark
	worker_kill "$node" KILL
	worker_start "$node" 4 8GiB
	code=0
	wait "$run" || code=$?
	[ "$code" -eq 125 ]
	grep -q "started anew" "$BATS_TEST_TMPDIR/err"
}

@test "attach shows what comes, passes input on and ends with the task's code" {
	davit run -d -i --name reader "$E2E_IMAGE" -- sh -c 'read x; echo got $x; exit 5' >/dev/null
	wait_task reader RUNNING
	run davit attach reader <<<"hello"
	[ "$status" -eq 5 ]
	has "got hello"
	davit run -d -it --name shell "$E2E_IMAGE" -- sh >/dev/null
	wait_task shell RUNNING
	term_start sh -c "'$DAVIT_BIN/davit' attach shell; echo code=\$?; sleep 1000"
	term send-keys -t t 'echo mar''k$((1+1))' Enter
	sees mark2
	term send-keys -t t C-p C-q
	sees "code=0"
	wait_task shell RUNNING
}

# A terminal is tried above, and attach goes on until ^C.
@test "every command of docs/CLI.md that reaches into a container works" {
	davit run -d --name web "$E2E_IMAGE" -- sleep 1000 >/dev/null
	wait_task web RUNNING
	mkdir "$BATS_TEST_TMPDIR/docs"
	echo page >"$BATS_TEST_TMPDIR/docs/page"
	awk '/^```sh container$/ {on = 1; next} /^```/ {on = 0} on && !/ -it |attach/' "$repo/docs/CLI.md" >"$BATS_TEST_TMPDIR/block"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/block")" -ge 5 ]
	(cd "$BATS_TEST_TMPDIR" && PATH=$DAVIT_BIN:$PATH timeout 240 bash -e -o pipefail -x block 3>&- 4>&-) 2>&1
	[ -s "$BATS_TEST_TMPDIR/hosts" ]
	[ "$(davit exec web -- cat /tmp/docs/page)" = page ]
	grep -q 'davit attach' "$repo/docs/CLI.md"
	run timeout --foreground -s INT -k 60 2 "$DAVIT_BIN/davit" attach --no-stdin web
	[[ $status = 124 || $status = 130 ]] || fail "$output"
}
