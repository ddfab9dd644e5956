"""Makes the flows of both proxies: one for each operation of the specification.

scripts/bundle.py puts them between the proxy's own flows, which answer what no operation describes. A file
proxies/KIND/flows/*.xml holds the steps of one operation's flow: a <Flow> whose name is the operationId, or method and path
(`GET /books`) where there is none. It has no <Condition>: routes.py makes that from the specification.
"""

import difflib
import re
from copy import deepcopy
from xml.etree import ElementTree

from environments import ROOT, Problem
from routes import by_name, routes

# The proxy's own flows, which no operation describes: those in front of the operations' flows, and the last one.
OWN = {
    "CorsPreflight": '(request.verb = "OPTIONS") and (request.header.origin != null) and (request.header.access-control-request-method != null)',
    "Ping": '(proxy.pathsuffix MatchesPath "/_ping") and (request.verb = "GET")',
    "Status": '(proxy.pathsuffix MatchesPath "/_status") and (request.verb = "GET")',
}
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
# Where the parts of a bundle are.
PLACES = r"proxies/(live|sandbox)/(apiproxy/(?!flows/).+|flows/[^/]+\.xml)"


def text_of(element, tag):
    """The text of the one child of this name; empty where there is none."""
    return re.sub("[ \t\r\n]+", " ", element.findtext(tag) or "").strip()


def steps(flow, side):
    """The steps of the request or of the answer, each with its condition."""
    return [(text_of(step, "Name"), text_of(step, "Condition")) for step in flow.findall(f"{side}/Step")]


def unclear(flow):
    """What is not one element with nothing but text, although it decides when a flow or a step runs; a text each."""
    for element in [flow, *flow.iter("Step")]:
        for tag in ("Name", "Condition"):
            found = element.findall(tag)
            if len(found) > 1 or any(len(one) for one in found):
                holder = "the" if element is flow else "a step's"
                yield f"flow `{flow.get('name')}`: {holder} <{tag}> is not one element with only text: write it as one"
    for tag in ("Description", "Request", "Response"):
        if len(flow.findall(tag)) > 1:
            yield f"flow `{flow.get('name')}` has more than one <{tag}>: put their content into one"


def endpoint_problems(endpoint, kind):
    """What is wrong with the proxy's own flows, a text each."""
    flows = endpoint.findall("Flows/Flow")
    names = [flow.get("name") for flow in flows if flow.get("name") in STEPS]
    if len(endpoint.findall("Flows")) != 1 or sorted(names[:-1]) != sorted(OWN) or names[-1] != LAST:
        yield f"the proxy's own flows must be {', '.join(OWN)} and, as the last one, {LAST}, one of each in one <Flows>: put them back"
    made = STEPS if endpoint.find("RouteRule/TargetEndpoint") is not None else STEPS_WITHOUT_TARGET
    for flow in flows:
        name = flow.get("name")
        if name not in STEPS:
            yield (
                f"flow `{name}` is none of the proxy's own flows. The build makes the flow of each operation from the specification: delete this one. "
                f"Write what an operation's flow does in addition to a file in proxies/{kind}/flows, as docs/getting-started.md says"
            )
            continue
        yield from unclear(flow)
        if text_of(flow, "Condition") != OWN.get(name, ""):
            there = f"there must be <Condition>{shown(OWN[name])}</Condition>" if name in OWN else "there must be none, it is for all that is left"
            yield f"flow `{name}` has another condition than the template made: {there}"
        for side, expected in zip(("Request", "Response"), made[name], strict=True):
            if steps(flow, side) != expected:
                listed = ", ".join(f"{step} with <Condition>{shown(condition)}</Condition>" if condition else step for step, condition in expected)
                yield f"flow `{name}` has other steps in its {side} than the template made: there must be {listed or 'none'}"


def shown(condition):
    """The condition as it is written in XML."""
    return condition.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def flow_problems(flow, kind, named):
    """What is wrong with an operation's flow in a file of its own, a text each."""
    name = flow.get("name")
    if flow.tag != "Flow" or not name or len(flow.attrib) != 1:
        yield 'the file must hold one <Flow name="…">, whose name is the operationId'
        return
    if name not in named:
        near = [other for other, route in named.items() if route.call == name] or difflib.get_close_matches(name, named, 1)
        yield f"the specification has no operation `{name}`, or several{f' (it has `{near[0]}`)' if near else ''}: correct the name, or delete the file"
    if flow.find("Condition") is not None:
        yield f"flow `{name}` has a <Condition>: delete it, the build writes the operation's. What is only for some calls is the condition of a step"
    yield from unclear(flow)
    allowed = {"Flow": ("Description", "Request", "Response", "Condition"), "Request": ("Step",), "Response": ("Step",), "Step": ("Name", "Condition")}
    for element in flow.iter():
        for child in element:
            if element.tag in allowed and child.tag not in allowed[element.tag]:
                yield f"flow `{name}` has a <{child.tag}> in its <{element.tag}>: only {', '.join(allowed[element.tag][:3])} can be there"
    for step, condition in steps(flow, "Request") + steps(flow, "Response"):
        folders = ("live",) if kind == "live" else ("sandbox", "live")
        if not any((ROOT / f"proxies/{folder}/apiproxy/policies/{step}.xml").is_file() for folder in folders):
            yield f"flow `{name}` has the step `{step}`, which is no policy: add proxies/{kind}/apiproxy/policies/{step}.xml, or correct the name"
        if step.startswith("RaiseFault.") and not condition:
            yield f"flow `{name}` refuses every request of its operation: give its step {step} a condition, or delete the step"


def root(path):
    """The root element of an XML file."""
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError) as error:
        raise Problem(f"{path.relative_to(ROOT).as_posix()} cannot be read as XML ({error}): correct it") from error


def own_flows(kind, named):
    """The flows in files, by the names of their operations; and what is wrong with them."""
    found, problems = {}, []
    for path in sorted((ROOT / f"proxies/{kind}/flows").glob("*.xml")):
        flow, place = root(path), path.relative_to(ROOT).as_posix()
        problems += [f"{place}: {problem}" for problem in flow_problems(flow, kind, named)]
        first = found.setdefault(flow.get("name"), (place, flow))[0]
        if first != place:
            problems.append(f"{place}: flow `{flow.get('name')}` is in {first}, too: put the steps into one file")
    return {name: flow for name, (_, flow) in found.items()}, problems


def misplaced():
    """The XML files that would be in no bundle, or where Apigee does not read them; a text each."""
    for path in sorted((ROOT / "proxies").rglob("*")):
        place = path.relative_to(ROOT).as_posix()
        if place.lower().endswith(".xml") and not re.fullmatch(PLACES, place):
            yield f"{place} would have no effect: the flow of an operation is a file proxies/live/flows/*.xml or proxies/sandbox/flows/*.xml"


def legible(text):
    """The text without the characters that XML cannot hold."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def element(number, route, own):
    """The flow of a route, with the steps of its own flow where there is one."""
    flow = ElementTree.Element("Flow", name=legible(f"{number} {(route.id or route.call)[:80]}"))
    description = own is not None and text_of(own, "Description")
    ElementTree.SubElement(flow, "Description").text = description or legible(route.summary[:200])
    for side in ("Request", "Response"):
        part = own.find(side) if own is not None else None
        flow.append(ElementTree.Element(side) if part is None else deepcopy(part))
    if not route.method:
        step = ElementTree.SubElement(flow.find("Request"), "Step")
        ElementTree.SubElement(step, "Name").text = REFUSAL
    ElementTree.SubElement(flow, "Condition").text = route.condition
    return flow


def made(document):
    """The flows of the operations for each kind of proxy, in their order; a Problem with all that is wrong in the files."""
    wanted, problems, found = routes(document), list(misplaced()), {}
    named = by_name(wanted)
    for kind in KINDS:
        folder = ROOT / f"proxies/{kind}/apiproxy/proxies"
        if not (folder / "default.xml").is_file():
            problems.append(f"proxies/{kind}/apiproxy/proxies/default.xml is not there: put it back")
        for path in sorted(folder.glob("*.xml")):
            place = path.relative_to(ROOT).as_posix()
            problems += [f"{place}: {problem}" for problem in endpoint_problems(root(path), kind)]
        own, wrong = own_flows(kind, named)
        problems += wrong
        of_route = {named[name]: flow for name, flow in own.items() if name in named}
        found[kind] = [element(number, route, of_route.get(route)) for number, route in enumerate(wanted, 1)]
    if problems:
        raise Problem("\n".join(problems))
    return found


def put(endpoint, flows):
    """Puts the flows of the operations into a proxy, in front of its last one."""
    holder = endpoint.find("Flows")
    place = list(holder).index(holder.find(f"Flow[@name='{LAST}']"))
    holder[place:place] = deepcopy(flows)
    ElementTree.indent(endpoint, "    ")
