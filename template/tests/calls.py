"""The calls that the specification documents, with examples of its parameters and bodies, and calls that it does not allow.

A call without a value that could be sent is still listed: `unsent` says what is missing.
"""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from urllib.parse import quote

import specification
from jsonschema import FormatChecker
from values import (
    FORMATS,
    NotMade,
    NotSent,
    Writing,
    as_text,
    encoded_body,
    encoded_pairs,
    in_header,
    in_path,
    is_json,
    is_xml,
    made,
)

# OpenAPI says that parameters of these names are ignored.
IGNORED = {"accept", "authorization", "content-type"}
# The platform answers these itself, whatever the specification says; tests/test_sandbox.py tests them.
OWN = ("/_ping", "/_status")
SAFE = "/$@:!&'()*+,;=~%"
# What hardly any parameter or body allows.
WRONG_TEXT = "!no such value!"
WRONG_VALUES = ([], {}, WRONG_TEXT, 0.5, None)
WRONG_TYPE = "x-undocumented/x-type"
COMMON_METHODS = ("DELETE", "PATCH", "PUT", "POST", "GET")
CHECKER = FormatChecker(formats=())
for _name, (_, _form) in FORMATS.items():
    CHECKER.checks(_name)(lambda value, form=_form: not isinstance(value, str) or re.fullmatch(form, value) is not None)


@dataclass(frozen=True)
class Call:
    """One call of an operation."""

    operation: "Operation" = field(repr=False, compare=False)
    what: str
    target: str = ""
    headers: dict = field(default_factory=dict, compare=False)
    body: bytes | None = None
    method: str = ""
    # The media type that the answer shall have; None when any will do.
    accept: str | None = None
    # Why it cannot be sent; None when it can.
    unsent: str | None = None

    def __str__(self):
        return f"{self.method or self.operation.method} {self.operation.path} {self.what}".strip()


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation, and the values that its calls take; when there are none, `why` says it."""

    name: str
    place: str
    required: bool
    writing: Writing
    media_type: str | None
    fits: object
    values: list
    why: str | None

    def text(self, value):
        """The value as it is written when it has a media type of its own."""
        return as_text(value) if isinstance(value, str) else encoded_body({}, self.media_type, {}, value)[0].decode()


class Operation:
    """An operation: the calls that it documents, and its answers."""

    def __init__(self, document, schemas, name, item, operation):
        self.document, self.schemas = document, schemas
        self.method, self.path = name
        self.value, self.pointer = operation
        self.item, self.item_pointer = item
        self.misfits = []

    def fits(self, media, where):
        """Whether a value fits the schema of what stands there, as a function."""
        return partial(self.schemas.fits, f"{where}/schema") if "schema" in media else lambda value: True

    @cached_property
    def parameters(self):
        found = {}
        for value, pointer in ((self.item, self.item_pointer), (self.value, self.pointer)):
            for number, one in enumerate(value.get("parameters") or ()):
                one, where = specification.resolve(self.document, one, f"{pointer}/parameters/{number}")
                if isinstance(one, dict) and "name" in one and not (one.get("in") == "header" and one["name"].lower() in IGNORED):
                    found[one.get("in"), one["name"]] = self.parameter(one, where)
        return list(found.values())

    def parameter(self, described, where):
        name, place, media_type = described["name"], described.get("in"), None
        media = described
        for media_type, media, where in specification.mapping(self.document, described.get("content"), f"{where}/content"):
            break
        fits = self.fits(media, where)
        values, why = [], None
        for label, example in specification.media_examples(self.document, media, where):
            value = next((one for one in readings(example) if fits(one)), None)
            if value is None:
                self.misfits.append(f"{self.method} {self.path} parameter {name} {label or ''}".strip())
            elif value not in values:
                values.append(value)
        try:
            values = values or [made(self.document, media.get("schema", {}), fits)]
        except NotMade as error:
            why = f"the parameter `{name}` ({place}) has no example that fits its schema, and {error}: give it an example"
        required = place == "path" or described.get("required") is True
        found = Parameter(name, place, required, Writing.of(described, place), media_type, fits, values, why)
        try:
            for value in values:
                self.address([(found, value)])
        except NotSent as error:
            found = replace(found, values=[], why=f"the parameter `{name}` ({place}) cannot be sent: {error}")
        return found

    @cached_property
    def request_body(self):
        value, where = specification.resolve(self.document, self.value.get("requestBody"), f"{self.pointer}/requestBody")
        return (value, where) if isinstance(value, dict) else ({}, where)

    @property
    def needs_body(self):
        return self.request_body[0].get("required") is True

    @cached_property
    def media_types(self):
        """Media type, its description, its pointer and whether a value fits it, of each body that a request may have."""
        value, where = self.request_body
        found = []
        for media_type, media, pointer in specification.mapping(self.document, value.get("content"), f"{where}/content"):
            if isinstance(media, dict) and "/" in media_type:
                found.append((media_type, media, pointer, self.fits(media, pointer)))
        return found

    @cached_property
    def bodies(self):
        """What it is, bytes and media type of each documented body; a text instead of the bytes says why there are none."""
        return [body for media in self.media_types for body in self.bodies_of(*media)]

    def bodies_of(self, media_type, media, pointer, fits):
        values = []
        for name, value in specification.media_examples(self.document, media, pointer):
            what = f"{media_type} {name or ''}".strip()
            if isinstance(value, str) and is_json(media_type) and not fits(value):
                value = specification.parsed(value)
            if fits(value) or (isinstance(value, str) and not is_json(media_type)):
                values.append((what, value))
            else:
                self.misfits.append(f"{self.method} {self.path} body {what}")
        try:
            values = values or [(media_type, made(self.document, media.get("schema", {}), fits))]
        except NotMade as error:
            return [(media_type, f"the body {media_type} has no example that fits its schema, and {error}: give it an example", None)]
        found = []
        for what, value in values:
            try:
                found.append((what, *encoded_body(self.document, media_type, media, value)))
            except NotSent as error:
                found.append((what, str(error), None))
        return found

    def call(self, what, values, body=None, **more):
        """The call with these values of parameters (and for others with none) and this body."""
        if self.path in OWN:
            return Call(self, what, unsent="the platform answers it")
        for parameter in self.parameters:
            if parameter.required and parameter.why:
                return Call(self, what, unsent=parameter.why)
        if body and isinstance(body[1], str):
            return Call(self, what, unsent=body[1])
        try:
            target, headers = self.address(values)
        except NotSent as error:
            return Call(self, what, unsent=str(error))
        if body:
            headers["Content-Type"] = body[2]
        return Call(self, what, target, headers, body[1] if body else None, **more)

    def address(self, values):
        """Path with query, and headers, with these values: a list of pairs of parameter and value."""
        path, query, cookies, headers = re.split(r"[?#]", self.path)[0], [], [], {}
        path = quote(path, safe=SAFE + "{}")
        fixed = re.search(r"\?([^#]*)", self.path)
        for parameter, value in values:
            if parameter.media_type and parameter.place != "querystring":
                value = parameter.text(value)
            if parameter.place == "path":
                written = in_path(parameter.name, value, parameter.writing)
                if written in ("", ".", ".."):
                    raise NotSent(f"the parameter `{parameter.name}` is empty: give it another example")
                path = path.replace("{" + quote(parameter.name, safe=SAFE) + "}", written)
            elif parameter.place == "query":
                query += ["=".join(pair) for pair in encoded_pairs(parameter.name, value, parameter.writing)]
            elif parameter.place == "querystring":
                query.append(encoded_body(self.document, parameter.media_type, {}, value)[0].decode())
            elif parameter.place == "cookie":
                cookies += ["=".join(pair) for pair in encoded_pairs(parameter.name, value, parameter.writing)]
            else:
                headers[parameter.name] = in_header(value, parameter.writing)
        query = ([re.sub(r"\{[^{}]*\}", "x", fixed.group(1))] if fixed and fixed.group(1) else []) + query
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        return re.sub(r"\{[^{}]*\}", "x", path) + ("?" + "&".join(query) if query else ""), headers

    def needed(self):
        """Each parameter without which there is no call, with a value."""
        return [(parameter, parameter.values[0]) for parameter in self.parameters if parameter.required and parameter.values]

    def documented(self):
        """Each call that the specification documents: with each body, with every parameter and each of their examples, and
        for each media type of the answer."""
        needed, first = self.needed(), self.bodies[0] if self.bodies else None
        for body in self.bodies:
            yield self.call(f"with {body[0]}", needed, body)
        if not self.needs_body:
            yield self.call("without a body" if self.bodies else "", needed)
        sent = [parameter for parameter in self.parameters if parameter.values]
        most = max((len(parameter.values) for parameter in sent), default=0)
        if len(sent) > len(needed) or most > 1:
            for number in range(most):
                values = [(parameter, parameter.values[number % len(parameter.values)]) for parameter in sent]
                yield self.call(f"with every parameter ({number + 1})", values, first)
        for parameter in self.parameters:
            if not parameter.required and parameter.why:
                yield Call(self, f"with parameter {parameter.name}", unsent=parameter.why)
        kinds = self.success_types()
        for kind in kinds if len(kinds) > 1 else ():
            yield replace(self.call(f"answered as {kind}", needed, first), accept=kind)

    def wrong(self):
        """Calls that the specification does not allow: something required is missing, or has a wrong type."""
        needed, first = self.needed(), self.bodies[0] if self.bodies and self.needs_body else None
        for parameter in self.parameters:
            others = [pair for pair in needed if pair[0] is not parameter]
            if parameter.required and parameter.place != "path" and parameter.values and not is_spread(parameter):
                yield self.call(f"without the parameter {parameter.name}", others, first)
            if parameter.values and not parameter.media_type and refuses_text(parameter):
                yield self.call(f"with a wrong {parameter.name}", [*others, (parameter, WRONG_TEXT)], first)
        if self.needs_body and self.bodies:
            yield self.call("without its body", needed)
        for media_type, media, _, fits in self.media_types:
            if is_json(media_type) or is_xml(media_type):
                yield self.call(f"with {media_type} that is cut off", needed, ("", b"{" if is_json(media_type) else b"<", media_type))
            for value in self.wrong_values(media_type, media, fits):
                body = encoded_body(self.document, media_type, media, value)
                yield self.call(f"with a wrong {media_type}", needed, ("", *body))
        if self.bodies and "*/*" not in [media_type for media_type, *_ in self.media_types]:
            yield self.call("with a body of another type", needed, ("", b"x", WRONG_TYPE))

    def wrong_values(self, media_type, media, fits):
        """A value that is wrong in JSON, or a form that lacks a field; none where the tests find none."""
        found = WRONG_VALUES if is_json(media_type) else ()
        if "form" in media_type:
            try:
                form = made(self.document, media.get("schema", {}), fits)
            except NotMade:
                form = None
            fields = form if isinstance(form, dict) and len(form) > 1 else {}
            found = [{name: value for name, value in form.items() if name != field} for field in fields]
        return [value for value in found if not fits(value)][:1]

    @cached_property
    def answers(self):
        """Each documented answer: value and pointer by its code. Other keys, such as dates, are ignored."""
        found = specification.mapping(self.document, self.value.get("responses"), f"{self.pointer}/responses")
        codes = re.compile("[1-5][0-9]{2}|[1-5]XX|DEFAULT", re.IGNORECASE)
        return {code.upper(): (value, where) for code, value, where in found if isinstance(value, dict) and codes.fullmatch(code)}

    def answer(self, status):
        """The documented answer with this status; None when there is none."""
        return next((self.answers[key] for key in (str(status), f"{status // 100}XX", "DEFAULT") if key in self.answers), None)

    def has_success(self):
        return any(code.startswith("2") or code == "DEFAULT" for code in self.answers)

    def contents(self, status):
        """Media type, its description and its pointer, of each body that the answer with this status may have."""
        value, where = self.answer(status) or ({}, "")
        found = specification.mapping(self.document, value.get("content"), f"{where}/content")
        return [(kind, media, pointer) for kind, media, pointer in found if isinstance(media, dict) and "/" in kind]

    def success_types(self):
        codes = sorted(code for code in self.answers if code.startswith("2"))
        return [kind for kind, _, _ in self.contents(int(codes[0].replace("XX", "00")))] if codes else []


def readings(example):
    """What an example of a parameter may mean: many are written down as they are sent."""
    yield example
    if isinstance(example, str):
        yield specification.parsed(example)
    elif not isinstance(example, (dict, list)):
        yield as_text(example)
    if not isinstance(example, (dict, list)):
        parts = as_text(example).split(",")
        yield parts
        yield [specification.parsed(part) for part in parts]


def is_spread(parameter):
    """Is it an object whose properties stand in the query by themselves? Without any of them it is there, and empty."""
    return isinstance(parameter.values[0], dict) and parameter.writing.explode and not parameter.media_type


def refuses_text(parameter):
    """Is the wrong text wrong here, whatever it is read as?"""
    value = parameter.values[0]
    if isinstance(value, dict):
        return False
    return not parameter.fits(WRONG_TEXT) and not parameter.fits([WRONG_TEXT])


def shape(path):
    """The path without the names of its parameters and without what a call does not carry."""
    return re.sub(r"\{[^{}]*\}", "{}", re.split(r"[?#]", path)[0])


def regex(path):
    return re.compile("[^/]+".join(re.escape(quote(part, safe=SAFE)) for part in shape(path).split("{}")))


def weight(operation):
    """Sorts fixed text before parameters: `/jobs/mine`, `/jobs/{id}:cancel`, `/jobs/{id}`."""
    return shape(operation.path).replace("{}", "\uffff").replace("/", "\U0010ffff") + "\U0010ffff"


class Calls:
    """Every call of the document."""

    def __init__(self, document):
        self.document = document = specification.as_version_3(document)
        items = {path: (item, where) for path, item, where in specification.mapping(document, document.get("paths"), "/paths")}
        schemas = specification.Schemas(document, "readOnly", CHECKER)
        self.operations = [
            Operation(document, schemas, (method, path), items[path], (value, where))
            for method, path, value, where in specification.operations(document)
        ]
        # The more specific route first; of two that are alike, the one that stands first.
        self.routes = [(operation, regex(operation.path)) for operation in sorted(self.operations, key=weight)]

    def sendable(self, operation, calls):
        """The calls; those that another operation takes are not sent."""
        earlier = []
        for other, route in self.routes:
            if other is operation:
                break
            if other.method == operation.method and other.path.count("/") == operation.path.count("/"):
                earlier.append((other, route))
        for call in calls:
            path = call.target.split("?")[0]
            taker = next((other for other, route in earlier if call.unsent is None and route.fullmatch(path)), None)
            yield call if taker is None else Call(operation, call.what, unsent=f"a call of {path} is one of {taker.method} {taker.path}")

    def listed(self, operation, calls):
        try:
            yield from self.sendable(operation, calls())
        except (AttributeError, KeyError, TypeError, ValueError):
            yield Call(operation, "", unsent="it is described in a wrong structure: `make lint` says where")

    def documented(self):
        for operation in self.operations:
            yield from self.listed(operation, operation.documented)

    def wrong(self):
        for operation in self.operations:
            yield from self.listed(operation, operation.wrong)
        yield from self.other_methods()

    def other_methods(self):
        """A call of each path with a method that it does not have."""
        for operation in {shape(operation.path): operation for operation in reversed(self.operations)}.values():
            yield from self.listed(operation, partial(self.other_method, operation))

    def other_method(self, operation):
        call = operation.call("is not documented", operation.needed())
        path = call.target.split("?")[0]
        taken = {other.method for other, route in self.routes if route.fullmatch(path)}
        method = next((method for method in COMMON_METHODS if method not in taken), None)
        if method and call.unsent is None:
            yield replace(call, method=method)

    def nowhere(self):
        """A path that is longer than any that is documented."""
        return "/no-such-path" * (max((operation.path.count("/") for operation in self.operations), default=0) + 1)
