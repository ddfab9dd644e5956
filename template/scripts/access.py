"""Who may call each operation, in the words of the platform: its access modes.

The document is one JSON value, as `redocly bundle` writes it.
"""

import copy
import re
from urllib.parse import unquote

MODES = ("app-level0", "app-level3", "nhs-login-p0", "nhs-login-p5", "nhs-login-p9", "nhs-cis2-aal1", "nhs-cis2-aal3")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
# The proxy answers these itself.
OWN = ("/_ping", "/_status")
SCOPE = re.compile(r"urn:nhsd:apim:(?:user-)?(app|nhs-login|nhs-cis2|nhs-id):([A-Za-z0-9]+)(:.*)?")


# `access` with at most one letter too many, too few, another, or swapped with the next one.
SLIP = "|".join(
    form
    for at in range(len("access") + 1)
    for head, tail in [("access"[:at], "access"[at:])]
    for form in (f"{head}.?{tail}", f"{head}.?{tail[1:]}", f"{head}{tail[1:2]}{tail[:1]}{tail[2:]}")
)


class Unclear(Exception):
    """What a `security` asks for that no access mode fulfils."""


def resolved(document, value):
    """What a local reference leads to, over as many as it takes; None where it leads nowhere."""
    for _ in range(32):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value
        if not value["$ref"].startswith("#/"):
            return None
        value = pointed(document, value["$ref"][2:])
    return None


def pointed(document, pointer):
    """The value at a JSON pointer, which may lead over references; None where there is none."""
    at = document
    for part in unquote(pointer).split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        at = at if isinstance(at, dict) and part in at else resolved(document, at)
        if isinstance(at, list) and part.isdigit() and int(part) < len(at):
            at = at[int(part)]
        elif isinstance(at, dict) and part in at:
            at = at[part]
        else:
            return None
    return at


def paths(document):
    """The paths with their items; anything else stays unchanged."""
    found = resolved(document, document.get("paths"))
    found = found if isinstance(found, dict) else {}
    return {path: path_item(document, item) if path.startswith("/") else item for path, item in found.items()}


def path_item(document, item):
    """The path item, completed by the item that it refers to."""
    found = dict(item) if isinstance(item, dict) else {}
    for _ in range(32):
        reference = found.get("$ref")
        other = pointed(document, reference[2:]) if isinstance(reference, str) and reference.startswith("#/") else None
        if not isinstance(other, dict):
            break
        del found["$ref"]
        found = {**other, **found}
    # Each path has operations of its own, also where two refer to the same item.
    return copy.deepcopy(found)


def mode(name):
    """The access mode of this name, which may be written with underscores or in capitals; None when it is none."""
    name = str(name).lower().replace("_", "-")
    return name if name in MODES else None


def of_scope(scope):
    """The access mode that a scope of the platform belongs to; None when it is none."""
    match = SCOPE.fullmatch(scope) if isinstance(scope, str) else None
    return mode(f"{match[1].replace('nhs-id', 'nhs-cis2')}-{match[2]}") if match else None


def is_misspelt_access(key):
    """Whether a key of `x-nhsd-apim` is meant for `access` and written otherwise: in another case, or with one slip."""
    return key != "access" and re.fullmatch(SLIP, key.lower()) is not None


class Access:
    """The callers that a document lets in."""

    def __init__(self, document):
        self.document = document
        components = resolved(document, document.get("components")) or {}
        schemes = components.get("securitySchemes") if "openapi" in document else document.get("securityDefinitions")
        schemes = resolved(document, schemes)
        self.schemes = schemes if isinstance(schemes, dict) else {}
        self.operations = dict(self.each())
        self.granted = self.grants()

    def each(self):
        """Each operation that the proxy passes on, as `GET /path`, with its `security` or else the document's."""
        for path, item in paths(self.document).items():
            if not path.startswith("/"):
                continue
            more = resolved(self.document, item.get("additionalOperations"))
            known = {method.upper(): item[method] for method in METHODS if method in item}
            for method, operation in {**known, **(more if isinstance(more, dict) else {})}.items():
                operation = resolved(self.document, operation)
                if isinstance(operation, dict) and not (method == "GET" and path in OWN):
                    yield f"{method} {path}", self.security(operation)

    def security(self, operation):
        """The `security` that holds for an operation; None when the document does not say."""
        holder = operation if "security" in operation else self.document
        if "security" not in holder:
            return None
        security = resolved(self.document, holder["security"])
        return "nothing" if security is None else security

    def modes(self, name, scopes=()):
        """The access modes that a scheme stands for: by its name, by what it refers to, or by the scopes asked of it."""
        found, scheme = {mode(name)}, self.schemes.get(name)
        for _ in range(32):
            reference = scheme.get("$ref") if isinstance(scheme, dict) else None
            if not isinstance(reference, str):
                break
            found.add(mode(reference.rstrip("/").rsplit("/", 1)[-1]))
            scheme = pointed(self.document, reference[2:]) if reference.startswith("#/") else None
        found.discard(None)
        return found or {of_scope(scope) for scope in (scopes if isinstance(scopes, list) else ())} - {None}

    def sole(self, name):
        """The one access mode that a scheme stands for; None when it is none, or several."""
        found = self.modes(name)
        return found.pop() if len(found) == 1 else None

    def asked(self, security):
        """The access modes that a `security` lets in; None when it sets no bounds, or only in words that are not the platform's."""
        if security is None:
            return None
        if not isinstance(security, list) or not all(isinstance(one, dict) for one in security):
            raise Unclear("its `security` is not a list of objects")
        found, bounded, combined = set(), bool(security), False
        for requirement in security:
            each = [self.modes(name, scopes) for name, scopes in requirement.items()]
            needed = set().union(*each)
            bounded = bounded and bool(each)
            if len(needed) == 1 and all(each):
                found |= needed
            else:
                combined = combined or bool(needed)
        if not found and bounded and combined:
            raise Unclear("it asks for several security schemes at once")
        return found or None

    def grants(self):
        """The access modes that the document grants as a whole; None when it does not say."""
        products = self.products()
        if products is not None:
            return {self.sole(name) for product in products for name in product["grants"]} - {None}
        older = self.document.get("x-nhsd-api-platform")
        extension = resolved(self.document, older)
        if older is not None and not isinstance(extension, dict):
            return set()
        return set(mentioned(extension)) or self.unused()

    def products(self):
        """The products of `x-nhsd-apim`, without those that cannot be read; None when it does not name any."""
        whole = self.document.get("x-nhsd-apim")
        apim = resolved(self.document, whole)
        if whole is None:
            return None
        if not isinstance(apim, dict) or any(map(is_misspelt_access, apim)):
            return []
        found = resolved(self.document, apim.get("access"))
        if found == [] or apim.get("access") is None:
            return None
        found = [resolved(self.document, product) for product in found] if isinstance(found, list) else []
        found = [{**product, "grants": resolved(self.document, product.get("grants"))} for product in found if isinstance(product, dict)]
        return [product for product in found if isinstance(product["grants"], dict)]

    def unused(self):
        """The access modes of the top-level `security`, or of the schemes, where no operation names any; else None."""

        def asked(security):
            try:
                return self.asked(security)
            except Unclear:
                return None

        if any(asked(security) for security in self.operations.values()):
            return None
        return asked(self.security({})) or {self.sole(name) for name in self.schemes} - {None} or None

    def problems(self, modes, each_its_own):
        """Where `modes` let in more than the document says, a text each. `each_its_own` when each operation keeps its own."""
        named = set(self.granted or ())
        bounded = self.granted is not None
        for name, security in self.operations.items():
            try:
                own = self.asked(security)
            except Unclear as why:
                yield f"{name}: {why}, which no access mode does"
                continue
            bounded, named = bounded or own is not None, named | (own or set())
            if each_its_own:
                if own and not own & set(modes):
                    yield f"{name} lets in {listed(own)}, which `access_modes` leaves out"
                continue
            bounds = [bound for bound in (own, self.granted) if bound is not None]
            allowed = set.intersection(*bounds) if bounds else set(modes)
            if set(modes) - allowed:
                yield f"{name} lets in {listed(allowed)}, and `access_modes` lets in {listed(set(modes) - allowed)}"
        if self.granted is not None and not self.granted & set(modes):
            yield f"the specification grants {listed(self.granted)}, which `access_modes` leaves out"
        if bounded and set(modes) - named:
            yield f"`access_modes` lets in {listed(set(modes) - named)}, which the specification allows nowhere"


def listed(modes):
    """The access modes as text."""
    return ", ".join(sorted(modes)) or "nobody"


def mentioned(value):
    """Every access mode and scope in an extension of no fixed shape."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from [mode(key)] if mode(key) else []
            yield from mentioned(item)
    elif isinstance(value, list):
        for item in value:
            yield from mentioned(item)
    elif isinstance(value, str) and (mode(value) or of_scope(value)):
        yield mode(value) or of_scope(value)
