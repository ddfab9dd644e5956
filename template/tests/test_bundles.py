"""Do the files of each bundle fit together, and do they fit environments.toml and the specification? These checks find what a
linter does not."""

import functools
import json
import re
import sys
import unittest
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import access  # noqa: E402
import bundle  # noqa: E402
import environments  # noqa: E402
import generate  # noqa: E402

# `make test` builds it.
SPECIFICATION = ROOT / "build" / "specification.json"
KINDS = ("live", "sandbox")


@functools.cache
def built():
    """Path and root element of each XML file of both bundles, by kind."""
    bundles = bundle.bundles(SPECIFICATION, environments.release())
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


class Bundles(unittest.TestCase):
    def test_a_policy_is_named_like_its_file(self):
        for kind in KINDS:
            for stem, policy in policies(kind).items():
                self.assertEqual(stem, policy.get("name"))

    def test_the_proxy_is_named_like_its_file(self):
        for kind in KINDS:
            files = part(kind, "apiproxy")
            self.assertEqual(1, len(files))
            self.assertEqual([path.stem for path in files], [root.get("name") for root in files.values()])

    def test_every_step_has_its_policy_and_every_policy_its_step(self):
        for kind in KINDS:
            used = {step.text for end in endpoints(kind).values() for step in end.iterfind(".//Step/Name")}
            self.assertEqual(used, set(policies(kind)))

    def test_conditions_ask_about_policies_that_exist(self):
        for kind in KINDS:
            for path, end in endpoints(kind).items():
                for condition in end.iterfind(".//Condition"):
                    for name in re.findall(r"\b[A-Za-z0-9]+\.([\w.-]+)\.failed\b", condition.text):
                        self.assertIn(name, policies(kind), path)

    def test_every_refusal_of_credentials_has_a_fault_rule(self):
        for kind in KINDS:
            checks = {n for n, p in policies(kind).items() if p.tag in ("OAuthV2", "VerifyAPIKey")}
            for path, end in endpoints(kind).items():
                here = checks & {step.text for step in end.iterfind(".//Step/Name")}
                rules = {rule.findtext("Condition") for rule in end.iterfind("FaultRules/FaultRule")}
                self.assertEqual(set(), {f"oauthV2.{name}.failed = true" for name in here} - rules, path)

    def test_credentials_are_those_of_the_access_modes(self):
        api = environments.load()["api"]
        live = policies("live")
        scopes = [p.findtext("Scope") or "" for p in live.values() if p.tag == "OAuthV2"]
        wanted = [generate.SCOPES[mode] + api["name"] for mode in api["access_modes"] if mode in generate.SCOPES]
        self.assertEqual([sorted(wanted)] if wanted else [], [sorted(text.split()) for text in scopes])
        keys = [name for name, policy in live.items() if policy.tag == "VerifyAPIKey"]
        self.assertEqual("app-level0" in api["access_modes"], bool(keys))

    def test_routes_lead_to_targets_that_exist(self):
        for kind in KINDS:
            targets = {path.stem for path in endpoints(kind) if path.parent.name == "targets"}
            routed = {name.text for name in proxy(kind).iterfind("RouteRule/TargetEndpoint")}
            self.assertEqual(targets, routed)

    def test_ping_status_and_preflight_are_answered_by_the_proxy(self):
        for kind in KINDS:
            flows = {flow.get("name"): flow.findtext("Condition") for flow in proxy(kind).iterfind("Flows/Flow")}
            unrouted = {r.findtext("Condition") for r in proxy(kind).iterfind("RouteRule") if r.find("TargetEndpoint") is None}
            for name in ("CorsPreflight", "Ping", "Status"):
                self.assertIn(flows[name], unrouted)

    def test_status_asks_for_the_monitoring_key(self):
        for kind in KINDS:
            steps = proxy(kind).findall("Flows/Flow[@name='Status']/Request/Step")
            guard = [step for step in steps if step.findtext("Name") == "RaiseFault.401Unauthorized"]
            self.assertIn("request.header.apikey != private.status.key", guard[0].findtext("Condition"))

    def test_the_last_flow_answers_404_to_all_that_is_left(self):
        for kind in KINDS:
            flows = proxy(kind).findall("Flows/Flow")
            self.assertIsNone(flows[-1].find("Condition"))
            self.assertEqual("RaiseFault.404NotFound", flows[-1].findtext("Request/Step/Name"))

    def test_flow_names_are_unique(self):
        for kind in KINDS:
            names = [flow.get("name") for flow in proxy(kind).iterfind("Flows/Flow")]
            self.assertEqual(len(names), len(set(names)))

    def test_the_base_path_is_one_that_the_platform_takes(self):
        for kind in KINDS:
            path = proxy(kind).findtext("HTTPProxyConnection/BasePath")
            self.assertRegex(path, r"^/[A-Za-z0-9]+([-/][A-Za-z0-9]+)*$")

    def test_rates_are_rates(self):
        for kind in KINDS:
            for stem, policy in policies(kind).items():
                if policy.tag == "SpikeArrest":
                    self.assertRegex(policy.findtext("Rate") or "", r"^[1-9][0-9]*(ps|pm)$", stem)

    def test_no_placeholder_is_left(self):
        for kind in KINDS:
            files = {**endpoints(kind), **policies(kind)}
            for path, root in files.items():
                for element in root.iter():
                    # Names and descriptions of flows are the specification's, whatever they hold.
                    texts = [] if element.tag == "Description" else [element.text or ""]
                    texts += [] if element.tag == "Flow" else element.attrib.values()
                    for text in texts:
                        self.assertNotRegex(text, r"[{$]\{|\{[%]|\$\(", path)

    def test_answers_of_the_proxy_are_json(self):
        for kind in KINDS:
            for stem, policy in policies(kind).items():
                for payload in policy.iter("Payload"):
                    self.assertIn("json", payload.get("contentType"), stem)
                    json.loads(payload.text)

    def test_an_error_tells_nothing_of_the_fault_behind_it(self):
        for kind in KINDS:
            for stem, policy in policies(kind).items():
                for payload in policy.iter("Payload"):
                    self.assertNotRegex(payload.text, r"error\.content|fault\.|error\.message", stem)


class Agreement(unittest.TestCase):
    def test_each_url_ends_in_the_base_path_of_its_bundle(self):
        for environment in environments.load()["environment"]:
            path = proxy(environment["bundle"]).findtext("HTTPProxyConnection/BasePath")
            self.assertTrue(environment["url"].endswith(path), environment["name"])

    def test_no_operation_lets_in_more_than_it_says(self):
        said = access.Access(json.loads(SPECIFICATION.read_text(encoding="utf-8")))
        modes = environments.load()["api"]["access_modes"]
        wider = list(said.problems(modes, each_its_own=False))
        self.assertEqual([], wider, "the proxy lets in the same callers everywhere: take what all operations allow")


if __name__ == "__main__":
    unittest.main()
