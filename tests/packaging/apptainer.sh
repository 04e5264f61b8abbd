#!/usr/bin/env bash
# Builds the Apptainer definition without Apptainer and runs its test:
#
#   tests/packaging/apptainer.sh FOLDER
#
# Works as root in two fresh Debian systems below FOLDER (debootstrap, chroot), with the Rust
# toolchain of this machine.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
definition=$top/jobs/packaging/apptainer.def
[[ $# -eq 1 && ! -e $1 ]] || { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2; }
command -v debootstrap >/dev/null || { echo 'apptainer.sh: apt-get install debootstrap' >&2; exit 1; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
rust=$(rustc --print sysroot)

# section NAME STAGE: prints the lines of a section of a stage.
section() {
    awk -v stage="$2" -v name="%$1" '/^Bootstrap/ {n++} /^[%B]/ {on = $1 == name && n == stage; next} on && NF' "$definition"
}

unmount() { for root in build final; do umount -R "$folder/$root"/{proc,sys,dev,rust} 2>/dev/null || true; done; }
trap unmount EXIT

# system NAME: creates a small Debian with /proc, /sys and /dev.
system() {
    debootstrap --variant=minbase bookworm "$folder/$1" >"$folder/debootstrap-$1.log"
    cp /etc/resolv.conf /etc/hosts "$folder/$1/etc/"
    cp -r /etc/ssl/. "$folder/$1/etc/ssl"         # certificates, which the images have
    mount -t proc proc "$folder/$1/proc"
    mount --rbind /sys "$folder/$1/sys"
    mount --rbind /dev "$folder/$1/dev"
    mount --make-rslave "$folder/$1/sys"
    mount --make-rslave "$folder/$1/dev"
}

# inside NAME PATH: runs standard input in a system.
inside() { env -i HOME=/root PATH="$2/usr/sbin:/usr/bin:/sbin:/bin" chroot "$folder/$1" /bin/sh -e; }

system build
mkdir "$folder/build/rust"
mount --bind "$rust" "$folder/build/rust"
section files 1 | while read -r from to; do
    mkdir -p "$(dirname "$folder/build$to")"
    cp -r "$top/$from" "$folder/build$to"
done
section post 1 | inside build /rust/bin:

system final
section files 2 | while read -r from to; do
    mkdir -p "$(dirname "$folder/final$to")"
    cp -r "$folder/build$from" "$folder/final$to"
done
section post 2 | inside final ''
section test 2 | inside final /opt/quad8-mpi/bin:
echo "apptainer.sh: built and tested in $folder"
