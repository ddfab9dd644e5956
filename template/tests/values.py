"""Values that fit a schema, made up where the specification has no example of them, and values as they stand in a request: in
its address, its headers and its body."""

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import ceil
from re import _constants as kind
from re import _parser
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import specification

# A value of each format, and what every value of it looks like.
FORMATS = {
    "byte": ("dGV4dA==", r"[A-Za-z0-9+/]*={0,2}"),
    "date": ("2026-01-31", r"\d{4}-[01]\d-[0-3]\d"),
    "date-time": ("2026-01-31T12:00:00Z", r"\d{4}-[01]\d-[0-3]\d[Tt ][0-2]\d:[0-5]\d:[0-6]\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)"),
    "duration": ("P1D", r"P\S+"),
    "email": ("someone@example.org", r"[^@\s]+@[^@\s]+"),
    "hostname": ("example.org", r"[A-Za-z0-9.-]+"),
    "ipv4": ("192.0.2.1", r"\d{1,3}(\.\d{1,3}){3}"),
    "ipv6": ("2001:db8::1", r"[0-9A-Fa-f:.]+"),
    "json-pointer": ("/a", r"(/[^/]*)*"),
    "time": ("12:00:00Z", r"[0-2]\d:[0-5]\d:[0-6]\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?"),
    "uri": ("https://example.org/", r"[A-Za-z][A-Za-z0-9+.-]*:\S+"),
    "url": ("https://example.org/", r"[A-Za-z][A-Za-z0-9+.-]*:\S+"),
    "uri-reference": ("https://example.org/", r"\S*"),
    "uuid": ("60e0b220-8136-4ca5-ae46-1d97ef59d068", r"(urn:uuid:)?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}
# Optional properties are filled in this far down; below it only those that are required.
FULL_DEPTH = 3
# Schemas that lie deeper in one another lead in a circle.
MAX_DEPTH = 24
# Longer strings are not made up.
MAX_LENGTH = 10_000
# Keywords that allow only some types.
SIGNS = {
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "patternProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
CATEGORIES = {
    kind.CATEGORY_DIGIT: str.isdigit,
    kind.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdigit(),
    kind.CATEGORY_SPACE: str.isspace,
    kind.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
    kind.CATEGORY_WORD: lambda letter: letter.isalnum() or letter == "_",
    kind.CATEGORY_NOT_WORD: lambda letter: not letter.isalnum() and letter != "_",
}
# Letters that a class of a pattern is tried with, the plainest first.
LETTERS = "1aA" + "".join(map(chr, range(33, 127))) + " "

DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
RESERVED = ":/?[]@!$'()*,;"
BOUNDARY = "part-of-the-documented-request"
# What is sent where the specification takes any type of a kind.
OF_RANGE = {"*/*": "application/json", "application/*": "application/json", "text/*": "text/plain", "image/*": "image/png"}


class NotMade(Exception):
    """Why no value can be made up."""


class Pattern:
    """Makes up a text for a regular expression; what may be repeated is, `more` times than it must be."""

    def __init__(self, more):
        self.more = more
        self.groups = {}

    def text(self, items):
        return "".join(self.part(*item) for item in items)

    def part(self, operation, value):
        if operation is kind.LITERAL:
            return chr(value)
        if operation is kind.NOT_LITERAL:
            return next(letter for letter in LETTERS if letter != chr(value))
        if operation is kind.IN:
            return self.letter(value)
        if operation is kind.BRANCH:
            return self.text(value[1][0])
        if operation is kind.SUBPATTERN:
            self.groups[value[0]] = self.text(value[-1])
            return self.groups[value[0]]
        if operation is kind.GROUPREF:
            return self.groups.get(value, "")
        if operation in (kind.MAX_REPEAT, kind.MIN_REPEAT):
            least, most, part = value
            return "".join(self.text(part) for _ in range(min(least + self.more, most)))
        # Whether what stands around it is right (`^`, `\b`, `(?!…)`) is seen when the text is tried.
        return "a" if operation is kind.ANY else ""

    def letter(self, options):
        """A letter of a class such as `[^a-z]`."""
        negated = options[0][0] is kind.NEGATE
        own = [chr(value) for operation, value in options if operation is kind.LITERAL]
        own += [chr(value[0]) for operation, value in options if operation is kind.RANGE]
        return next(letter for letter in [*LETTERS, *own] if any(fits(letter, *one) for one in options) != negated)


def fits(letter, operation, value):
    """Is the letter that one, in that range or of that category?"""
    if operation is kind.RANGE:
        return value[0] <= ord(letter) <= value[1]
    if operation is kind.LITERAL:
        return ord(letter) == value
    return operation is kind.CATEGORY and CATEGORIES[value](letter)


def merged(one, other):
    """One schema for what both ask for."""
    found = {**one, **other}
    for key in ("properties", "patternProperties"):
        if key in one and key in other:
            found[key] = {**one[key], **other[key]}
    if "required" in one and "required" in other:
        found["required"] = [*one["required"], *other["required"]]
    for key, choose in (("minimum", max), ("minLength", max), ("minItems", max), ("maximum", min), ("maxLength", min)):
        if key in one and key in other:
            found[key] = choose(one[key], other[key])
    return found


class Maker:
    """Makes up values for the schemas of one document."""

    def __init__(self, document, full, examples, choice):
        self.document = document
        # Are optional properties filled in, examples of the schema used, and which of several alternatives is taken?
        self.full, self.examples, self.choice = full, examples, choice

    def flat(self, schema, depth=0):
        """The schema with its references followed, its parts (`allOf`) put together and one of its alternatives chosen."""
        if depth > MAX_DEPTH:
            raise NotMade("its schema leads in a circle")
        if not isinstance(schema, dict):
            return {}
        if isinstance(schema.get("$ref"), str):
            target, _ = specification.resolve(self.document, schema, "")
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self.flat(merged(target, beside) if isinstance(target, dict) else beside, depth + 1)
        found = {key: value for key, value in schema.items() if key not in ("allOf", "oneOf", "anyOf")}
        for part in schema.get("allOf", ()):
            found = merged(found, self.flat(part, depth + 1))
        for key in ("oneOf", "anyOf"):
            alternatives = schema.get(key)
            if alternatives:
                chosen = alternatives[self.choice % len(alternatives)]
                found = merged(found, self.flat(chosen, depth + 1))
                found = self.named(found, schema, chosen)
        return found

    def named(self, found, schema, chosen):
        """The chosen alternative, with the value of the discriminator that names it."""
        discriminator = schema.get("discriminator")
        if not isinstance(discriminator, dict) or "$ref" not in chosen:
            return found
        name, mapping = discriminator.get("propertyName"), discriminator.get("mapping") or {}
        value = next((key for key, target in mapping.items() if target == chosen["$ref"]), chosen["$ref"].rsplit("/", 1)[-1])
        own = self.flat(found.get("properties", {}).get(name, {}))
        if "enum" in own or "const" in own:
            return found
        return merged(found, {"properties": {name: {"type": "string", "enum": [value]}}})

    def value(self, schema, depth=0):
        schema = self.flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        if self.examples:
            for key in ("example", "default"):
                if key in schema:
                    return schema[key]
            if isinstance(schema.get("examples"), list) and schema["examples"]:
                return schema["examples"][0]
        if schema.get("enum"):
            return next((value for value in schema["enum"] if value is not None), None)
        types = schema.get("type")
        types = types if isinstance(types, list) else [types]
        name = next((name for name in types if name not in (None, "null")), None)
        name = name or ("null" if "null" in types else next((n for n, keys in SIGNS.items() if keys & set(schema)), "string"))
        return getattr(self, name, self.string)(schema, depth)

    def object(self, schema, depth):
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        found = {}
        for name, part in properties.items():
            if (name in required or (self.full and depth < FULL_DEPTH)) and not self.flat(part, depth).get("readOnly"):
                found[name] = self.value(part, depth + 1)
        more = schema.get("additionalProperties", {})
        missing = [name for name in sorted(required) if name not in properties]
        missing += [f"key{number}" for number in range(schema.get("minProperties", 0) - len(found) - len(missing))]
        return found | {name: self.value(more, depth + 1) for name in missing}

    def array(self, schema, depth):
        first = [self.value(part, depth + 1) for part in schema.get("prefixItems", ())]
        least = schema.get("minItems", 0)
        count = max(least, min(1, schema.get("maxItems", 1))) - len(first)
        if count <= 0 or (least <= len(first) and depth > MAX_DEPTH // 2):
            return first
        item = self.value(schema.get("items", {}), depth + 1)
        if not schema.get("uniqueItems"):
            return first + [item] * count
        choices = self.flat(schema.get("items", {}), depth).get("enum")
        return first + (choices[:count] if choices else [different(item, number) for number in range(count)])

    def integer(self, schema, depth):
        return self.number(schema, depth, Fraction(1))

    def number(self, schema, _depth, step=None):
        if schema.get("multipleOf"):
            step = max(step or 0, Fraction(str(schema["multipleOf"])))
        low, above = bound(schema, "minimum", "exclusiveMinimum", max)
        high, below = bound(schema, "maximum", "exclusiveMaximum", min)
        if step:
            found = ceil((low if low is not None else min(Fraction(1), high or 1)) / step) * step
            found += step if above and found == low else 0
            found -= step if high is not None and (found > high or (below and found == high)) else 0
        elif low is not None and high is not None:
            found = (low + high) / 2
        else:
            found = low + 1 if low is not None else min(Fraction(1), high - 1) if high is not None else Fraction(3, 2)
        return int(found) if found.denominator == 1 else float(found)

    def boolean(self, _schema, _depth):
        return True

    def null(self, _schema, _depth):
        return None

    def string(self, schema, _depth):
        least, most = schema.get("minLength", 0), schema.get("maxLength", MAX_LENGTH)
        if least > MAX_LENGTH:
            raise NotMade(f"it needs {least} letters")
        if "pattern" in schema:
            return self.of_pattern(schema["pattern"], max(least, 1), most)
        text = FORMATS.get(schema.get("format"), ("string", ""))[0]
        return text if least <= len(text) <= most else "x" * max(least, min(most, 1))

    def of_pattern(self, pattern, least, most):
        try:
            parsed = _parser.parse(pattern)
            texts = [Pattern(more).text(parsed) for more in (*range(8), least)]
        except (re.error, StopIteration, OverflowError, RecursionError):
            raise NotMade(f"its pattern `{pattern}` is one that the tests cannot read") from None
        fitting = [text for text in texts if least <= len(text) <= most and re.search(pattern, text)]
        if not fitting:
            raise NotMade(f"the tests find no text for its pattern `{pattern}`")
        return fitting[0]


def bound(schema, key, exclusive, choose):
    """A bound of numbers, and whether it is itself out of bounds. OpenAPI 3.0 says that by a boolean."""
    limit, strict = schema.get(key), schema.get(exclusive)
    if isinstance(strict, bool) or strict is None:
        return (None, False) if limit is None else (Fraction(str(limit)), bool(strict))
    if limit is None or choose(limit, strict) == strict:
        return Fraction(str(strict)), True
    return Fraction(str(limit)), False


def different(value, number):
    """Another value of the same type for each number."""
    if number == 0 or value is None:
        return value
    if isinstance(value, bool):
        return number % 2 == 0
    if isinstance(value, (int, float)):
        return value + number
    if isinstance(value, str):
        return value[: -len(str(number))] + str(number)
    if isinstance(value, list):
        return [*value, *value * number]
    return {key: different(item, number) for key, item in value.items()}


def made(document, schema, fits):
    """A value for the schema that fits it (`fits(value)`)."""
    why = "the tests find no value that fits its schema"
    for full, examples, choice in product((True, False), (True, False), range(3)):
        try:
            value = Maker(document, full, examples, choice).value(schema)
        except NotMade as error:
            why = str(error)
            continue
        if fits(value):
            return value
    raise NotMade(why)


class NotSent(Exception):
    """Why a value cannot be sent."""


@dataclass(frozen=True)
class Writing:
    """How a parameter, or a field of a form, is written."""

    style: str
    explode: bool
    reserved: bool = False

    @classmethod
    def of(cls, described, place):
        style = described.get("style", STYLES.get(place, "form"))
        return cls(style, described.get("explode", style in ("form", "cookie")), described.get("allowReserved", False))

    def quoted(self, value):
        return quote(single(value), safe=RESERVED if self.reserved else "")


def as_text(value):
    """A single value as text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def single(value):
    """A value within a list or an object as text."""
    if isinstance(value, (dict, list)):
        raise NotSent("OpenAPI has no form for a list or an object inside another: describe it by `content`")
    return as_text(value)


def is_json(media_type):
    return re.search(r"[/+]json\b", media_type, re.IGNORECASE) is not None


def is_xml(media_type):
    return re.search(r"[/+]xml\b", media_type, re.IGNORECASE) is not None


def encoded_pairs(name, value, writing):
    """Names and values of a query, a cookie or a form, percent-encoded."""
    plain, quoted = writing.quoted, quote(name, safe="")
    if isinstance(value, dict) and writing.style == "deepObject":
        return [pair for key, item in value.items() for pair in encoded_pairs(f"{name}[{key}]", item, writing)]
    if isinstance(value, dict) and writing.explode:
        return [pair for key, item in value.items() for pair in encoded_pairs(key, item, writing)]
    if isinstance(value, list) and (writing.explode or writing.style == "deepObject"):
        return [(quoted, plain(item)) for item in value]
    return [(quoted, joined(value, plain, DELIMITERS.get(writing.style, ",")))]


def joined(value, plain, delimiter, between=None):
    """A list or an object as one text; `between` stands between key and value of an object."""
    if isinstance(value, list):
        return delimiter.join(plain(item) for item in value)
    if isinstance(value, dict):
        return delimiter.join(f"{plain(key)}{between or delimiter}{plain(item)}" for key, item in value.items())
    return plain(value)


def in_path(name, value, writing):
    """A parameter as it stands in the path."""
    plain, explode = writing.quoted, writing.explode
    between = "=" if explode else None
    if writing.style == "label":
        return "." + joined(value, plain, "." if explode else ",", between)
    if writing.style == "matrix" and explode and isinstance(value, (list, dict)):
        items = [(name, item) for item in value] if isinstance(value, list) else value.items()
        return "".join(f";{plain(key)}={plain(item)}" for key, item in items)
    if writing.style == "matrix":
        return f";{name}={joined(value, plain, ',')}"
    return joined(value, plain, ",", between)


def in_header(value, writing):
    return joined(value, single, ",", "=" if writing.explode else None)


def encoded_body(document, media_type, media, value):
    """The bytes of a body and its Content-Type."""
    media_type = OF_RANGE.get(media_type, media_type)
    schema, encoding = media.get("schema", {}), media.get("encoding", {})
    if is_json(media_type):
        return json.dumps(value, ensure_ascii=False).encode(), media_type
    if media_type.startswith("multipart/"):
        return multipart(document, media_type, schema, encoding, value)
    if isinstance(value, str):
        return value.encode(), media_type
    if is_xml(media_type):
        return Xml(document).document(value, schema).encode(), media_type
    if media_type.startswith("application/x-www-form-urlencoded") and isinstance(value, dict):
        return form(encoding, value).encode(), media_type
    if isinstance(value, (dict, list)):
        raise NotSent(f"an object has no usual form as {media_type}: give the body an example that is a text")
    return as_text(value).encode(), media_type


def form(encoding, value):
    """A form. An object in it is JSON, unless `encoding` says in which style it is written."""
    found = []
    for name, item in value.items():
        described = encoding.get(name, {})
        if isinstance(item, dict) and not {"style", "explode", "allowReserved"} & set(described):
            item = json.dumps(item)
        if isinstance(item, list):
            item = [as_text(one) for one in item]
        found += encoded_pairs(name, item, Writing.of(described, "query"))
    return "&".join(f"{name}={item}" for name, item in found)


def multipart(document, media_type, schema, encoding, value):
    if not isinstance(value, dict):
        raise NotSent(f"only an object can be sent as {media_type}")
    flat = Maker(document, True, True, 0)
    properties = flat.flat(schema).get("properties", {})
    found = []
    for name, item in value.items():
        part = flat.flat(properties.get(name, {}))
        items = item if isinstance(item, list) else [item]
        described = flat.flat(part.get("items", {})) if isinstance(item, list) else part
        for one in items:
            found.append(field(name, one, described, encoding.get(name, {}).get("contentType")))
    content = "".join(f"--{BOUNDARY}\r\n{one}\r\n" for one in found) + f"--{BOUNDARY}--\r\n"
    return content.encode(), f"{media_type.split(';')[0]}; boundary={BOUNDARY}"


def field(name, value, schema, content_type):
    """One part of a multipart body: a file, JSON or a text."""
    is_file = schema.get("format") == "binary" or "contentMediaType" in schema or (isinstance(value, str) and not schema)
    usual = "application/octet-stream" if is_file else "application/json" if isinstance(value, (dict, list)) else "text/plain"
    kind = (content_type or schema.get("contentMediaType") or usual).split(",")[0].strip()
    file = '; filename="example"' if is_file else ""
    escaped = name.replace('"', "%22")
    return f'Content-Disposition: form-data; name="{escaped}"{file}\r\nContent-Type: {OF_RANGE.get(kind, kind)}\r\n\r\n{as_text(value)}'


class Xml:
    """Values as XML, as the `xml` of their schemas says."""

    def __init__(self, document):
        self.maker = Maker(document, True, True, 0)

    def root(self, schema):
        """The name of the outermost element."""
        reference = schema.get("$ref", "").rsplit("/", 1)[-1] if isinstance(schema, dict) else ""
        return self.maker.flat(schema).get("xml", {}).get("name") or reference or "root"

    def document(self, value, schema):
        name = self.root(schema)
        if isinstance(value, list):
            hints = self.maker.flat(schema).get("xml", {})
            return self.element(name, value, schema) if hints.get("wrapped") else f"<{name}>{self.element(name, value, schema)}</{name}>"
        return self.element(name, value, schema)

    def element(self, name, value, schema):
        schema = self.maker.flat(schema)
        hints = schema.get("xml", {})
        if isinstance(value, list):
            items = schema.get("items", {})
            inner = "".join(self.element(self.maker.flat(items).get("xml", {}).get("name") or name, item, items) for item in value)
            return self.tagged(hints.get("name") or name, hints, "", inner) if hints.get("wrapped") else inner
        if not isinstance(value, dict):
            return self.tagged(hints.get("name") or name, hints, "", escape(as_text(value)))
        attributes, inner = "", ""
        for key, item in value.items():
            part = schema.get("properties", {}).get(key, {})
            flat = self.maker.flat(part).get("xml", {})
            if flat.get("attribute") or flat.get("nodeType") == "attribute":
                attributes += f" {self.prefixed(flat.get('name') or key, flat)}={quoteattr(as_text(item))}"
            elif flat.get("nodeType") in ("text", "cdata"):
                inner += escape(as_text(item))
            else:
                inner += self.element(key, item, part)
        return self.tagged(hints.get("name") or name, hints, attributes, inner)

    def prefixed(self, name, hints):
        return f"{hints['prefix']}:{name}" if hints.get("prefix") else name

    def tagged(self, name, hints, attributes, inner):
        name = self.prefixed(name, hints)
        if hints.get("namespace"):
            prefix = f":{hints['prefix']}" if hints.get("prefix") else ""
            attributes = f" xmlns{prefix}={quoteattr(hints['namespace'])}{attributes}"
        return f"<{name}{attributes}>{inner}</{name}>"
