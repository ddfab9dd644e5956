"""What a build is made from: its version and its commit."""

import json
import subprocess

from environments import ROOT, Problem

NOTE = "release.json"


def git(*arguments):
    """The answer of git, or None without a repository or an answer."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def read():
    """Version (the newest tag `vX.Y.Z`, 0.0.0 before the first) and commit (HEAD) of what is checked out."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    return {"version": tag[1:] if tag else "0.0.0", "commit": git("rev-parse", "HEAD") or "unreleased"}


def note(folder):
    """Writes release.json beside what was built; gives what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = read()
    (folder / NOTE).write_text(json.dumps(found) + "\n", encoding="utf-8")
    return found


def noted(folder):
    """What release.json says; a Problem when nothing was built there."""
    path = folder / NOTE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: run `make bundle`") from error
