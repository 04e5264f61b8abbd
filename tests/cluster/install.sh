#!/usr/bin/env bash
# Installs the tools of tests/cluster (Debian and Ubuntu, as root), without starting their services.
set -euo pipefail

packages=(slurm-wlm munge openssh-server openssh-client iproute2 procps util-linux)
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    exit 0
fi
if [ -d /run/systemd/system ] && [ -z "${CI:-}" ]; then
    # The services would start now, and at every boot.
    dpkg-query -W "${packages[@]}" &>/dev/null ||
        echo "install.sh: for the cluster tests, if you want their services here: apt-get install ${packages[*]}" >&2
    exit 0
fi
# Debian runs this file to decide whether a service may start (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
"$(dirname "${BASH_SOURCE[0]}")/../../jobs/install.sh" "${packages[@]}"
