"""Values as they stand in a request: in its address, its headers and its body."""

import json
import re
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from values import Maker

DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
RESERVED = ":/?[]@!$'()*,;"
BOUNDARY = "part-of-the-documented-request"
# What is sent where the specification takes any type of a kind.
OF_RANGE = {"*/*": "application/json", "application/*": "application/json", "text/*": "text/plain", "image/*": "image/png"}


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


def text(value):
    """A single value as text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def single(value):
    """A value within a list or an object as text."""
    if isinstance(value, (dict, list)):
        raise NotSent("OpenAPI has no form for a list or an object inside another: describe it by `content`")
    return text(value)


def is_json(media_type):
    return re.search(r"[/+]json\b", media_type, re.IGNORECASE) is not None


def is_xml(media_type):
    return re.search(r"[/+]xml\b", media_type, re.IGNORECASE) is not None


def pairs(name, value, writing):
    """Names and values of a query, a cookie or a form, percent-encoded."""
    plain, quoted = writing.quoted, quote(name, safe="")
    if isinstance(value, dict) and writing.style == "deepObject":
        return [pair for key, item in value.items() for pair in pairs(f"{name}[{key}]", item, writing)]
    if isinstance(value, dict) and writing.explode:
        return [pair for key, item in value.items() for pair in pairs(key, item, writing)]
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


def body(document, media_type, media, value):
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
    return text(value).encode(), media_type


def form(encoding, value):
    """A form. An object in it is JSON, unless `encoding` says in which style it is written."""
    found = []
    for name, item in value.items():
        described = encoding.get(name, {})
        if isinstance(item, dict) and not {"style", "explode", "allowReserved"} & set(described):
            item = json.dumps(item)
        if isinstance(item, list):
            item = [text(one) for one in item]
        found += pairs(name, item, Writing.of(described, "query"))
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
    return f'Content-Disposition: form-data; name="{escaped}"{file}\r\nContent-Type: {OF_RANGE.get(kind, kind)}\r\n\r\n{text(value)}'


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
            return self.tagged(hints.get("name") or name, hints, "", escape(text(value)))
        attributes, inner = "", ""
        for key, item in value.items():
            part = schema.get("properties", {}).get(key, {})
            flat = self.maker.flat(part).get("xml", {})
            if flat.get("attribute") or flat.get("nodeType") == "attribute":
                attributes += f" {self.prefixed(flat.get('name') or key, flat)}={quoteattr(text(item))}"
            elif flat.get("nodeType") in ("text", "cdata"):
                inner += escape(text(item))
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
