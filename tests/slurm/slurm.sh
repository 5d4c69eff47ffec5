#!/bin/sh
# The recipes of docs/many-machines.md on this machine: a slurmctld and three slurmd of its own, an array of jobs over a
# folder of pictures, one node gone in the middle with all that ran on it, its part queued again on another. Every
# picture must stand once in the lines, and as in a run without Slurm. The same by GNU parallel, which is killed. Needs
# root (nodes are process namespaces), slurmctld, slurmd, munge, parallel.
# usage: slurm.sh PROGRAM FOLDER_OF_SAMPLES [WORK_FOLDER]
set -eu
program=$(realpath "$1") samples=$(realpath "$2") source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(realpath -m "${3:-build/slurm}")
[ "$(id -u)" = 0 ] || { echo "slurm.sh: root is needed" >&2; exit 1; }
parts=4 copies=16
rm -rf "$work"
mkdir -p "$work/run" "$work/state" "$work/pictures/deep"
cd "$work"
say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
die() {
    say "FAILED: $*"
    tail -n 5 run/*.log 2>/dev/null || true
    exit 1
}

# Every daemon is this script's child or its namespace's, and ends with it.
children=
stop() {
    trap - EXIT
    for child in $children; do kill -9 "$child" 2>/dev/null || true; done
    wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 130' INT TERM

number=0
while [ $number -lt $copies ]; do
    cp "$samples/smear-1.jpg" "pictures/a-$number.jpg"
    cp "$samples/smear-2.jpg" "pictures/deep/b, $number.jpg" # a name that wants quotes
    number=$((number + 1))
done
echo "no picture" >pictures/bad.jpg
expected=$((2 * copies + 1))
# As lines of names and boxes: without times, which differ.
strip() { sed 's/, "ms": {[^}]*}//' "$@" | sort; }

say "without Slurm: $expected pictures"
"$program" detect --quiet --jsonl alone.jsonl pictures 2>run/alone.log || [ $? = 1 ] || die "detect without Slurm"
[ "$(wc -l <alone.jsonl)" = $expected ] || die "$(wc -l <alone.jsonl) lines of $expected"
strip alone.jsonl >alone.txt

# ---- munge and Slurm ----
host=$(hostname -s)
dd if=/dev/urandom of=run/key bs=64 count=1 2>/dev/null
chmod 600 run/key
munged --foreground --force --key-file=run/key --socket="$work/run/munge.socket" --pid-file="$work/run/munge.pid" \
    --log-file="$work/run/munge.log" --seed-file="$work/run/munge.seed" >run/munged.log 2>&1 &
children="$children $!"

cat >slurm.conf <<CONF
ClusterName=ghostvk
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=17817
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/run/munge.socket
StateSaveLocation=$work/state
SlurmctldPidFile=$work/run/slurmctld.pid
SlurmctldLogFile=$work/run/slurmctld.log
SlurmdPidFile=$work/run/slurmd-%n.pid
SlurmdLogFile=$work/run/slurmd-%n.log
SlurmdSpoolDir=$work/state/%n
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobRequeue=1
ReturnToService=0
SlurmdTimeout=6
InactiveLimit=0
KillWait=5
MinJobAge=600
RequeueExit=0
NodeName=node1 NodeHostName=$host NodeAddr=127.0.0.1 Port=17821 CPUs=1 State=UNKNOWN
NodeName=node2 NodeHostName=$host NodeAddr=127.0.0.1 Port=17822 CPUs=1 State=UNKNOWN
NodeName=node3 NodeHostName=$host NodeAddr=127.0.0.1 Port=17823 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
sed -i '/^RequeueExit/d' slurm.conf
export SLURM_CONF="$work/slurm.conf"
sleep 1
slurmctld -D -c -f slurm.conf >run/ctld.out 2>&1 &
children="$children $!"
# A node is a namespace of processes: when its first process is killed, everything in it is gone, as when power fails.
start_node() {
    mkdir -p "state/$1"
    unshare --pid --fork --mount-proc --kill-child=KILL slurmd -D -c -N "$1" -f slurm.conf >"run/$1.out" 2>&1 &
    node_process=$!
    children="$children $node_process"
}
start_node node1
start_node node2
doomed=$node_process
start_node node3
tries=0
until [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 3 ]; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || { sinfo -N -l || true; die "the nodes do not come up"; }
    sleep 1
done
say "Slurm $(slurmctld -V | cut -d' ' -f2): slurmctld and three slurmd are up"

# ---- the array, a node gone in the middle ----
export GHOSTVK="$program"
job=$(sbatch --parsable --array=1-$parts --output="$work/run/job-%a.log" "$source/examples/many_machines/detect.sbatch" \
    $parts "$work/pictures" "$work/out")
say "sent an array of $parts jobs: $job"
victim= tries=0
while [ -z "$victim" ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || die "no part ran on node2"
    task=$(squeue -h -r -j "$job" -w node2 -t running -o %K)
    [ -z "$task" ] || [ ! -s "out/part-$task.jsonl" ] || [ "$(wc -l <"out/part-$task.jsonl")" -lt 2 ] || victim=$task
    sleep 0.1
done
kill -9 "$doomed"
wait "$doomed" 2>/dev/null || true
before=$(wc -l <"out/part-$victim.jsonl")
say "node2 is gone in the middle of part $victim, after $before of its pictures"
printf '{"file": "cut off in the mid' >>"out/part-$victim.jsonl" # as a write that the failure cut in two

tries=0 requeued=
while [ -n "$(squeue -h -j "$job" -o %A)" ]; do
    tries=$((tries + 1))
    [ $tries -lt 900 ] || { squeue -r; sinfo -N; die "the array does not end"; }
    [ "$requeued" ] || [ -z "$(squeue -h -r -j "$job" -o '%K %T' | grep "^$victim PENDING")" ] || {
        requeued=yes
        say "part $victim is queued again"
    }
    sleep 0.5
done
restarts=$(scontrol show job "${job}_$victim" | sed -n 's/.* Restarts=\([0-9]*\).*/\1/p' | head -n 1)
say "the array has ended; part $victim was started again $restarts time(s)"
[ "$restarts" -ge 1 ] || die "part $victim was not requeued"
cat out/part-*.jsonl >boxes.jsonl
[ "$(wc -l <boxes.jsonl)" = $expected ] || die "$(wc -l <boxes.jsonl) lines of $expected"
strip boxes.jsonl | sed "s#\"$work/#\"#" >boxes.txt
sort boxes.txt | cmp - alone.txt || die "the lines are not those of a run without Slurm"
[ "$(wc -l <"out/part-$victim.jsonl")" -gt "$before" ] || die "part $victim did not go on"
say "all $expected pictures stand once in the lines, as without Slurm"

# ---- GNU parallel ----
run_parallel() { # in place of a subshell, so that what is killed is parallel itself
    exec parallel --will-cite --jobs 2 --joblog run/parallel.log --resume-failed \
        "$program" detect --quiet --resume --jsonl "parallel/part-{}.jsonl" --shard "{}/$parts" pictures ::: $(seq $parts)
}
mkdir -p parallel
run_parallel 2>run/parallel.err &
running=$!
children="$children $running"
until [ -s parallel/part-1.jsonl ] && [ "$(wc -l <parallel/part-1.jsonl)" -ge 2 ]; do sleep 0.1; done
kill -TERM "$running"
kill -TERM "$running" 2>/dev/null || true # a second one does not wait for the jobs
wait "$running" 2>/dev/null || true
say "GNU parallel was killed after $(cat parallel/part-*.jsonl | wc -l) of $expected pictures"
(run_parallel) 2>>run/parallel.err || true # 1: the file that is no picture
cat parallel/part-*.jsonl >parallel.jsonl
strip parallel.jsonl | cmp - alone.txt || die "the lines by GNU parallel are not those of one run"
say "and all $expected of them by GNU parallel"
