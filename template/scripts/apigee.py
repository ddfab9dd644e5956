"""Deploys a bundle through the Apigee management API. `scripts/deploy.py` calls this.

    python3 scripts/apigee.py token    signs in, and prints an access token

The token is APIGEE_ACCESS_TOKEN, or what the command APIGEE_TOKEN_COMMAND prints; with the command an expired token is
renewed once. `python3 scripts/apigee.py token` is such a command: it signs in with APIGEE_USERNAME and APIGEE_PASSWORD,
those of a machine account. APIGEE_URL and APIGEE_LOGIN_URL are other addresses than Apigee's own.
"""

import base64
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.parse

import environments
import web
from environments import Problem

BASE = "https://api.enterprise.apigee.com/v1"
LOGIN = "https://login.apigee.com/oauth/token"
# The public client that Apigee documents for its command line: the same for everyone, and no secret.
CLIENT = base64.b64encode(b"edgecli:edgeclisecret").decode()


class Token:
    """The access token; it is never printed."""

    def __init__(self, variables):
        self.command = variables.get("APIGEE_TOKEN_COMMAND", "")
        self.value = "" if self.command else variables.get("APIGEE_ACCESS_TOKEN", "")
        if not self.command and not self.value:
            raise Problem("there is no access token: set APIGEE_ACCESS_TOKEN, or APIGEE_TOKEN_COMMAND to a command that prints one")

    def get(self):
        """The token; asks the command for it the first time."""
        return self.value or self.renew()

    def renew(self):
        """A new token from the command; a Problem without one."""
        if not self.command:
            raise Problem("the access token is not accepted, it may have expired: set APIGEE_ACCESS_TOKEN to a new one, or APIGEE_TOKEN_COMMAND to a command that prints one")
        try:
            done = subprocess.run(shlex.split(self.command), stdout=subprocess.PIPE, text=True, check=True)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            why = f"it ended with {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else str(error)
            raise Problem(f"APIGEE_TOKEN_COMMAND gives no token ({why}): run it by hand") from None
        self.value = done.stdout.strip()
        if not self.value:
            raise Problem("APIGEE_TOKEN_COMMAND printed no token: run it by hand")
        return self.value


class Management:
    """The management API of one organisation."""

    def __init__(self, organisation, variables=os.environ):
        self.organisation = organisation
        self.base = f"{variables.get('APIGEE_URL') or BASE}/organizations/{organisation}"
        self.token = Token(variables)

    def call(self, method, *path, query="", body=None, content="application/json"):
        """The answer to a request below the organisation; a 401 is tried once more with a new token."""
        address = "/".join([self.base, *(urllib.parse.quote(part, safe="") for part in path)]) + query
        answer = self.send(method, address, self.token.get(), body, content)
        if answer.status == 401:
            answer = self.send(method, address, self.token.renew(), body, content)
        if answer.status == 401:
            raise Problem("the management API accepts no token of APIGEE_TOKEN_COMMAND: look at the account that it signs in with")
        if answer.status == 403:
            raise Problem(f"the account may not {method} {'/'.join(path)} in organisation {self.organisation}: ask the platform team for the right ({answer.reason()})")
        return answer

    @staticmethod
    def send(method, address, token, body, content):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content
        return web.request(method, address, headers=headers, body=body)


def proxy_name(api, environment, pull_request):
    """The name of the proxy: one for each environment, and one for each pull request."""
    if not pull_request:
        return f"{api['name']}-{environment['name']}"
    return f"{api['name']}-pr-{pull_request}" + ("-sandbox" if environment["bundle"] == "sandbox" else "")


def deploy(api, environment, folder, pull_request, patience):
    """Imports the bundle as a new revision, deploys it in place of the one before and waits until it answers.

    `patience` is how long to wait and how long between two looks, in seconds. A Problem when it does not get there.
    """
    management = Management(environment["organisation"])
    name, stage = proxy_name(api, environment, pull_request), environment["name"]
    path = folder / f"{environment['bundle']}.zip"
    try:
        bundle = path.read_bytes()
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}): run `make bundle`") from error
    ensure_target(management, environment)
    revision = take_in(management, name, bundle)
    print(f"{name}: revision {revision} imported")
    place = ("environments", stage, "apis", name, "revisions", revision, "deployments")
    answer = management.call("POST", *place, query="?override=true", body=b"", content="application/x-www-form-urlencoded")
    if answer.status >= 300:
        raise Problem(f"revision {revision} of {name} cannot be deployed to {stage}: {answer.reason()}; fix that and run the same command again")
    wait(management, place, f"revision {revision} of {name}", patience)
    print(f"{name}: revision {revision} deployed to {stage}")


def take_in(management, name, bundle):
    """Imports the bundle; gives the revision, as text."""
    query = "?" + urllib.parse.urlencode({"action": "import", "name": name})
    answer = management.call("POST", "apis", query=query, body=bundle, content="application/octet-stream")
    revision = answer.json().get("revision")
    if answer.status >= 300 or not revision:
        raise Problem(f"the bundle of {name} is not taken: {answer.reason()}; `make lint` may say more")
    return str(revision)


def wait(management, place, what, patience):
    """Returns when the deployment is on every server."""
    longest, pause = patience
    end = time.monotonic() + longest
    while True:
        answer = management.call("GET", *place)
        said = answer.json()
        state = said.get("state", f"answer {answer.status}")
        servers = said.get("server") or []
        faults = [server["error"] for server in servers if server.get("error")]
        if state == "error" or faults:
            why = "; ".join(faults) or said.get("error") or "no reason is given"
            raise Problem(f"{what} failed to deploy to {place[1]}: {why}; fix that and run the same command again")
        if state == "deployed" and all(server.get("status", "deployed") == "deployed" for server in servers):
            return
        # A gateway error is tried again; an answer that waiting cannot change is reported at once.
        if 400 <= answer.status < 500 and answer.status not in (404, 408, 429):
            raise Problem(f"{what} cannot be looked at: {answer.reason()}")
        if time.monotonic() >= end:
            raise Problem(f"{what} is still {state} in {place[1]} after {longest} s: look at it in Apigee, then run the same command again")
        time.sleep(pause)


def ensure_target(management, environment):
    """Makes the target server what environments.toml says; without a URL there it is kept by hand."""
    target = environment.get("target", {})
    if not target.get("url") or not target.get("server"):
        return
    parts = urllib.parse.urlsplit(target["url"])
    wanted = {"name": target["server"], "host": parts.hostname, "port": parts.port or 443, "isEnabled": True, "sSLInfo": {"enabled": "true"}}
    if target.get("auth") == "mtls":
        wanted["sSLInfo"] |= {"clientAuthEnabled": "true", "keyStore": target["secret"], "keyAlias": target["secret"]}
    place = ("environments", environment["name"], "targetservers")
    answer = management.call("GET", *place, target["server"])
    method, path = ("POST", place) if answer.status == 404 else ("PUT", (*place, target["server"]))
    if answer.status == 200 and covers(answer.json(), wanted):
        return
    answer = management.call(method, *path, body=json.dumps(wanted).encode())
    if answer.status >= 300:
        raise Problem(f"the target server {target['server']} of {environment['name']} cannot be set: {answer.reason()}")
    print(f"{target['server']}: target server of {environment['name']} set to {parts.hostname}")


def covers(found, wanted):
    """Whether everything wanted is there already; values that the API adds do not matter."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(covers(found.get(key), value) for key, value in wanted.items())
    return str(found).lower() == str(wanted).lower()


def remove(api, environment, pull_request):
    """Undeploys and deletes the proxy of a pull request; nothing to do is fine."""
    management = Management(environment["organisation"])
    name = proxy_name(api, environment, pull_request)
    answer = management.call("GET", "apis", name, "deployments")
    if answer.status == 404:
        print(f"{name}: not there")
        return
    for stage in answer.json().get("environment", []):
        for revision in stage.get("revision", []):
            place = ("environments", stage["name"], "apis", name, "revisions", str(revision["name"]), "deployments")
            settle(management.call("DELETE", *place), f"revision {revision['name']} of {name} cannot be undeployed")
    settle(management.call("DELETE", "apis", name), f"{name} cannot be deleted")
    print(f"{name}: deleted")


def settle(answer, otherwise):
    """Nothing when the answer is good, or says that there is nothing left; else a Problem."""
    if answer.status >= 300 and answer.status != 404:
        raise Problem(f"{otherwise}: {answer.reason()}; run the same command again")


def sign_in():
    """An access token for the machine account; a Problem without one."""
    form = {"grant_type": "password", "username": os.environ.get("APIGEE_USERNAME"), "password": os.environ.get("APIGEE_PASSWORD")}
    missing = [f"APIGEE_{key.upper()}" for key, value in form.items() if not value]
    if missing:
        raise Problem(f"set {' and '.join(missing)} to sign in to Apigee")
    address = os.environ.get("APIGEE_LOGIN_URL") or LOGIN
    headers = {"Authorization": f"Basic {CLIENT}", "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = web.request("POST", address, headers=headers, body=urllib.parse.urlencode(form).encode())
    token = answer.json().get("access_token")
    if answer.status != 200 or not token:
        raise Problem(f"Apigee does not sign {form['username']} in: {answer.reason()}")
    return token


def main(arguments):
    if arguments != ["token"]:
        raise Problem(__doc__.strip())
    sys.stdout.write(sign_in())


if __name__ == "__main__":
    environments.run(main)
