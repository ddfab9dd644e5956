"""The proxy bundles, read for the tests."""

import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import bundle  # noqa: E402

KINDS = ("live", "sandbox")


def folder(kind):
    """Where the bundle of this kind is."""
    return ROOT / "proxies" / kind / "apiproxy"


def read(path):
    """The root element of an XML file."""
    return ElementTree.parse(path).getroot()


def policies(kind):
    """File stem and root element of each policy of the bundle; the sandbox takes most of live's."""
    return {path.stem: read(path) for name, path in bundle.files(kind).items() if "/policies/" in name}


def endpoints(kind):
    """Path and root element of each proxy and target endpoint."""
    return {path: read(path) for part in ("proxies", "targets") for path in sorted((folder(kind) / part).glob("*.xml"))}


def proxy(kind):
    """The root element of the endpoint that callers meet."""
    return read(folder(kind) / "proxies" / "default.xml")
