"""Builds the proxy bundles that are deployed: one zip each for live and sandbox.

    python3 scripts/bundle.py SPECIFICATION FOLDER [PULL_REQUEST]

SPECIFICATION is the whole document as one JSON file: `make bundle` makes it. flows.py makes a flow for each operation in it.
The version is the newest tag `vX.Y.Z` (0.0.0 before the first), the commit is HEAD; they and [lifecycle] of
environments.toml are written into the bundle's own copies of the policies. With the number of a pull request the base
path is that of its preview. The same commit always gives the same bytes.
"""

import datetime
import json
import zipfile
from email.utils import format_datetime
from pathlib import Path
from xml.etree import ElementTree

import environments
import flows
from environments import ROOT, Problem

RELEASE = "apiproxy/policies/AssignMessage.Release.xml"
LIFECYCLE = "apiproxy/policies/AssignMessage.Lifecycle.xml"
ENDPOINTS = "apiproxy/proxies/"
# The earliest time that a zip can say: file times must not make two builds differ.
EPOCH = (1980, 1, 1, 0, 0, 0)


def values(lifecycle, made_from):
    """What the policies ask for, by the names that they know."""
    return {
        "release.version": made_from["version"],
        "release.commit": made_from["commit"],
        "release.deprecated": "true" if lifecycle["deprecation"] else "false",
        "release.retired": "true" if lifecycle["phase"] == "retired" else "false",
    }


def midnight(text):
    """The beginning of that day, in UTC."""
    return datetime.datetime.combine(environments.date(text), datetime.time(), datetime.UTC)


def headers(lifecycle):
    """The headers about the end of an API (RFC 9745, RFC 8594), by name, without those that have no value."""
    found = {}
    if lifecycle["deprecation"]:
        found["Deprecation"] = f"@{int(midnight(lifecycle['deprecation']).timestamp())}"
    if lifecycle["sunset"]:
        found["Sunset"] = format_datetime(midnight(lifecycle["sunset"]), usegmt=True)
    relations = "deprecation sunset" if lifecycle["sunset"] else "deprecation"
    pages = [(lifecycle["documentation"], relations), (lifecycle["successor"], "successor-version")]
    links = [f'<{page}>; rel="{relation}"' for page, relation in pages if page]
    if links:
        found["Link"] = ", ".join(links)
    return found


def with_release(root, values):
    """The policy with `values` in place of what it says."""
    for variable in root.iter("AssignVariable"):
        name = variable.findtext("Name")
        if name in values:
            variable.find("Value").text = values[name]


def with_headers(root, values):
    """The policy with the `values` of its headers, without the headers that have none."""
    for parent in root.iter("Headers"):
        for header in list(parent):
            if header.get("name") in values:
                header.text = values[header.get("name")]
            else:
                parent.remove(header)


def with_suffix(root, suffix):
    """The endpoint with a longer base path."""
    path = root.find("HTTPProxyConnection/BasePath")
    path.text += suffix


def edits(made, made_from, pull_request):
    """The functions that edit parts on their way into the bundle, by name; `made` are the flows of the operations."""
    lifecycle = environments.load()["lifecycle"]

    def complete(endpoint):
        flows.put(endpoint, made)
        if pull_request:
            with_suffix(endpoint, environments.suffix(pull_request))

    return {
        RELEASE: lambda root: with_release(root, values(lifecycle, made_from)),
        LIFECYCLE: lambda root: with_headers(root, headers(lifecycle)),
        ENDPOINTS: complete,
    }


def content(name, path, edits):
    """The bytes of a part of the bundle."""
    edit = edits.get(ENDPOINTS if name.startswith(ENDPOINTS) else name)
    if not edit:
        return path.read_bytes()
    root = ElementTree.parse(path).getroot()
    edit(root)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def parts(kind, edits):
    """Name and bytes of each part of the bundle. A policy that the sandbox's steps name and it has not is live's."""
    folder, live = ROOT / "proxies" / kind, ROOT / "proxies" / "live"
    paths = {path.relative_to(folder).as_posix(): path for path in (folder / "apiproxy").rglob("*") if path.is_file()}
    found = {name: content(name, path, edits) for name, path in paths.items()}
    if kind == "sandbox":
        endpoints = [data for name, data in found.items() if name.startswith((ENDPOINTS, "apiproxy/targets/"))]
        for step in (step for data in endpoints for step in ElementTree.fromstring(data).iter("Step")):
            name = f"apiproxy/policies/{(step.findtext('Name') or '').strip()}.xml"
            if name not in found and (live / name).is_file():
                found[name] = content(name, live / name, edits)
    return dict(sorted(found.items()))


def bundles(specification, made_from, pull_request=None):
    """The parts of both bundles, by kind."""
    try:
        document = json.loads(Path(specification).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{specification} cannot be read: run `make bundle`") from error
    return {kind: parts(kind, edits(made, made_from, pull_request)) for kind, made in flows.made(document).items()}


def write(target, parts):
    """Writes a bundle to the file `target`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def build(specification, folder, pull_request=None):
    """Writes both bundles into the folder."""
    target = Path(folder)
    made_from = environments.release()
    built = bundles(specification, made_from, pull_request)
    environments.note_release(target)
    for kind, found in built.items():
        path = target / f"{kind}.zip"
        write(path, found)
        print(f"{path}: version {made_from['version']}, commit {made_from['commit']}")


def main(arguments):
    if len(arguments) not in (2, 3) or arguments[0].startswith("-"):
        raise environments.Problem(__doc__.strip())
    build(*arguments)


if __name__ == "__main__":
    environments.run(main)
