"""HTTP for the scripts: one request, its status and its body; never a redirect, never a secret over plain http."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

from environments import Problem

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Seconds that one request may take.
PATIENCE = 60


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token on to wherever it says."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


class Answer:
    """A status and a body, whatever the status is."""

    def __init__(self, status, body):
        self.status = status
        self.body = body

    def json(self):
        """The body as JSON; an empty dictionary when it is not a JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def reason(self):
        """What the answer says went wrong: at most 300 characters of one line."""
        said = self.json()
        text = said.get("message") or said.get("detail") or said.get("error_description") or self.body.decode("utf-8", "replace")
        return " ".join(str(text).split())[:300] or "it gave no reason"


def request(method, address, *, headers=None, body=None):
    """Sends one request; a Problem when there is no answer."""
    try:
        parts = urllib.parse.urlsplit(address)
        place = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError as error:
        raise Problem(f"this is not an address ({error}): write it as https://HOST/PATH") from error
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise Problem(f"{place}: only https is spoken to other machines")
    ask = urllib.request.Request(address, data=body, headers=headers or {}, method=method)
    try:
        with OPENER.open(ask, timeout=PATIENCE) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        reason = getattr(error, "reason", error)
        raise Problem(f"{place} does not answer ({reason}): look at the address and the network, and run the same command again") from error
