#!/usr/bin/env bash
# Installs the system packages that building and running quad8-mpi needs, if
# any is missing (Debian and Ubuntu, as root or with sudo). Elsewhere, or with
# QUAD8_MPI_NO_INSTALL=1, it only checks. Further packages can be named as
# arguments.
set -euo pipefail

packages=(build-essential pkg-config libclang-dev libopenmpi-dev openmpi-bin libhdf5-openmpi-dev "$@")

command -v cargo >/dev/null || {
    echo "install.sh: no Rust toolchain: see https://rustup.rs (or load your cluster's rust module)" >&2
    exit 1
}
if [ -n "${QUAD8_MPI_NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null; then
    command -v "${MPICC:-mpicc}" >/dev/null || {
        echo "install.sh: no ${MPICC:-mpicc}: load your MPI module, and set HDF5_DIR to a parallel HDF5 (see docs/cluster.md)" >&2
        exit 1
    }
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "install.sh: installing ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "install.sh: run as root: apt-get install ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi
# Both wait up to 300 s for another apt-get that holds the lock. `update` has no option for that.
until said=$("${as_root[@]}" env LC_ALL=C apt-get update -qq </dev/null 2>&1); do
    if [[ $said != *'Could not get lock'* ]] || ((SECONDS > 300)); then
        printf '%s\n' "$said" >&2
        exit 1
    fi
    sleep 2
done
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
