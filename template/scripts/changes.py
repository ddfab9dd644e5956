"""What changed in the API since its last release, and whether its phase allows that.

    python3 scripts/changes.py NEW                  since the last release: the highest tag vX.Y.Z up to this commit
    python3 scripts/changes.py NEW --release TAG    since the release before TAG
    python3 scripts/changes.py NEW --base OLD       since the document OLD

NEW and OLD are documents in one JSON file, as `make build/specification.json` writes it. What callers notice is printed, and
written to build/changes.md, in Markdown for the release. A change that breaks callers is allowed up to phase alpha, reported
in beta, and refused from live on. There it needs a new major version in `info.version`, or an entry with the reason in
specification/accepted-changes.toml.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

import compare
import environments
from compare import BREAKS, code
from environments import ROOT, Problem

FILE = "specification/accepted-changes.toml"
NOTES = ROOT / "build" / "changes.md"
SECTIONS = ("Added", "Changed", "Deprecated", "Removed")
# A release; a pre-release (v1.2.0-rc.1) promises nothing.
TAG = re.compile(r"v(\d+)(?:\.(\d+))?(?:\.(\d+))?(\+[0-9A-Za-z.-]+)?")
# A version number, which a date (2027-01-31) is not.
VERSION = re.compile(r"v?(\d+)(\.\d+){0,2}([-+](?!\d\d-\d\d$).*)?")
OTHERWISE = "or compare with a file: make changes BASE=FILE"
# So many annotations of a step are shown by GitHub.
SHOWN = 10


def arguments(words):
    """The command line."""
    parser = argparse.ArgumentParser(prog="changes.py", description="What changed in the API since its last release?")
    parser.add_argument("new", type=Path, help="the specification as one JSON document")
    base = parser.add_mutually_exclusive_group()
    base.add_argument("--release", metavar="TAG", help="compare with the release before this one")
    base.add_argument("--base", metavar="OLD", type=Path, help="compare with this document")
    return parser.parse_args(words)


def load(path, name):
    """The document in a file; a Problem when it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Problem(f"{name} cannot be read as JSON ({error}): build it with `make build/specification.json`") from error
    return compare.read(document, name)


def number(tag):
    """The version of a release's tag, to compare; None when it is no release."""
    found = TAG.fullmatch(tag)
    return found and tuple(int(part or 0) for part in found.group(1, 2, 3))


def last_release(before):
    """The tag of the last release up to this commit, and before another tag if one is given; None before the first."""
    if environments.git("rev-parse", "HEAD") is None or Path(environments.git("rev-parse", "--show-toplevel") or "/").resolve() != ROOT:
        raise Problem(f"{ROOT.name} is not a git repository with a commit, so the last release is unknown: run this in a clone, {OTHERWISE}")
    if environments.git("rev-parse", "--is-shallow-repository") == "true":
        raise Problem(f"this clone is shallow, so the last release may be missing: run `git fetch --unshallow --tags` (in workflows `fetch-depth: 0`), {OTHERWISE}")
    end = before and number(before.split("-")[0])
    if before and end is None:
        raise Problem(f"`{before}` is not the tag of a release: name one as v1.2.3")
    tags = (environments.git("tag", "--list", "v[0-9]*", "--merged", "HEAD") or "").split()
    found = [tag for tag in tags if number(tag) and (end is None or number(tag) < end)]
    if not tags and "--no-tags" in (environments.git("config", "--get-regexp", r"remote\..*\.tagopt") or ""):
        raise Problem(f"this clone has no tags, so the last release is unknown: run `git fetch --tags`, {OTHERWISE}")
    return max(found, key=number, default=None)


def released(tag):
    """The specification of a release, bundled as today's is."""
    said = environments.git("show", f"{tag}:environments.toml")
    try:
        path = tomllib.loads(said or "")["api"]["specification"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Problem(f"environments.toml of {tag} does not say where its specification is: look at `git show {tag}:environments.toml`, {OTHERWISE}") from error
    (ROOT / "build").mkdir(exist_ok=True)
    # In this repository, so that the linter finds what `make install` installed.
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="released-") as folder:
        index = {**os.environ, "GIT_INDEX_FILE": f"{folder}/index"}
        out = Path(folder) / "bundle.json"
        redocly = [ROOT / "node_modules/.bin/redocly", "bundle", "--config", "redocly.yaml", "--force", "--ext", "json"]
        bundler = [*redocly, "-o", out, f"{folder}/{path}"]
        for command in (["git", "read-tree", tag], ["git", "checkout-index", "--all", f"--prefix={folder}/"], bundler):
            try:
                done = subprocess.run(command, cwd=ROOT, env=index, capture_output=True, text=True, check=False)
            except OSError as error:
                raise Problem(f"{command[0]} does not start ({error}): run `make install`") from error
            if done.returncode:
                why = last_line(done.stderr.replace(f"{folder}/", ""))
                raise Problem(f"the specification of {tag} ({path}) cannot be bundled ({why}): release a corrected one, {OTHERWISE}")
        return load(out, f"{path} of {tag}")


def last_line(said):
    """The last line of a program's message that says something."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines() if line.strip()]
    return compare.printable(lines[-1] if lines else "it gives no reason")


def accepted():
    """The entries of specification/accepted-changes.toml; a Problem when one is not sound."""
    path = ROOT / FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise Problem(f"{FILE}: {error}") from error
    entries = document.get("accepted", [])
    if document.keys() - {"accepted"} or not isinstance(entries, list):
        raise Problem(f"{FILE} holds only entries [[accepted]]")
    for at, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        is_sound = fields.keys() == {"change", "since", "why"} and all(isinstance(one, str) and one.strip() for one in fields.values())
        if not is_sound:
            raise Problem(f"{FILE}: entry {at} must have `change`, `since` and `why`, each a text that is not empty, and nothing else")
    return entries


def stale(entries, tag, changes):
    """The entries that accept nothing, a sentence each."""
    keys = {change.key for change in changes if change.severity == BREAKS}
    for entry in entries:
        if tag and entry["since"] != tag:
            yield f"the entry for {code(compare.printable(entry['change']))} is about {entry['since']}, and the last release is {tag}"
        elif entry["change"] not in keys:
            yield f"no change since {entry['since']} that breaks callers is called {code(compare.printable(entry['change']))}"


def major(document):
    """The major version of the API; None when `info.version` does not name one."""
    found = VERSION.fullmatch(str(document.get("info", {}).get("version", "")).strip())
    return int(found[1]) if found else None


def line(change, reasons):
    """A change in Markdown."""
    users = [*change.users[:3], *([f"{len(change.users) - 3} more"] if len(change.users) > 3 else [])]
    is_shared = users and change.place.startswith("schema ")
    where = f" (in {', '.join(code(user) if user in change.users else user for user in users)})" if is_shared else ""
    why = f" Accepted: {compare.printable(reasons[change.key])}" if change.key in reasons else ""
    return f"{'**Breaking:** ' if change.severity == BREAKS else ''}{code(change.place)}: {change.sentence}{where}.{why}"


def notes(changes, reasons):
    """The changelog: a heading and a list for each section that has changes."""
    found = []
    for section in SECTIONS:
        lines = [f"- {line(change, reasons)}" for change in changes if change.section == section]
        found += [f"### {section}", "", *sorted(lines, key=lambda one: not one.startswith("- **")), ""] if lines else []
    return "\n".join(found).rstrip() or "Nothing that callers notice has changed."


def annotate(level, title, said, place=""):
    """Shows a sentence in the pull request, at the line that it speaks of where that is easy to find."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    path = environments.load()["api"]["specification"]
    wanted = place.split(" ")[1] if " " in place else place
    source = (ROOT / path).read_text(encoding="utf-8", errors="replace").splitlines()
    written = re.compile(rf"\s*[\"']?{re.escape(wanted)}[\"']?\s*:")
    found = next((at for at, text in enumerate(source, 1) if wanted and written.match(text)), 1)
    escaped = said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{level} file={path.replace('%', '%25').replace(',', '%2C').replace(':', '%3A')},line={found},title={title}::{escaped}")


def say(said):
    """Prints Markdown, and adds it to the summary of the workflow's run, where there is one."""
    print(f"{said}\n")
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as summary:
            summary.write(f"{said}\n\n")


def write(heading, said):
    """Says what was found, and writes it for the release."""
    NOTES.parent.mkdir(exist_ok=True)
    NOTES.write_text(f"{said}\n", encoding="utf-8")
    say(f"## {heading}\n\n{said}")


def entry(change, tag):
    """What accepts a change, in TOML."""
    return f"[[accepted]]\nchange = {json.dumps(change.key, ensure_ascii=False)}\nsince = {json.dumps(tag or 'FILE')}\nwhy = \"\""


def judge(left, phase, tag, versions):
    """Refuses changes that break callers and that nobody accepted, where the phase asks for that."""
    if not left:
        return
    was, now = map(major, versions)
    raised = None not in (was, now) and now > was
    said = " -> ".join(compare.printable(document.get("info", {}).get("version")) for document in versions)
    count = f"{len(left)} changes break callers" if len(left) > 1 else "1 change breaks callers"
    early = phase in ("inception", "discovery", "alpha")
    level = "notice" if early else "warning" if phase == "beta" or raised else "error"
    for change in left[:SHOWN]:
        annotate(level, "Breaking change", f"{change.place}: {change.sentence}", change.place)
    if early:
        say(f"{count}, which phase {phase} allows.")
    elif raised:
        say(f"{count}, and the major version rises for that ({said}).")
    elif phase == "beta":
        say(f"{count}: tell the API's users. From phase live on this is refused.")
    else:
        refusal = f"{count}, and the API is in phase {phase}: undo that, or raise the major version in `info.version` ({said})."
        entries = "\n\n".join(entry(change, tag) for change in left)
        say(f"{refusal} To accept it, add this to {FILE}, with the reason:\n\n```toml\n{entries}\n```")
        raise Problem(refusal.replace("undo that,", "undo that, accept it as shown above,"))


def main(words):
    asked = arguments(words)
    phase = environments.load()["lifecycle"]["phase"]
    new = load(asked.new, asked.new.name)
    entries = accepted()
    tag = None if asked.base else last_release(asked.release)
    if not asked.base and tag is None:
        write("API changes", "The first release: there is no tag vX.Y.Z before it, so there is nothing to compare with.")
        if phase in ("live", "deprecated", "retired"):
            annotate("warning", "No release", f"the API is in phase {phase}, and there is no tag of a release to compare with")
        return
    old = load(asked.base, asked.base.name) if asked.base else released(tag)
    changes = compare.compare(old, new)
    reasons = {one["change"]: one["why"] for one in entries if tag in (None, one["since"])}
    left = [change for change in changes if change.severity == BREAKS and change.key not in reasons]
    write(f"API changes since {tag or asked.base.name}", notes(changes, reasons))
    for said in stale(entries, tag, changes):
        say(f"{FILE}: {said}. Delete the entry.")
        annotate("warning", "Stale entry", said)
    judge(left, phase, tag, (old, new))


if __name__ == "__main__":
    environments.run(main)
