"""What the tests share: the running sandbox, and the address that is tested."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

# Seconds within which the sandbox must answer; on an idle machine it takes one or two.
READY = 30
ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(config, items):
    """Integration tests are skipped without a deployed proxy; the reason says what is missing."""
    token = getattr(config.option, "APIGEE_ACCESS_TOKEN", None) or os.environ.get("APIGEE_ACCESS_TOKEN")
    missing = None
    if not getattr(config.option, "PROXY_NAME", ""):
        missing = "--proxy-name is not given: the name of the deployed proxy"
    elif not token:
        missing = "APIGEE_ACCESS_TOKEN is not set"
    for item in items:
        if missing and item.get_closest_marker("integration"):
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def sandbox():
    """The base URL of this repository's own sandbox, running on a free port for as long as the tests do."""
    environment = {**os.environ, "PORT": "0", "HOST": "127.0.0.1"}
    log = ROOT / "build" / "sandbox.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        # Its first line says where it listens; a line for each call follows.
        server = subprocess.Popen(
            ["node", "sandbox/server.js"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _address(server, log):
    deadline = time.monotonic() + READY
    while server.poll() is None and time.monotonic() < deadline:
        first, ended, _ = log.read_text(encoding="utf-8").partition("\n")
        if ended:
            return json.loads(first)["sandbox"]
        time.sleep(0.05)
    pytest.fail(f"the sandbox does not start: {log.read_text(encoding='utf-8')}", pytrace=False)


@pytest.fixture(scope="session")
def base_url(request):
    """The API under test: BASE_URL, or the sandbox when that is not set."""
    return os.environ.get("BASE_URL", "").rstrip("/") or request.getfixturevalue("sandbox")
