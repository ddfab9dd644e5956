"""Does the proxy let in only whom the specification lets in?"""

import json
import unittest

# First: it says where the scripts are.
import bundles

import access
import environments

DOCUMENT = bundles.ROOT / "build" / "specification.json"


class Specification(unittest.TestCase):
    def test_no_operation_lets_in_more_than_it_says(self):
        said = access.Access(json.loads(DOCUMENT.read_text(encoding="utf-8")))
        modes = environments.load()["api"]["access_modes"]
        wider = list(said.problems(modes, each_its_own=False))
        self.assertEqual([], wider, "the proxy lets in the same callers everywhere: take what all operations allow")


if __name__ == "__main__":
    unittest.main()
