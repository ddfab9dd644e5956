"""Checks the specification that is published, and writes it.

    python3 scripts/publish.py check BUNDLE         does every reference in it lead somewhere?
    python3 scripts/publish.py write BUNDLE FILE    FILE is BUNDLE with the digits that Redocly rounded off

BUNDLE is the whole document as one JSON file: `make publish` makes it, and calls this.
"""

import json
import math
import re
import sys
import urllib.parse
from decimal import Decimal
from pathlib import Path

import environments
from environments import ROOT, Problem

# Keys whose values are data of the API's own, not parts of the document.
DATA = {"example", "default", "enum", "const", "value", "dataValue", "serializedValue"}
# Keys below which stand names that somebody chose, and a part of the document for each.
NAMED = set(
    "paths webhooks pathItems callbacks responses parameters requestBodies headers links content encoding securitySchemes schemas "
    "properties patternProperties definitions $defs dependentSchemas variables".split()
)
# In data, a reference with such an ending is meant as a file of the specification.
FILE = re.compile(r"[^:?#]+\.(json|ya?ml|md|txt|xml|html|csv)(#.*)?", re.IGNORECASE)
NUMBER = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?"
# A number as YAML and JSON write it: nothing that is part of a word, and no text in quotes.
WRITTEN = re.compile(r"(?:^|(?<=[\s,:\[{]))\+?(" + NUMBER + r")(?=[\s,\]}]|$)", re.MULTILINE)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|' + NUMBER)


def references(value, place="", kind="part"):
    """Place, text and kind of each `$ref` and `externalValue`; the kind is `part`, `whole` (all of an example's value) or `data`."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, f"{place}/{index}", {"whole": "data", "names": "part"}.get(kind, kind))
        return
    if not isinstance(value, dict):
        return
    if kind != "names" and isinstance(value.get("$ref"), str):
        yield place, value["$ref"], "data" if kind == "whole" and len(value) > 1 else kind
    if kind == "part" and isinstance(value.get("externalValue"), str):
        yield place, value["externalValue"], kind
    for key, item in value.items():
        yield from references(item, f"{place}/{key.replace('~', '~0').replace('/', '~1')}", below(kind, key, item))


def below(kind, key, item):
    """The kind of the value at this key of a value of that kind."""
    if kind in ("data", "whole"):
        return "data"
    if kind == "names":
        return "part"
    if key in DATA:
        return "whole"
    if key == "examples":
        # A list of a schema's, Swagger's values by media type, or example objects by name.
        swagger = isinstance(item, dict) and any("/" in name for name in item)
        return "whole" if isinstance(item, list) or swagger else "names"
    # A document may name an answer `$ref` or `content`: then it holds an object. A reference holds a text.
    return "names" if key in NAMED and not (isinstance(item, dict) and isinstance(item.get("$ref"), str)) else "part"


def names(value):
    """What schemas call themselves: `$id`, and `#` before each anchor."""
    if isinstance(value, list):
        return {name for item in value for name in names(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["$id"]} if isinstance(value.get("$id"), str) else set()
    own |= {f"#{value[key]}" for key in ("$anchor", "$dynamicAnchor") if isinstance(value.get(key), str)}
    return own.union(*(names(item) for item in value.values()))


def leads_somewhere(document, known, reference):
    """Whether the document has a value at the end of the reference."""
    if reference in known or reference.split("#")[0] in known:
        return True
    at = document
    for part in urllib.parse.unquote(reference).split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(at, list) and part.isdigit() and int(part) < len(at):
            at = at[int(part)]
        elif isinstance(at, dict) and part in at:
            at = at[part]
        else:
            return False
    return reference.startswith("#/") or reference == "#"


def judged(document):
    """References as lists of place and text, by kind: `dead`, `remote`, or `data` of an example."""
    known = names(document)
    found = {"dead": [], "remote": [], "data": []}
    for place, reference, kind in references(document):
        if kind == "part" and leads_somewhere(document, known, reference):
            continue
        is_remote = kind == "part" and re.match("https?://", reference)
        is_data = kind == "data" and not FILE.fullmatch(reference)
        found["remote" if is_remote else "data" if is_data else "dead"].append((place, reference))
    return found


def sources(folder):
    """Path from the repository's root, and text, of each file of the specification that is text."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".json", ".yaml", ".yml")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8-sig", errors="replace")


def where(reference, texts):
    """`file:line` of the first places where the reference is written, and a colon; or nothing."""
    written = re.compile(r"(?<![\w./%-])" + re.escape(reference) + r"(?![\w/-])")
    found = [f"{path}:{text.count(chr(10), 0, match.start()) + 1}" for path, text in texts for match in written.finditer(text)]
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "") + (": " if found else "")


def listed(references, texts):
    """A line for each reference."""
    return "".join(f"\n  {where(reference, texts)}`{reference}` (in {place or 'the whole document'})" for place, reference in references)


class Digits:
    """The numbers of the sources whose digits JavaScript does not keep, and those that look like them afterwards."""

    def __init__(self, texts):
        self.long, self.others, self.unclear = {}, set(), set()
        for _, text in texts:
            self.others.update(re.findall("[\"'](" + NUMBER + ")[\"']", text))
            for number in WRITTEN.findall(text):
                value = float(number)
                if math.isinf(value) or Decimal(repr(value)) != Decimal(number):
                    # JavaScript writes what is too large for it as it stood; Redocly puts that in quotes.
                    key = f'"{number}"' if math.isinf(value) else value
                    self.long.setdefault(key, {}).setdefault(Decimal(number), number)
                else:
                    self.others.add(value)

    def restore(self, token):
        """The token of the bundle, or the number that it stood for."""
        text = token[0]
        if text[0] == '"':
            key, other = text, text[1:-1]
        else:
            key = other = float(text)
        written = self.long.get(key)
        if written is None:
            return text
        if len(written) > 1 or other in self.others:
            self.unclear.add(", ".join(written.values()))
        return next(iter(written.values()))


def read(bundle):
    """The text of the bundle, and the sources that it was made from."""
    try:
        text = Path(bundle).read_text(encoding="utf-8")
    except OSError as error:
        raise Problem(f"{bundle} cannot be read ({error.strerror}): run `make publish`") from error
    return text, list(sources(ROOT / Path(environments.load()["api"]["specification"]).parts[0]))


def check(bundle):
    """Reports references that stay; a Problem when some of them lead nowhere."""
    text, texts = read(bundle)
    found = judged(json.loads(text))
    if found["data"]:
        print(f"{len(found['data'])} `$ref` in examples name no file, and are published as data:{listed(found['data'], texts)}", file=sys.stderr)
    if found["remote"]:
        print(f"{len(found['remote'])} references to other machines are published as they are:{listed(found['remote'], texts)}", file=sys.stderr)
    if found["dead"]:
        raise Problem(
            f"The specification is not published, because {len(found['dead'])} references lead nowhere:{listed(found['dead'], texts)}\n"
            "Correct each of them or add its file (an example on another machine is an `externalValue`), then run `make publish` again."
        )


def write(bundle, file):
    """Writes the file; a Problem when the digits of a number are unknown."""
    text, texts = read(bundle)
    digits = Digits(texts)
    if digits.long:
        text = TOKEN.sub(digits.restore, text)
    if digits.unclear:
        unclear = "; ".join(sorted(digits.unclear))
        raise Problem(f"{file} is not written: Redocly rounds numbers, and these cannot be told apart afterwards: {unclear}. Write them as texts, or with fewer digits.")
    Path(file).write_text(text, encoding="utf-8")


def main(arguments):
    match arguments:
        case ["check", bundle]:
            check(bundle)
        case ["write", bundle, file]:
            write(bundle, file)
        case _:
            raise Problem(__doc__.strip())


if __name__ == "__main__":
    environments.run(main)
