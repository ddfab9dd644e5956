"""Publishes the specification in the API catalogue, through the proxygen CLI.

    python3 scripts/catalogue.py FILE [--uat]

The CLI is installed by `python3 -m pip install -r scripts/requirements.txt` (Python 3.13). PROXYGEN_CLIENT_ID,
PROXYGEN_KID and ENCODED_PROXYGEN_PRIVATE_KEY (base64 of the PEM text) are the API's machine account; without them the CLI
uses what its own `proxygen settings` and `proxygen credentials` have set up.
"""

import base64
import binascii
import json
import os
import subprocess
import tempfile
from pathlib import Path

import environments
from environments import Problem

PLATFORM = "https://proxygen.prod.api.platform.nhs.uk"
IDENTITY = "https://identity.prod.api.platform.nhs.uk/realms/api-producers"
ACCOUNT = ("PROXYGEN_CLIENT_ID", "PROXYGEN_KID", "ENCODED_PROXYGEN_PRIVATE_KEY")


def proxygen(api, *arguments, quiet=False):
    """Runs the CLI for this API; a Problem when it fails. The account's files live as long as the command.

    What it prints is shown, or given back when `quiet`.
    """
    given = [name for name in ACCOUNT if os.environ.get(name)]
    if given and len(given) < len(ACCOUNT):
        raise Problem(f"set {' and '.join(name for name in ACCOUNT if name not in given)} too, or none of {', '.join(ACCOUNT)}")
    with tempfile.TemporaryDirectory() as home:
        variables = dict(os.environ)
        if given:
            sign_in(Path(home), api)
            variables["HOME"] = home
        try:
            output = subprocess.PIPE if quiet else None
            done = subprocess.run(["proxygen", *arguments], env=variables, check=False, stdout=output, text=True)
        except FileNotFoundError:
            raise Problem("`proxygen` is not installed: run `python3 -m pip install -r scripts/requirements.txt`") from None
    if done.returncode != 0:
        raise Problem(f"`proxygen {' '.join(arguments[:2])}` failed: fix the error above and run the same command again")
    return done.stdout


def sign_in(home, api):
    """Writes the files that the CLI reads; only this user may read them."""
    folder = home / ".proxygen"
    folder.mkdir(mode=0o700)
    key = folder / "key.pem"
    try:
        pem = base64.b64decode(os.environ["ENCODED_PROXYGEN_PRIVATE_KEY"], validate=True)
    except binascii.Error:
        raise Problem("ENCODED_PROXYGEN_PRIVATE_KEY is not base64: set it to the output of `base64 --wrap=0 key.pem`") from None
    key.touch(mode=0o600)
    key.write_bytes(pem)
    settings = {"api": api, "endpoint_url": os.environ.get("PROXYGEN_URL") or PLATFORM}
    account = {
        "base_url": os.environ.get("PROXYGEN_IDENTITY_URL") or IDENTITY,
        "client_id": os.environ["PROXYGEN_CLIENT_ID"],
        "key_id": os.environ["PROXYGEN_KID"],
        "private_key_path": str(key),
    }
    # JSON is YAML.
    (folder / "settings.yaml").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "credentials.yaml").write_text(json.dumps(account), encoding="utf-8")


def main(arguments):
    match arguments:
        case [file, *rest] if rest in ([], ["--uat"]) and not file.startswith("-"):
            if not Path(file).is_file():
                raise Problem(f"{file} is not there: run `make publish`")
            proxygen(environments.load()["api"]["name"], "spec", "publish", file, "--no-confirm", *rest)
        case _:
            raise Problem(__doc__.strip())


if __name__ == "__main__":
    environments.run(main)
