"""Deploys this API to one environment, or takes the preview of a pull request away.

    python3 scripts/deploy.py ENVIRONMENT [--pull-request N] [--from FOLDER] [--timeout SECONDS]
    python3 scripts/deploy.py ENVIRONMENT --remove --pull-request N

What is deployed is in FOLDER, where `make bundle` put it (build). apigee.py and proxygen.py say which credentials each style needs.
"""

import argparse
import importlib
from pathlib import Path

import environments
from environments import Problem


def arguments(words):
    """The command line."""
    parser = argparse.ArgumentParser(prog="deploy.py", description="Deploys this API to one environment.")
    parser.add_argument("environment", help="its name in environments.toml")
    parser.add_argument("--pull-request", metavar="N", help="the preview of this pull request")
    parser.add_argument("--from", dest="folder", type=Path, default=environments.ROOT / "build", help="where the bundles are (build)")
    parser.add_argument("--remove", action="store_true", help="take the preview away")
    parser.add_argument("--timeout", type=float, default=600, help="seconds to wait until it is deployed (600)")
    parser.add_argument("--pause", type=float, default=3, help="seconds between two looks (3)")
    return parser.parse_args(words)


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
    platform = importlib.import_module(document["api"]["style"])
    if asked.remove:
        platform.remove(document["api"], environment, pull_request)
    else:
        platform.deploy(document["api"], environment, asked.folder, pull_request, (asked.timeout, asked.pause))
        print(environments.url(environment, pull_request))


if __name__ == "__main__":
    environments.run(main)
