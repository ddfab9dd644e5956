"""The specification as one JSON document, read for the tests: its operations, examples and schemas."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from jsonschema import Draft4Validator, Draft202012Validator, validators
from referencing import Registry
from referencing.jsonschema import DRAFT4, DRAFT202012

# `make test` builds it from whatever files the specification has.
PATH = Path(__file__).resolve().parent.parent / "build" / "specification.json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


@dataclass(frozen=True)
class Example:
    """One documented answer: how to ask for it, and what it is."""

    method: str
    path: str
    status: int
    media_type: str
    name: str | None
    value: object = field(compare=False)
    # Where its schema is in the document, as a JSON pointer; None when there is none.
    schema: str | None = field(compare=False)

    def __str__(self):
        return f"{self.method} {self.path} {self.status} {self.media_type} {self.name or ''}".strip()

    @property
    def has_body(self):
        return self.method != "HEAD" and self.status not in (204, 304)


def load():
    """The specification."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def escaped(key):
    return str(key).replace("~", "~0").replace("/", "~1")


def pointed(document, pointer):
    """What the JSON pointer leads to; None where it leads nowhere."""
    value = document
    for part in unquote(pointer).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdigit():
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def resolve(document, value, pointer):
    """Follows local references: the value (None where they lead nowhere) and where it is."""
    for _ in range(32):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value, pointer
        if not value["$ref"].startswith("#/"):
            return None, pointer
        pointer = value["$ref"][1:]
        value = pointed(document, pointer)
    return None, pointer


def mapping(document, value, pointer):
    """The items of a mapping, references followed: key, value and where the value is; extensions are left out."""
    value, pointer = resolve(document, value, pointer)
    for key, item in value.items() if isinstance(value, dict) else ():
        if not key.startswith("x-"):
            yield key, *resolve(document, item, f"{pointer}/{escaped(key)}")


def sent(path):
    """The path as a caller sends it, with `x` for each parameter."""
    return quote(re.sub(r"\{[^{}]*\}", "x", re.split(r"[?#]", path)[0]), safe="/$@:!&'()*+,;=~%")


def operations(document):
    """Method, path, value and pointer of each operation."""
    for path, item, pointer in mapping(document, document.get("paths"), "/paths"):
        if path.startswith("/") and isinstance(item, dict):
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    yield method.upper(), path, item[method], f"{pointer}/{method}"
            more = item.get("additionalOperations")
            for method, operation, where in mapping(document, more, f"{pointer}/additionalOperations"):
                yield method.upper(), path, operation, where


def status(code, codes):
    """A status for a documented code: itself, or the first of a range (or of 5XX) that has no own answer.
    None for a key that is not a status, such as a date."""
    code = code.upper()
    if re.fullmatch("[1-9][0-9]{2}", code):
        return int(code)
    if not re.fullmatch("DEFAULT|[1-5]XX", code):
        return None
    # A default answer is requested by a status that has no answer of its own and is in no range.
    hundreds = [5, 4, 2, 3] if code == "DEFAULT" else [int(code[0])]
    free = [hundred for hundred in hundreds if code != "DEFAULT" or f"{hundred}XX" not in codes]
    return next((n for h in free for n in range(h * 100, h * 100 + 100) if str(n) not in codes), None)


def leads_nowhere(value):
    """Is it a reference and nothing else? One that led somewhere is not there any more. What examples hold further down is
    data of theirs."""
    return isinstance(value, dict) and list(value) == ["$ref"] and isinstance(value["$ref"], str)


def media_examples(document, media, pointer):
    """Name and value of the examples of one body; what its schema gives as an example counts when there is no other."""
    named = [(name, example) for name, example, _ in mapping(document, media.get("examples"), f"{pointer}/examples")]
    if "example" in media:
        yield None, media["example"]
    for name, example in named:
        keys = ("value", "dataValue", "serializedValue")
        values = [example[key] for key in keys if key in example] if isinstance(example, dict) else []
        if values:
            yield name, values[0]
    schema, _ = resolve(document, media.get("schema"), f"{pointer}/schema")
    if "example" not in media and not named and isinstance(schema, dict) and "example" in schema:
        yield None, schema["example"]


def bodies(document, response, pointer):
    """Media type, name, value and schema's pointer of each example of one answer."""
    if document.get("swagger"):
        schema = f"{pointer}/schema" if "schema" in response else None
        for media_type, value, _ in mapping(document, response.get("examples"), f"{pointer}/examples"):
            yield media_type, None, value, schema
        return
    for media_type, media, where in mapping(document, response.get("content"), f"{pointer}/content"):
        # A key that is not a media type cannot be requested; the linter reports it.
        if isinstance(media, dict) and "/" in media_type:
            schema = f"{where}/schema" if "schema" in media else None
            for name, value in media_examples(document, media, where):
                yield media_type, name, value, schema


def examples(document):
    """Every documented example of every answer."""
    for method, path, operation, pointer in operations(document):
        answers = list(mapping(document, operation.get("responses"), f"{pointer}/responses"))
        codes = {code.upper() for code, _, _ in answers}
        for code, response, where in answers:
            number = status(code, codes)
            if number is None or number < 200 or not isinstance(response, dict):
                continue
            for media_type, name, value, schema in bodies(document, response, where):
                if not leads_nowhere(value):
                    yield Example(method, sent(path), number, media_type, name, value, schema)


def first_answers(document):
    """Method, path and status of the first documented answer of each operation."""
    found = {}
    for method, path, operation, pointer in operations(document):
        codes = [code.upper() for code, _, _ in mapping(document, operation.get("responses"), f"{pointer}/responses")]
        numbers = [number for code in codes if (number := status(code, set(codes))) and number >= 200]
        if numbers:
            found.setdefault((method, sent(path)), min(numbers))
    return [(method, path, number) for (method, path), number in found.items()]


def _nullable(check):
    """A keyword of JSON Schema that lets null through where OpenAPI 3.0 says `nullable`."""

    def keyword(validator, expected, instance, schema):
        if instance is None and (schema.get("nullable") or schema.get("x-nullable")):
            return
        yield from check(validator, expected, instance, schema) or ()

    return keyword


OpenApi30Validator = validators.extend(
    Draft4Validator, {key: _nullable(Draft4Validator.VALIDATORS[key]) for key in ("type", "enum")}
)


def validator(document, schema):
    """What checks values against the schema at that pointer. Nothing is fetched."""
    new = str(document.get("openapi", "")).startswith(("3.1", "3.2"))
    resource = (DRAFT202012 if new else DRAFT4).create_resource(document)
    registry = Registry().with_resource("urn:specification", resource)
    kind = Draft202012Validator if new else OpenApi30Validator
    return kind({"$ref": f"urn:specification#{quote(schema, safe='/~$')}"}, registry=registry)
