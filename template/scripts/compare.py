"""What callers notice between two versions of an API: `scripts/changes.py` shows it.

Both documents are JSON values, as `redocly bundle` writes them: OpenAPI 3 or Swagger 2.0. RULES and SCHEMA_RULES say which
change breaks callers. What cannot be decided is a change that breaks.
"""

import itertools
import json
import re
from dataclasses import dataclass, field

import access
import schemas
import swagger2
from environments import Problem
from schemas import as_dict

BREAKS, WARNS, FINE = "breaking", "warning", "compatible"

# Each change of an operation: what it means to callers, its part of the changelog, and the sentence.
RULES = {
    "operation-removed": (BREAKS, "Removed", "the operation is removed"),
    "operation-added": (FINE, "Added", "the operation is new"),
    "operation-deprecated": (FINE, "Deprecated", "the operation is deprecated"),
    "operation-id-changed": (WARNS, "Changed", "the `operationId` was {was} and is {now}: generated clients name their functions by it"),
    "server-removed": (BREAKS, "Removed", "the server is removed: its address no longer works"),
    "server-added": (FINE, "Added", "the server is new"),
    "security-tightened": (BREAKS, "Changed", "callers who were let in are not: the security was {was} and is {now}"),
    "security-relaxed": (FINE, "Changed", "more callers are let in: the security was {was} and is {now}"),
    "security-scheme-changed": (BREAKS, "Changed", "callers must prove themselves in another way"),
    "parameter-removed": (BREAKS, "Removed", "the parameter is removed"),
    "parameter-added": (FINE, "Added", "the optional parameter is new"),
    "parameter-added-required": (BREAKS, "Added", "the parameter is new and required"),
    "parameter-required": (BREAKS, "Changed", "the parameter is required now"),
    "parameter-optional": (FINE, "Changed", "the parameter is no longer required"),
    "parameter-moved": (BREAKS, "Changed", "the parameter was in {was} and is in {now}"),
    "parameter-style-changed": (BREAKS, "Changed", "the value is written in another way: it was {was} and is {now}"),
    "parameter-deprecated": (FINE, "Deprecated", "the parameter is deprecated"),
    "request-body-removed": (BREAKS, "Removed", "the request has no body any more"),
    "request-body-added": (FINE, "Added", "the request may have a body"),
    "request-body-added-required": (BREAKS, "Added", "the request must have a body"),
    "request-body-required": (BREAKS, "Changed", "the body is required now"),
    "request-body-optional": (FINE, "Changed", "the body is no longer required"),
    "request-media-type-removed": (BREAKS, "Removed", "the media type is no longer accepted"),
    "request-media-type-added": (FINE, "Added", "the media type is accepted"),
    "response-removed": (BREAKS, "Removed", "the answer is removed"),
    "response-error-removed": (WARNS, "Removed", "the error is no longer described"),
    "response-added": (FINE, "Added", "the answer is new"),
    "response-media-type-removed": (BREAKS, "Removed", "the media type is no longer answered"),
    "response-media-type-added": (FINE, "Added", "the media type can be answered"),
    "response-header-removed": (BREAKS, "Removed", "the header is removed"),
    "response-header-added": (FINE, "Added", "the header is new"),
    "response-header-optional": (BREAKS, "Changed", "the header is no longer always there"),
    "response-header-required": (FINE, "Changed", "the header is always there"),
    "response-link-removed": (WARNS, "Removed", "the link is removed"),
    "webhook-removed": (BREAKS, "Removed", "the call to the consumer is removed"),
    "webhook-added": (FINE, "Added", "the call to the consumer is new"),
    "unclear": (BREAKS, "Changed", "changed, and cannot be compared: look yourself ({was})"),
}

# Each difference of schemas: what it means in a request where the new schema takes less (narrowed) or more (widened), the
# same in an answer (None where it does not matter), and the sentence. A value that callers send must still be taken; a value
# that they get must not be new.
SCHEMA_RULES = {
    "type": ((BREAKS, FINE), (FINE, BREAKS), "the type was {was} and is {now}"),
    "implied": ((WARNS, FINE), (FINE, WARNS), "the type was {was} and is {now}, as other keywords let expect"),
    "null": ((BREAKS, FINE), (FINE, BREAKS), None),
    "value": ((BREAKS, FINE), (FINE, WARNS), None),
    "enum": ((BREAKS, FINE), (FINE, BREAKS), "the values were {was} and are {now}"),
    "property": ((BREAKS, FINE), (BREAKS, FINE), None),
    "required": ((BREAKS, FINE), (FINE, BREAKS), None),
    "closed": ((BREAKS, FINE), (FINE, WARNS), None),
    "additional": ((BREAKS, FINE), (FINE, BREAKS), None),
    "alternative": ((BREAKS, FINE), (FINE, BREAKS), None),
    "overlap": ((BREAKS, BREAKS), None, "may take what is meant for {was}, and `oneOf` allows only one: look yourself"),
    "unclear": ((BREAKS, FINE), (FINE, BREAKS), "changed, and cannot be compared: look yourself ({was})"),
    "minimum": ((BREAKS, FINE), (FINE, BREAKS), "`minimum` was {was} and is {now}"),
    "maximum": ((BREAKS, FINE), (FINE, BREAKS), "`maximum` was {was} and is {now}"),
    "multipleOf": ((BREAKS, FINE), (FINE, BREAKS), "`multipleOf` was {was} and is {now}"),
    **{key: ((BREAKS, FINE), (FINE, BREAKS), f"`{key}` was" + " {was} and is {now}") for key in (*schemas.LEAST, *schemas.MOST)},
    "uniqueItems": ((BREAKS, FINE), (FINE, WARNS), None),
    "pattern": ((BREAKS, FINE), (FINE, WARNS), "`pattern` was {was} and is {now}"),
    "format": ((BREAKS, FINE), (FINE, BREAKS), "`format` was {was} and is {now}"),
    "default": ((WARNS, WARNS), None, "`default` was {was} and is {now}"),
    "discriminator": ((BREAKS, BREAKS), (BREAKS, BREAKS), "the discriminator was {was} and is {now}"),
    "xml": ((WARNS, WARNS), (WARNS, WARNS), "`xml` changed: look how the value is written"),
    "deprecated": ((FINE, FINE), (FINE, FINE), "is deprecated"),
}
# The sentences where narrowed and widened have different ones.
SENTENCES = {
    "null": ("is no longer `null`", "may be `null`"),
    "value": ("the value is removed", "the value is new"),
    "property": ("the property is removed", "the property is new"),
    "required": ("the property is required now", "the property is no longer required"),
    "always": ("the property is always there", "the property may be missing"),
    "closed": ("no other properties are allowed now", "other properties are allowed"),
    "additional": ("other properties are restricted now", "other properties are no longer restricted"),
    "alternative": ("the alternative is removed or takes less", "the alternative is new or takes more"),
    "uniqueItems": ("the items must differ now", "the items may be the same"),
}
# For these the words narrowed and widened would not be understood.
ADDED = ("property", "value", "alternative")
WORDS = dict.fromkeys(ADDED, ("removed", "added")) | {"required": ("required", "optional")}
# Those that are the same in both directions.
ALONE = ("deprecated", "default", "discriminator", "xml", "unclear", "overlap")
# OpenAPI gives these header parameters no meaning.
IGNORED = ("accept", "content-type", "authorization")
STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


@dataclass(frozen=True)
class Change:
    """One change: the rule that knows it, where it is, and the sentence."""

    rule: str
    place: str
    severity: str
    section: str
    sentence: str
    # Values before and after: two changes at one place differ in them.
    was: str | None = None
    now: str | None = None
    # The operations that it touches, where the place is a part that several share.
    users: tuple = field(default=(), compare=False)

    @property
    def key(self):
        """The name by which specification/accepted-changes.toml accepts it."""
        values = f" ({self.was} -> {self.now})" if self.was is not None or self.now is not None else ""
        return f"{self.rule} {self.place}{values}"


def printable(value):
    """A value of a document as text of one line, without characters that steer a terminal."""
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in str(value))


def schema_rule(side, what, at):
    """The name of the rule for a difference of schemas: narrowed is 0, widened 1."""
    if what in ALONE:
        return f"{side}-{what}"
    return f"{side}-{'property' if what == 'required' else what}-{WORDS.get(what, ('narrowed', 'widened'))[at]}"


def code(said):
    """Text that Markdown shows as it is."""
    return f"`` {said} ``" if "`" in said else f"`{said}`"


def change(rule, place, severity, section, sentence, was=None, now=None, users=()):
    was, now = (None if value is None else printable(value) for value in (was, now))
    said = sentence.format(**{key: "not set" if value is None else code(value) for key, value in (("was", was), ("now", now))})
    return Change(rule, printable(place), severity, section, said, was, now, tuple(map(printable, users)))


def read(document, name):
    """The document in the shape of OpenAPI 3; a Problem when it is none."""
    if not isinstance(document, dict):
        raise Problem(f"{name} is not an OpenAPI document: it is no JSON object")
    version = str(document.get("openapi") or document.get("swagger"))
    if not re.match(r"3\.[0-9]|2\.0$", version):
        raise Problem(f"{name} is not an OpenAPI document of version 3 or Swagger 2.0: its version is {printable(version)}")
    for key in ("info", "paths", "components", "webhooks"):
        if key in document and not isinstance(document[key], dict):
            raise Problem(f"`{key}` of {name} is not an object: run `make lint`")
    if "paths" not in document and not version.startswith(("3.1", "3.2")):
        raise Problem(f"{name} has no `paths`: run `make lint`")
    return document if "openapi" in document else from_swagger(document, name)


def from_swagger(source, name):
    """A Swagger 2.0 document in the shape of OpenAPI 3."""
    try:
        found, _ = swagger2.convert(source)
    except (AttributeError, KeyError, TypeError) as error:
        raise Problem(f"{name} cannot be read as Swagger 2.0 ({error}): run `make lint`") from error
    base = str(source.get("basePath") or "/")
    schemes = source.get("schemes") or ["https"]
    found["servers"] = [{"url": f"{scheme}://{source['host']}{base}" if source.get("host") else base} for scheme in schemes]
    found["components"]["securitySchemes"] = source.get("securityDefinitions") or {}
    return found


class Document:
    """One of the two documents, read for the comparison."""

    def __init__(self, source):
        self.source = source
        self.book = schemas.Book(source)

    def at(self, value):
        """The value at the end of its references."""
        return self.book.follow(value)[0]

    def operations(self, key="paths"):
        """Each operation by method and by path without the names of parameters: path, path item and operation."""
        found = {}
        for path, first in as_dict(self.at(self.source.get(key))).items():
            item = self.item(first)
            more = as_dict(self.at(item.get("additionalOperations")))
            methods = {method.upper(): item[method] for method in access.METHODS if method in item} | more
            for method, operation in methods.items() if path.startswith("/") or key != "paths" else ():
                plain = re.sub(r"\{[^{}/]*\}", "{}", path) if key == "paths" else path
                # A document with two paths that mean the same is not sound; neither is left out.
                found[method, path if (method, plain) in found else plain] = path, item, as_dict(self.at(operation))
        return found

    def item(self, value):
        """A path item, completed by the one that it refers to."""
        own = as_dict(value)
        if not isinstance(own.get("$ref"), str):
            return own
        found = self.at(own)
        return {**({} if found is own else as_dict(found)), **{key: one for key, one in own.items() if key != "$ref" or found is own}}

    def parameters(self, path, item, operation):
        """The parameters of an operation by place and name; those in the path by their number."""
        names = re.findall(r"\{([^{}/]*)\}", path)
        found = {}
        for value in [*as_list(item.get("parameters")), *as_list(operation.get("parameters"))]:
            value = self.at(value)
            if not isinstance(value, dict):
                continue
            place, name = str(value.get("in", "a reference")), str(value.get("name", value.get("$ref")))
            lower = name.lower() if place == "header" else name
            if place == "header" and lower in IGNORED:
                continue
            found[place, names.index(name) if place == "path" and name in names else lower] = name, value
        return found

    def servers(self, *holders):
        """The addresses of the servers of the first that names any, variables filled in."""
        named = next((as_list(holder["servers"]) for holder in (*holders, self.source) if holder.get("servers")), [{"url": "/"}])
        found = {}
        for server in map(as_dict, named):
            variables = {name: as_dict(one) for name, one in as_dict(server.get("variables")).items()}
            values = [[str(value) for value in as_list(one.get("enum")) or [one.get("default", "")]] for one in variables.values()]
            for chosen in itertools.islice(itertools.product(*values), 64):
                url = str(server.get("url", "/"))
                for name, value in zip(variables, chosen, strict=True):
                    url = url.replace("{" + name + "}", value)
                found[url.rstrip("/") or "/"] = None
        return list(found)

    def responses(self, operation):
        """The answers of an operation by status, in capitals."""
        every = as_dict(self.at(operation.get("responses")))
        return {code.upper(): value for code, value in every.items() if not code.startswith("x-")}

    def headers(self, response):
        """The headers of an answer by name, in small letters: the name as written, and the header."""
        every = as_dict(self.at(response.get("headers")))
        return {name.lower(): (name, self.at(value)) for name, value in every.items() if name.lower() != "content-type"}

    def callbacks(self, name, operation):
        """The calls to the consumer of an operation, in the form of its own."""
        found = {}
        for label, value in as_dict(self.at(operation.get("callbacks"))).items():
            for expression, first in as_dict(self.at(value)).items():
                item = self.item(first)
                for method in [one for one in access.METHODS if one in item]:
                    found[f"{name} callback {label} {expression} {method.upper()}"] = "", item, as_dict(item[method])
        return found

    def schemes(self):
        """The definition of each security scheme as text, without what is only said about it."""
        named = as_dict(self.at(as_dict(self.source.get("components")).get("securitySchemes")))
        words = ("description", "scopes", "bearerFormat", "deprecated")
        return {name: schemas.text(bare_of_words(self.at(scheme), words)) for name, scheme in named.items()}

    def security(self, operation):
        """The ways in which a caller may prove itself: the scopes that each asks for, by scheme."""
        found = self.at(operation.get("security", self.source.get("security")))
        ways = [{name: frozenset(map(str, as_list(scopes))) for name, scopes in as_dict(self.at(one)).items()} for one in as_list(found)]
        return ways or [{}]


def as_list(value):
    return value if isinstance(value, list) else []


class Comparison:
    """Two documents, and the changes between them."""

    def __init__(self, old, new):
        self.old, self.new = Document(old), Document(new)
        self.walk = schemas.Walk(self.old.book, self.new.book)
        self.found = {}

    def tell(self, rule, place, was=None, now=None):
        self.found[change(rule, place, *RULES[rule], was, now)] = None

    def changes(self):
        """All changes, without those that a breaking one at the same place says already."""
        self.servers("servers", [], [])
        renamed = self.schemes()
        was, now = self.old.operations(), self.new.operations()
        for key in {**was, **now}:
            name = f"{key[0]} {(was.get(key) or now[key])[0]}"
            if key in was and key in now:
                self.operation(name, was[key], now[key], renamed)
            else:
                self.tell("operation-removed" if key in was else "operation-added", name)
        was, now = self.old.operations("webhooks"), self.new.operations("webhooks")
        for key in {**was, **now}:
            self.calls_back(f"webhook {key[1]} {key[0]}", was.get(key), now.get(key))
        self.walk.run()
        return self.without_echoes([*self.found, *self.schema_changes()])

    def schema_changes(self):
        for (side, what, sense, place, was, now), keys in self.walk.found.items():
            at = 0 if sense == "narrowed" else 1
            severity = SCHEMA_RULES[what][0 if side == "request" else 1][at]
            sentence = SCHEMA_RULES[what][2] or self.sentence(what, side, at)
            section = "Deprecated" if what == "deprecated" else WORDS[what][at].capitalize() if what in ADDED else "Changed"
            yield change(schema_rule(side, what, at), place, severity, section, sentence, was, now, self.walk.users(keys))

    @staticmethod
    def sentence(what, side, at):
        return SENTENCES["always" if what == "required" and side == "response" else what][at]

    @staticmethod
    def without_echoes(changes):
        """The changes, without those that another at the same place implies."""
        rules = {(one.place, one.rule) for one in changes}
        loud = {(one.place, *one.rule.split("-")[:2]) for one in changes if one.severity == BREAKS}
        found = {}
        for one in changes:
            # A property that is removed may be missing, and one that is new may be there always.
            whole = {"response-property-optional": "response-property-removed", "response-property-required": "response-property-added"}
            if one.severity == FINE and (one.place, *one.rule.split("-")[:2]) in loud or (one.place, whole.get(one.rule)) in rules:
                continue
            found[one] = None
        return list(found)

    def servers(self, place, old, new):
        """Compares the servers of the first of each list of holders that names any."""
        was, now = self.old.servers(*old), self.new.servers(*new)
        for url in [one for one in was if one not in now]:
            self.tell("server-removed", f"{place} {url}")
        for url in [one for one in now if one not in was]:
            self.tell("server-added", f"{place} {url}")

    def schemes(self):
        """Compares the security schemes that are used; gives the new names of those that have another name now."""
        was, now = self.old.schemes(), self.new.schemes()
        every = [self.old.security({}), *(self.old.security(operation) for *_, operation in self.old.operations().values())]
        used = {name for ways in every for way in ways for name in way}
        renamed = {}
        for name, told in was.items():
            same = [other for other, said in now.items() if other not in was and said == told]
            if name in now and now[name] != told and name in used:
                self.tell("security-scheme-changed", f"security scheme {name}")
            elif name not in now and len(same) == 1:
                renamed[name] = same[0]
        return renamed

    def operation(self, name, old, new, renamed):
        """Compares an operation: path, path item and operation of both documents."""
        (_, old_item, was), (_, new_item, now) = old, new
        if was.get("deprecated") is not True and now.get("deprecated") is True:
            self.tell("operation-deprecated", name)
        if was.get("operationId") is not None and was["operationId"] != now.get("operationId"):
            self.tell("operation-id-changed", name, was["operationId"], now.get("operationId"))
        if any(holder.get("servers") for holder in (old_item, was, new_item, now)):
            self.servers(f"{name} server", [was, old_item], [now, new_item])
        self.security(name, self.old.security(was), self.new.security(now), renamed)
        self.parameters(name, self.old.parameters(*old), self.new.parameters(*new))
        self.body(name, self.old.at(was.get("requestBody")), self.new.at(now.get("requestBody")))
        self.responses(name, "response", was, now)
        self.callbacks(name, was, now)

    def security(self, name, was, now, renamed):
        """Each way in that callers have must be enough."""
        was = [{renamed.get(scheme, scheme): scopes for scheme, scopes in way.items()} for way in was]

        def enough(way, ways):
            return any(all(scheme in way and scopes <= way[scheme] for scheme, scopes in one.items()) for one in ways)

        def shown(ways):
            each = [" with ".join(f"{scheme}{sorted(scopes) or ''}" for scheme, scopes in way.items()) or "nothing" for way in ways]
            return " or ".join(each)

        if not all(enough(way, now) for way in was):
            self.tell("security-tightened", name, shown(was), shown(now))
        elif not all(enough(way, was) for way in now):
            self.tell("security-relaxed", name, shown(was), shown(now))

    def parameters(self, name, was, now):
        moved = {}
        for key, (label, parameter) in was.items():
            place = f"{name} {key[0]} parameter {label}"
            if key in now:
                self.parameter(name, place, parameter, now[key][1])
                continue
            other = next((one for one in now if now[one][0] == label and one not in was), None)
            if other:
                moved[other] = None
                self.tell("parameter-moved", f"{name} parameter {label}", key[0], other[0])
                self.parameter(name, f"{name} {other[0]} parameter {label}", parameter, now[other][1], False)
            else:
                self.tell("parameter-removed", place)
        for key, (label, parameter) in now.items():
            if key not in was and key not in moved:
                must = parameter.get("required") is True
                self.tell("parameter-added-required" if must else "parameter-added", f"{name} {key[0]} parameter {label}")

    def parameter(self, name, place, was, now, styled=True):
        """Compares a parameter; how it is written only where it did not move."""
        if was != now and ("$ref" in was or "$ref" in now):
            self.tell("unclear", place, "reference")
            return
        for key, rules in (("required", ("parameter-required", "parameter-optional")), ("deprecated", ("parameter-deprecated", None))):
            before, after = was.get(key) is True, now.get(key) is True
            if before != after and rules[before]:
                self.tell(rules[before], place)
        if styled:
            said = [self.style(document, one) for document, one in ((self.old, was), (self.new, now))]
            if said[0][0] != said[1][0] or None not in (said[0][1], said[1][1]) and said[0] != said[1]:
                self.tell("parameter-style-changed", place, *(", ".join(filter(None, one)) for one in said))
            if was.get("allowEmptyValue") is True and now.get("allowEmptyValue") is not True:
                self.tell("parameter-style-changed", place, "may be empty", "may not be empty")
        if "content" in was or "content" in now:
            self.content(name, "request", place, was, now)
        else:
            self.walk.add("request", place, was.get("schema", True), now.get("schema", True), name)

    @staticmethod
    def style(document, parameter):
        """How the value of a parameter is written, and its parts if it can have any."""
        if "content" in parameter:
            return "of a media type", None
        style = parameter.get("style", STYLES.get(parameter.get("in"), "form"))
        choices = document.book.alternatives(parameter.get("schema", True)) or []
        has_parts = any(document.book.flat(one).types & {"array", "object"} for _, one in choices)
        parts = "each part by itself" if parameter.get("explode", style in ("form", "cookie")) else "all parts in one"
        reserved = " with reserved characters" if parameter.get("allowReserved") is True else ""
        return f"{style}{reserved}", parts if has_parts else None

    def body(self, name, was, now):
        if was is None and now is None:
            return
        place, before, after = f"{name} request body", as_dict(was), as_dict(now)
        must, needs = before.get("required") is True, after.get("required") is True
        if was is None:
            self.tell("request-body-added-required" if needs else "request-body-added", place)
        elif now is None:
            self.tell("request-body-removed", place)
        else:
            if must != needs:
                self.tell("request-body-required" if needs else "request-body-optional", place)
            self.content(name, "request", f"{name} request", before, after)

    def content(self, name, side, place, was, now):
        """Compares what a body may be, by media type."""
        if was != now and ("$ref" in was or "$ref" in now):
            self.tell("unclear", place, "reference")
            return
        before, after = ({bare(kind): value for kind, value in as_dict(one.get("content")).items()} for one in (was, now))
        partners = {kind: partner(kind, after) for kind in before}
        for kind, other in partners.items():
            if other is None:
                self.tell(f"{side}-media-type-removed", f"{place} {kind}")
                continue
            old, new = as_dict(self.old.at(before[kind])), as_dict(self.new.at(after[other]))
            self.walk.add(side, f"{place} {kind}", old.get("schema", True), new.get("schema", True), name)
            if "itemSchema" in old or "itemSchema" in new:
                self.walk.add(side, f"{place} {kind} item", old.get("itemSchema", True), new.get("itemSchema", True), name)
            if not self.alike(old.get("encoding"), new.get("encoding")):
                self.tell("unclear", f"{place} {kind}", "encoding")
        for kind in after:
            if kind not in partners.values() and partner(kind, before) is None:
                self.tell(f"{side}-media-type-added", f"{place} {kind}")

    def alike(self, was, now):
        """Whether two values say the same, descriptions and examples apart."""
        return self.walk.unchanged(bare_of_words(was), bare_of_words(now))

    def responses(self, name, side, was, now):
        """Compares the answers of an operation; in those to a call of ours, the side is `request`."""
        before, after = self.old.responses(was), self.new.responses(now)
        for code, value in before.items():
            other = next((one for one in (code, f"{code[0]}XX", "DEFAULT") if one in after), None)
            place, value = f"{name} {code.lower() if code == 'DEFAULT' else code}", self.old.at(value)
            if other is None:
                success = code[0] in "123" or code == "DEFAULT" and not any(one[0] == "2" for one in before)
                self.tell("response-removed" if success else "response-error-removed", place)
            elif isinstance(value, dict):
                self.response(name, side, place, value, as_dict(self.new.at(after[other])))
        for code in after:
            if code not in before:
                self.tell("response-added", f"{name} {code.lower() if code == 'DEFAULT' else code}")

    def response(self, name, side, place, was, now):
        self.content(name, side, place, was, now)
        before, after = self.old.headers(was), self.new.headers(now)
        for key, (label, header) in before.items():
            where = f"{place} header {label}"
            if key not in after:
                self.tell("response-header-removed", where)
                continue
            header, other = as_dict(header), as_dict(after[key][1])
            must, does = header.get("required") is True, other.get("required") is True
            if must != does:
                self.tell("response-header-required" if does else "response-header-optional", where)
            if "content" in header or "content" in other or "$ref" in header or "$ref" in other:
                self.content(name, side, where, header, other)
            else:
                self.walk.add(side, where, header.get("schema", True), other.get("schema", True), name)
        for key, (label, _) in after.items():
            if key not in before:
                self.tell("response-header-added", f"{place} header {label}")
        for link in as_dict(self.old.at(was.get("links"))).keys() - as_dict(self.new.at(now.get("links"))).keys():
            self.tell("response-link-removed", f"{place} link {link}")

    def callbacks(self, name, was, now):
        """Compares the calls that an operation makes to its consumer."""
        before, after = self.old.callbacks(name, was), self.new.callbacks(name, now)
        for place in {**before, **after}:
            self.calls_back(place, before.get(place), after.get(place))

    def calls_back(self, place, old, new):
        """Compares a call to the consumer: what is sent is as an answer, what comes back is as a request."""
        if old is None or new is None:
            self.tell("webhook-added" if old is None else "webhook-removed", place)
            return
        (_, old_item, was), (_, new_item, now) = old, new
        body, other = self.old.at(was.get("requestBody")), self.new.at(now.get("requestBody"))
        self.content(place, "response", f"{place} body", as_dict(body), as_dict(other))
        self.responses(place, "request", was, now)
        if not self.alike([old_item.get("parameters"), was.get("parameters")], [new_item.get("parameters"), now.get("parameters")]):
            self.tell("unclear", place, "parameters")


def bare(media_type):
    """A media type without what does not distinguish it."""
    return re.sub(r"\s", "", str(media_type)).lower()


def partner(media_type, others):
    """The media type among others that stands for this one: itself, or a range on either side."""
    def covers(one, other):
        return one in ("*/*", other) or one.endswith("/*") and other.startswith(one[:-1])

    found = [one for one in others if one == media_type] or [one for one in others if covers(one, media_type) or covers(media_type, one)]
    return found[0] if found else None


def bare_of_words(value, words=("description", "summary", "example", "examples")):
    """The value without what only people read."""
    if isinstance(value, list):
        return [bare_of_words(one, words) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: bare_of_words(one, words) for key, one in value.items() if key not in words and not key.startswith("x-")}


def compare(old, new):
    """The changes from the old document to the new one."""
    return Comparison(old, new).changes()
