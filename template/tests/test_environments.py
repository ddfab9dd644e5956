"""Do the bundles fit environments.toml?"""

import tomllib
import unittest

import bundles

ENVIRONMENTS = tomllib.loads((bundles.ROOT / "environments.toml").read_text(encoding="utf-8"))["environment"]


class Environments(unittest.TestCase):
    def test_each_url_ends_in_the_base_path_of_its_bundle(self):
        for environment in ENVIRONMENTS:
            path = bundles.proxy(environment["bundle"]).findtext("HTTPProxyConnection/BasePath")
            self.assertTrue(environment["url"].endswith(path), environment["name"])


if __name__ == "__main__":
    unittest.main()
