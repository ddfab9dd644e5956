"""The specification as one JSON document, read for the tests: its operations, examples and schemas."""

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from jsonschema import Draft4Validator, Draft202012Validator, validators
from jsonschema.exceptions import UnknownType, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4, DRAFT202012

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import swagger2  # noqa: E402

# `make test` builds it from whatever files the specification has.
PATH = ROOT / "build" / "specification.json"
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


def as_version_3(document):
    """The document in the words of OpenAPI 3."""
    return swagger2.convert(document)[0] if "swagger" in document else document


def parsed(text):
    """The text as JSON where it is JSON, else unchanged."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def escaped(key):
    return str(key).replace("~", "~0").replace("/", "~1")


def pointed(document, pointer):
    """What the JSON pointer leads to; None where it leads nowhere."""
    value = document
    for part in pointer.split("/")[1:]:
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
        pointer = unquote(value["$ref"][1:])
        value = pointed(document, pointer)
    return None, pointer


def mapping(document, value, pointer):
    """The items of a mapping, references followed: key, value and where the value is; extensions are left out."""
    value, pointer = resolve(document, value, pointer)
    for key, item in value.items() if isinstance(value, dict) else ():
        if not key.startswith("x-"):
            yield key, *resolve(document, item, f"{pointer}/{escaped(key)}")


def sent(path):
    """The path as a caller sends it, with `x` for each parameter; what follows `#` stays with the caller."""
    return quote(re.sub(r"\{[^{}]*\}", "x", path.split("#")[0]), safe="/$@:!&'()*+,;=~%?")


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


def schema_examples(document, schema):
    """Every value that the schema, or one within it, gives as an example."""
    pending, seen = [schema], set()
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending += one
        elif isinstance(one, dict):
            yield from (one[key] for key in ("example", "default") if key in one)
            yield from one["examples"] if isinstance(one.get("examples"), list) else ()
            pending += [part for key, part in one.items() if key not in ("example", "default", "examples", "enum", "const")]
            if isinstance(one.get("$ref"), str) and one["$ref"] not in seen:
                seen.add(one["$ref"])
                pending.append(resolve(document, one, "")[0])


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


def _required(document, absent):
    """The keyword `required`, which lets properties be missing that are `readOnly` (in requests) or `writeOnly` (in answers)."""

    def keyword(validator, expected, instance, schema):
        parts = {name: resolve(document, part, "")[0] for name, part in (schema.get("properties") or {}).items()}
        free = {name for name, part in parts.items() if isinstance(part, dict) and part.get(absent) is True}
        wanted = [name for name in expected if name not in free] if isinstance(expected, list) else expected
        yield from Draft4Validator.VALIDATORS["required"](validator, wanted, instance, schema)

    return keyword


# What a schema that cannot be used raises: a reference leads nowhere, a pattern or a type is none, it refers to itself.
UNUSABLE = (Unresolvable, UnknownType, re.error, RecursionError)


class Schemas:
    """The schemas of a document. Nothing is fetched. `absent` is `readOnly` or `writeOnly`: a required property that is so may
    be missing."""

    def __init__(self, document, absent=None, formats=None):
        new = str(document.get("openapi", "")).startswith(("3.1", "3.2"))
        resource = (DRAFT202012 if new else DRAFT4).create_resource(document)
        self.registry = Registry().with_resource("urn:specification", resource)
        self.kind = Draft202012Validator if new else OpenApi30Validator
        if absent == "writeOnly":
            # Schemas of answers often overlap: that several of `oneOf` fit is not the fault of an answer.
            self.kind = validators.extend(self.kind, {"oneOf": self.kind.VALIDATORS["anyOf"]})
        if absent:
            self.kind = validators.extend(self.kind, {"required": _required(document, absent)})
        self.formats = formats

    def errors(self, pointer, value):
        """Everything in the value that does not fit the schema at that pointer."""
        schema = {"$ref": f"urn:specification#{quote(pointer, safe='/~$')}"}
        return list(self.kind(schema, registry=self.registry, format_checker=self.formats).iter_errors(value))

    def fits(self, pointer, value):
        """Does the value fit? Where the schema cannot be used, each does."""
        try:
            return not self.errors(pointer, value)
        except UNUSABLE:
            return True

    def misfit(self, pointer, value):
        """Why the value does not fit; None when it does."""
        try:
            return worst(self.errors(pointer, value))
        except Unresolvable as error:
            return f"its schema refers to {error.ref}, which is not there"
        except UNUSABLE as error:
            return f"its schema cannot be used: {str(error)[:200]}"


def worst(errors):
    """One sentence for these errors; None when there are none."""
    error = best_match(errors)
    return error and f"{error.json_path}: {error.message[:200]}"
