"""Do the files of each bundle fit together? These checks find what a linter does not."""

import json
import re
import unittest

import bundles
import environments
import generate


class Bundles(unittest.TestCase):
    def test_a_policy_is_named_like_its_file(self):
        for kind in bundles.KINDS:
            for stem, policy in bundles.policies(kind).items():
                self.assertEqual(stem, policy.get("name"))

    def test_the_proxy_is_named_like_its_file(self):
        for kind in bundles.KINDS:
            files = bundles.part(kind, "apiproxy")
            self.assertEqual(1, len(files))
            self.assertEqual([path.stem for path in files], [root.get("name") for root in files.values()])

    def test_every_step_has_its_policy_and_every_policy_its_step(self):
        for kind in bundles.KINDS:
            used = {step.text for end in bundles.endpoints(kind).values() for step in end.iterfind(".//Step/Name")}
            self.assertEqual(used, set(bundles.policies(kind)))

    def test_conditions_ask_about_policies_that_exist(self):
        for kind in bundles.KINDS:
            for path, end in bundles.endpoints(kind).items():
                for condition in end.iterfind(".//Condition"):
                    for name in re.findall(r"\b[A-Za-z0-9]+\.([\w.-]+)\.failed\b", condition.text):
                        self.assertIn(name, bundles.policies(kind), path)

    def test_every_refusal_of_credentials_has_a_fault_rule(self):
        for kind in bundles.KINDS:
            checks = {n for n, p in bundles.policies(kind).items() if p.tag in ("OAuthV2", "VerifyAPIKey")}
            for path, end in bundles.endpoints(kind).items():
                here = checks & {step.text for step in end.iterfind(".//Step/Name")}
                rules = {rule.findtext("Condition") for rule in end.iterfind("FaultRules/FaultRule")}
                self.assertEqual(set(), {f"oauthV2.{name}.failed = true" for name in here} - rules, path)

    def test_credentials_are_those_of_the_access_modes(self):
        api = environments.load()["api"]
        policies = bundles.policies("live")
        scopes = [p.findtext("Scope") or "" for p in policies.values() if p.tag == "OAuthV2"]
        wanted = [generate.SCOPES[mode] + api["name"] for mode in api["access_modes"] if mode in generate.SCOPES]
        self.assertEqual([sorted(wanted)] if wanted else [], [sorted(text.split()) for text in scopes])
        keys = [name for name, policy in policies.items() if policy.tag == "VerifyAPIKey"]
        self.assertEqual("app-level0" in api["access_modes"], bool(keys))

    def test_routes_lead_to_targets_that_exist(self):
        for kind in bundles.KINDS:
            targets = {path.stem for path in bundles.endpoints(kind) if path.parent.name == "targets"}
            routed = {name.text for name in bundles.proxy(kind).iterfind("RouteRule/TargetEndpoint")}
            self.assertEqual(targets, routed)

    def test_ping_status_and_preflight_are_answered_by_the_proxy(self):
        for kind in bundles.KINDS:
            flows = {flow.get("name"): flow.findtext("Condition") for flow in bundles.proxy(kind).iterfind("Flows/Flow")}
            unrouted = {r.findtext("Condition") for r in bundles.proxy(kind).iterfind("RouteRule") if r.find("TargetEndpoint") is None}
            for name in ("CorsPreflight", "Ping", "Status"):
                self.assertIn(flows[name], unrouted)

    def test_status_asks_for_the_monitoring_key(self):
        for kind in bundles.KINDS:
            steps = bundles.proxy(kind).findall("Flows/Flow[@name='Status']/Request/Step")
            guard = [step for step in steps if step.findtext("Name") == "RaiseFault.401Unauthorized"]
            self.assertIn("request.header.apikey != private.status.key", guard[0].findtext("Condition"))

    def test_the_last_flow_answers_404_to_all_that_is_left(self):
        for kind in bundles.KINDS:
            flows = bundles.proxy(kind).findall("Flows/Flow")
            self.assertIsNone(flows[-1].find("Condition"))
            self.assertEqual("RaiseFault.404NotFound", flows[-1].findtext("Request/Step/Name"))

    def test_flow_names_are_unique(self):
        for kind in bundles.KINDS:
            names = [flow.get("name") for flow in bundles.proxy(kind).iterfind("Flows/Flow")]
            self.assertEqual(len(names), len(set(names)))

    def test_the_base_path_is_one_that_the_platform_takes(self):
        for kind in bundles.KINDS:
            path = bundles.proxy(kind).findtext("HTTPProxyConnection/BasePath")
            self.assertRegex(path, r"^/[A-Za-z0-9]+([-/][A-Za-z0-9]+)*$")

    def test_rates_are_rates(self):
        for kind in bundles.KINDS:
            for stem, policy in bundles.policies(kind).items():
                if policy.tag == "SpikeArrest":
                    self.assertRegex(policy.findtext("Rate") or "", r"^[1-9][0-9]*(ps|pm)$", stem)

    def test_no_placeholder_is_left(self):
        for kind in bundles.KINDS:
            files = {**bundles.endpoints(kind), **bundles.policies(kind)}
            for path, root in files.items():
                for element in root.iter():
                    # Names and descriptions of flows are the specification's, whatever they hold.
                    texts = [] if element.tag == "Description" else [element.text or ""]
                    texts += [] if element.tag == "Flow" else element.attrib.values()
                    for text in texts:
                        self.assertNotRegex(text, r"[{$]\{|\{[%]|\$\(", path)

    def test_answers_of_the_proxy_are_json(self):
        for kind in bundles.KINDS:
            for stem, policy in bundles.policies(kind).items():
                for payload in policy.iter("Payload"):
                    self.assertIn("json", payload.get("contentType"), stem)
                    json.loads(payload.text)

    def test_an_error_tells_nothing_of_the_fault_behind_it(self):
        for kind in bundles.KINDS:
            for stem, policy in bundles.policies(kind).items():
                for payload in policy.iter("Payload"):
                    self.assertNotRegex(payload.text, r"error\.content|fault\.|error\.message", stem)


if __name__ == "__main__":
    unittest.main()
