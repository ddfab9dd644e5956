"""The proxy bundles as they are built, read for the tests."""

import functools
import sys
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import bundle  # noqa: E402
import release  # noqa: E402

KINDS = ("live", "sandbox")


@functools.cache
def built():
    """Path and root element of each XML file of both bundles, by kind. `make test` makes the specification."""
    bundles = bundle.bundles(ROOT / "build" / "specification.json", release.read())
    return {
        kind: {PurePosixPath(name): ElementTree.fromstring(data) for name, data in parts.items() if name.endswith(".xml")}
        for kind, parts in bundles.items()
    }


def part(kind, *folders):
    """Path and root element of each file of these folders of the bundle."""
    return {path: root for path, root in built()[kind].items() if path.parent.name in folders}


def policies(kind):
    """File stem and root element of each policy; the sandbox takes most of live's."""
    return {path.stem: root for path, root in part(kind, "policies").items()}


def endpoints(kind):
    """Path and root element of each proxy and target endpoint."""
    return part(kind, "proxies", "targets")


def proxy(kind):
    """The root element of the endpoint that callers meet."""
    return built()[kind][PurePosixPath("apiproxy/proxies/default.xml")]
