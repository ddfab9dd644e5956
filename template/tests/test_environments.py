"""Does manifest.yml say what environments.toml says?"""

import re
import tomllib
import unittest

import bundles

ENVIRONMENTS = tomllib.loads((bundles.ROOT / "environments.toml").read_text(encoding="utf-8"))["environment"]
MANIFEST = (bundles.ROOT / "manifest.yml").read_text(encoding="utf-8")


class Environments(unittest.TestCase):
    def test_each_environment_is_there_once_and_in_order(self):
        names = [environment["name"] for environment in ENVIRONMENTS]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names, re.findall(r"^    - name: (\S+)$", MANIFEST, re.MULTILINE))
        orders = [environment["order"] for environment in ENVIRONMENTS]
        self.assertEqual(sorted(orders), orders)

    def test_limits_are_the_same_in_both(self):
        quotas = [str(environment["quota_per_minute"]) for environment in ENVIRONMENTS]
        spikes = [str(environment["spike_per_minute"]) for environment in ENVIRONMENTS]
        self.assertEqual(quotas, re.findall(r"^ +limit: ([0-9]+)$", MANIFEST, re.MULTILINE))
        self.assertEqual(quotas, re.findall(r'^ +quota: "([0-9]+)"$', MANIFEST, re.MULTILINE))
        self.assertEqual(spikes, re.findall(r"^ +ratelimit: ([0-9]+)pm$", MANIFEST, re.MULTILINE))

    def test_each_url_ends_in_the_base_path_of_its_bundle(self):
        for environment in ENVIRONMENTS:
            path = bundles.proxy(environment["bundle"]).findtext("HTTPProxyConnection/BasePath")
            self.assertTrue(environment["url"].endswith(path), environment["name"])

    def test_production_is_approved_by_hand(self):
        for environment in ENVIRONMENTS:
            if environment["name"] == "prod":
                self.assertEqual("manual", environment["approval"])


if __name__ == "__main__":
    unittest.main()
