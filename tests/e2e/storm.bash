# storm.bash - loaded by storm.bats: clients that never stop asking, processes that are killed under
# them, and the audit that follows every round.
#
# Everything that the storm knows is in files under $storm, written by one process each:
#   acked/*   "ID KIND" of every task whose submission was acknowledged
#   stopped/* ids that a stop or a removal was acknowledged for
#   unsure/*  names whose submission was never answered
#   starts/   one file for each task, to which its container itself appends a line as it starts
#   events    what the engine says of this cluster's containers, as it happens
#   tally/*   one word a line: what the clients met, and what was killed

# ---- clients ----

# ask METHOD REQUEST [REQUEST-ID]: until it is answered for good, always with the same id, for a minute
# at most. Prints the reply; status 1 when there never was one.
ask() {
	local id=${3:-$(cat /proc/sys/kernel/random/uuid)} end=$((SECONDS + 60)) reply
	jq -cn --arg method "$1" --argjson request "$2" --arg id "$id" \
		'{method: $method, request: $request, request_id: $id}' >"$desk/call.json"
	while ((SECONDS < end)); do
		reply=$(send)
		case $(status_of "$reply") in
		"" | UNAVAILABLE | DEADLINE_EXCEEDED)
			echo "retry" >>"$storm/tally/$client"
			sleep 0.1
			;;
		*)
			echo "call" >>"$storm/tally/$client"
			[[ $1 == List* ]] || ((RANDOM % 3)) || ask_again "$reply"
			echo "$reply"
			return
			;;
		esac
	done
	return 1
}
send() { nngcat --req --dial "$url_manager" --recv-timeout 2 --raw --file "$desk/call.json" 2>/dev/null; }
status_of() { jq -r .status <<<"$1" 2>/dev/null; }

# As one whose answer was lost would: the same request once more changes nothing and is answered the same.
ask_again() {
	local reply
	[ "$(status_of "$1")" = OK ] || return 0
	reply=$(send)
	case $(status_of "$reply") in "" | UNAVAILABLE | DEADLINE_EXCEEDED) return ;; esac
	echo "again" >>"$storm/tally/$client"
	[ "$(jq -Sc '[.status, .response]' <<<"$1")" = "$(jq -Sc '[.status, .response]' <<<"$reply")" ] ||
		echo "asked twice and answered differently: $1 $reply" >>"$storm/wrong"
}

# What the containers do. Each says so itself when it starts and when it ends.
say_start='echo start >>/starts/$DAVIT_TASK_ID'
say_end='echo end >>/starts/$DAVIT_TASK_ID'

# over_http SUCCESS CURL-ARGUMENT...: until the gateway answers for good, for a minute at most. Prints the body;
# status 1 when there never was an answer, or it was none of success.
over_http() {
	local want=$1 end=$((SECONDS + 60)) code
	shift
	while ((SECONDS < end)); do
		code=$(curl -s -m 5 -o "$desk/answer" -w '%{http_code}' "$@")
		case $code in
		000 | 503 | 504)
			echo "retry" >>"$storm/tally/$client"
			sleep 0.1
			;;
		"$want")
			echo "call" >>"$storm/tally/$client"
			cat "$desk/answer"
			return
			;;
		*)
			echo "HTTP $code: $* $(cat "$desk/answer")" >>"$storm/wrong"
			return 1
			;;
		esac
	done
	return 1
}

# submit KIND: short ends by itself, array is three of those, flaky fails twice before it succeeds,
# steady goes on until it is stopped and moves when its node is lost.
submit() {
	local kind=$1 name script count=1 restart=null reply
	name=storm-$kind-$round-$client-$((++n_submitted))
	case $kind in
	short | array) script="$say_start; sleep 0.$((RANDOM % 10)); $say_end" ;;
	flaky)
		script="$say_start; [ \$(grep -c start /starts/\$DAVIT_TASK_ID) -gt 2 ] || exit 7; $say_end"
		restart='{"condition": "ON_FAILURE", "delay_ms": 50}'
		;;
	steady)
		script="$say_start; sleep 3600"
		restart='{"condition": "ALWAYS"}'
		;;
	esac
	[ "$kind" != array ] || count=3
	reply=$(ask SubmitTasks "$(jq -cn --arg name "$name" --arg image "$E2E_IMAGE" --arg script "$script" \
		--arg starts "$storm/starts" --argjson count "$count" --argjson restart "$restart" \
		'{count: $count, spec: {name: $name, image: $image, command: ["sh", "-c", $script], memory_bytes: 16777216,
			cpu_milli: 50, stop_timeout_ms: 100, networks: [{name: "none"}],
			mounts: [{type: "BIND", source: $starts, target: "/starts"}]}} |
		if $restart then .spec.restart = $restart else . end')") || { echo "$name" >>"$storm/unsure/$client"; return; }
	if [ "$(jq -r .status <<<"$reply")" = OK ]; then
		jq -r --arg kind "$kind" '.response.task_ids[] | "\(.) \($kind)"' <<<"$reply" >>"$storm/acked/$client"
	else
		echo "refused $name: $reply" >>"$storm/wrong"
	fi
}

# The same by the command line, which tries again by itself.
submit_by_cli() {
	local name id
	name=storm-short-$round-$client-$((++n_submitted))
	if id=$(davit run -d --name "$name" -m 16MiB --cpus 0.05 --network none --stop-timeout 100ms \
		-v "$storm/starts:/starts" "$E2E_IMAGE" -- sh -c "$say_start; $say_end" 2>>"$storm/cli.err"); then
		echo "$id short" >>"$storm/acked/$client"
		echo "call" >>"$storm/tally/$client"
	else
		echo "$name" >>"$storm/unsure/$client"
		echo "cli-gave-up" >>"$storm/tally/$client"
	fi
}

# And by the gateway, always with the same key, once more after the answer.
submit_by_http() {
	local name reply again key
	name=storm-short-$round-$client-$((++n_submitted)) key=$(cat /proc/sys/kernel/random/uuid)
	jq -cn --arg name "$name" --arg image "$E2E_IMAGE" --arg script "$say_start; $say_end" --arg starts "$storm/starts" \
		'{spec: {name: $name, image: $image, command: ["sh", "-c", $script], memory_bytes: 16777216, cpu_milli: 50,
			networks: [{name: "none"}], mounts: [{type: "BIND", source: $starts, target: "/starts"}]}}' >"$desk/body.json"
	set -- 201 -H "Idempotency-Key: $key" --data-binary "@$desk/body.json" "$url_gateway/v1/tasks"
	reply=$(over_http "$@") || { echo "$name" >>"$storm/unsure/$client"; return; }
	jq -r '.task_ids[] | "\(.) short"' <<<"$reply" >>"$storm/acked/$client"
	again=$(over_http "$@") || return 0
	echo "again" >>"$storm/tally/$client"
	[ "$(jq -Sc . <<<"$reply")" = "$(jq -Sc . <<<"$again")" ] ||
		echo "asked twice over HTTP and answered differently: $reply $again" >>"$storm/wrong"
}

# One of the acknowledged ones, most often of the latest; nothing while there are none.
pick() { cat "$storm"/acked/* 2>/dev/null | tail -n 12 | shuf -n 1 | cut -d ' ' -f 1; }

stop_one() {
	local id reply method=StopTasks request
	id=$(pick)
	[ -n "$id" ] || return 0
	request="{\"tasks\": [\"$id\"]}"
	((RANDOM % 3)) || { method=RemoveTasks request="{\"tasks\": [\"$id\"], \"force\": true}"; }
	# Noted before: it may come true without an answer.
	echo "$id" >>"$storm/stopped/$client"
	reply=$(ask "$method" "$request") || return 0
	case $(jq -r .status <<<"$reply") in
	OK | NOT_FOUND) ;;
	*) echo "refused $method $id: $reply" >>"$storm/wrong" ;;
	esac
}

# The lists: ids, one a line.
ids_by_cli() {
	if davit ps -a -q --no-trunc 2>>"$storm/cli.err"; then
		echo "call" >>"$storm/tally/$client"
	else
		echo "cli-gave-up" >>"$storm/tally/$client"
		return 1
	fi
}
ids_by_http() {
	local reply
	reply=$(over_http 200 "$url_gateway/v1/tasks?limit=1000") && jq -r '.tasks[]?.id' <<<"$reply"
}

# What was acknowledged before the list was asked for is in it, unless somebody removed it.
list_all() { # IDS-COMMAND
	local before listed missing
	before=$(cat "$storm"/acked/* 2>/dev/null | cut -d ' ' -f 1 | sort)
	listed=$("$1") || return 0
	missing=$(comm -23 <(echo "$before" | grep .) <(sort <<<"$listed") |
		grep -vxFf <(cat "$storm"/stopped/* 2>/dev/null))
	[ -z "$missing" ] || echo "not in the list: $missing" >>"$storm/wrong"
}

# client NAME ACTION...: does them in turn until the round's traffic is over.
client() {
	local client=$1 desk=$storm/desk/$1 n_submitted=0 actions i
	set +e # a call that fails is what this is about
	shift
	actions=("$@")
	mkdir -p "$desk"
	for ((i = 0; ; i++)); do
		[ ! -e "$storm/quiet" ] || return 0
		${actions[i % ${#actions[@]}]}
	done
}

clients_start() {
	rm -f "$storm/quiet"
	clients=()
	client a "submit short" "submit array" "submit short" "submit flaky" 3>&- & clients+=($!)
	client b submit_by_cli "submit steady" "submit short" "list_all ids_by_cli" 3>&- & clients+=($!)
	client c stop_one "list_all ids_by_cli" "list_all ids_by_http" 3>&- & clients+=($!)
	client d submit_by_http "list_all ids_by_http" 3>&- & clients+=($!)
}
clients_end() {
	: >"$storm/quiet"
	wait "${clients[@]}" || true
}

# ---- kills ----

bring_back() { # WHO
	case $1 in
	n1) worker_start n1 4 8GiB ;;
	n2) worker_start n2 8 16GiB ;;
	*) "$1_start" ;;
	esac
}

# strike WHO...: all of them at once with -9. They are back after a while, each time another.
strike() {
	local who pid pids=() files=()
	for who in "$@"; do
		pid=$(proc_pid "$home/run/$who.pid") || { echo "$who was dead before its turn" >>"$storm/wrong"; continue; }
		pids+=("$pid")
		files+=("$home/run/$who.pid")
		echo "killed-$who" >>"$storm/tally/kills"
	done
	[ $# -eq 1 ] || echo "together" >>"$storm/tally/kills"
	kill -9 "${pids[@]}"
	wait_for 15 procs_gone "${files[@]}"
	sleep "$pause"
	for who in "$@"; do bring_back "$who"; done
}

# Each alone and in every company that matters; the last pause is longer than a node's silence may be.
strikes=("manager" "n1" "scheduler" "manager n1 n2" "n2" "manager gateway" "manager scheduler" "monitor"
	"n1 n2" "manager scheduler n1 n2 monitor gateway" "manager" "n2 scheduler" "gateway")

# storm ROUNDS: stops after the first round that found something.
storm() {
	local n=0 _
	for ((round = 1; round <= $1; round++)); do
		clients_start
		for _ in 1 2; do
			pause=0.$((RANDOM % 6))
			[ $((++n % 9)) -ne 0 ] || pause=3
			# shellcheck disable=SC2086
			strike ${strikes[n % ${#strikes[@]}]}
			sleep 0.$((RANDOM % 6))
		done
		clients_end
		audit
		tidy_up
		measure | sed "s/^/$round /" >>"$storm/growth"
		[ ! -s "$storm/wrong" ] || return 1
	done
}

storm_report() { # ROUNDS SEED
	{
		echo "seed $2: $((round - 1)) rounds, $n_tasks tasks acknowledged and accounted for," \
			"$(grep -c start "$storm/events") containers started in $SECONDS s"
		cat "$storm"/tally/* | sort | uniq -c | sed 's/^ */  /'
		tail -n 6 "$storm/growth" | sed 's/^/  after round /; s/$/ KiB/'
	} | tee "$storm/sum"
	audit_growth "$1"
}

# ---- the audit ----

# "start TASK CONTAINER" and "die TASK CONTAINER", from now on.
engine_watch() {
	proc_start "$home/run/events.pid" "$storm/events" docker events \
		--filter "label=davit.cluster=$CLUSTER" --filter event=start --filter event=die \
		--format '{{.Action}} {{index .Actor.Attributes "davit.task"}} {{.ID}}'
}

# Everything that the store says, as JSON lines.
store_tasks() {
	local after= page
	while :; do
		page=$(desk=$storm client=audit ask ListTasks "$(jq -cn --arg after "$after" '{limit: 1000} + if $after == "" then {} else {after: $after} end')") || return
		jq -c '.response.tasks[]?' <<<"$page"
		after=$(jq -r '.response.next // empty' <<<"$page")
		[ -n "$after" ] || return 0
	done
}

# Reads the store and the engine into files, ids sorted.
look() {
	store_tasks >"$storm/tasks" || return
	jq -r 'select(.state == "RUNNING") | .id' "$storm/tasks" | sort >"$storm/store.runs"
	jq -r .id "$storm/tasks" | sort >"$storm/store.all"
	docker ps -a --no-trunc --filter "label=davit.cluster=$CLUSTER" \
		--format '{{.State}} {{.Label "davit.task"}}' >"$storm/engine" || return
	sed -n 's/^running //p' "$storm/engine" | sort >"$storm/engine.runs"
	cut -d ' ' -f 2 "$storm/engine" | sort >"$storm/engine.all"
}

# The engines run exactly what the store says, nothing is on its way, what ends by itself has ended,
# no container is without a task.
is_settled() {
	look || return
	cmp -s "$storm/store.runs" "$storm/engine.runs" &&
		[ -z "$(jq -r 'select((.state | IN("PENDING", "SCHEDULED")) or
			(.state == "RUNNING" and (.name | startswith("storm-steady") | not)) or
			(.phase | IN("UNREACHABLE", "STOPPING", "RESTARTING", "REMOVING"))) | .id' "$storm/tasks")" ] &&
		[ -z "$(comm -13 "$storm/store.all" "$storm/engine.all")" ] && [ -z "$(uniq -d "$storm/engine.all")" ]
}

# wrong TEXT: the audit goes on, so that one run says everything that it found.
wrong() { echo "round $round: $*" | tee -a "$storm/wrong"; }

# state_of ID: its state and exit code; of the task that took its place when its node was lost.
state_of() {
	local id=$1 state= code= next
	while [ -n "$id" ] && [ "$id" != - ]; do
		next=
		read -r _ state code next < <(grep "^$id " "$storm/states")
		id=$next
	done
	echo "$state $code"
}

audit_tasks() {
	local id kind state starts ends most
	cat "$storm"/stopped/* 2>/dev/null | sort -u >"$storm/stopped.ids"
	jq -r '"\(.id) \(.state) \(.exit_code // 0) \(.replaced_by // "-")"' "$storm/tasks" >"$storm/states"
	while read -r id kind; do
		state=$(state_of "$id")
		starts=$(grep -c start "$storm/starts/$id" 2>/dev/null)
		ends=$(grep -c end "$storm/starts/$id" 2>/dev/null)
		if grep -qx "$id" "$storm/stopped.ids"; then
			! grep -qE "^$id (PENDING|SCHEDULED|RUNNING) " "$storm/states" ||
				wrong "$id ($kind) was stopped and is $state"
		elif [ "$state" = " " ]; then
			wrong "$id ($kind) was acknowledged and is lost"
		elif [ "$kind" = steady ]; then
			[[ $state != COMPLETED* ]] || wrong "$id (steady) is $state, and nobody stopped it"
		else
			[ "$state" = "COMPLETED 0" ] || wrong "$id ($kind) is $state"
			# One that was replaced may have been stopped before its end, or have ended unheard.
			grep -q "^$id .* -$" "$storm/states" && [ "${ends:-0}" != 1 ] && wrong "$id ($kind) ended ${ends:-0} times"
		fi
		most=1
		[ "$kind" != flaky ] || most=3
		[ "${starts:-0}" -le "$most" ] || wrong "$id ($kind) started $starts times"
	done < <(cat "$storm"/acked/*)
}

# Nothing is there that nobody was promised, and no name twice, but for the one that took its place.
audit_names() {
	local names
	names=$(jq -r 'select(.replaces == null) | .name' "$storm/tasks" | sort | uniq -d)
	[ -z "$names" ] || wrong "more than one task of the name: $names"
	names=$(jq -r 'select(.replaces == null) | "\(.id) \(.name)"' "$storm/tasks" |
		grep -vFf <(cat "$storm"/acked/* | cut -d ' ' -f 1) | cut -d ' ' -f 2 |
		grep -vxFf <(cat "$storm"/unsure/* 2>/dev/null; cat "$storm/kept.names" 2>/dev/null))
	[ -z "$names" ] || wrong "tasks that nobody was promised: $names"
}

# By the engine's own word: a task has one container that ever started, and that one never starts
# again before it has died.
audit_events() {
	local found
	found=$(awk '
		$1 == "start" && ran[$2] != "" && ran[$2] != $3 { print $2 " ran in two containers" }
		$1 == "start" && up[$3] { print $2 " started twice at one time" }
		$1 == "start" { ran[$2] = $3; up[$3] = 1 }
		$1 == "die" { up[$3] = 0 }' "$storm/events")
	[ -z "$found" ] || wrong "by the engine: $found"
}

audit() {
	wait_node n1 READY 60 >/dev/null || wrong "n1 is not READY"
	wait_node n2 READY 60 >/dev/null || wrong "n2 is not READY"
	wait_for 60 is_settled || {
		wrong "store and engines do not become equal"
		diff "$storm/store.runs" "$storm/engine.runs"
		jq -c 'select(.state | IN("COMPLETED", "FAILED") | not) | {id, name, state, phase, desired, message}' "$storm/tasks"
		comm -13 "$storm/store.all" "$storm/engine.all" | sed 's/^/container without a task: /'
	}
	audit_tasks
	audit_names
	audit_events
}

# What has ended is accounted for and goes; what runs is left for the next round.
tidy_up() {
	local ids
	ids=$(jq -r 'select(.state | IN("COMPLETED", "FAILED")) | .id' "$storm/tasks")
	n_tasks=$((n_tasks + $(cat "$storm"/acked/* | wc -l)))
	# shellcheck disable=SC2086
	[ -z "$ids" ] || desk=$storm client=audit ask RemoveTasks "$(printf '%s\n' $ids | jq -R . | jq -cs '{tasks: .}')" >"$storm/removed" ||
		wrong "the ended tasks cannot be removed: $(cat "$storm/removed")"
	# A steady one, or what took its place, is not promised anew next round; it may be stopped yet.
	jq -r 'select(.state == "RUNNING") | .name' "$storm/tasks" >"$storm/kept.names"
	jq -r 'select(.state == "RUNNING") | "\(.id) steady"' "$storm/tasks" >"$storm/acked.kept"
	n_tasks=$((n_tasks - $(wc -l <"$storm/acked.kept")))
	rm -f "$storm"/acked/* "$storm"/stopped/* "$storm"/unsure/*
	mv "$storm/acked.kept" "$storm/acked/kept"
}

# "NAME VALUE" of everything that must not grow: bytes of the database with its log, KiB of memory of
# each process that no file backs.
measure() {
	local who
	echo "database $(cat "$home"/manager/manager.db* | wc -c | awk '{print int($1 / 1024)}')"
	for who in manager scheduler n1 n2 monitor gateway; do
		echo "$who $(awk '/^RssAnon/ {print $2}' "/proc/$(proc_pid "$home/run/$who.pid")/status")"
	done
}

# The greatest of all rounds against the greatest of the first third: at most a quarter more, and
# 512 KiB, or for the database 2 MiB: its log is emptied when it has about 1 MiB.
audit_growth() {
	local found
	found=$(awk -v rounds="$1" '
		{ if ($1 <= rounds / 3 && $3 > early[$2]) early[$2] = $3; if ($3 > most[$2]) most[$2] = $3 }
		END { for (what in early)
			if (most[what] > early[what] * 1.25 + (what == "database" ? 2048 : 512))
			print what " grew from " early[what] " to " most[what] " KiB" }' "$storm/growth")
	[ -z "$found" ] || wrong "$found"
}
