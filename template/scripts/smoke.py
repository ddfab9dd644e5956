"""Is what was deployed alive? Asks `/_ping` until the commit answers, then `/_status`.

    python3 scripts/smoke.py BASE_URL [--commit SHA] [--timeout SECONDS]
    python3 scripts/smoke.py ENVIRONMENT [--pull-request N] [--from FOLDER] [--timeout SECONDS]

With an environment of environments.toml the commit is that of what was built in FOLDER (build); a proxy that the
platform builds (style proxygen) does not report its commit, so any answer is enough. A base URL without a commit is asked
once: there is nothing to wait for. STATUS_ENDPOINT_API_KEY is the monitoring key that `/_status` asks for.
"""

import argparse
import os
import time
from pathlib import Path

import environments
import web
from environments import Problem


def arguments(words):
    """The command line."""
    parser = argparse.ArgumentParser(prog="smoke.py", description="Is what was deployed alive?")
    parser.add_argument("where", help="a base URL, or the name of an environment")
    parser.add_argument("--commit", help="wait until /_ping answers with this commit")
    parser.add_argument("--pull-request", metavar="N", help="the preview of this pull request")
    parser.add_argument("--from", dest="folder", type=Path, default=environments.ROOT / "build", help="where the bundles are (build)")
    parser.add_argument("--timeout", type=float, help="seconds to wait (300; for a base URL without a commit 0)")
    parser.add_argument("--pause", type=float, default=3, help="seconds between two looks (3)")
    return parser.parse_args(words)


def goal(asked):
    """The base URL to ask, and the commit that must answer; None when any may."""
    if "://" in asked.where:
        return asked.where.rstrip("/"), asked.commit
    document = environments.load()
    url = environments.url(environments.find(document, asked.where), asked.pull_request)
    if asked.commit or document["api"]["style"] == "proxygen":
        return url, asked.commit
    return url, environments.noted_release(asked.folder)["commit"]


def ping(url):
    """The commit that answers, and the message when it is not the right one."""
    try:
        answer = web.request("GET", f"{url}/_ping")
    except Problem as problem:
        return None, str(problem).partition(": look at")[0]
    if answer.status != 200:
        return None, f"it answers {answer.status}"
    commit = answer.json().get("commitId", "")
    return commit, f"commit {commit or 'unknown'} answers"


def wait(url, commit, patience, pause):
    """Returns when `/_ping` answers 200, with the commit when one is given."""
    end, is_first = time.monotonic() + patience, True
    while True:
        found, said = ping(url)
        if found is not None and commit in (None, found):
            print(f"{url}/_ping: {said}")
            return
        if time.monotonic() >= end:
            wanted = f"commit {commit} does not answer" if commit else "nothing answers as it should"
            waited = f" after {patience:g} s" if patience else ""
            raise Problem(f"{url}/_ping: {wanted}{waited} ({said}): look at the address and the deployment")
        if is_first:
            print(f"{url}/_ping: {said}; asking again for up to {patience:g} s", flush=True)
            is_first = False
        time.sleep(pause)


def status(url, key):
    """Asks `/_status`; a Problem when it is not well."""
    if not key:
        raise Problem("set STATUS_ENDPOINT_API_KEY to the monitoring key: /_status asks for it")
    answer = web.request("GET", f"{url}/_status", headers={"apikey": key})
    said = answer.json()
    if answer.status == 401:
        raise Problem(f"{url}/_status does not accept STATUS_ENDPOINT_API_KEY: compare it with the key of the environment")
    if answer.status != 200 or said.get("status") != "pass":
        raise Problem(f"{url}/_status answers {answer.status} and status {said.get('status')}: the target may be down")
    print(f"{url}/_status: pass")


def main(words):
    asked = arguments(words)
    url, commit = goal(asked)
    patience = asked.timeout
    if patience is None:
        patience = 0 if "://" in asked.where and not commit else 300
    wait(url, commit, patience, asked.pause)
    status(url, os.environ.get("STATUS_ENDPOINT_API_KEY"))


if __name__ == "__main__":
    environments.run(main)
