"""Is the API there, and is it well? For the sandbox, or for any address:

    BASE_URL=https://… .venv/bin/pytest -p no:nhsd_apim tests/test_smoke.py
"""

import os

import pytest
import requests

TIMEOUT = 30


def test_ping_tells_the_release(base_url):
    answer = requests.get(f"{base_url}/_ping", timeout=TIMEOUT)
    assert answer.status_code == 200
    assert {"version", "revision", "commitId"} <= set(answer.json())


def test_status_is_pass(base_url):
    key = os.environ.get("STATUS_ENDPOINT_API_KEY", "")
    if os.environ.get("BASE_URL") and not key:
        pytest.skip("STATUS_ENDPOINT_API_KEY is not set: a deployed API tells its status only to those who watch it")
    answer = requests.get(f"{base_url}/_status", headers={"apikey": key}, timeout=TIMEOUT)
    assert answer.status_code == 200
    assert answer.json()["status"] == "pass"
