#!/bin/bash
# slurm.sh - Slurm from Debian and Davit in the same run: an array and single submissions of
# `true`, and memory.
#
# slurmctld, slurmd and munged run as root on loopback with a configuration, a key, state and ports
# of their own, and are ended at the end. Packages that are missing are installed (SLURM_INSTALL=0:
# then it says so and stops). Slurm forks `true`; Davit is measured with real containers of it, and
# with an engine in memory, which starts no process at all: the figures say which. Slurm is told to
# be quick: 16 jobs a processor at one time, and no wait between an end and the next start.
# ARRAY=1000 SINGLES=200 CONTAINERS=100. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. deploy/cluster.sh
. tests/lib/own_engine.bash
. tests/bench/peers/common.bash
B=${BUILD:-build/release}
DAVIT_BIN=$PWD/$B/bin
array=${ARRAY:-1000} singles=${SINGLES:-200} containers=${CONTAINERS:-100}
image=davit-demo:latest
# The keepers of steps outlive slurmd: those that write into our folder are ours.
end_others() {
	local pid
	proc_stop 5 "$dir/slurmd.pid" "$dir/slurmctld.pid" "$dir/munged.pid"
	for pid in $(pgrep slurmstepd); do
		[[ $(readlink "/proc/$pid/fd"/* 2>/dev/null) != *"$dir/"* ]] || kill -KILL "$pid"
	done
}
peers_begin slurm
chmod 755 "$dir"

# ---- Slurm ----

# Its daemons are not to be started by their packages.
install_slurm() {
	local policy=/usr/sbin/policy-rc.d
	command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && return
	[ "${SLURM_INSTALL:-1}" = 1 ] || die "slurmctld, slurmd or munged is missing: apt-get install slurm-wlm munge"
	[ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && touch "$dir/policy"; }
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends slurm-wlm munge >"$dir/apt.log" 2>&1 ||
		{ tail "$dir/apt.log" >&2; die "Slurm cannot be installed"; }
	[ ! -e "$dir/policy" ] || rm -f $policy
}

slurm_configure() {
	local host
	host=$(hostname -s)
	mkdir -p "$dir"/{state,spool,munge}
	dd if=/dev/urandom of="$dir/munge/key" bs=128 count=1 status=none
	chmod 400 "$dir/munge/key"
	: >"$dir/cgroup.conf"
	cat >"$dir/slurm.conf" <<END
ClusterName=bench
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
SlurmctldPort=$1
SlurmdPort=$(($1 + 1))
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/ctld.pid
SlurmdPidFile=$dir/d.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
# As it comes it looks for work 3 s after a batch job has ended: two jobs in 3 s with two CPUs.
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
MaxJobCount=200000
MaxArraySize=100001
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$((16 * $(nproc))) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
	export SLURM_CONF=$dir/slurm.conf
}

slurm_idles() { [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; }
slurm_is_empty() { [ -z "$(squeue -h 2>/dev/null)" ]; }
slurm_start() {
	proc_start "$dir/munged.pid" "$dir/munged.out" munged --foreground --force \
		--key-file "$dir/munge/key" --socket "$dir/munge/socket" --pid-file "$dir/munge/pid" \
		--log-file "$dir/munge/log" --seed-file "$dir/munge/seed"
	wait_for 10 test -S "$dir/munge/socket"
	proc_start "$dir/slurmctld.pid" "$dir/slurmctld.out" slurmctld -D
	proc_start "$dir/slurmd.pid" "$dir/slurmd.out" slurmd -D -N "$(hostname -s)"
	wait_for 60 slurm_idles || { tail "$dir"/slurm*.{log,out} >&2; die "Slurm does not start"; }
}
slurm_memory() { # WHEN
	figure "peers.slurm.slurmctld_$1" "$(mib "$(anon_kib "$(proc_pid "$dir/slurmctld.pid")")")" MiB
	figure "peers.slurm.slurmctld_${1}_rss" "$(mib "$(rss_kib "$(proc_pid "$dir/slurmctld.pid")")")" MiB
	figure "peers.slurm.slurmd_$1" "$(mib "$(anon_kib "$(proc_pid "$dir/slurmd.pid")")")" MiB
	figure "peers.slurm.slurmd_${1}_rss" "$(mib "$(rss_kib "$(proc_pid "$dir/slurmd.pid")")")" MiB
}
slurm_array() {
	sbatch -Q --array "1-$array" --output /dev/null --wrap true
	wait_for 300 slurm_is_empty
}
slurm_submit() {
	local i
	for ((i = 0; i < singles; i++)); do
		sbatch -Q -H --output /dev/null --wrap true
	done
}
run_slurm() {
	local from i
	figure peers.slurm.version "$(slurmctld -V | cut -d' ' -f2)" ""
	slurm_memory idle
	from=$(now_us)
	slurm_array
	figure "peers.slurm.array_rate" "$(awk "BEGIN {print $array / $(since_s "$from")}")" jobs/s
	from=$(now_us)
	slurm_submit
	figure peers.slurm.submit_rate "$(awk "BEGIN {print $singles / $(since_s "$from")}")" jobs/s
	slurm_memory "with_${singles}_held"
	scancel -u root
	wait_for 60 slurm_is_empty
	for ((i = 0; i < 20; i++)); do
		from=$(now_us)
		srun -Q true
		since_s "$from"
		echo
	done | median >"$dir/srun"
	figure peers.slurm.run_one_and_wait "$(cat "$dir/srun")" s
	slurm_memory after
}

# ---- Davit ----

davit() { "$DAVIT_BIN/davit" "$@"; }
davit_has_ended() { [ "$(davit ps -o json | jq length)" -eq 0 ]; }
# run_davit NAME ARRAY IMAGE: with whatever engine its worker has.
run_davit() {
	local name=$1 count=$2 from i
	from=$(now_us)
	davit run -q -d --count "$count" --name many "$3" -- true >/dev/null
	wait_for 300 davit_has_ended
	figure "peers.davit_$name.array_rate" "$(awk "BEGIN {print $count / $(since_s "$from")}")" jobs/s
	from=$(now_us)
	for ((i = 0; i < singles; i++)); do
		davit run -q -d --cpus 9000 "$3" -- true >/dev/null
	done
	figure "peers.davit_$name.submit_rate" "$(awk "BEGIN {print $singles / $(since_s "$from")}")" jobs/s
	figure "peers.davit_$name.memory_with_${singles}_waiting" "$(mib "$(anon_kib "$(proc_pid "$home/run/manager.pid")")")" MiB
	davit ps -q | xargs "$DAVIT_BIN/davit" rm -q -f >/dev/null
	for ((i = 0; i < 20; i++)); do
		from=$(now_us)
		davit run -q -f --rm "$3" -- true
		since_s "$from"
		echo
	done | median >"$dir/run"
	figure "peers.davit_$name.run_one_and_wait" "$(cat "$dir/run")" s
}
davit_start() { # NAME HOST
	cluster_use "$dir/davit" "$((20000 + RANDOM % 10000))"
	manager_start
	scheduler_start
	worker_start n1 1000 1TiB --docker-host "$2"
	wait_for 30 nodes_ready 1
	figure "peers.davit_$1.manager_and_scheduler_idle" "$(mib "$(anon_kib "$(proc_pid "$home/run/manager.pid")" "$(proc_pid "$home/run/scheduler.pid")")")" MiB
	figure "peers.davit_$1.worker_idle" "$(mib "$(anon_kib "$(proc_pid "$home/run/n1.pid")")")" MiB
}

install_slurm
slurm_configure $((30000 + RANDOM % 2000))
slurm_start
run_slurm
proc_stop 10 "$dir/slurmd.pid" "$dir/slurmctld.pid" "$dir/munged.pid" >/dev/null

davit_start memory mem://
run_davit memory "$array" exit:0/after:0
cluster_end "$dir/davit" 5 >/dev/null
rm -rf "$dir/davit"

own_engine_start "$dir/engine"
export DOCKER_HOST=$own_engine_host
deploy/demo-image.sh $image >/dev/null
davit_start engine "$DOCKER_HOST"
run_davit engine "$containers" $image
