"""Does the sandbox answer each documented example with that example, and does the example fit its schema?"""

import http.client
import json
import re
import subprocess
import warnings
from collections import defaultdict
from urllib.parse import urlsplit

import pytest
import specification

DOCUMENT = specification.load()
SCHEMAS = specification.Schemas(DOCUMENT)
EXAMPLES = list(specification.examples(DOCUMENT))
# A call cannot distinguish operations that differ only after `?` or `#`: an example of either is right.
ALTERNATIVES = defaultdict(list)
for _example in EXAMPLES:
    ALTERNATIVES[_example].append(_example.value)
# OpenAPI 3.2 takes any method; a Node.js knows those of its time.
NODE = ["node", "-p", "JSON.stringify(http.METHODS)"]
METHODS = set(json.loads(subprocess.run(NODE, capture_output=True, text=True, check=True).stdout))


def each(name, values, none):
    """A test for each value; where there is none, a skipped one that says so."""
    return pytest.mark.parametrize(name, values or [pytest.param(None, marks=pytest.mark.skip(reason=none))], ids=str)


def call(base_url, method, path, headers):
    """Status and body of the answer."""
    if method not in METHODS:
        pytest.skip(f"this Node.js does not know the method {method}")
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def prefer(example):
    """The header that asks for the example; names may have letters beyond Latin-1."""
    wanted = f"code={example.status}"
    if example.name is not None:
        name = example.name.replace("\\", "\\\\").replace('"', '\\"')
        wanted += f', example="{name}"'
    return wanted.encode()


def numbers_alike(value):
    """The value with every number as JavaScript has it: 1 and 1.0 are the same, and 16 digits are kept."""
    if isinstance(value, dict):
        return {key: numbers_alike(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers_alike(item) for item in value]
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def is_the_example(body, value):
    """Is the body that example? One that is written down as text may be JSON all the same."""
    meanings = [value, specification.parsed(value)] if isinstance(value, str) else [value]
    return numbers_alike(specification.parsed(body)) in [numbers_alike(meaning) for meaning in meanings]


def is_written_by_schema(example):
    """Is it an object that the sandbox writes as XML or as a form?"""
    is_other = re.search(r"[/+]xml\b|/x-www-form-urlencoded\b", example.media_type, re.IGNORECASE)
    return is_other is not None and isinstance(example.value, (dict, list))


@each("example", EXAMPLES, "the specification has no example of an answer")
def test_the_example_is_answered(sandbox, example):
    if specification.leads_nowhere(example.value):
        pytest.skip(f"{example}: it is only a reference, `{example.value['$ref']}`, which leads nowhere")
    status, body = call(
        sandbox, example.method, example.path, {"Accept": example.media_type, "Prefer": prefer(example)}
    )
    assert status == example.status, body
    if example.has_body and is_written_by_schema(example):
        assert body
    elif example.has_body:
        assert any(is_the_example(body, value) for value in ALTERNATIVES[example]), body


def misfit(example):
    """Why the example does not fit its schema; None when it does. Of XML and the like only a parser could say it."""
    is_json = re.search(r"[/+]json\b", example.media_type, re.IGNORECASE)
    if example.schema is None or specification.leads_nowhere(example.value) or not (is_json or example.media_type.startswith("text/")):
        return None
    value = specification.parsed(example.value) if is_json and isinstance(example.value, str) else example.value
    return SCHEMAS.misfit(example.schema, value)


def test_every_example_fits_its_schema():
    # pytest.ini says whether this is a warning or a failure.
    misfits = [f"{example}: {why}" for example in EXAMPLES if (why := misfit(example))]
    if misfits:
        listed = "\n  ".join(misfits[:20])
        warnings.warn(f"{len(misfits)} of {len(EXAMPLES)} examples do not fit their schemas:\n  {listed}", stacklevel=1)


# A `/health` of the specification is answered as it says.
OWN_PATHS = ["/_ping", "/_status"] + ([] if "get" in (DOCUMENT.get("paths") or {}).get("/health", {}) else ["/health"])


@pytest.mark.parametrize("path", OWN_PATHS)
def test_the_sandbox_says_that_it_is_well(sandbox, path):
    status, body = call(sandbox, "GET", path, {})
    assert status == 200
    assert json.loads(body)["status"] == "pass"


@pytest.mark.parametrize(("method", "path", "code"), specification.first_answers(DOCUMENT))
def test_every_operation_answers(sandbox, method, path, code):
    status, body = call(sandbox, method, path, {"Prefer": f"code={code}"})
    assert status == code, body


def test_what_is_not_described_is_refused(sandbox):
    assert call(sandbox, "GET", "/no/such/path/here", {})[0] == 404
