"""Brings an OpenAPI document (3.0, 3.1, 3.2 or Swagger 2.0) to OpenAPI 3.0.3, and reports everything that this version cannot express.

The document is one JSON value, as `redocly bundle` writes it.
"""

import re

import publish
import swagger2

# The fields of 3.0.3 by kind of object, and the kind of what is in them: `x` one, `[x]` a list, `{x}` a map, None a value.
# A kind with `*` may be a reference instead.
FIELDS = {
    "document": {"openapi": None, "info": "info", "servers": None, "paths": "{path}", "components": "components", "security": None, "tags": "[tag]", "externalDocs": None},
    "info": dict.fromkeys(("title", "description", "termsOfService", "version")) | {"contact": "contact", "license": "license"},
    "contact": dict.fromkeys(("name", "url", "email")),
    "license": dict.fromkeys(("name", "url")),
    "tag": dict.fromkeys(("name", "description", "externalDocs")),
    "components": {
        "schemas": "{schema}",
        "responses": "{response*}",
        "parameters": "{parameter*}",
        "examples": "{example*}",
        "requestBodies": "{body*}",
        "headers": "{header*}",
        "securitySchemes": None,
        "links": "{link*}",
        "callbacks": "{callback*}",
    },
    "path": {"$ref": None, "summary": None, "description": None, "servers": None, "parameters": "[parameter*]"}
    | dict.fromkeys(("get", "put", "post", "delete", "options", "head", "patch", "trace"), "operation"),
    "operation": {
        **dict.fromkeys(("tags", "summary", "description", "externalDocs", "operationId", "deprecated", "security", "servers")),
        "parameters": "[parameter*]",
        "requestBody": "body*",
        "responses": "{response*}",
        "callbacks": "{callback*}",
    },
    "parameter": {
        **dict.fromkeys(("name", "in", "description", "required", "deprecated", "allowEmptyValue", "style", "explode", "allowReserved", "example")),
        "schema": "schema",
        "examples": "{example*}",
        "content": "{media}",
    },
    "header": {
        **dict.fromkeys(("description", "required", "deprecated", "allowEmptyValue", "style", "explode", "allowReserved", "example")),
        "schema": "schema",
        "examples": "{example*}",
        "content": "{media}",
    },
    "body": {"description": None, "content": "{media}", "required": None},
    "media": {"schema": "schema", "example": None, "examples": "{example*}", "encoding": "{encoding}"},
    "encoding": {"contentType": None, "headers": "{header*}", "style": None, "explode": None, "allowReserved": None},
    "response": {"description": None, "headers": "{header*}", "content": "{media}", "links": "{link*}"},
    "example": dict.fromkeys(("summary", "description", "value", "externalValue")),
    "link": dict.fromkeys(("operationRef", "operationId", "parameters", "requestBody", "description", "server")),
    "callback": None,
}
SCHEMA_VALUES = (
    "title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems "
    "maxProperties minProperties required enum type description format default nullable discriminator readOnly writeOnly example "
    "externalDocs deprecated xml"
).split()
# Words of JSON Schema that describe nothing by themselves: they go without a word.
SILENT = {"$schema", "$id", "$comment", "$anchor", "examples", "const"}


class Conversion:
    """One document on its way: what 3.0.3 has no words for, and references that lead nowhere, in their order."""

    def __init__(self):
        self.lost, self.dangling = {}, {}

    def lose(self, what):
        self.lost[what] = None

    def document(self, source):
        """The document in OpenAPI 3.0.3."""
        if "swagger" in source:
            source, lost = swagger2.convert(source)
            self.lost |= dict.fromkeys(lost)
        found = self.object(source, "document")
        found["openapi"] = "3.0.3"
        found["info"] = {"title": "", "version": "0.0.0", **found.get("info", {})}
        found["info"]["version"] = str(found["info"]["version"])
        found["paths"] = {path: item for path, item in (found.get("paths") or {}).items() if path.startswith("/")}
        return self.without_dangling(found)

    def value(self, value, kind):
        """A value of this kind, which may be a list or a map of it."""
        if kind is None:
            return value
        if kind[0] == "[":
            return [self.value(item, kind[1:-1]) for item in value] if isinstance(value, list) else []
        if kind[0] == "{":
            return self.map(value, kind[1:-1])
        if kind == "schema":
            return self.schema(value)
        if isinstance(value, dict) and "$ref" in value and kind.endswith("*"):
            return {"$ref": value["$ref"]}
        return self.object(value, kind.rstrip("*"))

    def map(self, value, kind):
        """A map of this kind; what begins with `x-` is an extension, except among headers and schemas."""
        if not isinstance(value, dict):
            return {}
        free = kind in ("schema", "header*", "example*", "media", "encoding")
        return {str(key): item if key.startswith("x-") and not free else self.value(item, kind) for key, item in value.items()}

    def object(self, value, kind):
        """An object with the fields that 3.0.3 knows."""
        if not isinstance(value, dict):
            return {}
        if kind == "callback":
            return self.map(value, "path")
        fields, found = FIELDS[kind], {}
        for key, item in value.items():
            if key.startswith("x-"):
                found[key] = item
            elif key not in fields:
                self.lose(key if kind == "document" else f"`{key}` of {kind} objects")
            elif item is not None or key in ("example", "value", "default"):
                found[key] = self.value(item, fields[key])
        if kind == "response":
            found.setdefault("description", "")
        if kind == "operation" and not found.get("responses"):
            found["responses"] = {"default": {"description": "The specification does not say."}}
        if "example" in found and "examples" in found:
            del found["example"]
        return found

    def schema(self, source):
        """A schema; those of JSON Schema 2020-12 in the words of 3.0.3."""
        if not isinstance(source, dict):
            return {"not": {}} if source is False else {}
        if "$ref" in source:
            return self.reference(source)
        source, found = dict(source), {}
        self.types(source)
        self.renamed(source)
        for key, item in source.items():
            if key.startswith("x-") or key in SCHEMA_VALUES:
                found[key] = item
            elif key in ("allOf", "anyOf", "oneOf"):
                found[key] = [self.schema(part) for part in item]
            elif key in ("not", "items"):
                found[key] = self.schema(item)
            elif key == "properties":
                found[key] = {str(name): self.schema(part) for name, part in item.items()}
            elif key == "additionalProperties":
                found[key] = item if isinstance(item, bool) else self.schema(item)
            elif key not in SILENT:
                self.lose(key)
        return self.tidy(found)

    def reference(self, source):
        """A reference; what stands beside it in 3.1 is put around it."""
        beside = {key: item for key, item in source.items() if key not in ("$ref", "summary", "description") and not key.startswith("x-")}
        if not beside:
            return {"$ref": source["$ref"]}
        return {**self.schema(beside), "allOf": [{"$ref": source["$ref"]}]}

    @staticmethod
    def types(source):
        """One type a schema, and `nullable` for null."""
        for key in ("anyOf", "oneOf"):
            parts = source.get(key)
            if isinstance(parts, list) and {"type": "null"} in parts:
                source[key] = [part for part in parts if part != {"type": "null"}]
                source["nullable"] = True
        kinds = source.get("type")
        if kinds == "null":
            kinds = ["null"]
        if not isinstance(kinds, list):
            return
        del source["type"]
        others = [kind for kind in kinds if kind != "null"]
        if "null" in kinds:
            source["nullable"] = True
        if len(others) == 1:
            source["type"] = others[0]
        elif others:
            choice = {"anyOf": [{"type": kind} for kind in others]}
            source.update(choice if "anyOf" not in source else {"allOf": [*source.get("allOf", []), choice]})
        else:
            source["enum"] = [None]

    def renamed(self, source):
        """What 3.0.3 says in other words."""
        if "const" in source:
            source.setdefault("enum", [source["const"]])
        if isinstance(source.get("examples"), list) and source["examples"]:
            source.setdefault("example", source["examples"][0])
        for bound, end, stricter in (("exclusiveMinimum", "minimum", max), ("exclusiveMaximum", "maximum", min)):
            limit = source.get(bound)
            if isinstance(limit, (int, float)) and not isinstance(limit, bool):
                tightest = stricter(limit, source.get(end, limit))
                source[end], source[bound] = tightest, tightest == limit
        if source.pop("contentEncoding", None) == "base64":
            source.setdefault("format", "byte")
        if source.pop("contentMediaType", None):
            source.setdefault("format", "binary")
        if "prefixItems" in source and "items" not in source:
            source["items"] = {"anyOf": source["prefixItems"]}

    @staticmethod
    def tidy(found):
        """Without what 3.0.3 does not take empty or in another form."""
        for key in ("required", "enum", "allOf", "anyOf", "oneOf"):
            if key in found and (not isinstance(found[key], list) or not found[key]):
                del found[key]
        if found.get("type") == "array":
            found.setdefault("items", {})
        if isinstance(found.get("discriminator"), dict):
            found["discriminator"] = {key: found["discriminator"][key] for key in ("propertyName", "mapping") if key in found["discriminator"]}
        return found

    def without_dangling(self, document):
        """The document without references that lead nowhere in it; those to other machines stay."""

        def there(reference):
            if re.match(r"https?://", reference):
                return True
            at = document
            for part in reference.removeprefix("#/").split("/"):
                part = re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), part).replace("~1", "/").replace("~0", "~")
                if isinstance(at, list) and part.isdigit() and int(part) < len(at):
                    at = at[int(part)]
                elif isinstance(at, dict) and part in at:
                    at = at[part]
                else:
                    return False
            return reference.startswith("#/")

        def walk(value, kind="part"):
            if isinstance(value, list):
                return [walk(item, kind) for item in value]
            if not isinstance(value, dict) or kind == "data":
                return value
            if isinstance(value.get("$ref"), str) and (kind == "part" or len(value) == 1) and not there(value["$ref"]):
                self.dangling[f"`{value['$ref']}`"] = None
                return {}
            return {key: walk(item, publish.below(kind, key, item)) for key, item in value.items()}

        return walk(document)


def convert(source):
    """The document in OpenAPI 3.0.3, a list of what is lost, and one of references that lead nowhere."""
    conversion = Conversion()
    return conversion.document(source), list(conversion.lost), list(conversion.dangling)
