#!/usr/bin/env bash
# Starts a private cluster on this machine: hosts node1, node2, ... with addresses, names and shared
# memory of their own, each with an sshd and a slurmd, and a head with munged and slurmctld.
#
#   unshare --mount --uts --net --pid --fork --kill-child --mount-proc tests/cluster/up.sh FOLDER HOSTS
#
# Prints "up" once jobs can be submitted, and runs until its input ends. It is the first process of
# its PID namespace: when it ends, the kernel ends every process of the cluster and removes the
# namespaces with their links. FOLDER/on HOST COMMAND runs a command on a host. FOLDER/ssh is an ssh
# with the keys of the hosts.
set -euo pipefail

# The trap below ends all processes of the namespace.
[ $$ = 1 ] || { echo 'up.sh: start it in a PID namespace of its own, as it says above' >&2; exit 2; }

trap 'kill -KILL -- -1; rm -rf -- "$1"' EXIT

cluster=$1 hosts=$2 here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
subnet=10.88.0
mkdir -p "$cluster"/{log,run,state,keys}
cd "$cluster"

fail() {
    printf 'up.sh: %s\n' "$1" >&2
    tail -n 20 log/* >&2
    exit 1
}

wait_for() {   # wait_for WHAT COMMAND...: the command succeeds within 20 s
    local what=$1 end=$((SECONDS + 20))
    until timeout 5 "${@:2}" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "not within 20 s: $what"
        sleep 0.05
    done
}

# The head: a switch with an address. Its mounts are visible on the hosts and hidden outside.
hostname head
mount -t tmpfs run /run
mkdir /run/sshd
ip link set lo up
ip link add switch type bridge
ip addr add "$subnet.254/24" dev switch
ip link set switch up
{
    echo '127.0.0.1 localhost'
    echo "$subnet.254 head"
    for ((i = 1; i <= hosts; i++)); do echo "$subnet.$i node$i"; done
} >etc-hosts
mount --bind etc-hosts /etc/hosts
# sshd refuses a user whose password is locked, even with a key.
(umask 077 && sed 's/^root:[^:]*/root:*/' /etc/shadow >etc-shadow)
mount --bind etc-shadow /etc/shadow

# ssh with keys of its own
ssh-keygen -q -t ed25519 -N '' -f keys/host
ssh-keygen -q -t ed25519 -N '' -f keys/user
sed "s/^/node* /" keys/host.pub >keys/known
cat >sshd.conf <<CONF
HostKey $cluster/keys/host
AuthorizedKeysFile $cluster/keys/user.pub
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
SetEnv TMPDIR=$cluster/tmp
MaxStartups 100
CONF
cat >ssh <<SCRIPT
#!/bin/sh
exec ssh -F none -i $cluster/keys/user -o UserKnownHostsFile=$cluster/keys/known -o BatchMode=yes -q "\$@"
SCRIPT
cat >on <<SCRIPT
#!/bin/sh
host=\$1
shift
exec nsenter -t "\$(cat $cluster/run/\$host)" --net --uts --mount --wd="\$PWD" -- "\$@"
SCRIPT
chmod +x ssh on

# The hosts. Open MPI names its files in /dev/shm after the host: two hosts must not share it.
for ((i = 1; i <= hosts; i++)); do
    # shellcheck disable=SC2016
    unshare --net --uts --mount sh -ec '
        hostname "$1"
        mount -t tmpfs -o mode=1777 shm /dev/shm
        ip link set lo up
        echo $$ >"run/$1"
        exec /usr/sbin/sshd -D -f "$PWD/sshd.conf" -E "$PWD/log/sshd.$1"' - "node$i" </dev/null &>"log/host.node$i" &
    disown
    wait_for "host node$i" test -s "run/node$i"
    ip link add "port$i" master switch type veth peer name eth0 netns "$(cat "run/node$i")"
    ip link set "port$i" up
    ./on "node$i" ip addr add "$subnet.$i/24" dev eth0
    ./on "node$i" ip link set eth0 up
done

# Slurm, with this machine's cores on every host
head -c 1024 /dev/urandom >keys/munge
chmod 400 keys/munge
munged --key-file="$cluster/keys/munge" --socket="$cluster/run/munge" --pid-file="$cluster/run/munged.pid" \
    --log-file="$cluster/log/munged" --seed-file="$cluster/state/munge.seed"
cores=$(slurmd -C | sed -n 's/^NodeName=[^ ]* \(CPUs=.*\) RealMemory=.*/\1/p')
sed -e "s|@CLUSTER@|$cluster|g" -e "s|@HEAD@|$subnet.254|g" -e "s|@HOSTS@|node[1-$hosts]|g" \
    -e "s|@CORES@|$cores|g" "$here/slurm.conf" |
    awk -v hosts="$hosts" '/^PartitionName=/ && match($0, /-[0-9]+\]/) && substr($0, RSTART + 1) + 0 > hosts { next } { print }' \
        >slurm.conf
# Version 2 needs systemd; control groups are not used here.
echo 'CgroupPlugin=cgroup/v1' >cgroup.conf
# Without these the last fence of MPI_Init is no barrier across hosts, and some starts crash.
printf 'PMIxFenceBarrier=yes\nPMIxCollFence=ring\n' >mpi.conf
export SLURM_CONF=$cluster/slurm.conf TMPDIR=$cluster/tmp
slurmctld -c >log/slurmctld.start 2>&1 || fail 'slurmctld does not start'
for ((i = 1; i <= hosts; i++)); do
    mkdir -p "tmp/node$i"
    ./on "node$i" slurmd -N "node$i" >"log/slurmd.node$i.start" 2>&1 || fail "slurmd does not start on node$i"
done
# shellcheck disable=SC2016
wait_for "$hosts idle hosts" sh -c '[ "$(sinfo -h -N -t idle -o %n | sort -u | wc -l)" = "$1" ]' - "$hosts"
for ((i = 1; i <= hosts; i++)); do wait_for "ssh node$i" ./on node1 ./ssh "node$i" true; done

echo up
cat >/dev/null
