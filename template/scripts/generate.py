"""Writes what is made from environments.toml: manifest.yml and the table of environments in README.md.

    python3 scripts/generate.py            write them
    python3 scripts/generate.py --check    say which of them are stale, and change nothing
"""

import unicodedata

import environments

MANIFEST = "manifest.yml"
README = "README.md"
# In README.md the table stands between these two lines.
BEGIN, END = "<!-- environments: `make generate` writes this table -->\n", "<!-- /environments -->\n"
SCOPES = {
    "app-level3": "urn:nhsd:apim:app:level3:",
    "nhs-login-p0": "urn:nhsd:apim:user-nhs-login:P0:",
    "nhs-login-p5": "urn:nhsd:apim:user-nhs-login:P5:",
    "nhs-login-p9": "urn:nhsd:apim:user-nhs-login:P9:",
    "nhs-cis2-aal1": "urn:nhsd:apim:user-nhs-cis2:aal1:",
    "nhs-cis2-aal3": "urn:nhsd:apim:user-nhs-cis2:aal3:",
}


def quoted(text):
    """A double-quoted YAML scalar."""
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04X}" if unprintable(c) else c) for c in text) + '"'


def unprintable(character):
    """Whether some reader takes the character for a control, a line end or a byte-order mark."""
    return unicodedata.category(character) == "Cc" or character in "\u2028\u2029\ufeff\ufffe\uffff"


def manifest(document):
    """The whole text of manifest.yml (schema 1.1.8)."""
    api = document["api"]
    lines = [
        "# The API's products and specifications on the platform (manifest schema 1.1.8).",
        "# `make generate` writes this file from environments.toml: edit that one.",
        "meta:",
        '  schema_version: "1.1.8"',
        "  api:",
        f"    name: {quoted(api['name'])}",
        f"    guid: {quoted(api['guid'])}",
        "    spec_guids:",
        f"      - {quoted(api['spec_guid'])}",
        "apigee:",
        "  environments:",
    ]
    for environment in document["environment"]:
        lines += [*product(api, environment), *specification(api, environment)]
    return "\n".join(lines) + "\n"


def product(api, environment):
    """The lines of an environment and its product."""
    name, quota = environment["name"], environment["quota_per_minute"]
    full = quoted(f"{api['name']}-{name}")
    return [
        f"    - name: {quoted(name)}",
        "      products:",
        f"        - name: {full}",
        f"          displayName: {quoted(api['title'] + ' (' + environment['title'] + ')')}",
        f"          description: {quoted(api['description'])}",
        f"          approvalType: {quoted(environment['approval'])}",
        "          environments:",
        f"            - {quoted(name)}",
        "          attributes:",
        "            - name: access",
        "              value: public",
        "            - name: ratelimiting",
        "              value:",
        f"                {full}:",
        "                  quota:",
        "                    enabled: true",
        "                    interval: 1",
        f"                    limit: {quota}",
        "                    timeunit: minute",
        "                  spikeArrest:",
        "                    enabled: true",
        f'                    ratelimit: "{environment["spike_per_minute"]}pm"',
        "          proxies:",
        *(f"            - {quoted(proxy)}" for proxy in proxies(api, environment)),
        f'          quota: "{quota}"',
        '          quotaInterval: "1"',
        "          quotaTimeUnit: minute",
        *scopes(api, environment),
    ]


def proxies(api, environment):
    """The proxies that a subscriber of the product may call: the API's own, and those that give out tokens."""
    name = environment["name"]
    identity = environment["bundle"] == "live"
    return [
        f"{api['name']}-{name}",
        *([f"identity-service-{name}"] if identity else []),
        *([f"identity-service-mock-{name}"] if identity and environment.get("identity_mock") else []),
    ]


def scopes(api, environment):
    """The lines of the scopes: one for each access mode that has tokens, none in a sandbox."""
    found = [SCOPES[mode] + api["name"] for mode in api["access_modes"] if mode in SCOPES]
    if environment["bundle"] == "sandbox" or not found:
        return ["          scopes: []"]
    return ["          scopes:", *(f"            - {quoted(scope)}" for scope in found)]


def specification(api, environment):
    """The lines of the specification of an environment."""
    return [
        "      specs:",
        f"        - name: {quoted(api['name'] + '-' + environment['name'])}",
        f"          path: {quoted(api['specification'])}",
    ]


def table(document):
    """The table of README.md."""
    rows = ["| Environment | Base URL | Bundle | Approval |", "| --- | --- | --- | --- |"]
    for environment in document["environment"]:
        rows.append(f"| {environment['title']} | `{environment['url']}` | {environment['bundle']} | {environment['approval']} |")
    return "\n".join(rows) + "\n"


def readme(document, text):
    """README.md with the table in its place; unchanged where nothing marks the place."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return before + BEGIN + table(document) + END + after if begin and end else text


def wanted(document):
    """Path and text of each file that is generated."""
    root = environments.ROOT
    texts = {}
    if document["api"]["style"] == "apigee":
        texts[root / MANIFEST] = manifest(document)
    page = root / README
    if page.exists():
        texts[page] = readme(document, page.read_text(encoding="utf-8"))
    return texts


def main(arguments):
    if arguments not in ([], ["--check"]):
        raise environments.Problem(__doc__.strip())
    stale = {}
    for path, text in wanted(environments.load()).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale[path] = text
    if arguments and stale:
        names = ", ".join(path.name for path in stale)
        raise environments.Problem(f"{names}: not what environments.toml says; run `make generate` and commit")
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.name}: written")


if __name__ == "__main__":
    environments.run(main)
