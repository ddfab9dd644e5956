"""The routes of a proxy: each operation of the specification with the condition for its requests, the most specific path first.

A request belongs to the most specific path that it fits. What is percent-encoded in it is one character.
"""

import re
from collections import Counter
from dataclasses import dataclass

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# The proxy answers these itself.
OWN_CALLS = ("GET /_ping", "GET /_status")
# Replaces a parameter in a path that is read.
MARK = "\0"
# Characters that mean something else in a URL when they are percent-encoded there.
PLAIN = r"A-Za-z0-9/._~$!&'()+,;=:@*?#%-"
# One character of a request, as decoded: what is percent-encoded is one, with all the bytes of its UTF-8.
CHARACTER = "(?>(?:%[0-9A-Fa-f]{2}|[^/])(?:%[89ABab][0-9A-Fa-f])*)"


@dataclass(frozen=True)
class Route:
    """A flow that the specification asks for; without a method it refuses all that its path does not have."""

    path: str
    pattern: tuple
    method: str | None
    id: str | None = None
    summary: str = ""

    @property
    def call(self):
        return f"{self.method or 'Other methods of'} {self.path}"

    @property
    def condition(self):
        path = path_condition(self.pattern)
        return f'{path} and (request.verb = "{self.method}")' if self.method else path


def follow(document, value):
    """The value, and those that local references lead to from it, one after the other."""
    for _ in range(32):
        yield value
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return
        value = document
        for part in reference.split("/")[1:]:
            part = re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), part)
            value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None


def operations(document):
    """Method, path and value of each operation."""
    version = str(document.get("openapi", ""))
    methods = METHODS + (("trace",) if version else ()) + (("query",) if version.startswith("3.2") else ())
    *_, paths = follow(document, document.get("paths"))
    for path, first in paths.items() if isinstance(paths, dict) else ():
        if not path.startswith("/"):
            continue
        for item in follow(document, first):
            for key, value in item.items() if isinstance(item, dict) else ():
                if key in methods and isinstance(value, dict):
                    yield key.upper(), path, value
                if key == "additionalOperations" and version.startswith("3.2"):
                    *_, more = follow(document, value)
                    for method, operation in more.items() if isinstance(more, dict) else ():
                        if isinstance(operation, dict) and not method.startswith("x-") and TOKEN.fullmatch(method):
                            yield method, path, operation


def read(path):
    """A path's segments. Each is the literal texts around its parameters, so it has one text more than parameters."""
    marked = re.sub(r"\{[^{}/]*\}", MARK, path.replace(MARK, "%00"))
    segments = re.split("[?#]", marked)[0].split("/")
    return tuple(tuple(decoded(text) for text in segment.split(MARK)) for segment in segments)


def decoded(text):
    """The text without the percent-encodings that mean the character itself, so that one path has one text."""
    text = re.sub("%(?![0-9A-Fa-f]{2})", "%25", text)

    def character(found):
        try:
            one = bytes.fromhex(found[0].replace("%", "")).decode()
        except UnicodeDecodeError:
            one = "%"
        return found[0].upper() if re.fullmatch(f"[{PLAIN}]", one) else one

    return re.sub("%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f])+|%[0-9A-Fa-f]{2}", character, text)


def specificity(pattern):
    """More is more specific: literal segments, literal text, parameters that follow one another (each takes a character at
    least)."""
    fixed = sum(len(texts) == 1 for texts in pattern)
    text = sum(len(re.sub("%[0-9A-F]{2}", "%", text)) for texts in pattern for text in texts)
    return fixed, text, sum(text == "" for texts in pattern for text in texts[1:-1])


def meets(one, two):
    """Whether some path matches both."""
    return len(one) == len(two) and all(map(segments_meet, one, two))


def segments_meet(one, two):
    if len(one) == 1 or len(two) == 1:
        return fits(one[0], two) if len(one) == 1 else fits(two[0], one)
    begins = one[0].startswith(two[0]) or two[0].startswith(one[0])
    return begins and (one[-1].endswith(two[-1]) or two[-1].endswith(one[-1]))


def fits(text, segment):
    """Whether the segment stands for this text, where a parameter is one character at least."""
    first, *inner = segment
    if not inner:
        return text == first
    at, last = len(first), inner.pop()
    for literal in inner:
        found = text.find(literal, at + 1)
        if found < 0:
            return False
        at = found + len(literal)
    return text.startswith(first) and text.endswith(last) and len(text) - len(last) > at


def path_condition(pattern):
    """Apigee's condition for exactly the paths that the pattern stands for. The root is also an empty path after the base path."""
    fixed = all(len(texts) == 1 for texts in pattern)
    path = "/".join("".join(texts) for texts in pattern)
    if path == "/" and fixed:
        return '(proxy.pathsuffix JavaRegex "/?")'
    # Parentheses are left to regular expressions: after a `$` they look like a placeholder.
    if fixed and re.fullmatch(r"[A-Za-z0-9/._~$!&'+,;=:@*-]*", path):
        return f'(proxy.pathsuffix = "{path}")'
    return f'(proxy.pathsuffix JavaRegex "{"/".join(map(segment_regex, pattern))}")'


def segment_regex(texts):
    """A parameter ends where the text behind it begins first, and no other end is tried: that is quick for any request."""
    first, *inner = texts
    if not inner:
        return literal_regex(first)
    last = inner.pop()
    parts = [f"(?>{some(text)}+?{literal_regex(text)})" if text else CHARACTER for text in inner]
    return "".join([literal_regex(first), *parts, f"{some(last)}+{literal_regex(last)}"])


def some(text):
    """What a parameter consists of in front of this text, which must not begin inside of a percent-encoding."""
    return CHARACTER if re.match("[0-9A-Fa-f]", text) else "[^/]"


def literal_regex(text):
    """A regular expression for the text as a request can write it: unchanged, or percent-encoded where a URL needs it."""
    return re.sub(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9_~!&',;=:@-]", lambda found: character_regex(found[0]), text)


def character_regex(text):
    if text == "%25":
        # Without two digits behind it, it is no encoding.
        return "(?:%(?![0-9A-Fa-f]{2})|%25)"
    if len(text) == 3:
        return either_case(text)
    if text in ".$()+*":
        return f"[{text}]"
    if text in "[^\\":
        seen = f"\\{text}|"
    elif text in "{}|":
        seen = f"[{text}]|"
    elif text == '"':
        seen = r"\x22|"
    else:
        seen = f"{text}|" if re.match("[!-~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text) else ""
    encoded = "".join(f"%{byte:02X}" for byte in text.encode(errors="surrogatepass"))
    return f"(?:{seen}{either_case(encoded)})"


def either_case(encoded):
    return f"(?i:{encoded})" if re.search("[A-Za-z]", encoded) else encoded


def routes(document):
    """The flows that the specification asks for, the most specific path first."""
    groups = {}
    for method, path, operation in operations(document):
        shown, methods = groups.setdefault(read(path), (re.split("[?#]", path)[0], {}))
        methods.setdefault(method, operation)
    order = sorted(groups, key=specificity, reverse=True)
    found = []
    for at, pattern in enumerate(order):
        shown, methods = groups[pattern]
        for method, operation in methods.items():
            texts = (operation.get(key) for key in ("operationId", "summary"))
            name, summary = (text if isinstance(text, str) else "" for text in texts)
            if f"{method} {shown}" not in OWN_CALLS:
                found.append(Route(shown, pattern, method, name or None, summary))
        # A request belongs to the most specific path that fits it: no later path may take its other methods.
        if any(groups[later][1].keys() - methods.keys() and meets(pattern, later) for later in order[at + 1 :]):
            found.append(Route(shown, pattern, None))
    return found


def by_name(wanted):
    """The operations by the names that their flows have in files: the operationId, or method and path where no operation
    has one, or several have the same."""
    named = [route for route in wanted if route.method]
    count = Counter(name for route in named for name in {route.id, route.call})
    return {route.id if route.id and count[route.id] == 1 else route.call: route for route in named}
