"""Builds the proxy bundles that are deployed: one zip each for live and sandbox.

    python3 scripts/bundle.py FOLDER

The version is the newest tag `vX.Y.Z` (0.0.0 before the first), the commit is HEAD; both are written into the
bundle's own copy of AssignMessage.Release. The same commit always gives the same bytes.
"""

import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
RELEASE = "apiproxy/policies/AssignMessage.Release.xml"
# The earliest time that a zip can say: file times must not make two builds differ.
EPOCH = (1980, 1, 1, 0, 0, 0)


def git(*arguments):
    """What git answers, or None where there is no repository or no such thing."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def release():
    """The release's values by the names that the policies know."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    return {
        "release.version": tag[1:] if tag else "0.0.0",
        "release.commit": git("rev-parse", "HEAD") or "unreleased",
    }


def with_release(policy, values):
    """The policy's bytes with `values` in place of what it says."""
    root = ElementTree.fromstring(policy)
    for variable in root.iter("AssignVariable"):
        name = variable.findtext("Name")
        if name in values:
            variable.find("Value").text = values[name]
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def bundle(proxy, target, values):
    """Writes the bundle of the folder `proxy` to the file `target`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in (proxy / "apiproxy").rglob("*") if path.is_file()):
            name = path.relative_to(proxy).as_posix()
            data = path.read_bytes()
            if name == RELEASE:
                data = with_release(data, values)
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def main(folder):
    target = ROOT / folder
    target.mkdir(parents=True, exist_ok=True)
    values = release()
    for kind in ("live", "sandbox"):
        path = target / f"{kind}.zip"
        bundle(ROOT / "proxies" / kind, path, values)
        print(f"{path.relative_to(ROOT)}: version {values['release.version']}, commit {values['release.commit']}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 scripts/bundle.py FOLDER")
    main(sys.argv[1])
