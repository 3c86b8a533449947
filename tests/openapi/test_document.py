"""The description, the reference page and the server name the same calls."""
import json
import re

import pytest

from document import METHODS, OPERATIONS, ROOT

PAGE = "".join((ROOT / f"docs/reference/{name}-api.md").read_text() for name in ("http", "access"))


def shape(path):
    """The path with every placeholder alike, without its query."""
    return re.sub(r"\{[^}]*\}", "{}", path.split("?")[0].rstrip("…"))


def calls_of_the_page():
    """(method, shape) of each call in the page's tables; a shape may begin with "…"."""
    for row in re.findall(r"^\|(.*?)\|", PAGE, re.MULTILINE):
        # "`GET`, `DELETE /a`, `POST /b`, `/c`": a path takes the methods since the last one, or its.
        methods, last = [], []
        for words in re.findall(r"`([^`]*)`", row):
            *verbs, path = words.split(" ", 1)
            if words in METHODS:
                methods.append(words)
            elif set(verbs) <= set(METHODS) and path.startswith(("/", "…")):
                last = methods + verbs or last
                methods = []
                yield from ((method, shape(path)) for method in last)


DOCUMENTED = {(operation.method, shape(operation.path)) for operation in OPERATIONS}


def matches(call):
    method, path = call
    return [known for known in DOCUMENTED if known[0] == method and (
        known[1].endswith(path[1:]) if path.startswith("…") else known[1] == path)]


def test_each_call_of_the_page_is_in_the_document():
    calls = set(calls_of_the_page())
    assert len(calls) > 25, "the page's tables have another form than this test reads"
    assert not [call for call in sorted(calls) if not matches(call)]


def test_each_call_of_the_document_is_on_the_page():
    on_page = {known for call in calls_of_the_page() for known in matches(call)}
    assert not sorted(DOCUMENTED - on_page)


def path_of(operation, world):
    """A path that leads somewhere."""
    return re.sub(r"\{([^}]*)\}", lambda m: world.values[m.group(1)], operation.path)


def is_unknown(status, body):
    return status == 404 and re.search(rb"there is nothing at this path|there is no such method or resource", body)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_server_knows_each_call(world, operation):
    """Asked without credentials, so that nothing changes."""
    needed = "&".join(p["name"] + "=x" for p in operation.parameters_in("query") if p.get("required"))
    status, _, body = world.server.request(operation.method, f"{path_of(operation, world)}?{needed}", body=b"")
    assert not is_unknown(status, body), body


@pytest.mark.parametrize("operation", {o.path: o for o in OPERATIONS}.values(), ids=lambda o: o.path)
def test_a_path_has_no_other_methods(world, operation):
    known = {method for method, path in DOCUMENTED if path == shape(operation.path)}
    for method in {*METHODS} - known:
        if method == "HEAD" and "GET" in known:
            continue  # Where something can be read, its head can be.
        status, _, body = world.server.request(
            method, path_of(operation, world), world.credentials["accessToken"] | world.credentials["apiKey"], b"")
        assert status in (400, 404, 405), (method, body)


@pytest.mark.parametrize("path", [
    "/", "/nothing", "/v1", "/v1/projects/godwit/models", "/v1beta1/projects",
    "/v1beta2", "/blobs", "/blobs/sha256", "/blobs/md5/0", "/healthz/x", "/metrics/x", "/tokens",
    "/storage", "/storage/v2/b", "/upload", "/download", "/admin", "/.git/config", "/godwit.db", "/%2e%2e/godwit.db"])
def test_an_unknown_path_is_404_and_says_where_to_look(world, path):
    for method in ("GET", "POST"):
        status, headers, body = world.server.request(method, path, body=b"" if method == "POST" else None)
        assert status == 404, body
        assert headers["content-type"].startswith("application/json")
        assert json.loads(body)["error"]["message"]
