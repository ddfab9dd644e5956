"""Builds the proxy bundles that are deployed: one zip each for live and sandbox.

    python3 scripts/bundle.py FOLDER [PULL_REQUEST]

The version is the newest tag `vX.Y.Z` (0.0.0 before the first), the commit is HEAD; they and [lifecycle] of
environments.toml are written into the bundle's own copies of the policies. With the number of a pull request the base
path is that of its preview. The same commit always gives the same bytes.
"""

import datetime
import zipfile
from email.utils import format_datetime
from pathlib import Path
from xml.etree import ElementTree

import environments
import release
from environments import ROOT

RELEASE = "apiproxy/policies/AssignMessage.Release.xml"
LIFECYCLE = "apiproxy/policies/AssignMessage.Lifecycle.xml"
ENDPOINT = "apiproxy/proxies/default.xml"
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


def files(kind):
    """Name in the bundle, and file, of each part. A policy that the sandbox's steps name and it has not is live's."""
    folder, live = ROOT / "proxies" / kind, ROOT / "proxies" / "live"
    found = {path.relative_to(folder).as_posix(): path for path in (folder / "apiproxy").rglob("*") if path.is_file()}
    if kind == "sandbox":
        endpoints = [path for name, path in found.items() if name.startswith(("apiproxy/proxies/", "apiproxy/targets/"))]
        for step in (step for path in endpoints for step in ElementTree.parse(path).iter("Step")):
            name = f"apiproxy/policies/{step.findtext('Name')}.xml"
            if (live / name).is_file():
                found.setdefault(name, live / name)
    return dict(sorted(found.items()))


def bundle(kind, target, changes):
    """Writes the bundle of this kind to the file `target`; `changes` are functions by name."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files(kind).items():
            data = path.read_bytes()
            if name in changes:
                root = ElementTree.fromstring(data)
                changes[name](root)
                data = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def build(folder, pull_request=None):
    """Writes both bundles into the folder."""
    lifecycle = environments.load()["lifecycle"]
    target = Path(folder)
    made_from = release.note(target)
    changes = {
        RELEASE: lambda root: with_release(root, values(lifecycle, made_from)),
        LIFECYCLE: lambda root: with_headers(root, headers(lifecycle)),
    }
    if pull_request:
        changes[ENDPOINT] = lambda root: with_suffix(root, environments.suffix(pull_request))
    for kind in ("live", "sandbox"):
        path = target / f"{kind}.zip"
        bundle(kind, path, changes)
        print(f"{path}: version {made_from['version']}, commit {made_from['commit']}")


def main(arguments):
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        raise environments.Problem(__doc__.strip())
    build(*arguments)


if __name__ == "__main__":
    environments.run(main)
