"""Does the proxy let through what the specification describes?"""

import json
import re
import unittest

import bundles

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


if __name__ == "__main__":
    unittest.main()
