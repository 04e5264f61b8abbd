#!/usr/bin/env bash
# Installs what tests/cluster needs (Debian and Ubuntu, as root), none of it as a service.
set -euo pipefail

packages=(slurm-wlm munge openssh-server openssh-client iproute2 procps util-linux)
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    exit 0
fi
if [ -d /run/systemd/system ] && [ -z "${CI:-}" ]; then
    # Their services would start now, and with every start of this machine.
    dpkg-query -W "${packages[@]}" &>/dev/null ||
        echo "install.sh: for the cluster tests, if you want their services here: apt-get install ${packages[*]}" >&2
    exit 0
fi
# Debian asks this file whether a service may start (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
"$(dirname "${BASH_SOURCE[0]}")/../../jobs/install.sh" "${packages[@]}"
