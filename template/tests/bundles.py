"""The proxy bundles, read for the tests."""

import re
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("live", "sandbox")


def folder(kind):
    """Where the bundle of this kind is."""
    return ROOT / "proxies" / kind / "apiproxy"


def read(path):
    """The root element of an XML file."""
    return ElementTree.parse(path).getroot()


def policies(kind):
    """File stem and root element of each policy."""
    return {path.stem: read(path) for path in sorted((folder(kind) / "policies").glob("*.xml"))}


def endpoints(kind):
    """Path and root element of each proxy and target endpoint."""
    return {path: read(path) for part in ("proxies", "targets") for path in sorted((folder(kind) / part).glob("*.xml"))}


def proxy(kind):
    """The root element of the endpoint that callers meet."""
    return read(folder(kind) / "proxies" / "default.xml")


def path_regex(pattern):
    """What `MatchesPath` does with a pattern: `*` is within one segment, `**` goes on over slashes."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"*": "[^/]*", "**": ".*"}.get(part, re.escape(part)) for part in parts))


def routes(kind):
    """Verb and path regex of each flow that names both."""
    found = []
    for flow in proxy(kind).iterfind("Flows/Flow"):
        condition = flow.findtext("Condition") or ""
        verb = re.search(r'request\.verb = "([^"]+)"', condition)
        for pattern in re.findall(r'proxy\.pathsuffix (?:MatchesPath|=) "([^"]*)"', condition):
            if verb:
                found.append((verb.group(1), path_regex(pattern)))
    return found
