"""Does the sandbox answer each documented example with that example, and does the example fit its schema? Does it answer each
documented call as documented, and does it refuse others?

`Prefer` asks for a documented answer: there is no other way to get most of them. It also keeps the sandbox from checking a call.
What is below the line "Calls" is sent without it.
"""

import http.client
import json
import re
import subprocess
import time
import warnings
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import specification
from calls import Calls
from values import Xml, is_json, is_xml

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


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    media_type: str
    body: bytes

    def __str__(self):
        return f"{self.status} {self.media_type} {self.body[:500]!r}"


def send(base_url, method, target, headers, body=None):
    """The answer to a call."""
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers.get("Content-Type", ""), response.read())
    finally:
        connection.close()


def get(base_url, path):
    """Status and text of the answer to a plain call."""
    answer = send(base_url, "GET", path, {})
    return answer.status, answer.body.decode()


def preferred(base_url, method, path, headers):
    """Status and text of the answer that `Prefer` asks for."""
    if method not in METHODS:
        pytest.skip(f"this Node.js does not know the method {method}")
    answer = send(base_url, method, path, headers)
    return answer.status, answer.body.decode()


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
    is_form = re.search(r"/x-www-form-urlencoded\b", example.media_type, re.IGNORECASE) is not None
    return (is_form or is_xml(example.media_type)) and isinstance(example.value, (dict, list))


@each("example", EXAMPLES, "the specification has no example of an answer")
def test_the_example_is_answered(sandbox, example):
    if specification.leads_nowhere(example.value):
        pytest.skip(f"{example}: it is only a reference, `{example.value['$ref']}`, which leads nowhere")
    status, body = preferred(
        sandbox, example.method, example.path, {"Accept": example.media_type, "Prefer": prefer(example)}
    )
    assert status == example.status, body
    if example.has_body and is_written_by_schema(example):
        assert body
    elif example.has_body:
        assert any(is_the_example(body, value) for value in ALTERNATIVES[example]), body


def misfit(example):
    """Why the example does not fit its schema; None when it does. Of XML and the like only a parser could say it."""
    json_type = is_json(example.media_type)
    if example.schema is None or specification.leads_nowhere(example.value) or not (json_type or example.media_type.startswith("text/")):
        return None
    value = specification.parsed(example.value) if json_type and isinstance(example.value, str) else example.value
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
    status, body = get(sandbox, path)
    assert status == 200
    assert json.loads(body)["status"] == "pass"


@pytest.mark.parametrize(("method", "path", "code"), specification.first_answers(DOCUMENT))
def test_every_operation_answers(sandbox, method, path, code):
    status, body = preferred(sandbox, method, path, {"Prefer": f"code={code}"})
    assert status == code, body


# --- Calls -----------------------------------------------------------------------------------------------------------

# Calls that are under way at once, and seconds after which no other is begun.
THREADS = 4
PATIENCE = 120
CALLS = Calls(specification.load())
ANSWER_SCHEMAS = specification.Schemas(CALLS.document, "writeOnly")
DOCUMENTED = list(CALLS.documented())
WRONG = list(CALLS.wrong())


def send_call(base_url, call):
    """The answer to the call."""
    headers = call.headers | ({"Accept": call.accept} if call.accept else {})
    headers = {name: value.encode() for name, value in headers.items()}
    return send(base_url, call.method or call.operation.method, call.target, headers, call.body)


def missing(call):
    """Why the call is not sent; None when it is."""
    if (call.method or call.operation.method) not in METHODS:
        return f"this Node.js does not know the method {call.operation.method}"
    return call.unsent


@pytest.fixture(scope="session")
def answers(sandbox, request):
    """The answer to each call of the tests that run, while it comes: they are sent several at once."""
    last = time.monotonic() + PATIENCE
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    calls = [call for one in parameters if (call := one.get("sent")) and not missing(call)]
    with ThreadPoolExecutor(THREADS) as pool:
        yield {id(call): pool.submit(lambda call=call: send_call(sandbox, call) if time.monotonic() < last else None) for call in calls}


def answered(answers, call):
    """The answer to the call, or a skipped test that says why there is none."""
    if why := missing(call):
        pytest.skip(f"{call}: {why}")
    answer = answers[id(call)].result()
    if answer is None:
        pytest.skip(f"not sent, because the calls before it took {PATIENCE} seconds")
    return answer


def covers(media_type, actual):
    """Is the actual media type the documented one, or of its range?"""
    documented, actual = (kind.split(";")[0].strip().lower().split("/") for kind in (media_type, actual))
    return len(actual) == 2 and all(one in ("*", other) for one, other in zip(documented, actual, strict=True))


def body_problem(operation, answer, media, pointer):
    """What is wrong with the body; None when it is an example of that media, or fits its schema."""
    text = answer.body.decode(errors="replace")
    document = operation.document
    if any(is_the_example(text, value) for _, value in specification.media_examples(document, media, pointer)):
        return None
    if not answer.body:
        return "the body is empty"
    if "schema" not in media:
        return None
    if is_xml(answer.media_type):
        return xml_problem(text, Xml(document).root(media["schema"]))
    value = text
    if is_json(answer.media_type):
        try:
            value = json.loads(text)
        except ValueError as error:
            return f"the body is not JSON: {error}"
    elif not answer.media_type.startswith("text/"):
        return None
    return made_up_misfit(operation, f"{pointer}/schema", value)


def made_up_misfit(operation, pointer, value):
    """Why the made-up body does not fit its schema; None when it does. What the schema itself gives as an example is not the
    fault of the sandbox, which takes it."""
    try:
        errors = ANSWER_SCHEMAS.errors(pointer, value)
    except specification.UNUSABLE:
        return None
    examples = list(specification.schema_examples(operation.document, {"$ref": f"#{pointer}"})) if errors else []
    own = [error for error in errors if any(part in examples for part in parts(value, error.absolute_path))]
    if own:
        why = specification.worst(own)
        # pytest.ini says whether this is a warning or a failure.
        warnings.warn(f"{operation.method} {operation.path}: examples in the schema of an answer do not fit their schemas: {why}", stacklevel=1)
    return specification.worst([error for error in errors if error not in own])


def parts(value, path):
    """The value, and each part of it on the way to what the path leads to."""
    yield value
    for key in path:
        value = value[key]
        yield value


def xml_problem(text, root):
    try:
        tag = ElementTree.fromstring(text).tag.rsplit("}", 1)[-1]
    except ElementTree.ParseError as error:
        return f"the body is not XML: {error}"
    return None if root in (tag, "root") else f"the outermost element is {tag}, not {root}"


def problem(call, answer):
    """What is wrong with the answer to a documented call; None when it is documented."""
    operation = call.operation
    if answer.status // 100 != 2 if operation.has_success() else operation.answers and not operation.answer(answer.status):
        return "the call is documented, and the answer is not a success"
    if operation.answers and not operation.answer(answer.status):
        return f"the specification does not document the status {answer.status} here"
    contents = operation.contents(answer.status)
    if operation.method == "HEAD" or answer.status in (204, 205, 304):
        return None
    if not contents:
        return "the specification documents no body here" if answer.body else None
    fitting = [(media, pointer) for kind, media, pointer in contents if covers(kind, answer.media_type)]
    if not fitting:
        return f"the specification documents {', '.join(kind for kind, _, _ in contents)} here"
    return body_problem(operation, answer, *fitting[0])


def has_example(call):
    """Does the answer have an example of the media type that the call accepts?"""
    operation = call.operation
    contents = [content for status in (200, 201, 202, 203) for content in operation.contents(status)]
    found = [list(specification.media_examples(operation.document, media, at)) for kind, media, at in contents if kind == call.accept]
    return any(found)


def report(call, answer, why):
    """What was sent, what came back, and what is wrong with it."""
    method = call.method or call.operation.method
    return f"{call}: {why}\n  sent: {method} {call.target} {call.headers} {(call.body or b'')[:500]!r}\n  answer: {answer}"


@each("sent", DOCUMENTED, "the specification describes no operation")
def test_a_documented_call_is_answered_as_documented(answers, sent):
    answer = answered(answers, sent)
    if answer.status == 406 and sent.accept and not has_example(sent):
        pytest.skip(f"{sent}: the sandbox makes up no body of this type: give the answer an example")
    if why := problem(sent, answer):
        pytest.fail(report(sent, answer, why), pytrace=False)


@each("sent", WRONG, "the specification describes no operation")
def test_a_call_that_is_not_documented_is_refused(answers, sent):
    answer = answered(answers, sent)
    if not 400 <= answer.status < 500:
        pytest.fail(report(sent, answer, "the specification does not allow the call, and it is not refused"), pytrace=False)


def test_a_path_that_is_not_documented_is_refused(sandbox):
    assert get(sandbox, CALLS.nowhere())[0] == 404


def test_every_example_of_a_call_fits_its_schema():
    # pytest.ini says whether this is a warning or a failure.
    misfits = [misfit for operation in CALLS.operations for misfit in operation.misfits]
    if misfits:
        listed = "\n  ".join(misfits[:20])
        warnings.warn(f"{len(misfits)} examples of calls do not fit their schemas, and are not sent:\n  {listed}", stacklevel=1)
