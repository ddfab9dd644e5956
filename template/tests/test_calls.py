"""Does the sandbox answer each documented call as documented, and does it refuse others?

Nothing here is sent with `Prefer`, which keeps the sandbox from checking a call. tests/test_sandbox.py asks for the other
documented answers by `Prefer`: there is no other way to get them.
"""

import http.client
import json
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree

import encoded
import pytest
import specification
from calls import Calls
from test_sandbox import METHODS, each, is_the_example

# Calls that are under way at once, and seconds after which no other is begun.
THREADS = 4
PATIENCE = 120
CALLS = Calls(specification.load())
SCHEMAS = specification.Schemas(CALLS.document, "writeOnly")
DOCUMENTED = list(CALLS.documented())
WRONG = list(CALLS.wrong())


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    media_type: str
    body: bytes

    def __str__(self):
        return f"{self.status} {self.media_type} {self.body[:500]!r}"


def send(base_url, call):
    """The answer to the call."""
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    headers = {name: value.encode() for name, value in (call.headers | ({"Accept": call.accept} if call.accept else {})).items()}
    try:
        connection.request(call.method or call.operation.method, call.target, call.body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers.get("Content-Type", ""), response.read())
    finally:
        connection.close()


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
        yield {id(call): pool.submit(lambda call=call: send(sandbox, call) if time.monotonic() < last else None) for call in calls}


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
    if encoded.is_xml(answer.media_type):
        return xml_problem(text, encoded.Xml(document).root(media["schema"]))
    value = text
    if encoded.is_json(answer.media_type):
        try:
            value = json.loads(text)
        except ValueError as error:
            return f"the body is not JSON: {error}"
    elif not answer.media_type.startswith("text/"):
        return None
    return misfit(operation, f"{pointer}/schema", value)


def misfit(operation, pointer, value):
    """Why the made-up body does not fit its schema; None when it does. What the schema itself gives as an example is not the
    fault of the sandbox, which takes it."""
    try:
        errors = SCHEMAS.errors(pointer, value)
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
    connection = http.client.HTTPConnection(urlsplit(sandbox).netloc, timeout=30)
    connection.request("GET", CALLS.nowhere())
    assert connection.getresponse().status == 404
    connection.close()


def test_every_example_of_a_call_fits_its_schema():
    # pytest.ini says whether this is a warning or a failure.
    misfits = [misfit for operation in CALLS.operations for misfit in operation.misfits]
    if misfits:
        listed = "\n  ".join(misfits[:20])
        warnings.warn(f"{len(misfits)} examples of calls do not fit their schemas, and are not sent:\n  {listed}", stacklevel=1)
