"""Finds what still has a former title, owner, product owner or contact of the API, after a change in environments.toml.

`scripts/generate.py --check` calls this. Former values are those of the receipt and of every commit of environments.toml.
"""

import json
import re
import subprocess
import sys
import tomllib
from html import escape
from pathlib import Path

from environments import ROOT, Problem

# A value of [api], and what the receipt calls it.
KEYS = {"title": "title", "owner": "owner_team", "product_owner": "product_owner", "contact": "contact_email"}
LIST, RECEIPT = "environments.toml", ".apiscaffold.toml"
# At most so many notes are printed.
SHOWN = 20
# What was once true stays there; the others hold only names of packages.
HISTORY = (LIST, RECEIPT, "docs/decisions/", "package-lock.json", "tests/requirements.txt", "scripts/requirements.txt")


def git(*arguments, **settings):
    """The bytes that git answers; none without a repository."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True, **settings).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""


def table(text, name):
    """A table of a TOML text; an empty one when it has none."""
    try:
        return tomllib.loads(text).get(name, {})
    except tomllib.TOMLDecodeError:
        return {}


def committed():
    """The text of environments.toml in each commit that changed it."""
    names = "".join(f"{commit}:./{LIST}\n" for commit in git("log", "--format=%H", "--", LIST).decode().split())
    answer = git("cat-file", "--batch", input=names.encode())
    while answer:
        head, _, rest = answer.partition(b"\n")
        size = int(head.split()[-1]) if head.split()[1:2] == [b"blob"] else -1
        yield rest[: max(size, 0)].decode("utf-8", "replace")
        answer = rest[size + 1 :]


def former(api):
    """The key of each value that once was and is not any more."""
    receipt = ROOT / RECEIPT
    answers = table(receipt.read_text(encoding="utf-8"), "answers") if receipt.exists() else {}
    tables = [{key: answers.get(name) for key, name in KEYS.items()}, *(table(text, "api") for text in committed())]
    now = {api[key] for key in KEYS}
    found = {}
    for old in tables:
        for key in KEYS:
            if isinstance(old.get(key), str) and old[key].strip() and old[key] not in now:
                found[old[key]] = key
    return found


def forms(value):
    """The value as it may be written: as it is, and escaped for Markdown, XML, and JSON or YAML."""
    marked = re.sub(r"[\\`*_\[\]<>&|~#!${}]", r"\\\g<0>", value)
    return {value, marked, escape(value, quote=False), escape(value), json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}


def pattern(forms):
    """Finds each of the texts as words of their own, also where a line ends between the words."""
    words = (r"\s+".join(map(re.escape, form.split())) for form in sorted(forms, key=len, reverse=True))
    return re.compile(r"(?<![^\W_])(?<![@/.+%-])(?:" + "|".join(words) + r")(?!\.?[^\W_]|-)")


def places(api, old):
    """File, line and the former value of each place."""
    by_form = {" ".join(form.split()): value for value in old for form in forms(value)}
    # Where a present value holds a former one, it is the present one that stands there.
    search = pattern({*by_form, *(form for key in KEYS if api[key] for form in forms(api[key]))})
    for name in git("ls-files", "-z").decode("utf-8", "replace").split("\0"):
        path = ROOT / name
        if not name or name.startswith(HISTORY) or path.is_symlink() or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for found in search.finditer(text):
            value = by_form.get(" ".join(found[0].split()))
            if value:
                yield name, text.count("\n", 0, found.start()) + 1, value


def differences(api, file):
    """What the document itself says otherwise: it is the producer's, and the catalogue shows it."""
    try:
        info = json.loads(Path(file).read_text(encoding="utf-8"))["info"]
        contact = info.get("contact")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{file} cannot be read: run `make lint`") from error
    said = {"title": info.get("title"), "contact": contact.get("email") if isinstance(contact, dict) else None}
    for key, value in said.items():
        if isinstance(value, str) and value.strip() and " ".join(value.split())[:500].strip() != " ".join(api[key].split()):
            yield f"{api['specification']}: its {key} is `{value.strip()}`, that of {LIST} is `{api[key]}`; the catalogue shows that of the document"


def check(document, file=None):
    """Prints what is only worth a look; a Problem when a former value stands where it is not history."""
    api = document["api"]
    notes, wrong = list(differences(api, file)) if file else [], []
    old = former(api)
    for name, line, value in places(api, old) if old else ():
        now = f"but `{api[old[value]]}`" if api[old[value]] else "and there is none"
        text = f"{name}:{line}: `{value}` is not the {old[value].replace('_', ' ')} any more, {now}"
        # The document is the producer's, and a single word may be meant otherwise.
        is_open = name.startswith("specification/") or re.fullmatch(r"\w+", value)
        (notes if is_open else wrong).append(text)
    for note in notes[:SHOWN]:
        print(f"note: {note}", file=sys.stderr)
    if len(notes) > SHOWN:
        print(f"note: and {len(notes) - SHOWN} more", file=sys.stderr)
    if wrong:
        raise Problem("\n".join([*wrong, f"Change {'this' if len(wrong) == 1 else 'these'} too. What was, may stay in docs/decisions."]))
