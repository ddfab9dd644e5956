"""Deploys this API to one environment, or takes the preview of a pull request away.

    python3 scripts/deploy.py ENVIRONMENT [--pull-request N] [--from FOLDER] [--timeout SECONDS]
    python3 scripts/deploy.py ENVIRONMENT --remove --pull-request N
    python3 scripts/deploy.py ENVIRONMENT --through

With `--through` the environments before it in environments.toml come first, each with its smoke test: the release workflow
does the same on GitHub, with its approvals. It stops at the first that fails. What is deployed is in FOLDER, where `make bundle` put it (build). apigee.py and proxygen.py say which credentials each style needs.
"""

import argparse
import importlib
from pathlib import Path

import environments
import smoke
from environments import Problem


def arguments(words):
    """The command line."""
    parser = argparse.ArgumentParser(prog="deploy.py", description="Deploys this API to one environment.")
    parser.add_argument("environment", help="its name in environments.toml")
    parser.add_argument("--pull-request", metavar="N", help="the preview of this pull request")
    parser.add_argument("--from", dest="folder", type=Path, default=environments.ROOT / "build", help="where the bundles are (build)")
    parser.add_argument("--remove", action="store_true", help="take the preview away")
    parser.add_argument("--through", action="store_true", help="deploy to those before it first, each with its smoke test")
    parser.add_argument("--timeout", type=float, default=600, help="seconds to wait until it is deployed (600)")
    parser.add_argument("--pause", type=float, default=3, help="seconds between two looks (3)")
    return parser.parse_args(words)


def route(document, last):
    """The names of the environments up to this one that the phase allows, in order."""
    names = [environment["name"] for environment in document["environment"]]
    phase = document["lifecycle"]["phase"]
    return [one["name"] for one in document["environment"][: names.index(last) + 1] if phase in one["phases"]]


def deploy(document, environment, asked):
    """Deploys to one environment, and prints its base URL."""
    platform = importlib.import_module(document["api"]["style"])
    platform.deploy(document["api"], environment, asked.folder, asked.pull_request, (asked.timeout, asked.pause))
    print(environments.url(environment, asked.pull_request))


def main(words):
    asked = arguments(words)
    document = environments.load()
    environment = environments.find(document, asked.environment)
    pull_request = asked.pull_request
    # A wrong number is reported before anything is done.
    environments.suffix(pull_request)
    if pull_request and not environment.get("preview"):
        raise Problem(f"`{asked.environment}` takes no previews: give it `preview = true` in environments.toml")
    if asked.remove and not pull_request:
        raise Problem("only a preview is taken away: say which with --pull-request")
    if asked.through and pull_request:
        raise Problem("a preview goes to one environment: leave out --through")
    if asked.remove:
        importlib.import_module(document["api"]["style"]).remove(document["api"], environment, pull_request)
    elif asked.through:
        for name in route(document, asked.environment):
            deploy(document, environments.find(document, name), asked)
            smoke.main([name, "--from", str(asked.folder), "--pause", str(asked.pause)])
    else:
        deploy(document, environment, asked)


if __name__ == "__main__":
    environments.run(main)
