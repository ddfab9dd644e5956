"""Are the documents that the platform makes the proxies from what it takes, and do they say what the specification says?"""

import json
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import access  # noqa: E402
import environments  # noqa: E402
import instance  # noqa: E402
import publish  # noqa: E402

SPECIFICATION = ROOT / "build" / "specification.json"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
SCHEMES = {"app-level0", "app-level3", "nhs-login-p0", "nhs-login-p5", "nhs-login-p9", "nhs-cis2-aal1", "nhs-cis2-aal3"}
# Words of other versions of OpenAPI.
FOREIGN = {"const", "prefixItems", "patternProperties", "if", "then", "else", "$defs", "webhooks", "definitions", "collectionFormat"}


def operations(document):
    """Verb and path of each operation that the document serves, without those that the platform answers itself."""
    return {
        (method, path)
        for path, item in access.paths(document).items()
        if path.startswith("/") and path not in instance.OWN
        for method in METHODS & set(item)
    }


def schemas(value, here=False):
    """Every schema below the value, whose place the key before it tells."""
    if isinstance(value, list):
        for item in value:
            yield from schemas(item, here)
    elif isinstance(value, dict):
        if here:
            yield value
        for key, item in value.items():
            if key in ("properties", "schemas"):
                for schema in item.values() if isinstance(item, dict) else ():
                    yield from schemas(schema, True)
            elif key not in ("example", "examples", "default", "enum", "value"):
                yield from schemas(item, key in ("schema", "items", "allOf", "anyOf", "oneOf", "not"))


class Instances(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.list = environments.load()
        with tempfile.TemporaryDirectory() as folder:
            instance.build(SPECIFICATION, folder)
            cls.documents = {
                environment["name"]: json.loads((Path(folder) / f"{environment['name']}.json").read_text(encoding="utf-8"))
                for environment in cls.list["environment"]
            }
            instance.build(SPECIFICATION, folder, "7")
            cls.previews = {
                environment["name"]: json.loads((Path(folder) / f"{environment['name']}.json").read_text(encoding="utf-8"))
                for environment in cls.list["environment"]
                if environment.get("preview")
            }

    def test_each_is_openapi_3_0_3_at_the_address_of_its_environment(self):
        for environment in self.list["environment"]:
            document = self.documents[environment["name"]]
            self.assertEqual("3.0.3", document["openapi"])
            self.assertEqual([environment["url"]], [server["url"] for server in document["servers"]])

    def test_each_serves_what_the_specification_describes(self):
        described = operations(json.loads(SPECIFICATION.read_text(encoding="utf-8")))
        for name, document in self.documents.items():
            self.assertEqual(described, operations(document), name)

    def test_security_is_the_platform_s_own(self):
        for environment in self.list["environment"]:
            document = self.documents[environment["name"]]
            schemes = document.get("components", {}).get("securitySchemes", {})
            realm = "prod" if environment["name"] == "prod" else "ptl"
            for name, scheme in schemes.items():
                self.assertIn(name, SCHEMES)
                self.assertEqual({"$ref": f"https://proxygen.{realm}.api.platform.nhs.uk/components/securitySchemes/{name}"}, scheme)
            wanted = list(document.get("security", []))
            for item in document["paths"].values():
                for method in METHODS & set(item):
                    wanted += item[method].get("security", [])
            for requirement in wanted:
                self.assertEqual(1, len(requirement))
                self.assertLessEqual(set(requirement), set(schemes))
            self.assertEqual(environment["bundle"] == "live", bool(document.get("security")))

    def test_each_operation_lets_in_no_more_than_the_specification_says(self):
        said = access.Access(json.loads(SPECIFICATION.read_text(encoding="utf-8")))
        for environment in self.list["environment"]:
            if environment["bundle"] == "sandbox":
                continue
            made = access.Access(self.documents[environment["name"]])
            for name, security in made.operations.items():
                modes = made.asked(security)
                self.assertTrue(modes, name)
                allowed = said.asked(said.operations[name]) or said.granted or modes
                self.assertLessEqual(modes, allowed, name)

    def test_limits_and_targets_are_those_of_environments_toml(self):
        for environment in self.list["environment"]:
            apim = self.documents[environment["name"]]["x-nhsd-apim"]
            self.assertEqual({"limit": environment["quota_per_minute"], "timeunit": "minute"}, apim["ratelimiting"]["proxy"])
            self.assertIs(False, apim["temporary"])
            self.assertEqual([], [*instance.problems(self.documents[environment["name"]])])
            target = environment.get("target")
            if target and (target["type"] == "hosted" or target["url"]):
                self.assertEqual(target["type"], apim["target"]["type"])
            else:
                self.assertNotIn("target", apim)

    def test_a_preview_is_temporary_and_has_its_own_address(self):
        for name, document in self.previews.items():
            self.assertIs(True, document["x-nhsd-apim"]["temporary"])
            self.assertEqual(self.documents[name]["servers"][0]["url"] + "-pr-7", document["servers"][0]["url"])

    def test_every_reference_leads_somewhere(self):
        for document in self.documents.values():
            self.assertEqual([], publish.judged(document)["dead"])

    def test_no_schema_speaks_another_version(self):
        for document in self.documents.values():
            for schema in schemas(document):
                self.assertEqual(set(), FOREIGN & set(schema))
                self.assertNotIsInstance(schema.get("type"), list)


if __name__ == "__main__":
    unittest.main()
