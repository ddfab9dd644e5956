#!/usr/bin/env bash
# Installs what looks at the exported page, once for each state of the lock file, and prints its folder: Debian's
# chromium, and from npm what drives it and what judges its pages.
# Usage: tests/page/install.sh
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

cache=${XDG_CACHE_HOME:-}
if [ -z "$cache" ]; then
    cache=${HOME:+$HOME/.cache}
fi
if [ -z "$cache" ]; then
    cache=${TMPDIR:-/tmp}/cache-$(id -u)
fi

hash=$(cat "$here/package-lock.json" "${BASH_SOURCE[0]}" | sha256sum | cut -c 1-16)
folder=$cache/apiscaffold-tests/page-$hash

install_chromium() {
    command -v chromium >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get -qq update >&2 && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium >&2 && return
    fi
    echo "chromium is missing: install it with your system's package manager" >&2
    return 1
}

mkdir -p "$folder"
# Two test runs at once: the second waits for the first, then finds everything there.
exec 9>"$folder/lock"
flock 9
if [ ! -e "$folder/complete" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$folder/"
    npm ci --prefix "$folder" --loglevel error >&2
    touch "$folder/complete"
fi
install_chromium
echo "$folder"
