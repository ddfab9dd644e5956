"""Reads environments.toml, and passes its content to other programs; says which version and commit is checked out.

    python3 scripts/environments.py check            is the file sound?
    python3 scripts/environments.py plan             GitHub outputs: who takes previews, and each stage of a release
    python3 scripts/environments.py url NAME [PR]    the base URL of an environment, or of a pull request's preview
"""

import datetime
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHASES = ("inception", "discovery", "alpha", "beta", "live", "deprecated", "retired")
STAGES = (1, 2, 3, 4)
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# The platform's own rule, without its nested quantifiers; this machine is for trying the scripts out.
URL = re.compile(r"(https://([a-z0-9-]+\.)?api\.service\.nhs\.uk|http://127\.0\.0\.1:[0-9]+)/[A-Za-z0-9]+([-/][A-Za-z0-9]+)*")
# The texts of [api], and those that may be empty.
TEXTS = (
    "name", "short_name", "title", "description", "owner", "product_owner", "contact", "service_level", "standard", "style", "guid",
    "spec_guid", "specification", "repository",
)
EMPTY = ("description", "product_owner", "repository")
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?|[^@\s]+@[^@\s]+")
LISTS = {"code_owners": "`@organisation/team`, `@person` or e-mail addresses", "access_modes": "access modes"}
LIMITS = ("quota_per_minute", "spike_per_minute")
RELEASE = "release.json"


class Problem(Exception):
    """What is wrong and what to do about it, in one sentence."""


def load(path=ROOT / "environments.toml"):
    """The file as a dictionary; a Problem when it is not sound."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Problem(f"{path.name}: {error}") from error
    problems = [*lifecycle_problems(document.get("lifecycle", {})), *list_problems(document.get("environment", []))]
    problems += api_problems(document.get("api", {}))
    if problems:
        raise Problem(f"{path.name}: " + "; ".join(problems))
    return document


def api_problems(api):
    """What is wrong with the table [api], a text each."""
    for key in TEXTS:
        if not isinstance(api.get(key), str):
            yield f"`{key}` of [api] must be a text"
        elif key != "description" and re.search("[\r\n]", api[key]):
            yield f"`{key}` of [api] must be one line"
        elif key not in EMPTY and not api[key].strip():
            yield f"`{key}` of [api] must not be empty"
    if isinstance(api.get("contact"), str) and not ADDRESS.fullmatch(api["contact"]):
        yield "`contact` of [api] must be an e-mail address"
    for key, form in (("code_owners", OWNER), ("access_modes", NAME)):
        values = api.get(key)
        if not isinstance(values, list) or not all(isinstance(value, str) and form.fullmatch(value) for value in values):
            yield f"`{key}` of [api] must be a list of {LISTS[key]}"


def lifecycle_problems(lifecycle):
    """What is wrong with the table [lifecycle], a text each."""
    if lifecycle.get("phase") not in PHASES:
        yield f"`phase` must be one of {', '.join(PHASES)}"
    dates = {}
    for key in ("deprecation", "sunset"):
        try:
            dates[key] = date(lifecycle.get(key, ""))
        except ValueError:
            yield f"`{key}` must be a date as 2027-01-31, or empty"
    if dates.get("sunset") and not dates.get("deprecation"):
        yield "`sunset` needs a `deprecation` before it"
    elif dates.get("sunset") and dates["sunset"] < dates["deprecation"]:
        yield "`sunset` must not be before `deprecation`"
    for key in ("documentation", "successor"):
        if not re.fullmatch(r"(https://[^\s<>\"{}]+)?", lifecycle.get(key, "")):
            yield f"`{key}` must be an https address, or empty"


def list_problems(environments):
    """What is wrong with the list of environments, a text each."""
    if not environments:
        yield "there is no [[environment]]"
    names = [environment.get("name", "") for environment in environments]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"`{name}` is declared twice"
    orders = [environment.get("order") for environment in environments]
    if any(order not in STAGES for order in orders):
        yield "`order` must be 1 to 4"
    elif orders != sorted(orders):
        yield "environments must be in their `order`"
    for environment in environments:
        yield from environment_problems(environment)


def environment_problems(environment):
    """What is wrong with one environment, a text each."""
    name = environment.get("name", "")
    if not NAME.fullmatch(name):
        yield f"`{name}` is not the name of an environment"
    if not URL.fullmatch(environment.get("url", "")):
        yield f"`url` of `{name}` must be a host of the platform and a base path of letters, digits, `-` and `/`"
    for key, values in (("bundle", ("live", "sandbox")), ("approval", ("auto", "manual"))):
        if environment.get(key) not in values:
            yield f"`{key}` of `{name}` must be {' or '.join(values)}"
    if name == "prod" and environment.get("approval") != "manual":
        yield "`prod` is approved by hand: its `approval` must be manual"
    for key in LIMITS:
        if type(environment.get(key)) is not int or environment[key] < 1:
            yield f"`{key}` of `{name}` must be a whole number from 1"
    if not environment.get("phases") or set(environment["phases"]) - set(PHASES):
        yield f"`phases` of `{name}` must be some of {', '.join(PHASES)}"


def date(text):
    """The date that the text says; None for an empty text."""
    return datetime.date.fromisoformat(text) if text else None


def find(document, name):
    """The environment of this name; a Problem when there is none, or when the phase does not allow it."""
    known = ", ".join(environment["name"] for environment in document["environment"])
    if not name:
        raise Problem(f"say which environment, as ENVIRONMENT={document['environment'][0]['name']}: environments.toml has {known}")
    for environment in document["environment"]:
        if environment["name"] == name:
            phase = document["lifecycle"]["phase"]
            if phase not in environment["phases"]:
                raise Problem(f"`{name}` is not for an API in phase {phase}: move the API on first (it is for {', '.join(environment['phases'])})")
            return environment
    raise Problem(f"environments.toml has no environment `{name}`: it has {known}")


def suffix(pull_request):
    """What a pull request's number adds to a base path and to a proxy's name; nothing for None."""
    if not pull_request:
        return ""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", str(pull_request)):
        raise Problem(f"`{pull_request}` is not the number of a pull request")
    return f"-pr-{pull_request}"


def url(environment, pull_request=None):
    """The base URL, without a slash at its end."""
    return environment["url"] + suffix(pull_request)


def plan(document):
    """GitHub outputs by name: lists of environments, without those that the phase does not allow."""
    phase = document["lifecycle"]["phase"]
    open_now = [environment for environment in document["environment"] if phase in environment["phases"]]
    outputs = {"previews": [environment["name"] for environment in open_now if environment.get("preview")]}
    for stage in STAGES:
        outputs[f"stage-{stage}"] = [environment["name"] for environment in open_now if environment["order"] == stage]
    return outputs


def git(*arguments):
    """The answer of git, or None without a repository or an answer."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def release():
    """What a build is made from: version (the newest tag `vX.Y.Z`, 0.0.0 before the first) and commit (HEAD)."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    return {"version": tag[1:] if tag else "0.0.0", "commit": git("rev-parse", "HEAD") or "unreleased"}


def note_release(folder):
    """Writes release.json beside what was built; gives what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = release()
    (folder / RELEASE).write_text(json.dumps(found) + "\n", encoding="utf-8")
    return found


def noted_release(folder):
    """What release.json says; a Problem when nothing was built there."""
    path = folder / RELEASE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: run `make bundle`") from error


def main(arguments):
    document = load()
    match arguments:
        case ["check"]:
            pass
        case ["plan"]:
            for name, environments in plan(document).items():
                print(f"{name}={json.dumps(environments)}")
        case ["url", name, *pull_request] if len(pull_request) < 2:
            print(url(find(document, name), *pull_request))
        case _:
            raise Problem(__doc__.strip())


def run(program):
    """Runs `program` with the command line; a Problem is one line and exit code 1."""
    try:
        program(sys.argv[1:])
    except Problem as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    run(main)
