"""Checks that the flows of both proxies are the operations of the specification: no flow more, none fewer, none wider.

    python3 scripts/flows.py build/specification.json

The conditions are those that the template made from the paths. What is narrower than an operation, such as a policy for
one header only, is a condition of a step, not of the flow. The flows that no operation describes keep the steps that the
template made.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import environments
from environments import ROOT

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# The flows that no operation describes, in front of the operations' own.
OWN = {
    "CorsPreflight": '(request.verb = "OPTIONS") and (request.header.origin != null) and (request.header.access-control-request-method != null)',
    "Ping": '(proxy.pathsuffix MatchesPath "/_ping") and (request.verb = "GET")',
    "Status": '(proxy.pathsuffix MatchesPath "/_status") and (request.verb = "GET")',
}
OWN_CALLS = ("GET /_ping", "GET /_status")
LAST, REFUSAL = "NotFound", "RaiseFault.404NotFound"
KEY = [
    ("KeyValueMapOperations.StatusKey", ""),
    ("RaiseFault.401Unauthorized", "(private.status.key = null) or (request.header.apikey = null) or (request.header.apikey != private.status.key)"),
]
HEALTH = [("AssignMessage.HealthRequest", ""), ("Callout.TargetHealth", "")]
HEALTHY = "targethealth.response.status.code = 200"
UNHEALTHY = "(targethealth.response.status.code = null) or (targethealth.response.status.code != 200)"
PASS, FAIL = "AssignMessage.StatusPass", "AssignMessage.StatusFail"
# The steps of these flows as the template made them, each with its condition: those of the request, then of the answer.
STEPS = {
    "CorsPreflight": ([], [("AssignMessage.CorsPreflight", "")]),
    "Ping": ([], [("AssignMessage.Ping", "")]),
    "Status": (KEY + HEALTH, [(PASS, HEALTHY), (FAIL, UNHEALTHY)]),
    LAST: ([(REFUSAL, "")], []),
}
# The same in a proxy that has no target. What it answers itself must not come to the checks behind the flows.
HERE = [("AssignMessage.AnsweredHere", "")]
STEPS_WITHOUT_TARGET = {
    "CorsPreflight": (HERE, STEPS["CorsPreflight"][1]),
    "Ping": (HERE, STEPS["Ping"][1]),
    "Status": (KEY + HERE, [(PASS, "")]),
    LAST: STEPS[LAST],
}
KINDS = ("live", "sandbox")
# Replaces a parameter in a path that is read.
MARK = "\0"


@dataclass(frozen=True)
class Route:
    """A flow that the specification asks for; without a method it refuses all that its path does not have."""

    path: str
    pattern: tuple
    method: str | None

    def __str__(self):
        return f"{self.method} {self.path}" if self.method else f"the refusal of other methods of {self.path}"

    @property
    def condition(self):
        path = path_condition(self.pattern)
        return f'{path} and (request.verb = "{self.method}")' if self.method else path

    def takes_from(self, other):
        """Whether it would take a request of the other, if it stood in front of it."""
        same = None in (self.method, other.method) or self.method == other.method
        return same and meets(self.pattern, other.pattern)


def follow(document, value):
    """The value, and those that local references lead to from it, one after the other."""
    for _ in range(32):
        yield value
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return
        value = document
        for part in reference.split("/")[1:]:
            part = re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), part)
            value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None


def operations(document):
    """Method and path of each operation."""
    version = str(document.get("openapi", ""))
    methods = METHODS + (("trace",) if version else ()) + (("query",) if version.startswith("3.2") else ())
    *_, paths = follow(document, document.get("paths"))
    for path, first in paths.items() if isinstance(paths, dict) else ():
        if not path.startswith("/"):
            continue
        for item in follow(document, first):
            for key, value in item.items() if isinstance(item, dict) else ():
                if key in methods and isinstance(value, dict):
                    yield key.upper(), path
                if key == "additionalOperations" and version.startswith("3.2"):
                    *_, more = follow(document, value)
                    for method, operation in more.items() if isinstance(more, dict) else ():
                        if isinstance(operation, dict) and not method.startswith("x-") and TOKEN.fullmatch(method):
                            yield method, path


def read(path):
    """A path's segments. Each is the literal texts around its parameters, so it has one text more than parameters."""
    marked = re.sub(r"\{[^{}/]*\}", MARK, path.replace(MARK, "%00"))
    return tuple(tuple(segment.split(MARK)) for segment in re.split("[?#]", marked)[0].split("/"))


def specificity(pattern):
    """More is more specific: literal segments, literal text, parameters that follow one another."""
    fixed = sum(len(texts) == 1 for texts in pattern)
    text = sum(len(text) for texts in pattern for text in texts)
    return fixed, text, sum(text == "" for texts in pattern for text in texts[1:-1])


def meets(one, two):
    """Whether some path matches both."""
    return len(one) == len(two) and all(map(segments_meet, one, two))


def segments_meet(one, two):
    if len(one) == 1 or len(two) == 1:
        return fits(one[0], two) if len(one) == 1 else fits(two[0], one)
    begins = one[0].startswith(two[0]) or two[0].startswith(one[0])
    return begins and (one[-1].endswith(two[-1]) or two[-1].endswith(one[-1]))


def fits(text, segment):
    """Whether the segment stands for this text, where a parameter is one character at least."""
    first, *inner = segment
    if not inner:
        return text == first
    at, last = len(first), inner.pop()
    for literal in inner:
        found = text.find(literal, at + 1)
        if found < 0:
            return False
        at = found + len(literal)
    return text.startswith(first) and text.endswith(last) and len(text) - len(last) > at


def path_condition(pattern):
    """Apigee's condition for exactly the paths that the pattern stands for. The root is also an empty path after the base path."""
    fixed = all(len(texts) == 1 for texts in pattern)
    path = "/".join("".join(texts) for texts in pattern)
    if path == "/" and fixed:
        return '(proxy.pathsuffix JavaRegex "/?")'
    if fixed and re.fullmatch(r"[A-Za-z0-9/._~$!&'+,;=:@*-]*", path):
        return f'(proxy.pathsuffix = "{path}")'
    return f'(proxy.pathsuffix JavaRegex "{"/".join(map(segment_regex, pattern))}")'


def segment_regex(texts):
    """A parameter ends where the text behind it begins first, and no other end is tried: that is quick for any request."""
    first, *inner = map(literal_regex, texts)
    if not inner:
        return first
    last = inner.pop()
    return first + "".join(f"(?>[^/]+?{text})" if text else "[^/]" for text in inner) + "[^/]+" + last


def literal_regex(text):
    """A regular expression for the text as a request can write it: unchanged, or percent-encoded where a URL needs it."""
    return re.sub(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9_~!&',;=:@-]", lambda found: character_regex(found[0]), text)


def character_regex(text):
    if len(text) == 3:
        return either_case(text)
    if text in ".$()+*":
        return f"[{text}]"
    if text in "[^\\":
        seen = f"\\{text}|"
    elif text in "{}|":
        seen = f"[{text}]|"
    elif text == '"':
        seen = r"\x22|"
    elif text == "%":
        # With two digits behind it, it begins another character.
        seen = "%(?![0-9A-Fa-f]{2})|"
    else:
        seen = f"{text}|" if re.match("[!-~\u00a0-\ufffd\U00010000-\U0010ffff]", text) else ""
    return f"(?:{seen}{either_case(''.join(f'%{byte:02X}' for byte in text.encode()))})"


def either_case(encoded):
    return f"(?i:{encoded})" if re.search("[A-Za-z]", encoded) else encoded


def routes(document):
    """The flows that the specification asks for, the most specific path first."""
    groups = {}
    for method, path in operations(document):
        shown, methods = groups.setdefault(read(path), (re.split("[?#]", path)[0], {}))
        methods[method] = None
    order = sorted(groups, key=specificity, reverse=True)
    found = []
    for at, pattern in enumerate(order):
        shown, methods = groups[pattern]
        found += [Route(shown, pattern, method) for method in methods if f"{method} {shown}" not in OWN_CALLS]
        # A request belongs to the most specific path that fits it: no later path may take its other methods.
        if any(groups[later][1].keys() - methods.keys() and meets(pattern, later) for later in order[at + 1 :]):
            found.append(Route(shown, pattern, None))
    return found


def text_of(element, tag):
    """The text of the one child of this name; empty where there is none."""
    found = element.find(tag)
    return re.sub("[ \t\r\n]+", " ", (found.text or "") if found is not None else "").strip()


def steps(flow, side):
    """The steps of the request or of the answer, each with its condition."""
    return [(text_of(step, "Name"), text_of(step, "Condition")) for step in flow.findall(f"{side}/Step")]


def refuses(flow):
    """Whether the flow answers 404, whatever comes."""
    return steps(flow, "Request")[:1] == [(REFUSAL, "")]


def unclear(flow):
    """What is not one element with nothing but text, although it decides when a flow or a step runs; a text each."""
    for element in [flow, *flow.iter("Step")]:
        for tag in ("Name", "Condition"):
            found = element.findall(tag)
            if len(found) > 1 or any(len(one) for one in found):
                holder = "the" if element is flow else "a step's"
                yield f"flow `{flow.get('name')}`: {holder} <{tag}> is not one element with only text: write it as one"
    for tag in ("Request", "Response"):
        if len(flow.findall(tag)) > 1:
            yield f"flow `{flow.get('name')}` has more than one <{tag}>: put the steps into one"


def own_problems(flows, made):
    """What is wrong with the flows that no operation describes; `made` has their steps as the template made them."""
    if sorted(str(flow.get("name")) for flow in flows[: len(OWN)]) != sorted(OWN):
        yield f"the first flows must be {', '.join(OWN)}, one of each: put them back, in front of all others"
    if not flows or flows[-1].get("name") != LAST or text_of(flows[-1], "Condition"):
        yield f"there is no flow `{LAST}` at the end, which raises {REFUSAL}: put it back"
    for flow in flows:
        for side, expected in zip(("Request", "Response"), made.get(flow.get("name"), ()), strict=False):
            if steps(flow, side) != expected:
                listed = ", ".join(f"{name} with <Condition>{shown(condition)}</Condition>" if condition else name for name, condition in expected)
                yield f"flow `{flow.get('name')}` has other steps in its {side} than the template made: there must be {listed or 'none'}"


def problems(wanted, endpoint):
    """What is wrong with the flows of a proxy, and what to do about it; a text each."""
    wanted = {route.condition: route for route in wanted}
    flows = endpoint.findall("Flows/Flow")
    found = {}
    has_target = endpoint.find("RouteRule/TargetEndpoint") is not None
    yield from own_problems(flows, STEPS if has_target else STEPS_WITHOUT_TARGET)
    for flow in flows:
        yield from unclear(flow)
        name, condition = flow.get("name"), text_of(flow, "Condition")
        route = wanted.get(condition)
        if not condition:
            if name != LAST or flow is not flows[-1] or not refuses(flow):
                yield f"flow `{name}` has no condition, so it takes every request: only the last flow, `{LAST}`, has none, and it raises {REFUSAL}"
        elif condition == OWN.get(name):
            continue
        elif route is None:
            yield f"flow `{name}` opens what no operation describes, {condition}: delete the flow, describe the operation in the specification, or give the flow exactly the condition of its operation"
        elif condition in found:
            yield f"flow `{name}` has the condition of flow `{found[condition][0]}` and never runs: delete one of them"
        else:
            found[condition] = name, route
            if not route.method and not refuses(flow):
                yield f"flow `{name}` is {route}: its first step must be {REFUSAL}, without a condition"
            raised = [step for step, when in steps(flow, "Request") if step.startswith("RaiseFault.") and not when]
            if route.method and raised:
                yield f"flow `{name}` refuses every request of {route}: give its step {raised[0]} a condition, or delete the step"
    for condition, route in wanted.items():
        if condition not in found:
            step = "" if route.method else f", and the step {REFUSAL}"
            yield f"{route} has no flow: add one with <Condition>{shown(condition)}</Condition>{step}"
    yield from misplaced(list(wanted), list(found.values()))


def misplaced(order, found):
    """Each flow that stands behind one that takes its requests."""
    places = {condition: place for place, condition in enumerate(order)}
    for at, (name, route) in enumerate(found):
        for other_name, other in found[:at]:
            less = specificity(other.pattern) < specificity(route.pattern) or other.pattern == route.pattern
            if less and places[route.condition] < places[other.condition] and other.takes_from(route):
                yield f"flow `{name}` stands behind flow `{other_name}`, which takes its requests: put it in front, the most specific path comes first"
                break


def shown(condition):
    """The condition as it is written in XML."""
    return condition.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise environments.Problem(__doc__.strip())
    wanted = routes(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    needed = [ROOT / f"proxies/{kind}/apiproxy/proxies/default.xml" for kind in KINDS]
    found = [f"{path.relative_to(ROOT).as_posix()} is not there: put it back" for path in needed if not path.is_file()]
    for path in sorted(ROOT.glob("proxies/*/apiproxy/proxies/*.xml")):
        name = path.relative_to(ROOT).as_posix()
        found += [f"{name}: {problem}" for problem in problems(wanted, ElementTree.parse(path).getroot())]
    if found:
        raise environments.Problem("\n".join(found))


if __name__ == "__main__":
    environments.run(main)
