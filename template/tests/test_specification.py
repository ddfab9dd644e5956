"""Does the proxy let through what the specification describes?"""

import json
import re
import unittest

# First: it says where the scripts are.
import bundles

import access
import environments

DOCUMENT = bundles.ROOT / "build" / "specification.json"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}


def operations(document):
    """Verb and path of each operation; the path as a caller would send it, with `x` for each parameter."""
    for path, item in (document.get("paths") or {}).items():
        if not path.startswith("/") or not isinstance(item, dict):
            continue
        sent = re.sub(r"\{[^{}]*\}", "x", re.split(r"[?#]", path)[0])
        for method in METHODS & set(item):
            if isinstance(item[method], dict):
                yield method.upper(), sent
        for method in item.get("additionalOperations") or {}:
            yield method, sent


class Specification(unittest.TestCase):
    def test_every_operation_has_a_flow(self):
        described = list(operations(json.loads(DOCUMENT.read_text(encoding="utf-8"))))
        for kind in bundles.KINDS:
            flows = bundles.routes(kind)
            missing = [
                f"{verb} {path}"
                for verb, path in described
                if not any(verb == flow_verb and regex.fullmatch(path) for flow_verb, regex in flows)
            ]
            self.assertEqual([], missing, f"add a flow for these to proxies/{kind}/apiproxy/proxies/default.xml")

    def test_no_operation_lets_in_more_than_it_says(self):
        said = access.Access(json.loads(DOCUMENT.read_text(encoding="utf-8")))
        modes = environments.load()["api"]["access_modes"]
        wider = list(said.problems(modes, each_its_own=False))
        self.assertEqual([], wider, "the proxy lets in the same callers everywhere: take what all operations allow")


if __name__ == "__main__":
    unittest.main()
