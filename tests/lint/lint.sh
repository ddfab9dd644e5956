#!/usr/bin/env bash
# Runs every linter on one generated repository. Exit 1 and the findings, if there are any; else nothing is said.
# Usage: tests/lint/lint.sh REPOSITORY
set -euo pipefail

if [ $# != 1 ] || [ ! -d "$1" ]; then
    echo "usage: $0 REPOSITORY" >&2
    exit 2
fi
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
tools=$("$here/install.sh")
node=$tools/node_modules/.bin
python=$tools/venv/bin
cd -- "$1"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
failed=0

# run NAME COMMAND…: shows what the command said only when it failed.
run() {
    local name=$1 said
    shift
    if ! said=$("$@" 2>&1); then
        printf '== %s\n%s\n' "$name" "$said"
        failed=1
    fi
}

if [ -d proxies ]; then
    # The platform runs Apigee Edge (virtual hosts, key-value maps of an environment): profile `apigee`, not `apigeex`.
    # CC003 limits the length of a condition, but a flow's condition is as long as its path.
    bundles=$(mktemp -d)
    run "specification" make build/specification.json
    run "bundle" python3 scripts/bundle.py build/specification.json "$bundles"
    for bundle in "$bundles"/*.zip; do
        run "apigeelint $(basename "$bundle")" "$node/apigeelint" --norc -s "$bundle" -f stylish.js --profile apigee --maxWarnings 0 -e CC003
    done
    rm -r "$bundles"
fi
run redocly "$node/redocly" lint --max-problems 20
run actionlint "$python/actionlint" -shellcheck shellcheck .github/workflows/*.yml
run zizmor "$python/zizmor" --offline --persona pedantic --no-progress --quiet .github
run "schema of workflows" "$python/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
run "schema of actions" "$python/check-jsonschema" --builtin-schema vendor.github-actions .github/actions/*/action.yml
run "schema of dependabot.yml" "$python/check-jsonschema" --builtin-schema vendor.dependabot .github/dependabot.yml
mapfile -t forms < <(find .github/ISSUE_TEMPLATE -name '*.yml')
run "schema of issue forms" "$python/check-jsonschema" --builtin-schema vendor.github-issue-forms "${forms[@]}"
run "schema of catalog-info.yaml" "$python/check-jsonschema" --schemafile "$here/catalog-info.schema.json" catalog-info.yaml
if [ -e manifest.yml ]; then
    run "schema of manifest.yml" "$python/check-jsonschema" --schemafile "$here/manifest.schema.json" manifest.yml
fi
run "pre-commit" "$python/pre-commit" validate-config
# The specification may be the producer's own, in whatever style.
run yamllint "$python/yamllint" --strict -c "$here/yamllint.yaml" ./*.y*ml .pre-commit-config.yaml .github
run "parse" python3 "$here/parse.py"
undefined=$(make -n --warn-undefined-variables help generate lint test changes sandbox docs bundle publish sbom deploy smoke clean 2>&1 | grep 'undefined variable' || true)
if [ -n "$undefined" ]; then
    printf '== Makefile\n%s\n' "$undefined"
    failed=1
fi
scripts=$(git ls-files '*.sh' 2>/dev/null || find . -name '*.sh' -not -path './node_modules/*' -not -path './.venv/*')
if [ -n "$scripts" ]; then
    mapfile -t scripts <<<"$scripts"
    run shellcheck shellcheck "${scripts[@]}"
fi
exit "$failed"
