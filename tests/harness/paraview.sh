#!/usr/bin/env bash
# Prints the path of a pvpython, with which the tests open results in ParaView: that in
# QUAD8_MPI_PVPYTHON, or that of Debian, unpacked into target/paraview without being installed
# (214 MB to download, 1.3 GB on the disk). Fails where that is impossible: these tests are then
# ignored.
set -euo pipefail

if [ -n "${QUAD8_MPI_PVPYTHON:-}" ]; then
    echo "$QUAD8_MPI_PVPYTHON"
    exit 0
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target"
folder=$(cd "$target" && pwd)/paraview
pvpython=$folder/pvpython

# Prints the packages that ParaView needs and this system lacks.
missing() {
    apt-get install --simulate --no-install-recommends python3-paraview | awk '/^Inst/ {print $2}'
}

# Writes pvpython. It has the paths of the folder, which may have been moved since it was unpacked.
wrap() {
    local libraries
    libraries=$(printf '%s:' "$folder"/usr/lib/*-linux-gnu{,/blas,/lapack} "$folder"/lib/*-linux-gnu "$folder/usr/lib")
    cat >"$pvpython" <<END
#!/bin/sh
export LD_LIBRARY_PATH="${libraries%:}" PYTHONPATH="$folder/usr/lib/python3/dist-packages"
exec "$folder/usr/bin/pvpython" "\$@"
END
    chmod +x "$pvpython"
}

unpack() {
    local packages
    packages=$(missing) || { apt-get update -qq && packages=$(missing); } || return
    rm -rf "$folder"
    mkdir -p "$folder/packages"
    # shellcheck disable=SC2086
    (cd "$folder/packages" && timeout 600 apt-get download -qq $packages) || return
    for package in "$folder"/packages/*.deb; do
        dpkg -x "$package" "$folder" || return
    done
    rm -r "$folder/packages"
    wrap
    "$pvpython" --version
}

if [ ! -e "$folder/complete" ]; then
    echo "paraview.sh: unpacking ParaView into $folder" >&2
    if ! unpack >&2; then
        echo "paraview.sh: no ParaView: the tests that need it are ignored" >&2
        exit 1
    fi
    touch "$folder/complete"
fi
wrap
echo "$pvpython"
