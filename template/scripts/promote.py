"""Promotes what was built along environments.toml, from this machine: the release workflow does the same on GitHub.

    python3 scripts/promote.py [--through ENVIRONMENT] [--from FOLDER] [--timeout SECONDS]

Each environment is deployed and smoke-tested before the next. It stops at the first that fails, and before the first
that is approved by hand, unless `--through` names it or a later one.
"""

import argparse

import deploy
import environments
import smoke


def route(document, through):
    """The names of the environments to go through, in order."""
    if through:
        environments.find(document, through)
    phase, names = document["lifecycle"]["phase"], []
    for environment in document["environment"]:
        if phase not in environment["phases"]:
            continue
        if environment["approval"] == "manual" and not through:
            print(f"{environment['name']}: approved by hand, say `--through {environment['name']}`")
            break
        names.append(environment["name"])
        if environment["name"] == through:
            break
    return names


def main(words):
    parser = argparse.ArgumentParser(prog="promote.py", description="Promotes what was built along environments.toml.")
    parser.add_argument("--through", metavar="ENVIRONMENT", help="the last one")
    asked, rest = parser.parse_known_args(words)
    for name in route(environments.load(), asked.through):
        deploy.main([name, *rest])
        smoke.main([name, *rest])


if __name__ == "__main__":
    environments.run(main)
