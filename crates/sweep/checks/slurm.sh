#!/usr/bin/env bash
# A Slurm of one's own on this machine: a controller and two nodes, each a slurmd of its own. Debian: apt-get install slurm-wlm munge. As root.
#
#   slurm.sh start DIR     begins it, its files in DIR
#   slurm.sh stop DIR      ends what it began, by the process numbers in DIR
#
# SLURM_CONF=DIR/slurm.conf sbatch … then submits to it. It is for checks.py beside it, and no part of the default tests.
set -eu
command=$1
dir=$(mkdir -p "$2" && cd "$2" && pwd)

begin() { # NAME COMMAND…: started in the background, its number kept
    local name=$1
    shift
    "$@" > "$dir/$name.out" 2>&1 &
    echo $! > "$dir/$name.pid"
}

case $command in
start)
    host=$(hostname -s)
    mkdir -p "$dir/state" "$dir/spool1" "$dir/spool2" "$dir/munge"
    chmod 755 "$dir"
    cat > "$dir/slurm.conf" <<CONF
ClusterName=check
SlurmctldHost=$host
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
SlurmctldPort=16817
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.run
SlurmdPidFile=$dir/slurmd.%n.run
SlurmdSpoolDir=$dir/spool.%n
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
SlurmdTimeout=20
KillWait=5
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
JobRequeue=1
MaxArraySize=20001
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16821 CPUs=2
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16822 CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
    # munged wants a key and a folder that nobody else can write.
    [ -f "$dir/munge/key" ] || dd if=/dev/urandom of="$dir/munge/key" bs=128 count=1 status=none
    chmod 400 "$dir/munge/key"
    begin munged munged --foreground --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
        --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
    for _ in $(seq 50); do [ -S "$dir/munge/socket" ] && break; sleep 0.1; done
    export SLURM_CONF=$dir/slurm.conf
    begin slurmctld slurmctld -D -f "$dir/slurm.conf"
    sleep 1
    begin n1 slurmd -D -N n1 -f "$dir/slurm.conf"
    begin n2 slurmd -D -N n2 -f "$dir/slurm.conf"
    for _ in $(seq 100); do
        [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && break
        sleep 0.2
    done
    sinfo
    ;;
stop)
    for name in n1 n2 slurmctld munged; do
        [ -f "$dir/$name.pid" ] && kill "$(cat "$dir/$name.pid")" 2>/dev/null || true
    done
    ;;
*)
    echo "slurm.sh start|stop DIR" >&2
    exit 2
    ;;
esac
