#!/usr/bin/env python3
"""Two drivers on one sweep over NFS, each on a client of its own, with the locks of a real kernel's server and clients.

    nfs.py PROGRAM WORK [KERNEL [PART…]]

PROGRAM is a built `strata` (configs with `hidden = []` need no other network). A machine of QEMU's is booted, since a kernel of a container or a small virtual machine often has no
NFS: Debian's linux-image-cloud-amd64, qemu-system-x86, busybox-static, nfs-kernel-server, iproute2, util-linux, cpio. In it a server exports a folder, and two network namespaces with
host names of their own mount it (NFSv4.2), so that for the server they are two machines. Each part is a sweep of eight members on which a driver works at either; one loses, in their
midst, its driver; driver and run; its network and all its processes; or its network alone for four times the lease. Each member must be finished once, the journal whole, and weights and
histories those of the same sweep outside of that machine, without NFS.
"""

import collections
import json
import shutil
import subprocess
import sys
from pathlib import Path

program, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
kernel = Path(sys.argv[3]) if len(sys.argv) > 3 else sorted(Path("/boot").glob("vmlinuz-*"))[-1]
MODULES = ["fs/nfs", "fs/nfsd", "fs/nfs_common", "fs/lockd", "fs/netfs", "fs/fscache", "net/sunrpc", "net/dns_resolver", "drivers/net", "lib", "crypto", "drivers/block", "drivers/virtio"]
TOOLS = ["ip", "unshare", "nsenter", "mount.nfs", "exportfs", "rpc.mountd", "rpc.nfsd"]
LEASE = 10
BASE = """seed = 43
[dataset]
kind = "synthetic"
train = 200
test = 50
validation = 50
batch = 16
[model]
hidden = []
[checkpoint]
every_steps = 5
[[phases]]
epochs = 2
lr = 0.1
"""
SWEEP = """base = "base.toml"
name = "NAME"
method = "METHOD"
budget = { members = 8 }
[keys]
"phases.0.lr" = { low = 1e-4, high = 1e-1, scale = "log" }
"""
PARTS = {
    "driver": "kill -9 $driver",
    "both": "kill -9 $driver $(runs)",
    "machine": "ip link set s1 down; kill -9 $driver $(runs)",
    "network": f"ip link set s1 down; sleep {4 * LEASE}; ip link set s1 up",
}
# With a method that learns.
PARTS["tpe"] = PARTS["both"]
parts = sys.argv[4:] or list(PARTS)
INIT = """#!/bin/sh
export PATH=/bin LD_LIBRARY_PATH=/lib
# Busybox's own tools of these names, which its shell takes first, know no namespaces.
ip() { /tools/ip "$@"; }; nsenter() { /tools/nsenter "$@"; }; unshare() { /tools/unshare "$@"; }
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for folder in /run /tmp /srv; do mount -t tmpfs none $folder; done
for module in virtio_pci virtio_blk veth nfsd nfsv4; do modprobe $module; done
ip link set lo up
mount -t nfsd nfsd /proc/fs/nfsd
echo LEASE > /proc/fs/nfsd/nfsv4leasetime; echo LEASE > /proc/fs/nfsd/nfsv4gracetime
echo '/srv *(rw,sync,no_root_squash,no_subtree_check,fsid=0)' > /etc/exports
/tools/exportfs -a; /tools/rpc.mountd -N 3; /tools/rpc.nfsd -N 3 8
mkdir /run/ns; mount --bind /run/ns /run/ns; mount --make-private /run/ns
for n in 1 2; do
    ip netns add c$n; ip link add s$n type veth peer name c$n netns c$n
    ip addr add 10.0.$n.1/24 dev s$n; ip link set s$n up
    ip -n c$n addr add 10.0.$n.2/24 dev c$n; ip -n c$n link set c$n up; ip -n c$n link set lo up
    touch /run/ns/m$n /run/ns/u$n
    unshare --mount=/run/ns/m$n --uts=/run/ns/u$n true
done
on() { n=$1; shift; nsenter --mount=/run/ns/m$n --uts=/run/ns/u$n --net=/run/netns/c$n "$@"; }
for n in 1 2; do
    on $n hostname node$n
    on $n /tools/mount.nfs 10.0.$n.1:/ /mnt -o vers=4.2,hard || echo "no mount"
    on $n cat /proc/mounts | grep nfs4
done
lines() { cat /srv/runs/$1/journal.jsonl 2>/dev/null | grep -c finished; }
# The runs that the driver of the first client started.
runs() { for p in /proc/[0-9]*; do case "$(cat $p/stat 2>/dev/null)" in *") "?" $driver "*) echo ${p#/proc/};; esac; done; }
cp /files/* /srv
drive() { n=$1; shift; on $n sh -c "cd /mnt; exec strata sweep $1.toml --jobs 1 > /mnt/$1.node$n.log 2>&1"; }
part() {
    echo "part $1"
    drive 1 $1 & driver=$!
    drive 2 $1 & other=$!
    while [ $(lines $1) -lt 3 ]; do sleep 0.2; done
    # nsenter becomes the shell, which becomes the driver: the number is the driver's.
    eval "$2"
    echo "$1: $(lines $1) finished by then" | tee -a /srv/said
    wait $other; echo "$1: the other ends with $? and $(lines $1) finished" | tee -a /srv/said
    wait $driver; echo "$1: the first ends with $?" | tee -a /srv/said
    ip link set s1 up; sleep 1
    drive 1 $1; echo "$1: begun again at the first: ends with $?, $(lines $1) finished" | tee -a /srv/said
    grep -H '^error' /srv/$1.node*.log | tee -a /srv/said
}
COMMANDS
sync; tar cf - -C /srv . | dd of=/dev/vda bs=1M 2>/dev/null; sync
echo "written out"; poweroff -f
"""


def copy(path, root, place="bin"):
    """A program and the libraries that it asks for."""
    shutil.copy(path, root / place / Path(path).name)
    for word in subprocess.run(["ldd", path], capture_output=True, text=True).stdout.split():
        if word.startswith("/"):
            target = root / ("lib64" if "ld-linux" in word else "lib") / Path(word).name
            if not target.exists():
                shutil.copy(word, target)


shutil.rmtree(work, ignore_errors=True)
root = work / "root"
for folder in ["bin", "tools", "lib", "lib64", "proc", "sys", "dev", "run", "tmp", "srv", "mnt", "etc", "files", "var/lib/nfs/v4recovery", "var/lib/nfs/rpc_pipefs"]:
    (root / folder).mkdir(parents=True)
for name in ["etab", "rmtab"]:
    (root / "var/lib/nfs" / name).touch()
for name in ["services", "protocols", "netconfig"]:
    shutil.copy(Path("/etc") / name, root / "etc")
shutil.copy(shutil.which("busybox"), root / "bin/busybox")
for name in subprocess.run(["busybox", "--list"], capture_output=True, text=True).stdout.split():
    if name != "busybox":
        (root / "bin" / name).symlink_to("busybox")
for tool in TOOLS:
    copy(shutil.which(tool, path="/sbin:/usr/sbin:/bin:/usr/bin"), root, "tools")
copy(program, root)
modules = Path("/lib/modules") / kernel.name.removeprefix("vmlinuz-")
target = root / modules.relative_to("/")
target.mkdir(parents=True)
for path in modules.glob("modules.*"):
    shutil.copy(path, target)
for folder in MODULES:
    if (modules / "kernel" / folder).exists():
        shutil.copytree(modules / "kernel" / folder, target / "kernel" / folder)
for name in PARTS:
    (root / "files" / f"{name}.toml").write_text(SWEEP.replace("NAME", name).replace("METHOD", "tpe" if name == "tpe" else "random"))
(root / "files/base.toml").write_text(BASE)
for name in ["driver", "tpe"]:
    subprocess.run([program, "sweep", f"{name}.toml", "--runs", work / "local"], cwd=root / "files", check=True, stdout=subprocess.DEVNULL)
commands = "\n".join(f"part {name} '{PARTS[name]}'" for name in parts)
init = INIT.replace("COMMANDS", commands).replace("LEASE", str(LEASE))
(root / "init").write_text(init)
(root / "init").chmod(0o755)
image, disk = work / "image.cpio", work / "disk"
subprocess.run(f"find . | cpio -o -H newc --quiet > {image}", shell=True, cwd=root, check=True)
disk.write_bytes(b"")
subprocess.run(["truncate", "-s", "1G", disk], check=True)
# Without KVM: a machine within a machine often has none that works.
machine = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "3072", "-nographic", "-no-reboot"]
machine += ["-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 panic=1 quiet", "-drive", f"file={disk},format=raw,if=virtio"]
with open(work / "console.log", "w") as log:
    subprocess.run(machine, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=3000)
out = work / "out"
out.mkdir()
subprocess.run(["tar", "xf", disk, "-C", out], check=True)
print((out / "said").read_text())


def results(folder):
    members = sorted(path for path in folder.glob("p*") if path.is_dir())
    return {path.name: [(path / name).read_bytes() for name in ("model.safetensors", "history.jsonl")] for path in members}


failed = False
for name in parts:
    lines = [json.loads(line) for line in (out / "runs" / name / "journal.jsonl").read_text().splitlines()]
    finished = collections.Counter(line["point"] for line in lines if line["event"] == "finished")
    claims = collections.Counter(line["driver"].split("-")[0] for line in lines if line["event"] == "claimed")
    is_same = results(out / "runs" / name) == results(work / "local" / ("tpe" if name == "tpe" else "driver"))
    print(f"{name}: {len(finished)} members, finished at most {max(finished.values())} times, journal of {len(lines)} whole lines, claims {dict(claims)}, the local run's to the byte: {is_same}")
    failed |= len(finished) != 8 or max(finished.values()) != 1 or not is_same
sys.exit(failed)
