r"""Is the API there, and is it well? For the sandbox (`make test`), or for any address:

    BASE_URL=https://… .venv/bin/pytest -p no:nhsd_apim tests/test_deployed.py

And does a deployed proxy let in exactly the callers that it should? Never part of `make test`:

    make build/specification.json
    APIGEE_ACCESS_TOKEN=… .venv/bin/pytest -m integration tests/test_deployed.py \
        --api-name={{ name }} --proxy-name={{ name }}-internal-dev

pytest-nhsd-apim finds the proxy, makes an application that subscribes to its product and logs it in.
"""

import os

import pytest
import requests
import specification

TIMEOUT = 30

# How to get a token for each access mode; the users are those of the platform's identity mock.
ACCESS = {
    "app-level0": {"access": "application", "level": "level0"},
    "app-level3": {"access": "application", "level": "level3"},
    "nhs-login-p0": {"access": "patient", "level": "P0", "login_form": {"username": "9912003071"}},
    "nhs-login-p5": {"access": "patient", "level": "P5", "login_form": {"username": "9912003071"}},
    "nhs-login-p9": {"access": "patient", "level": "P9", "login_form": {"username": "9912003071"}},
    "nhs-cis2-aal1": {"access": "healthcare_worker", "level": "aal1", "login_form": {"username": "656005750104"}},
    "nhs-cis2-aal3": {"access": "healthcare_worker", "level": "aal3", "login_form": {"username": "656005750104"}},
}
MODES = [{% for mode in access_modes %}"{{ mode }}"{% unless forloop.last %}, {% endunless %}{% endfor %}]
UNGUARDED = ("/_ping", "/_status", "/health")


def test_ping_tells_the_release(base_url):
    answer = requests.get(f"{base_url}/_ping", timeout=TIMEOUT)
    assert answer.status_code == 200
    assert {"version", "revision", "commitId"} <= set(answer.json())


def test_status_is_pass(base_url):
    key = os.environ.get("STATUS_ENDPOINT_API_KEY", "")
    if os.environ.get("BASE_URL") and not key:
        pytest.skip("STATUS_ENDPOINT_API_KEY is not set: a deployed API reports its status only with this key")
    answer = requests.get(f"{base_url}/_status", headers={"apikey": key}, timeout=TIMEOUT)
    assert answer.status_code == 200
    assert answer.json()["status"] == "pass"


@pytest.fixture(scope="module")
def resource():
    """The path of an operation that needs credentials."""
    for method, path, _, _ in specification.operations(specification.load()):
        if method == "GET" and path not in UNGUARDED:
            return specification.sent(path)
    return pytest.skip("the specification describes no GET that needs credentials")


@pytest.mark.integration
def test_ping_needs_no_credentials(nhsd_apim_proxy_url):
    assert requests.get(f"{nhsd_apim_proxy_url}/_ping", timeout=TIMEOUT).status_code == 200


@pytest.mark.integration
def test_status_is_pass_for_the_monitoring_key(nhsd_apim_proxy_url, status_endpoint_auth_headers):
    answer = requests.get(f"{nhsd_apim_proxy_url}/_status", headers=status_endpoint_auth_headers, timeout=TIMEOUT)
    assert answer.status_code == 200
    assert answer.json()["status"] == "pass"


@pytest.mark.integration
def test_nobody_comes_in_without_credentials(nhsd_apim_proxy_url, resource):
    assert requests.get(f"{nhsd_apim_proxy_url}{resource}", timeout=TIMEOUT).status_code == 401


@pytest.mark.integration
@pytest.mark.parametrize(
    "mode", [pytest.param(mode, marks=pytest.mark.nhsd_apim_authorization(ACCESS[mode])) for mode in MODES]
)
def test_each_access_mode_is_let_in(mode, nhsd_apim_proxy_url, nhsd_apim_auth_headers, resource):
    answer = requests.get(f"{nhsd_apim_proxy_url}{resource}", headers=nhsd_apim_auth_headers, timeout=TIMEOUT)
    assert answer.status_code not in (401, 403), mode
