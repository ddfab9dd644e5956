"""Brings a Swagger 2.0 document to the shape of OpenAPI 3.0; what stays wrong is for the next step."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
# These keys of a Swagger parameter or header belong to a schema in OpenAPI 3.
SCHEMA = (
    "type format items default maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems "
    "uniqueItems enum multipleOf"
).split()
STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}


def convert(source):
    """The document, and a list of what has no equivalent."""
    return Swagger(source).document()


class Swagger:
    def __init__(self, source):
        self.source = source
        self.lost = []

    def document(self):
        source = self.source
        found = {key: value for key, value in source.items() if key in ("info", "tags", "externalDocs", "security") or key.startswith("x-")}
        found["openapi"] = "3.0.3"
        found["paths"] = {path: self.path(item) for path, item in (source.get("paths") or {}).items()}
        found["components"] = {
            "schemas": {name: self.schema(schema) for name, schema in (source.get("definitions") or {}).items()},
            "responses": {name: self.response(answer, self.media({}, "produces")) for name, answer in (source.get("responses") or {}).items()},
        }
        return self.moved(found), self.lost

    def moved(self, value):
        """The value with references to where things stand now."""
        if isinstance(value, list):
            return [self.moved(item) for item in value]
        if not isinstance(value, dict):
            return value
        found = {key: self.moved(item) for key, item in value.items()}
        if isinstance(found.get("$ref"), str):
            for old, new in (("#/definitions/", "#/components/schemas/"), ("#/responses/", "#/components/responses/")):
                if found["$ref"].startswith(old):
                    found["$ref"] = new + found["$ref"].removeprefix(old)
        return found

    def path(self, item):
        if not isinstance(item, dict):
            return {}
        shared = [self.resolved(parameter) for parameter in item.get("parameters", [])]
        found = {key: value for key, value in item.items() if key.startswith("x-") or key == "$ref"}
        for method in METHODS:
            if isinstance(item.get(method), dict):
                found[method] = self.operation(item[method], shared)
        return found

    def resolved(self, parameter):
        """The parameter, which may stand among the document's parameters."""
        name = parameter.get("$ref", "").removeprefix("#/parameters/")
        return (self.source.get("parameters") or {}).get(name, parameter)

    def media(self, operation, key):
        """The media types of an operation; JSON by default."""
        return operation.get(key, self.source.get(key)) or ["application/json"]

    def operation(self, source, shared):
        found = {key: value for key, value in source.items() if key not in ("parameters", "responses", "consumes", "produces", "schemes")}
        own = [self.resolved(parameter) for parameter in source.get("parameters", [])]
        names = {(parameter.get("name"), parameter.get("in")) for parameter in own}
        every = [parameter for parameter in shared if (parameter.get("name"), parameter.get("in")) not in names] + own
        plain = [self.parameter(parameter) for parameter in every if parameter.get("in") not in ("body", "formData")]
        if plain:
            found["parameters"] = plain
        body = self.body(every, self.media(source, "consumes"))
        if body:
            found["requestBody"] = body
        produces = self.media(source, "produces")
        found["responses"] = {str(code): self.response(answer, produces) for code, answer in (source.get("responses") or {}).items()}
        return found

    def parameter(self, source):
        if "$ref" in source:
            return source
        found = {key: value for key, value in source.items() if key not in (*SCHEMA, "collectionFormat")}
        found["schema"] = self.schema({key: source[key] for key in SCHEMA if key in source})
        if source.get("type") == "array":
            written = source.get("collectionFormat", "csv")
            if written == "tsv":
                self.lost.append("collectionFormat tsv")
            if source.get("in") == "query":
                found |= {"style": STYLES.get(written, "form"), "explode": written == "multi"}
        return found

    def body(self, parameters, consumes):
        """The request body, or None."""
        for parameter in parameters:
            if parameter.get("in") == "body":
                found = {"content": {media: {"schema": self.schema(parameter.get("schema", {}))} for media in consumes}}
                return found | {key: parameter[key] for key in ("description", "required") if key in parameter}
        form = [parameter for parameter in parameters if parameter.get("in") == "formData"]
        if not form:
            return None
        schema = {"type": "object", "properties": {}, "required": [field["name"] for field in form if field.get("required")]}
        for field in form:
            described = {"description": field["description"]} if "description" in field else {}
            schema["properties"][field["name"]] = self.schema({key: field[key] for key in SCHEMA if key in field}) | described
        files = any(field.get("type") == "file" for field in form)
        kinds = ["multipart/form-data"] if files else [media for media in consumes if "form" in media] or ["application/x-www-form-urlencoded"]
        needed = {"required": True} if schema["required"] else {}
        return {"content": {media: {"schema": schema} for media in kinds}} | needed

    def response(self, source, produces):
        if "$ref" in source:
            return source
        found = {key: value for key, value in source.items() if key == "description" or key.startswith("x-")}
        examples = source.get("examples") or {}
        content = {media: {"schema": self.schema(source["schema"])} for media in produces} if "schema" in source else {}
        for media, example in examples.items():
            content.setdefault(media, {})["example"] = example
        if content:
            found["content"] = content
        if source.get("headers"):
            found["headers"] = {name: self.header(header) for name, header in source["headers"].items()}
        return found

    def header(self, source):
        found = {"schema": self.schema({key: source[key] for key in SCHEMA if key in source})}
        return found | ({"description": source["description"]} if "description" in source else {})

    def schema(self, source):
        """A schema; files, nullable values and discriminators have other words in OpenAPI 3."""
        if isinstance(source, list):
            return [self.schema(item) for item in source]
        if not isinstance(source, dict):
            return source
        found = {key: value if key in ("default", "enum", "example") else self.schema(value) for key, value in source.items()}
        if found.get("type") == "file":
            found |= {"type": "string", "format": "binary"}
        if found.get("x-nullable") is True:
            found["nullable"] = True
        if isinstance(found.get("discriminator"), str):
            found["discriminator"] = {"propertyName": found["discriminator"]}
        if isinstance(found.get("collectionFormat"), str):
            del found["collectionFormat"]
        return found
