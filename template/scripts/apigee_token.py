"""Prints an access token for the Apigee management API: the usual APIGEE_TOKEN_COMMAND of the workflows.

    python3 scripts/apigee_token.py

APIGEE_USERNAME and APIGEE_PASSWORD are those of a machine account; APIGEE_LOGIN_URL is another address than Apigee's own.
"""

import base64
import os
import sys
import urllib.parse

import environments
import web
from environments import Problem

LOGIN = "https://login.apigee.com/oauth/token"
# The public client that Apigee documents for its command line: the same for everyone, and no secret.
CLIENT = base64.b64encode(b"edgecli:edgeclisecret").decode()


def main(_):
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
    sys.stdout.write(token)


if __name__ == "__main__":
    environments.run(main)
