# What the results of the cluster's profiles and of the peers say, as tables of Markdown. Input: all
# results, as an array.

def round_to(n): . * pow(10; n) | round / pow(10; n);
def group: tostring | if test("^[0-9]{4,}$") then [while(length > 0; .[:-3])] | map(.[-3:]) | reverse | join(",") else . end;
def short:
  if type == "string" then . elif . == null then "" elif . >= 1000 then round | group
  elif . >= 100 then round | tostring elif . >= 10 then round_to(1) | tostring
  else round_to(2) | tostring end;
def row: "| " + (map(short) | join(" | ")) + " |";
def head: row, "|" + (map("---|") | join(""));
def found($results; $profile): $results | map(select(.profile == $profile)) | first;
def value($result; $name): $result.figures // [] | map(select(.name == $name)) | first | .value;
def mark($floor; $seen; $most):
  if $seen == null then "not measured" elif ($most and $seen <= $floor) or (($most | not) and $seen >= $floor) then "met" else "**missed**" end;

def flows: ["c1m", "c2m", "churn", "burst", "failover", "lists"];

def runs($all):
  "What was run, and on what:", "",
  (["profile", "when (UTC)", "commit", "scale", "machine"] | head),
  ($all[] | [.profile, .when, "`\(.commit)`", (.scale | tostring),
    "\(.machine.processors) x \(.machine.processor), Linux \(.machine.kernel)" +
    (if .machine.load_before then ", load \(.machine.load_before | round_to(1)) before" else "" end)] | row);

def floors($all):
  [["c2m", "submitted, placed, delivered and running, all of them", "running.all_after", 180, true, "s"],
   ["c2m", "manager's memory at most", "rss_most.manager", 2048, true, "MiB"],
   ["c2m", "manager's memory a task at rest", "manager_bytes_per_task", 1024, true, "B"],
   ["c1m", "submit to completed, sustained", "completed.rate", 20000, false, "tasks/s"],
   ["churn", "manager's cores", "cores.manager", 0.6, true, "cores"],
   ["churn", "submit to running, p99", "submit_to_running.p99", 100, true, "ms"],
   ["failover", "detection to all replacements placed", "first_detected_to_all_placed", 5, true, "s"],
   ["restart", "kill to the first page served", "kill_to_first_page", 3, true, "s"],
   ["burst", "one durable call over its sync, p50, call after call", "next_call.p50_over_sync", 500, true, "us"],
   ["burst", "the same after 10 ms in which all sleep", "one_call.p50_over_sync", 500, true, "us"],
   ["lists", "first page while writing, slowest filter, p50",
     "slowest", 5, true, "ms"],
   ["flat", "cost of a task, dearest over cheapest", "most_over_least", 1.3, true, "x"]] as $floors |
  (["profile", "figure", "seen", "floor", ""] | head),
  ($floors[] | . as [$profile, $what, $name, $floor, $most, $unit] | found($all; $profile) as $result |
    (if $name == "slowest" then [$result.figures // [] | .[] | select(.name | test("^writing.*p50$")) | .value] | max
     else value($result; $name) end) as $seen |
    [$profile, $what, (if $seen == null then "" else "\($seen | short) \($unit)" end),
     "\($floor | short) \($unit)", mark($floor; $seen; $most) +
     (if $result != null and $result.scale != 1 then " (at scale \($result.scale))" else "" end)] | row);

def flow_table($all):
  [flows[] | found($all; .) | select(. != null)] as $some |
  (["figure"] + ($some | map(.profile)) | head),
  ([["nodes", "nodes"], ["tasks", "tasks"],
    ["submitted.rate", "submitted, tasks/s"], ["placed.rate", "placed, tasks/s"], ["delivered.rate", "delivered, tasks/s"],
    ["running.rate", "running, tasks/s"], ["completed.rate", "completed, tasks/s"],
    ["submit_to_running.p50", "submit to running p50, ms"], ["submit_to_running.p90", "p90, ms"],
    ["submit_to_running.p99", "p99, ms"], ["submit_to_running.p99.9", "p99.9, ms"], ["submit_to_running.p100", "slowest, ms"],
    ["cpu_per_task.manager", "CPU a task, manager, µs"], ["cpu_per_task.scheduler", "scheduler, µs"],
    ["cpu_per_task.crowd", "workers and their engines, µs"], ["cpu_per_task.driver", "driver, µs"], ["cpu_per_task.all", "all, µs"],
    ["cores.manager", "manager's cores"], ["cores.crowd", "workers' cores"],
    ["rss_most.manager", "most memory, manager, MiB"], ["rss_most.scheduler", "scheduler, MiB"], ["rss_most.crowd", "workers, MiB"],
    ["store_bytes", "store on disk, B"], ["syncs", "syncs"], ["sync_mean", "one sync, mean, µs"], ["sync_wait", "waited for syncs, s"]][] |
    . as [$name, $title] | [$title] + [$some[] | value(.; $name)] | row);

def others($all; $profile; $skip):
  found($all; $profile) as $result | select($result != null) |
  "", "`\($profile)`:", "", (["figure", "seen"] | head),
  ($result.figures[] | select(.name | test($skip) | not) | ["`\(.name)`", "\(.value | short) \(.unit)"] | row);

def flat($all):
  found($all; "flat") as $result | select($result != null) |
  ([$result.figures[].name | select(test("^[0-9]+[.]all$")) | split(".")[0]]) as $sizes |
  ([$result.figures[].name | select(startswith("\($sizes[0]).round_")) | split(".")[1]]) as $rounds |
  "", "`flat`, µs of processor time a task by how many are submitted at one time:", "",
  (["figure"] + ($sizes | map(tonumber | group)) | head),
  ([["all", "**all parts**"], ["manager", "manager"], ["scheduler", "scheduler"], ["crowd", "workers and their engines"],
    ["driver", "driver"], ($rounds[] | [., "all parts, " + sub("_"; " ")]), ["least", "all parts, least of all rounds"],
    ["idle_off", "taken off as idle"], ["cores", "cores used meanwhile"],
    ["yardstick_alone", "yardstick, one thread, ms"], ["yardstick_shared", "yardstick, two threads, ms"]][] |
    . as [$name, $title] | [$title] + [$sizes[] | value($result; "\(.).\($name)")] | row),
  "", (["figure", "seen"] | head),
  ($result.figures[] | select(.name | test("^[0-9]") | not) | ["`\(.name)`", "\(.value | short) \(.unit)"] | row);

def beside($result; $title; $pairs; $a; $b):
  select($result != null) | "", $title, "", (["", $a, $b, "better"] | head),
  ($pairs[] | . as [$what, $left, $right, $unit, $less] | value($result; $left) as $x | value($result; $right) as $y |
    select($x != null and $y != null) |
    ["\($what), \($unit)", $x, $y,
     (if $x == $y then "" elif ($x < $y) == $less then "\($a), \((if $less then $y / $x else $x / $y end) | short) times"
      else "\($b), \((if $less then $x / $y else $y / $x end) | short) times" end)] | row);

def peers($all):
  (found($all; "peers-swarm") as $result | (value($result; "n") | short) as $n | (value($result; "updated") | short) as $k |
   (value($result; "waiting") | short) as $w |
  beside($result; "Docker Swarm, in the same dockerd:";
    [["\($n) replicas to running, seen on the engine (Swarm) or by the manager (Davit)", "davit.start", "swarm.start", "s", true],
     ["\($n) replicas until their manager says so", "davit.start_known", "swarm.start_known", "s", true],
     ["a killed task runs again", "davit.replace_killed", "swarm.replace_killed", "s", true],
     ["\($n) stopped", "davit.stop", "swarm.stop", "s", true],
     ["\($k) replaced one by one (Swarm: rolling update; Davit has none yet: a loop of the CLI)", "davit.update", "swarm.update", "s", true],
     ["\($w) that fit nowhere, until all are PENDING", "davit.pending", "swarm.pending", "s", true],
     ["memory idle", "davit.memory_idle", "swarm.memory_idle", "MiB", true],
     ["memory with \($n)", "davit.memory_with", "swarm.memory_with", "MiB", true],
     ["memory that \($w) PENDING add", "davit.memory_pending", "swarm.memory_pending", "MiB", true]]; "Davit"; "Swarm")),
  beside(found($all; "peers-slurm"); "Slurm, which starts real processes; Davit with an engine in memory starts none:";
    [["an array of `true`", "davit_memory.array_rate", "slurm.array_rate", "jobs/s", false],
     ["single submissions from a shell", "davit_memory.submit_rate", "slurm.submit_rate", "jobs/s", false],
     ["one job, started and waited for", "davit_memory.run_one_and_wait", "slurm.run_one_and_wait", "s", true],
     ["manager and scheduler / slurmctld, idle", "davit_memory.manager_and_scheduler_idle", "slurm.slurmctld_idle", "MiB", true],
     ["worker / slurmd, idle", "davit_memory.worker_idle", "slurm.slurmd_idle", "MiB", true],
     ["manager / slurmctld with 200 that wait", "davit_memory.memory_with_200_waiting", "slurm.slurmctld_with_200_held", "MiB", true]]; "Davit"; "Slurm"),
  beside(found($all; "peers-slurm"); "The same with real containers of `true`, on a dockerd of its own:";
    [["an array of `true`", "davit_engine.array_rate", "slurm.array_rate", "jobs/s", false],
     ["single submissions from a shell", "davit_engine.submit_rate", "slurm.submit_rate", "jobs/s", false],
     ["one job, started and waited for", "davit_engine.run_one_and_wait", "slurm.run_one_and_wait", "s", true]]; "Davit"; "Slurm");

. as $all |
if $part == "cluster" then
  floors($all), "", flow_table($all), others($all; "failover"; "^(cpu|cores|rss|sync|store|submit|placed|delivered|running)"),
  others($all; "restart"; "^$"), others($all; "lists"; "^(cpu|cores|rss|sync|store|submit|placed|delivered|running|completed)"),
  others($all; "burst"; "^(cpu|cores|rss|sync|store|submit|placed|delivered|running|completed)"), flat($all),
  "", runs($all | map(select(.profile | startswith("peers") | not)))
else
  peers($all), "", runs($all | map(select(.profile | startswith("peers"))))
end
