#!/usr/bin/env bash
# Installs what generated repositories are checked with, once for each state of the lock files, and prints its folder.
# node_modules and .venv are a generated repository's own, from template/package-lock.json and its tests/requirements.txt;
# the linters of this project are in venv.
# Usage: tests/lint/install.sh
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
template=$here/../../template

cache=${XDG_CACHE_HOME:-}
if [ -z "$cache" ]; then
    cache=${HOME:+$HOME/.cache}
fi
if [ -z "$cache" ]; then
    cache=${TMPDIR:-/tmp}/cache-$(id -u)
fi

hash=$(cat "$template/package-lock.json" "$template/tests/requirements.txt" "$here/requirements.txt" "$here/proxygen.txt" "${BASH_SOURCE[0]}" | sha256sum | cut -c 1-16)
folder=$cache/apiscaffold-tests/$hash

install_shellcheck() {
    command -v shellcheck >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get -qq update >&2 && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y shellcheck >&2 && return
    fi
    echo "shellcheck is missing: install it with your system's package manager" >&2
    return 1
}

install_linters() {
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    python3 -m venv "$folder/.venv"
    "$folder/.venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
        -r "$template/tests/requirements.txt" >&2
    # The platform's own command: the newest that runs on the oldest Python that this project is tested with.
    python3 -m venv "$folder/proxygen"
    "$folder/proxygen/bin/pip" install --quiet --disable-pip-version-check -r "$here/proxygen.txt" >&2
    cp "$template/package.json" "$template/package-lock.json" "$template/.npmrc" "$folder/"
    npm ci --prefix "$folder" --loglevel error >&2
    touch "$folder/complete"
}

mkdir -p "$folder"
# Two test runs at once: the second waits for the first, then finds everything there.
exec 9>"$folder/lock"
flock 9
if [ ! -e "$folder/complete" ]; then
    install_linters
fi
install_shellcheck
echo "$folder"
