"""Every field and parameter of every call missing, mistyped, too long and wrongly encoded, made from the document.

A new call is covered as soon as docs/reference/openapi.yaml has it.
"""
import copy
import json
import re

import pytest

from document import OPERATIONS

# What the document cannot tell: the query that makes the body count.
QUERIES = {"insertObject": {"uploadType": "resumable"}}
# Firebase's Python SDK compares this message, so it names nothing.
LITERAL = "Request contains an invalid argument."
# What messages for people call a field otherwise.
ALSO_NAMED = {"accountId": "service account's name", "shaHash": "fingerprint"}
OF_KIND = {"boolean": True, "integer": 7, "string": "text", "array": [], "object": {}}
BAD_TEXTS = {"a byte that is no UTF-8": b"\xff", "an overlong slash": b"\xc0\xaf", "a raw surrogate": b"\xed\xa0\x80",
             "a lone surrogate": b"\\ud800", "a control byte": b"\x01", "a bad escape": b"\\x"}
BAD_BODIES = {
    "nothing": b"", "half an object": b'{"a":', "a list": b"[]", "a number": b"7", "two values": b"{}{}",
    "a trailing comma": b'{"a":1,}', "a comment": b"/* */{}", "a word": b"nonsense", "single quotes": b"{'a':1}",
    "UTF-16": '{"a":1}'.encode("utf-16"), "a byte order mark": b"\xef\xbb\xbf{}", "NUL": b"\0{}",
    "a list of depth 10,000": b"[" * 10_000 + b"]" * 10_000, "depth without an end": b"[" * 200_000,
    "an object of depth 10,000": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a number past all": b'{"a":1e999999}', "a number of 200,000 digits": b'{"a":' + b"9" * 200_000 + b"x}",
    "blanks": b" " * 250_000, "a million blanks": b" " * 1_000_000, "a wide list": b"[" + b"0," * 100_000 + b"0]",
    "a long name": b'{"' + b"a" * 250_000 + b'"',
}
BAD_SEGMENTS = [
    "..", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fgodwit.db", "..%5c..%5cgodwit.db", "%2fetc%2fpasswd",
    "a%00b", "x" * 3000, "%ff", "%c0%ae%c0%ae%2f", "%ed%a0%80", "%", "%zz", "%2", "%20", "*", "%0d%0aX-Evil:%20yes",
    "a%2f..%2f..%2fb", "....%2f%2f", "%252e%252e%252f", "~root", "$(id)", "'%20OR%201=1--", "%7b%7d"]


def kinds(schema):
    kind = schema.get("type", "string")
    return kind if isinstance(kind, list) else [kind]


def example(schema, name, world):
    if name in world.values:
        return world.values[name]
    if "const" in schema:
        return schema["const"]
    if "examples" in schema:
        return schema["examples"][0]
    kind = kinds(schema)[0]
    if kind == "object":
        return {key: example(value, key, world) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], name, world)]
    return {"integer": max(1, schema.get("minimum", 1)), "boolean": True}.get(kind, schema.get("enum", ["x"])[0])


def fields(schema, path=()):
    """(path, schema, required) of each property, from the outside in."""
    for name, value in schema.get("properties", {}).items():
        yield (*path, name), value, name in schema.get("required", [])
        yield from fields(value, (*path, name))


def breaks(schema, value):
    """Whether the text is against the schema's own limits."""
    return len(value) > schema.get("maxLength", len(value)) or not re.search(schema.get("pattern", ""), value)


def wrong_values(schema):
    """(what, value) of each way to be wrong."""
    allowed = kinds(schema)
    for kind, value in OF_KIND.items():
        if kind not in allowed:
            yield f"mistyped: {kind}", value
    if "integer" in allowed:
        yield from (("past all integers", value) for value in (10**30, -10**30, 1.5))
        if "minimum" in schema:
            yield "too small", schema["minimum"] - 1
    if "string" in allowed:
        yield from (("too long", text) for text in ("x" * 5000, "x" * 70_000) if breaks(schema, text))
        if breaks(schema, "a\0b"):
            yield "NUL", "a\0b"
    if "array" in allowed:
        if "maxItems" in schema:
            item = schema["items"].get("examples", ["x"])[0]
            yield "too many", [item] * (schema["maxItems"] + 1)
        yield from ((f"an item is {what}", [value]) for what, value in wrong_values(schema["items"]))


class Call:
    """One operation with all that a good request to it has, to be spoiled in one place."""

    def __init__(self, world, operation):
        self.world, self.operation = world, operation
        self.path = {p["name"]: example(p["schema"], p["name"], world) for p in operation.parameters_in("path")}
        self.query = {p["name"]: example(p["schema"], p["name"], world) for p in operation.parameters_in("query")
                      if p.get("required")} | QUERIES.get(operation.id, {})
        self.schema = operation.bodies.get("application/json") or {}
        self.body = example(self.schema, "", world) if self.schema else None

    def send(self, body=None, path=None, query=None, headers=None):
        target = re.sub(r"\{([^}]*)\}", lambda m: (self.path | (path or {}))[m.group(1)], self.operation.path)
        pairs = (self.query | (query or {})).items()
        target += "?" + "&".join(f"{name}={value}" for name, value in pairs)
        data = body if body is not None else json.dumps(self.body) if self.schema else b""
        kind = next(iter(self.operation.bodies), "application/json")
        kind = "application/json" if self.schema else kind
        return self.world.server.request(
            self.operation.method, target,
            self.world.headers(self.operation) | {"Content-Type": kind} | (headers or {}), data)

    def mask(self, path):
        """The query that makes a field of a patch count."""
        names = [p["name"] for p in self.operation.parameters_in("query")]
        return {"updateMask": ".".join(path)} if "updateMask" in names else {}


def complaint(status, body, named=()):
    """What is wrong with an answer that should refuse; None when it is a good refusal."""
    if body == b"" and 400 <= status < 500:
        return None  # HEAD, and a cancelled session.
    if body.startswith(b"<?xml") and 400 <= status < 500 and b"<Message>" in body:
        return None
    try:
        answer = json.loads(body)
    except ValueError:
        return f"{status} without JSON"
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, str):  # OAuth's form.
        error = {"message": answer["error_description"]}
    if status == 200 and not (error and answer.get("done")):
        return "200"
    if not error or status >= 500:
        return f"{status} {body[:200]}"
    message = error["message"]
    if len(message) < 10 or not message.isprintable():
        return f"{status} with the message {message!r}"
    words = message.lower().replace(" ", "")
    named = [*named, *(ALSO_NAMED[name] for name in named if name in ALSO_NAMED)]
    if status == 400 and named and message != LITERAL and not any(
            name.lower().replace(" ", "") in words for name in named):
        return f"does not name {named[0]}: {message}"
    return None


def report(problems):
    bad = [f"{where}: {what}: {why}" for where, what, why in problems if why]
    assert not bad, "\n" + "\n".join(bad)


JSON_CALLS = [o for o in OPERATIONS if "properties" in o.bodies.get("application/json", {})]


@pytest.mark.parametrize("operation", JSON_CALLS, ids=str)
def test_each_bad_field_is_refused_by_its_name(world, operation):
    call = Call(world, operation)
    status, _, body = call.send()
    assert status in (200, 409) or b"FAILED_PRECONDITION" in body, body  # 409: it is there already.
    problems = []
    for path, schema, required in fields(call.schema):
        bad = list(wrong_values(schema)) + ([("missing", None)] if required else [])
        for what, value in bad:
            spoiled = copy.deepcopy(call.body)
            parent = spoiled
            for name in path[:-1]:
                parent = parent[name]
            if what == "missing":
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            status, _, body = call.send(json.dumps(spoiled), query=call.mask(path))
            problems.append((".".join(path), what, complaint(status, body, named=[path[-1], "over the limit"])))
    assert len(problems) > 4
    report(problems)


@pytest.mark.parametrize("operation", JSON_CALLS, ids=str)
def test_each_text_that_is_no_text_is_refused_with_its_place(world, operation):
    call = Call(world, operation)
    problems = []
    for path, schema, _ in fields(call.schema):
        if "string" not in kinds(schema):
            continue
        for what, data in BAD_TEXTS.items():
            spoiled = copy.deepcopy(call.body)
            parent = spoiled
            for name in path[:-1]:
                parent = parent[name]
            parent[path[-1]] = "SPOILED"
            status, _, body = call.send(json.dumps(spoiled).encode().replace(b"SPOILED", data), query=call.mask(path))
            problems.append((".".join(path), what, complaint(status, body, named=["line 1, column"])))
    report(problems)


@pytest.mark.parametrize("operation", JSON_CALLS, ids=str)
def test_each_body_that_is_no_object_is_refused(world, operation):
    call = Call(world, operation)
    answers = {what: call.send(data) for what, data in BAD_BODIES.items()
               if data or operation.body_required}
    assert not [(what, status, body) for what, (status, _, body) in answers.items()
                if complaint(status, body) or status not in (400, 413)]


def wrong_texts(schema):
    kind = kinds(schema)[0]
    if kind == "integer":
        yield from ("x", "1.5", "1e3", "0x1", "%201", "9" * 30, "-" + "9" * 30)
        yield from (str(schema[limit] + step) for limit, step in (("minimum", -1), ("maximum", 1)) if limit in schema)
    elif kind == "boolean":
        yield from ("maybe", "1", "TRUE%00")
    elif "enum" in schema:
        yield from ("nonsense", "a%00", "x" * 5000)
    elif breaks(schema, "!" * 5000):
        yield "!" * 5000


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_each_bad_parameter_is_refused_by_its_name(world, operation):
    call = Call(world, operation)
    problems = []
    for parameter in operation.parameters_in("query"):
        name = parameter["name"]
        if call.body:
            call.body.pop(name, None)  # Where both may name the object, the query shall.
        for text in wrong_texts(parameter["schema"]):
            status, _, body = call.send(query={name: text})
            problems.append((name, text[:40], complaint(status, body, named=[name])))
    report(problems)


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.parameters_in("path")], ids=str)
def test_no_path_leads_out(world, operation):
    """Every placeholder as a way to another folder, a file, a header or past a limit."""
    call = Call(world, operation)
    problems = []
    for parameter in operation.parameters_in("path"):
        for text in BAD_SEGMENTS:
            status, headers, body = call.send(path={parameter["name"]: text})
            # An object may have any name: it is no path on the disk.
            problem = None if status < 300 and parameter["name"].lower().endswith("object") else complaint(status, body)
            if "x-evil" in headers or b"root:" in body or b"SQLite" in body:
                problem = "it leads out"
            problems.append((parameter["name"], text[:40], problem))
    report(problems)
    assert world.server.request("GET", "/readyz")[0] == 200
