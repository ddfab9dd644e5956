"""Builds the images that the platform runs for this API, and pushes them to its registry.

    python3 scripts/images.py

Each image that environments.toml names is built from sandbox/Dockerfile or transformation/Dockerfile, and tagged with the
commit. Docker and the proxygen CLI are needed; scripts/catalogue.py says how the latter is installed and signs in.
"""

import shlex
import subprocess

import environments
from catalogue import proxygen
from environments import ROOT, Problem


def recipes(document):
    """Image and Dockerfile of each container that is built here; an image without one is built elsewhere."""
    found = {}
    for environment in document["environment"]:
        image = environment.get("target", {}).get("image")
        folder = "sandbox" if environment["bundle"] == "sandbox" else "transformation"
        if image and (ROOT / folder / "Dockerfile").is_file():
            found[image] = f"{folder}/Dockerfile"
    return found


def docker(*arguments, **settings):
    """Runs docker; a Problem when it fails."""
    try:
        subprocess.run(["docker", *arguments], cwd=ROOT, check=True, **settings)
    except FileNotFoundError:
        raise Problem("`docker` is not installed: the images are built with it") from None
    except subprocess.CalledProcessError:
        raise Problem(f"`docker {arguments[0]}` failed: fix the error above and run the same command again") from None


def sign_in(api):
    """Signs docker in to the platform's registry; gives the registry's host."""
    said = shlex.split(proxygen(api, "docker", "get-login", quiet=True))
    options = dict(zip(said, said[1:], strict=False))
    if "-u" not in options or "--password" not in options:
        raise Problem("`proxygen docker get-login` answers in a way that this script does not know: look for a newer template")
    registry = said[-1].removeprefix("https://")
    # Not as an argument: others on the machine can read those.
    docker("login", "--username", options["-u"], "--password-stdin", registry, input=options["--password"], text=True)
    return registry


def main(arguments):
    if arguments:
        raise Problem(__doc__.strip())
    document = environments.load()
    tag, wanted = environments.release()["commit"], recipes(document)
    if not wanted:
        print("no image is built here")
        return
    registry = sign_in(document["api"]["name"])
    for image, recipe in wanted.items():
        name = f"{registry}/{image}:{tag}"
        docker("build", "--file", recipe, "--tag", name, ".")
        docker("push", name)


if __name__ == "__main__":
    environments.run(main)
