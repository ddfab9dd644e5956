"""Does a schema of one document take every value that a schema of another takes? `scripts/compare.py` asks.

The answer is a list of differences. A value is taken to have no properties but those that its schema names: a new
optional property of a request breaks no caller.
"""

import json
import math
import re
from fractions import Fraction

import access

# `fraction` is a number that is no integer, so that `number` is two kinds.
KINDS = {kind: {kind} for kind in ("null", "boolean", "integer", "string", "array", "object")} | {"number": {"integer", "fraction"}}
ALL = frozenset().union(*KINDS.values())
LEAST = {"minLength": "string", "minItems": "array", "minProperties": "object"}
MOST = {"maxLength": "string", "maxItems": "array", "maxProperties": "object"}
# Keywords that are compared as a whole: alike, or not comparable. Of the first, a schema without one takes more.
LIMITING = ("not", "dependentRequired", "dependentSchemas", "dependencies", "propertyNames", "contains")
OTHERS = (*LIMITING, *"patternProperties prefixItems additionalItems unevaluatedItems minContains maxContains $dynamicRef $recursiveRef".split())
# Keywords that say nothing about values.
MARKS = ("readOnly", "writeOnly", "deprecated", "default", "discriminator", "xml")
SILENT = {*MARKS, *"title description example examples externalDocs $comment $id $anchor $schema".split()}
# Keywords whose keys are names.
NAMED = ("properties", "patternProperties", "dependentSchemas", "dependentRequired", "dependencies")
WIDER = {"int32": "int64", "float": "double"}
UNIONS = ("anyOf", "oneOf")
# At most so many alternatives are told apart, and so many schemas are looked at to find the partner of one.
MANY, STEPS = 250, 2000
MISSING = object()


def text(value):
    """The value as text: the same for equal values, and for no others."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def plain(value):
    """A value of an `enum` as text; 1.0 is 1."""
    return text(int(value) if isinstance(value, float) and value.is_integer() else value)


class Book:
    """The schemas of one document."""

    def __init__(self, document):
        self.document = document
        # From 3.1 on a schema is one of JSON Schema 2020-12.
        self.is_new = not str(document.get("openapi", "")).startswith("3.0")
        self.flats, self.choices = {}, {}

    def target(self, reference):
        """What a reference leads to; MISSING when that is not in the document."""
        found = access.pointed(self.document, reference[2:]) if reference.startswith("#/") else self.document if reference == "#" else None
        return MISSING if found is None else found

    def follow(self, value):
        """The value at the end of its references, and the name of the first; a reference that leads nowhere is itself."""
        name = None
        for _ in range(32):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                break
            found = self.target(value["$ref"])
            if found is MISSING:
                break
            name, value = name or value["$ref"].rsplit("/", 1)[-1], found
        return value, name

    def name(self, schema):
        """The name of the schema that this is a reference to, if it is one and nothing else."""
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str) or self.target(schema["$ref"]) is MISSING:
            return None
        alone = not self.is_new or not set(schema) - SILENT - {"$ref"}
        return schema["$ref"].rsplit("/", 1)[-1] if alone else None

    def parts(self, schema):
        """The schemas without references and `allOf` that a value must fit, all of them."""
        found, seen, left = [], set(), [schema]
        while left:
            one = left.pop(0)
            if one is False:
                found.append({"enum": []})
            if not isinstance(one, dict):
                continue
            reference = one.get("$ref")
            if isinstance(reference, str):
                target = self.target(reference)
                if target is MISSING:
                    found.append({"$ref": reference})
                elif reference not in seen:
                    left.append(target)
                seen.add(reference)
                one = {key: item for key, item in one.items() if key != "$ref"} if self.is_new else {}
            if isinstance(one.get("allOf"), list):
                left += one["allOf"]
                one = {key: item for key, item in one.items() if key != "allOf"}
            if one:
                found.append(one)
        return found

    def flat(self, schema):
        """What the schema asks for, `anyOf` and `oneOf` apart."""
        if id(schema) not in self.flats:
            self.flats[id(schema)] = schema, Flat(self.parts(schema), self.is_new)
        return self.flats[id(schema)][1]

    def alternatives(self, schema, depth=0):
        """Labelled schemas without `anyOf` and `oneOf`, one of which a value must fit; None when they are too many."""
        if id(schema) not in self.choices:
            self.choices[id(schema)] = schema, self.unfold(schema, depth)
        return self.choices[id(schema)][1]

    def unfold(self, schema, depth):
        parts = self.parts(schema)
        holder = next((part for part in parts if any(isinstance(part.get(key), list) for key in UNIONS)), None)
        if holder is None:
            return [(self.name(schema), schema)]
        if depth > 6:
            return None
        key = next(key for key in UNIONS if isinstance(holder.get(key), list))
        rest = [part for part in parts if part is not holder] + [{name: item for name, item in holder.items() if name != key}]
        rest = [part for part in rest if not says_nothing(part)]
        found = []
        for branch in holder[key]:
            bare = all(set(part) - SILENT == {"type"} and self.flat(branch).types <= Flat([part], self.is_new).types for part in rest)
            below = self.alternatives(branch if bare else {"allOf": [*rest, branch]}, depth + 1)
            if below is None or len(found) + len(below) > MANY:
                return None
            found += [(self.name(branch) if len(below) == 1 and self.name(branch) else label, one) for label, one in below]
        return found

    def unions(self, schema, depth=0):
        """The `anyOf` and `oneOf` of a schema, and those of their branches."""
        for part in self.parts(schema) if depth < 8 else ():
            for key in UNIONS:
                if isinstance(part.get(key), list):
                    yield key
                    for branch in part[key]:
                        yield from self.unions(branch, depth + 1)


def says_nothing(part):
    return all(key in SILENT or key.startswith("x-") for key in part)


class Flat:
    """Everything that several schemas ask for together."""

    def __init__(self, parts, is_new):
        self.types, self.values, self.is_typed = ALL, None, False
        self.properties, self.required, self.extra, self.items = {}, set(), [], []
        self.low, self.high, self.bounds, self.factors = None, None, {}, set()
        self.patterns, self.formats, self.is_unique, self.others = set(), set(), False, []
        self.marks = {key: part[key] for part in parts for key in MARKS if key in part}
        for part in parts:
            nullable = part.get("nullable") is True and not is_new
            self.take_values(part, nullable, is_new)
            self.take_numbers(part)
            self.take_parts(part, parts)
        # Beside a reference, `nullable` is meant for what is there.
        if not is_new and any(part.get("nullable") is True and "type" not in part for part in parts):
            self.types |= {"null"}
            self.values = self.values if self.values is None else {**self.values, "null": None}
        if self.values is not None:
            self.values = {key: value for key, value in self.values.items() if kind(value) in self.types}
            self.types &= frozenset(map(kind, self.values.values()))
        if "fraction" not in self.types:
            self.low, self.high = whole(self.low, 1, math.ceil), whole(self.high, -1, math.floor)
            self.factors.add(Fraction(1))
        self.properties = {name: together(schemas) for name, schemas in self.properties.items()}
        self.extra, self.items = together(self.extra), together(self.items)

    def take_values(self, part, nullable, is_new):
        named = part.get("type", [])
        named = [one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str)]
        if named:
            self.is_typed = True
            self.types &= frozenset(["null"] if nullable else []).union(*(KINDS.get(one, {one}) for one in named))
        for values in ([part["const"]] if "const" in part and is_new else None, part.get("enum")):
            if not isinstance(values, list):
                continue
            mine = {plain(value): value for value in [*values, *([None] if nullable else [])]}
            self.values = mine if self.values is None else {key: value for key, value in self.values.items() if key in mine}
        for key, found in (("pattern", self.patterns), ("format", self.formats)):
            if isinstance(part.get(key), str):
                found.add(part[key])
        self.is_unique = self.is_unique or part.get("uniqueItems") is True

    def take_numbers(self, part):
        for keys, pick in ((LEAST, max), (MOST, min)):
            for key in keys:
                if is_number(part.get(key)):
                    self.bounds[key] = pick(part[key], self.bounds.get(key, part[key]))
        if is_number(part.get("multipleOf")) and part["multipleOf"] > 0:
            self.factors.add(Fraction(str(part["multipleOf"])))
        for bound in limits(part, "minimum", "exclusiveMinimum"):
            self.low = max(self.low or bound, bound)
        for bound in limits(part, "maximum", "exclusiveMaximum"):
            self.high = min(self.high or bound, bound, key=lambda one: (one[0], not one[1]))

    def take_parts(self, part, parts):
        properties = as_dict(part.get("properties"))
        for name, schema in properties.items():
            self.properties.setdefault(name, []).append(schema)
        required = part.get("required")
        self.required |= {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        for key in ("additionalProperties", "unevaluatedProperties"):
            if not isinstance(part.get(key), (bool, dict)) or part[key] in (True, {}):
                continue
            self.extra.append(part[key])
            # The first speaks of all properties that are not in the same part, also of those that other parts name.
            for other in parts if key == "additionalProperties" and "patternProperties" not in part else ():
                for name in as_dict(other.get("properties")).keys() - properties.keys():
                    self.properties.setdefault(name, []).append(part[key])
        if isinstance(part.get("items"), (dict, bool)):
            self.items.append(part["items"])
        elif "items" in part:
            self.others.append(("items", part["items"]))
        self.others += [(key, part[key]) for key in OTHERS if key in part]
        self.others += [("if", {key: part[key] for key in ("if", "then", "else") if key in part})] if "if" in part else []
        self.others += [("$ref", part["$ref"])] if "$ref" in part else []


def as_dict(value):
    return value if isinstance(value, dict) else {}


def together(schemas):
    """One schema for several that must all fit."""
    return True if not schemas else schemas[0] if len(schemas) == 1 else {"allOf": schemas}


def limits(part, inclusive, exclusive):
    """Limits of a number, each with whether the limit itself is left out; `exclusive` is true or false up to OpenAPI 3.0."""
    if is_number(part.get(inclusive)):
        yield Fraction(str(part[inclusive])), part.get(exclusive) is True
    if is_number(part.get(exclusive)):
        yield Fraction(str(part[exclusive])), True


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def whole(bound, step, rounded):
    """The bound of an integer: never exclusive, never a fraction."""
    if bound is None:
        return None
    limit = rounded(bound[0])
    return Fraction(limit + step if bound[1] and limit == bound[0] else limit), False


def kind(value):
    """The kind of a JSON value."""
    for names, types in ((("boolean",), bool), (("integer",), int), (("string",), str), (("array",), list), (("object",), dict)):
        if isinstance(value, types):
            return names[0]
    return "null" if value is None else "integer" if value.is_integer() else "fraction"


class Walk:
    """Compares the schemas of an old document with those of a new one.

    `narrowed` looks for values that the old schema takes and the new one does not, `widened` for the reverse. A finding
    is its kind, the steps to it, and what the schema that takes the value says and what the other says.
    """

    def __init__(self, old, new):
        self.old, self.new = old, new
        self.same = kept(old, new)
        self.nodes, self.edges, self.left, self.found = {}, {}, [], {}
        self.trying, self.fitting, self.steps, self.pieces = set(), {}, 0, {}

    def add(self, side, place, old, new, above):
        """Has the pair compared, for `above`: an operation, or the key of the pair that holds it."""
        name = self.old.name(old)
        place = f"schema {name}" if name is not None and name == self.new.name(new) else place
        old, new = self.bare(self.old, old), self.bare(self.new, new)
        key = side, id(old), id(new)
        self.edges.setdefault(key, {})[above] = None
        if key not in self.nodes:
            self.nodes[key] = place, old, new
            self.left.append(key)

    @staticmethod
    def bare(book, schema):
        """The schema itself, where this is only a reference to it."""
        for _ in range(32):
            if book.name(schema) is None:
                break
            schema = book.target(schema["$ref"])
        return schema

    def run(self):
        """Compares everything that was added, and what is below it."""
        for key in self.left:
            side, (place, old, new) = key[0], self.nodes[key]
            for sense, one, other in (("narrowed", old, new), ("widened", new, old)):
                findings, below = self.look(side, sense, one, other)
                for what, steps, was, now in findings:
                    was, now = (was, now) if sense == "narrowed" else (now, was)
                    self.found.setdefault((side, what, sense, " > ".join((place, *steps)), was, now), []).append(key)
                for steps, one_below, other_below in below:
                    pair = (one_below, other_below) if sense == "narrowed" else (other_below, one_below)
                    self.add(side, " > ".join((place, *steps)), *pair, key)

    def users(self, keys):
        """The operations that hold one of these pairs, in their order."""
        seen, left, found = set(keys), list(keys), {}
        while left:
            for above in self.edges.get(left.pop(), ()):
                if isinstance(above, str):
                    found[above] = None
                elif above not in seen:
                    seen.add(above)
                    left.append(above)
        return list(found)

    def books(self, sense):
        return (self.old, self.new) if sense == "narrowed" else (self.new, self.old)

    def unchanged(self, one, other):
        """Whether both are written alike, and everything that they refer to is."""
        if self.old.is_new != self.new.is_new:
            return False
        said = text(one)
        return said == text(other) and self.same.issuperset(references(said))

    def look(self, side, sense, one, other):
        """The findings of a pair, and the pairs below it, each with the steps to it."""
        if self.unchanged(one, other):
            return [], []
        mine, theirs = self.books(sense)
        findings = list(mark_findings(side, mine.flat(one).marks, theirs.flat(other).marks)) if sense == "narrowed" else []
        ours, wanted = mine.alternatives(one), theirs.alternatives(other)
        if ours is None or wanted is None:
            return [*findings, ("unclear", (), "more alternatives than can be compared", None)], []
        our_null, their_null = takers_of_null(mine, ours), takers_of_null(theirs, wanted)
        if our_null and not their_null:
            findings.append(("null", (), "null", None))
        for flat in our_null if their_null else ():
            unclear = [self.other_findings(sense, flat, other) for other in their_null]
            findings += min(unclear, key=len) if flat.types == {"null"} else []
        ours = [pair for pair in ours if mine.flat(pair[1]).types - {"null"}]
        wanted = [pair for pair in wanted if theirs.flat(pair[1]).types - {"null"}]
        if len(ours) == len(wanted) == 1:
            more, below = self.single(side, sense, ours[0][1], wanted[0][1])
        else:
            more, below = self.union(side, sense, ours, wanted)
            if side == "request" and sense == "narrowed" and "oneOf" in theirs.unions(other):
                more += self.overlaps([*mine.unions(one)] == ["oneOf"], ours, wanted)
                more += [("overlap", (), "null", None)] if len(our_null) == 1 < len(their_null) else []
        if any((what, taken) in (("type", "any"), ("implied", "any"), ("unclear", "$ref")) for what, _, taken, _ in more):
            findings = [one for one in findings if one[0] != "null"]
        return findings + more, below

    def union(self, side, sense, ours, wanted):
        """Findings and pairs of alternatives: each of ours needs one of theirs that takes its values."""
        findings, below = [], []
        for at, (label, schema) in enumerate(ours):
            partner = self.partner(side, sense, at, ours, wanted)
            shown = label or f"alternative {at + 1}"
            if partner is not None:
                below.append(((f"({shown})",), schema, partner))
            elif not all(any(self.fits(side, sense, piece, one) for _, one in wanted) for piece in self.split(sense, schema)):
                findings.append(("alternative", (f"({shown})",), None, None))
        return findings, below

    def partner(self, side, sense, at, ours, wanted):
        """The alternative of theirs that is this one of ours, perhaps changed: by its name, its text or its number; or None."""
        label, schema = ours[at]
        alike = [one for name, one in wanted if label is not None and name == label]
        alike = alike or [one for _, one in wanted if self.unchanged(schema, one)]
        if not alike and len(ours) == len(wanted):
            name, one = wanted[at]
            unnamed = label is None and name is None and not any(self.fits(side, sense, schema, other) for _, other in wanted)
            alike = [one] if unnamed or self.fits(side, sense, schema, one) else []
        return alike[0] if alike else None

    def split(self, sense, schema):
        """The schema in one piece for each of its types."""
        if id(schema) not in self.pieces:
            names = named(self.books(sense)[0].flat(schema).types - {"null"})
            self.pieces[id(schema)] = schema, [schema] if len(names) < 2 else [{"allOf": [schema, {"type": name}]} for name in names]
        return self.pieces[id(schema)][1]

    def overlaps(self, was_one_of, ours, wanted):
        """The alternatives of a new `oneOf` that may take values of another alternative, too."""
        found = {}
        for at, (label, schema) in enumerate(ours):
            partner = self.partner("request", "narrowed", at, ours, wanted)
            partner = partner or next((one for _, one in wanted if self.fits("request", "narrowed", schema, one)), None)
            for name, other in wanted:
                if other is partner:
                    continue
                known = was_one_of and any(self.fits("request", "widened", other, one) for _, one in ours if one is not schema)
                if not known and not self.apart(schema, other):
                    found[name or "an alternative"] = label or f"alternative {at + 1}"
        return [("overlap", (f"({name})",), label, None) for name, label in found.items()]

    def apart(self, one, other, depth=0):
        """Whether no value that the old schema describes can fit the other, new one."""
        mine, theirs = self.old.flat(one), self.new.flat(other)
        if self.old.alternatives(one) is None or self.new.alternatives(other) is None:
            return False
        if len(self.old.alternatives(one)) > 1 or len(self.new.alternatives(other)) > 1:
            return False
        listed_both = mine.values is not None and theirs.values is not None
        if not mine.types & theirs.types or listed_both and not mine.values.keys() & theirs.values.keys():
            return True
        if mine.types & theirs.types != {"object"} or depth:
            return False
        if mine.extra is True and theirs.required - mine.properties.keys() - mine.required:
            return True
        if theirs.extra is False and mine.required - theirs.properties.keys():
            return True
        both = mine.required & mine.properties.keys() & theirs.properties.keys()
        return any(self.apart(mine.properties[name], theirs.properties[name], 1) for name in both)

    def fits(self, side, sense, one, other):
        """Whether the other takes each value that `one` takes. What is being looked at already is taken to fit."""
        start = side, sense, id(one), id(other)
        if start in self.trying:
            return True
        if start not in self.fitting:
            self.steps = self.steps if self.trying else STEPS
            self.trying.add(start)
            fit = self.closure_fits(side, sense, one, other)
            self.trying.discard(start)
            if fit and self.trying:
                return True
            self.fitting[start] = fit
        return self.fitting[start]

    def closure_fits(self, side, sense, one, other):
        seen, left = set(), [(one, other)]
        while left:
            mine, theirs = left.pop()
            mine, theirs = self.bare(self.books(sense)[0], mine), self.bare(self.books(sense)[1], theirs)
            if (id(mine), id(theirs)) in seen:
                continue
            seen.add((id(mine), id(theirs)))
            self.steps -= 1
            findings, below = self.look(side, sense, mine, theirs) if self.steps > 0 else ([("unclear", (), None, None)], [])
            if any(what not in HARMLESS for what, *_ in findings):
                return False
            left += [(mine, theirs) for _, mine, theirs in below]
        return True

    def alike(self, sense, one, other, are_names=False, trail=()):
        """Whether two schemas say the same in the same words, references followed."""
        if self.unchanged(one, other):
            return True
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and all(self.alike(sense, mine, theirs, False, trail) for mine, theirs in zip(one, other, strict=True))
        if not isinstance(one, dict) or not isinstance(other, dict):
            return text(one) == text(other)
        if not are_names:
            one, other = (self.bare(book, schema) for book, schema in zip(self.books(sense), (one, other), strict=True))
            if (id(one), id(other)) in trail:
                return True
            trail = (*trail, (id(one), id(other)))
            one, other = ({key: value for key, value in as_dict(schema).items() if not says_nothing({key})} for schema in (one, other))
        if one.keys() != other.keys():
            return False
        data = () if are_names else [key for key in ("enum", "const") if key in one]
        same = all(text(one[key]) == text(other[key]) for key in data)
        return same and all(self.alike(sense, one[key], other[key], not are_names and key in NAMED, trail) for key in one if key not in data)

    def single(self, side, sense, one, other):
        """The findings and pairs of two schemas without alternatives."""
        mine, theirs = self.books(sense)[0].flat(one), self.books(sense)[1].flat(other)
        types, wanted = mine.types - {"null"}, theirs.types - {"null"}
        both = types & wanted
        unclear = self.other_findings(sense, mine, theirs)
        if any(key == "$ref" for _, _, key, _ in unclear):
            return unclear, []
        findings = [*type_findings(mine, theirs, types, wanted), *value_findings(mine, theirs, both)]
        if both:
            findings += [*bound_findings(mine, theirs, both), *text_findings(mine, theirs, both), *unclear]
        below = [(("[]",), mine.items, theirs.items)] if "array" in both and theirs.items is not True else []
        if "object" in both:
            more, pairs = self.object(side, sense, mine, theirs)
            findings, below = findings + more, below + pairs
        return findings, below

    def object(self, side, sense, mine, theirs):
        """The findings and pairs of the properties of an object."""
        books = self.books(sense)
        ours, wanted = (seen(side, book, flat) for book, flat in zip(books, (mine, theirs), strict=True))
        hidden = theirs.properties.keys() - wanted.keys()
        findings, below = [], []
        for name in [*ours, *(name for name in wanted if name not in ours)]:
            one, other = ours.get(name), wanted.get(name)
            if name in ours and name not in wanted:
                if isinstance(theirs.extra, dict):
                    other = theirs.extra
                elif books[0].flat(one).types and (theirs.is_typed or theirs.properties):
                    findings.append(("property", (name,), None, None))
            elif name not in ours and name not in mine.properties:
                one = mine.extra if isinstance(mine.extra, dict) else None
            if one is not None and other is not None:
                below.append(((name,), one, other))
        findings += [("required", (name,), None, None) for name in sorted(theirs.required - mine.required - hidden)]
        if isinstance(mine.extra, dict) and isinstance(theirs.extra, dict):
            below.append((("{*}",), mine.extra, theirs.extra))
        elif theirs.extra is not True and mine.extra is not False and mine.extra != theirs.extra:
            findings.append(("closed" if theirs.extra is False else "additional", (), None, None))
        return findings, below

    def other_findings(self, sense, mine, theirs):
        """Keywords that are not compared in parts."""
        def known(key, value):
            return any(key == name and self.alike(sense, one, value, key in NAMED) for name, one in mine.others)

        unclear = [key for key, value in theirs.others if not known(key, value)]
        kept = [key for key, _ in theirs.others]
        unclear += [key for key, _ in mine.others if key not in (*LIMITING, "if") and key not in kept]
        return [("unclear", (), key, None) for key in dict.fromkeys(unclear)]


# Findings that say nothing about which values fit.
HARMLESS = {"default", "deprecated", "xml"}
REFERENCE = re.compile(r'"\$ref": ("(?:[^"\\]|\\.)*")')


def references(said):
    return {json.loads(one) for one in REFERENCE.findall(said)}


def kept(old, new):
    """The references that lead to the same in both documents, however far one follows them."""
    every = references(text(old.document)) | references(text(new.document))
    said = {one: [None if book.target(one) is MISSING else text(book.target(one)) for book in (old, new)] for one in every}
    same = {one for one, (was, now) in said.items() if was == now}
    below = {one: references(said[one][0] or "") for one in same}
    while gone := {one for one in same if not below[one] <= same}:
        same -= gone
    return same


def takers_of_null(book, pairs):
    """The alternatives that take `null`."""
    return [flat for flat in (book.flat(schema) for _, schema in pairs) if "null" in flat.types]


def seen(side, book, flat):
    """The properties that a request or an answer has."""
    hidden = "readOnly" if side == "request" else "writeOnly"
    return {name: schema for name, schema in flat.properties.items() if book.flat(schema).marks.get(hidden) is not True}


def shown(types):
    """Types in words."""
    return "any" if types >= ALL - {"null"} else " or ".join(named(types)) or "nothing"


def named(types):
    """The types by their names in a document."""
    return [name for name, kinds in KINDS.items() if kinds <= types and not (name == "integer" and "fraction" in types)]


def mark_findings(side, was, now):
    if now.get("deprecated") is True and was.get("deprecated") is not True:
        yield "deprecated", (), None, None
    if side == "request" and text(was.get("default")) != text(now.get("default")):
        yield "default", (), *(None if mark.get("default") is None else text(mark["default"]) for mark in (was, now))
    if text(was.get("xml")) != text(now.get("xml")):
        yield "xml", (), None, None
    before, after = (as_dict(mark.get("discriminator")).get("propertyName") for mark in (was, now))
    if before is not None and after is not None and before != after:
        yield "discriminator", (), str(before), str(after)


def type_findings(mine, theirs, types, wanted):
    # Of two lists of values, the values say it.
    if types <= wanted or mine.values is not None and theirs.values is not None:
        return
    is_object = mine.properties or mine.required or mine.extra is not True
    implied = {"object"} if is_object else {"array"} if mine.items is not True else None
    stated = mine.is_typed or mine.values is not None
    yield "type" if stated or wanted != implied else "implied", (), shown(types), shown(wanted)


def value_findings(mine, theirs, both):
    if theirs.values is None:
        return
    if mine.values is None:
        is_whole = both == {"boolean"} and {"true", "false"} <= theirs.values.keys()
        if both and not is_whole:
            yield "enum", (), None, ", ".join(theirs.values)
        return
    for key in mine.values:
        if key not in theirs.values and key != "null":
            yield "value", (f"= {key}",), None, None


def bound_findings(mine, theirs, both):
    for key in (*LEAST, *MOST):
        one, other = mine.bounds.get(key), theirs.bounds.get(key)
        stricter = other is not None and (other > (one or 0) if key in LEAST else one is None or other < one)
        if (LEAST | MOST)[key] in both and stricter:
            yield key, (), one, other
    if not both & {"integer", "fraction"}:
        return
    if theirs.low and (mine.low is None or theirs.low > mine.low):
        yield "minimum", (), limit(mine.low), limit(theirs.low)
    if theirs.high and (mine.high is None or (theirs.high[0], not theirs.high[1]) < (mine.high[0], not mine.high[1])):
        yield "maximum", (), limit(mine.high), limit(theirs.high)
    wanted = theirs.factors if "fraction" in theirs.types or "fraction" not in mine.types else theirs.factors - {Fraction(1)}
    if any(all(one % factor for one in mine.factors) for factor in wanted):
        yield "multipleOf", (), listed(mine.factors), listed(theirs.factors)


def limit(bound):
    """A limit in words."""
    return None if bound is None else f"{float(bound[0]):.15g}{' (exclusive)' if bound[1] else ''}"


def listed(values):
    return " and ".join(sorted(f"{float(one):.15g}" if isinstance(one, Fraction) else one for one in values)) or None


def text_findings(mine, theirs, both):
    if "string" in both and theirs.patterns - mine.patterns:
        yield "pattern", (), listed(mine.patterns), listed(theirs.patterns)
    if both & {"string", "integer", "fraction"} and theirs.formats - mine.formats - {WIDER.get(one) for one in mine.formats}:
        yield "format", (), listed(mine.formats), listed(theirs.formats)
    if "array" in both and theirs.is_unique and not mine.is_unique:
        yield "uniqueItems", (), None, None
