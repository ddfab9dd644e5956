#!/usr/bin/env bash
# Installs GitHub's description of its API and Prism, once for each state of the files here, and prints their folder:
# `github.json` is the description, cut down to the calls used and made strict; `node_modules/.bin/prism` serves it.
# Usage: tests/github/contract/install.sh
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

cache=${XDG_CACHE_HOME:-}
if [ -z "$cache" ]; then
    cache=${HOME:+$HOME/.cache}
fi
if [ -z "$cache" ]; then
    cache=${TMPDIR:-/tmp}/cache-$(id -u)
fi

hash=$(cat "$here"/{package-lock.json,calls.txt,trim.mjs,install.sh} | sha256sum | cut -c 1-16)
folder=$cache/apiscaffold-tests/github-$hash

install() {
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$folder/"
    npm ci --prefix "$folder" --loglevel error >&2
    local descriptions=$folder/node_modules/@octokit/openapi/generated
    node "$here/trim.mjs" "$descriptions/ghec.json" "$here/calls.txt" >"$folder/github.json"
    # 385 MB that are needed no more.
    rm -r "$descriptions"
    touch "$folder/complete"
}

mkdir -p "$folder"
# Two test runs at once: the second waits for the first, then finds everything there.
exec 9>"$folder/lock"
flock 9
if [ ! -e "$folder/complete" ]; then
    install
fi
echo "$folder"
