"""Writes what is made from environments.toml: manifest.yml, catalog-info.yaml, the code owners, and parts of README.md and SECURITY.md.

    python3 scripts/generate.py                            write them
    python3 scripts/generate.py --check [SPECIFICATION]    name those that are stale, and what still has a former name; change nothing

SPECIFICATION is the whole document as one JSON file, which `make lint` makes: what it says otherwise is named too.
"""

import re
import unicodedata
import urllib.parse

import environments
import former

# In a document a part that is written here stands between `<!-- NAME: … -->` and `<!-- /NAME -->`, each on a line.
PART = re.compile(r"(?m)^(<!-- (api|environments|contact): .*-->\n)(?s:.*?)(^<!-- /\2 -->$)")
LIFECYCLES = {"beta": "production", "live": "production", "deprecated": "deprecated", "retired": "deprecated"}
# The longest name that a catalogue takes.
LONGEST = 63
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


def base_path(environment):
    """The path of its base URL, without the slash before it."""
    return urllib.parse.urlsplit(environment["url"]).path[1:]


def slug(owner):
    """The owner as the catalogue knows it: words in lower case, joined by hyphens."""
    words = re.sub(r"([A-Z][0-9]*)(?=[A-Z][a-z])", r"\1-", re.sub(r"([a-z][0-9]*)(?=[A-Z])", r"\1-", owner))
    return "-".join(re.findall(r"[a-z0-9]+", words.lower()))


def catalogue(document):
    """The whole text of catalog-info.yaml."""
    api, environments, phase = document["api"], document["environment"], document["lifecycle"]["phase"]
    source = [f"    backstage.io/source-location: {quoted('url:' + api['repository'])}"] if api["repository"] else []
    links = [(f"    - title: {quoted(one['title'])}", f"      url: {quoted(one['url'])}") for one in environments]
    # A move to a phase changes lines that no change of the other values touches or stands beside.
    return "\n".join([
        "# The API as a catalogue of software (Backstage) shows it.",
        "# `make generate` writes this file from environments.toml: edit that one.",
        "apiVersion: backstage.io/v1alpha1",
        "kind: API",
        "metadata:",
        f"  name: {quoted(api['name'] if len(api['name']) <= LONGEST else api['guid'])}",
        f"  title: {quoted(api['title'])}",
        f"  description: {quoted(api['description'])}",
        "  annotations:",
        *source,
        f"    apiscaffold/name: {quoted(api['name'])}",
        f"    apiscaffold/phase: {phase}",
        f"    apiscaffold/guid: {quoted(api['guid'])}",
        f"    apiscaffold/environments: {quoted(' '.join(one['name'] for one in environments))}",
        f"    apiscaffold/spec_guid: {quoted(api['spec_guid'])}",
        f"    apiscaffold/short_name: {quoted(api['short_name'])}",
        f"    apiscaffold/base_path: {quoted(base_path(environments[0]))}",
        *(f"    apiscaffold/{key}: {quoted(api[key])}" for key in ("style", "owner", "contact", "service_level")),
        "  labels:",
        f"    phase: {phase}",
        "  tags:",
        '    - "api"',
        f"    - {quoted(api['standard'])}",
        "  links:",
        *(line for link in links for line in link),
        "spec:",
        "  type: openapi",
        f"  lifecycle: {LIFECYCLES.get(phase, 'experimental')}",
        f"  owner: {quoted(slug(api['owner']))}",
        "  definition:",
        f"    $text: {quoted('./' + api['specification'])}",
    ]) + "\n"


def markdown(text):
    """The text as one line of Markdown, in which nothing is markup."""
    text = "".join("\ufffd" if c in "\ufffe\uffff" or unicodedata.category(c) == "Cc" and c not in "\t\n\r\x85" else c for c in text)
    line = " ".join(part.strip() for part in re.split("[\n\r]", text)).strip()
    line = re.sub(r"[\\`*_\[\]<>&|~#!${}]", r"\\\g<0>", line)
    return re.sub(r"^([0-9]*)([-+=.)])", r"\1\\\2", line)


def heading(document):
    """The beginning of README.md: what the API is and who answers for it."""
    api = document["api"]
    person = f" (product owner: {markdown(api['product_owner'])})" if api["product_owner"] else ""
    rows = [
        ("Name", f"`{api['name']}` (`{api['short_name']}`)"),
        ("Base path", f"`/{base_path(document['environment'][0])}`"),
        ("Standard", api["standard"]),
        ("Access modes", ", ".join(api["access_modes"])),
        ("Service level", markdown(api["service_level"])),
        ("Owner", markdown(api["owner"]) + person),
        ("Contact", markdown(api["contact"])),
    ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows)
    return f"# {markdown(api['title'])}\n\n{markdown(api['description'])}\n\n| | |\n| --- | --- |\n{table}"


def table(document):
    """The table of environments in README.md."""
    rows = ["| Environment | Base URL | Bundle | Approval |", "| --- | --- | --- | --- |"]
    for environment in document["environment"]:
        rows.append(f"| {markdown(environment['title'])} | `{environment['url']}` | {environment['bundle']} | {environment['approval']} |")
    return "\n".join(rows) + "\n"


def page(document, text):
    """A document with its parts as they should be; one without marks stays as it is."""
    parts = {"api": heading, "environments": table, "contact": lambda _: markdown(document["api"]["contact"]) + "\n"}
    return PART.sub(lambda found: found[1] + parts[found[2]](document) + found[3], text)


def code_owners(document, text):
    """CODEOWNERS with the owners in the line that fits every file."""
    return re.sub(r"(?m)^\* .*$", lambda _: " ".join(["*", *document["api"]["code_owners"]]), text, count=1)


def wanted(document):
    """Path and text of each file that is generated."""
    root = environments.ROOT
    texts = {root / "catalog-info.yaml": catalogue(document)}
    if document["api"]["style"] == "apigee":
        texts[root / "manifest.yml"] = manifest(document)
    for name, change in (("README.md", page), ("SECURITY.md", page), (".github/CODEOWNERS", code_owners)):
        path = root / name
        if path.exists():
            texts[path] = change(document, path.read_text(encoding="utf-8"))
    return texts


def main(arguments):
    is_check = arguments[:1] == ["--check"] and len(arguments) < 3
    if arguments and not is_check:
        raise environments.Problem(__doc__.strip())
    document = environments.load()
    stale = {}
    for path, text in wanted(document).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale[path] = text
    names = [path.relative_to(environments.ROOT).as_posix() for path in stale]
    if is_check and stale:
        raise environments.Problem(f"{', '.join(names)}: not what environments.toml says; run `make generate` and commit")
    for name, (path, text) in zip(names, stale.items(), strict=True):
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: written")
    if is_check:
        former.check(document, *arguments[1:])


if __name__ == "__main__":
    environments.run(main)
