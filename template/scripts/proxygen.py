"""Deploys the documents that `make bundle` built, through the proxygen CLI. `scripts/deploy.py` calls this.

scripts/catalogue.py says how the CLI is installed and signs in.
"""

import environments
from catalogue import proxygen
from environments import Problem


def instance_name(environment, pull_request):
    """The base path as the CLI wants it: an underscore for each slash."""
    path = environments.url(environment, pull_request).split("//", 1)[1].split("/", 1)[1]
    return path.replace("/", "_")


def deploy(api, environment, folder, pull_request, _):
    """Deploys the environment's document; the CLI returns when the platform has taken it."""
    path = folder / f"{environment['name']}.json"
    if not path.is_file():
        raise Problem(f"{path} is not there: run `make bundle`")
    proxygen(api["name"], "instance", "deploy", environment["name"], instance_name(environment, pull_request), str(path), "--no-confirm")


def remove(api, environment, pull_request):
    """Deletes the preview of a pull request; nothing to do is fine."""
    place = (environment["name"], instance_name(environment, pull_request))
    # The CLI shows an instance that is not there as YAML's or JSON's null.
    if proxygen(api["name"], "instance", "get", *place, quiet=True).split()[:1] in ([], ["null"]):
        print(f"{place[1]}: not there")
        return
    proxygen(api["name"], "instance", "delete", *place, "--no-confirm")
