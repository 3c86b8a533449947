"""What nobody should send, sent to the real server: a clear error each, and the server stays up."""
import json
import re
import socket
import struct
import time

import pytest

from programs import DIGITS_V1, Godwit, Server, admin_token, sha256

FID = "cAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all of this page: it must stand every row."""
    server = Server(tmp_path_factory.mktemp("bad-input") / "server").start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def godwit(server, tmp_path_factory):
    return Godwit(server, tmp_path_factory.mktemp("home"))


@pytest.fixture
def device(server, godwit):
    """A published model and the headers of a device that may have it."""
    godwit.push("digits", DIGITS_V1.read_bytes(), "--publish")
    app = server.app
    key = {"x-goog-api-key": app["api_key"], "Content-Type": "application/json"}
    body = {"fid": FID, "appId": app["app_id"], "authVersion": "FIS_v2", "sdkVersion": "a:17.0.0"}
    status, _, reply = server.request("POST", f"/v1/projects/{app['project_id']}/installations", key, json.dumps(body))
    assert status == 200, reply
    token = json.loads(reply)["authToken"]["token"]
    return {"x-goog-api-key": app["api_key"], "x-goog-firebase-installations-auth": token}


MODEL = "/v1beta2/projects/godwit/models/digits:download"


def download(server, headers, path=MODEL):
    status, head, body = server.request("GET", path, headers)
    return status, head, json.loads(body) if body else None


def test_a_check_answers_200_then_304(server, device):
    status, head, body = download(server, device)
    assert status == 200
    assert head["etag"].strip('"') == sha256(DIGITS_V1.read_bytes())
    assert int(body["sizeBytes"]) == len(DIGITS_V1.read_bytes())
    assert download(server, device | {"If-None-Match": head["etag"]})[0] == 304


CHECKS = {  # what: (headers to change, path, status)
    "no key": ({"x-goog-api-key": None}, MODEL, 403),
    "a wrong key": ({"x-goog-api-key": "AIza" + "x" * 35}, MODEL, 403),
    "a key of no form": ({"x-goog-api-key": "x"}, MODEL, 403),
    "a forged token": ({"x-goog-firebase-installations-auth": "a.b.c"}, MODEL, 401),
    "no token": ({"x-goog-firebase-installations-auth": None}, MODEL, 401),
    "an unknown model": ({}, MODEL.replace("digits", "nobody"), 404),
    "an unknown version": ({}, MODEL.replace("digits", "digits@99"), 404),
    "an unknown alias": ({}, MODEL.replace("digits", "digits@stable"), 404),
    "another project": ({}, MODEL.replace("godwit", "nowhere"), (403, 404)),
    "an empty name": ({}, MODEL.replace("digits", ""), (400, 401, 404)),
    "a name of slashes": ({}, MODEL.replace("digits", "..%2F..%2Fetc"), (400, 404)),
    "a long name": ({}, MODEL.replace("digits", "x" * 5000), (400, 404)),
}


@pytest.mark.parametrize("what", CHECKS)
def test_a_bad_check_is_refused(server, device, what):
    change, path, expected = CHECKS[what]
    headers = {k: v for k, v in (device | change).items() if v is not None}
    status, _, body = download(server, headers, path)
    assert status in (expected if isinstance(expected, tuple) else (expected,)), body
    assert body["error"]["code"] == status and body["error"]["message"]
    assert download(server, device)[0] == 200


def test_a_bad_blob_link_is_refused(server, device):
    link = re.sub(r"^https?://[^/]+", "", download(server, device)[2]["downloadUri"])
    assert server.request("GET", link)[0] == 200
    cases = {
        re.sub(r"sig=.", lambda m: "sig=" + ("A" if m.group()[-1] != "A" else "B"), link): (403,),
        re.sub(r"exp=\d+", "exp=1000000000", link): (400, 403),
        re.sub(r"kid=[^&]*", "kid=nobody", link): (403,),
        link.split("?")[0]: (400, 403),
        link.replace("sha256/", "sha256/0"): (403, 404),
        link.replace("/blobs/sha256/", "/blobs/../godwit.db"): (400, 403, 404),
    }
    for path, expected in cases.items():
        assert server.request("GET", path)[0] in expected, path
    ranges = {"bytes=0-9": 206, "bytes=-10": 206, "bytes=5-": 206, "bytes=99999999-": 416, "bytes=9-5": 200,
              "lines=1-2": 200, "bytes=0-1,3-4": 200, "bytes=" + "9" * 40 + "-": (200, 416)}
    for value, expected in ranges.items():
        status = server.request("GET", link, {"Range": value})[0]
        assert status in (expected if isinstance(expected, tuple) else (expected,)), value


def test_a_wrong_key_on_installations_is_400(server):
    """Clients throw their identity away on 401 and 404, so a mistyped key must not be either."""
    headers = {"x-goog-api-key": "AIza" + "x" * 35, "Content-Type": "application/json"}
    body = {"fid": FID, "appId": server.app["app_id"], "authVersion": "FIS_v2", "sdkVersion": "a:17.0.0"}
    assert server.request("POST", "/v1/projects/godwit/installations", headers, json.dumps(body))[0] == 400


BODIES = {
    "nothing": b"", "no JSON": b"{", "an array": b"[]", "a number": b"7", "bytes": b"\xff\xfe",
    "a deep nest": b"[" * 5000 + b"]" * 5000, "a long string": b'{"fid":"' + b"x" * 200_000 + b'"}',
    "wrong types": b'{"fid":7,"appId":[],"authVersion":{}}', "twice the same": b'{"fid":"a","fid":"b"}',
}


@pytest.mark.parametrize("what", BODIES)
def test_a_bad_installation_request_is_refused(server, what):
    headers = {"x-goog-api-key": server.app["api_key"], "Content-Type": "application/json"}
    status, _, body = server.request("POST", "/v1/projects/godwit/installations", headers, BODIES[what])
    assert status in (400, 413), body
    assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("method, path", [
    ("GET", "/v1beta2/projects/godwit/models"), ("POST", "/v1beta2/projects/godwit/models"),
    ("DELETE", "/v1beta2/projects/godwit/models/12345678"),
    ("POST", "/upload/storage/v1/b/godwit-models/o?uploadType=media&name=x")])
@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic YTpi", "Bearer"])
def test_an_admin_call_without_a_good_token_is_401(server, method, path, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    assert server.request(method, path, headers, b"{}" if method == "POST" else None)[0] == 401


@pytest.mark.parametrize("assertion", ["", "a.b.c", "x" * 100_000])
def test_a_bad_token_request_is_refused(server, assertion):
    body = f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
    status, _, reply = server.request("POST", "/token", {"Content-Type": "application/x-www-form-urlencoded"}, body)
    assert status in (400, 401, 413) and b"error" in reply


REQUESTS = {  # what: (bytes, first line's status; None: closed without a word is fine, too)
    "no request": (b"\r\n\r\n", {b"400", None}),
    "noise": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {b"400", None}),
    "a bad version": (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", {b"400", b"505"}),
    "no Host": (b"GET /healthz HTTP/1.1\r\n\r\n", {b"400"}),
    "two Hosts": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {b"400"}),
    "a large head": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", {b"431"}),
    "two lengths": (b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", {b"400"}),
    "a length that is none": (b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", {b"400"}),
    "length and chunks": (b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
                          b"\r\n0\r\n\r\n", {b"400"}),
    "an unknown coding": (b"POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", {b"400", b"501"}),
    "a folded header": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", {b"400"}),
    "a space before the colon": (b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", {b"400"}),
    "a byte 0x80 in the target": (b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", {b"400"}),
    "a bad chunk": (b"POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {b"400"}),
    "an unknown path": (b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {b"404"}),
    "an unknown method": (b"BREW /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {b"404", b"405", b"501"}),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_bytes_that_are_no_request_are_refused(server, what):
    sent, expected = REQUESTS[what]
    try:
        reply = server.raw(sent)
    except (ConnectionResetError, BrokenPipeError):
        reply = b""
    found = re.match(rb"HTTP/1\.[01] (\d+) ", reply)
    assert (found.group(1) if found else None) in expected, reply[:200]
    assert server.request("GET", "/healthz")[0] == 200


def hostile(offset, value, size=4):
    """A valid model in which one little-endian number is another."""
    model = bytearray(DIGITS_V1.read_bytes())
    model[offset:offset + size] = struct.pack("<I", value)[:size]
    return bytes(model)


FILES = {
    "nothing": b"", "text": b"This is not a model.", "an identifier alone": b"\x10\x00\x00\x00TFL3",
    "half a model": DIGITS_V1.read_bytes()[:700], "zeros": bytes(4096),
    "a root past the end": hostile(0, 0xFFFFFFF0), "a root onto itself": hostile(0, 0),
    "another identifier": hostile(4, 0x34333231),
}


@pytest.mark.parametrize("what", FILES)
def test_the_command_line_pushes_no_file_that_is_no_model(server, godwit, tmp_path, what):
    file = tmp_path / "bad.tflite"
    file.write_bytes(FILES[what])
    done = godwit.run("model", "push", file, "--name", "face", "--publish")
    assert done.returncode in (2, 6), done.stderr
    assert "bad.tflite" in done.stderr


def test_a_file_that_is_no_model_never_becomes_a_version(server, godwit):
    """Past the command line, which would not send them: with the requests of an Admin SDK."""
    godwit.push("face", DIGITS_V1.read_bytes(), "--publish")
    model = godwit.json("model", "show", "face")
    bearer = {"Authorization": f"Bearer {admin_token(server)}", "Content-Type": "application/json"}
    for what, data in FILES.items():
        status, _, reply = server.request("POST", "/upload/storage/v1/b/godwit-models/o?uploadType=media&name=bad",
                                          bearer | {"Content-Type": "application/octet-stream"}, data)
        assert status == 200, (what, reply)
        body = json.dumps({"tfliteModel": {"gcsTfliteUri": "gs://godwit-models/bad"}})
        status, _, reply = server.request("PATCH", f"/v1beta2/{model['name']}?updateMask=tfliteModel.gcsTfliteUri",
                                          bearer, body)
        assert status == 200, (what, reply)
        operation = json.loads(reply)
        assert operation["done"] is True and "Invalid flatbuffer format" in reply.decode(), (what, reply)
        shown = godwit.json("model", "show", "face")
        assert shown["publishedVersion"] == model["publishedVersion"] and shown["state"]["published"], what


UPLOADS = {  # what: (path's end, headers, body, status)
    "a bucket's name that is none": ("/b/No%21/o?uploadType=media&name=x", {}, b"x", (400, 404)),
    "no name": ("/b/godwit-models/o?uploadType=media", {}, b"x", (400,)),
    "no such upload type": ("/b/godwit-models/o?uploadType=pigeon&name=x", {}, b"x", (400,)),
    "a multipart body without parts": ("/b/godwit-models/o?uploadType=multipart",
                                       {"Content-Type": "multipart/related; boundary=a"}, b"nothing", (400,)),
    "an unknown resumable upload": ("/b/godwit-models/o?uploadType=resumable&upload_id=nobody",
                                    {"Content-Range": "bytes 0-0/1"}, b"x", (400, 404, 410)),
}


@pytest.mark.parametrize("what", UPLOADS)
def test_a_bad_upload_is_refused(server, what):
    path, headers, body, expected = UPLOADS[what]
    bearer = {"Authorization": f"Bearer {admin_token(server)}"}
    method = "PUT" if "upload_id" in path else "POST"
    status, _, reply = server.request(method, "/upload/storage/v1" + path, bearer | headers, body)
    assert status in expected, reply


def test_an_upload_with_a_wrong_digest_is_refused(server):
    bearer = {"Authorization": f"Bearer {admin_token(server)}", "x-goog-hash": "crc32c=AAAAAA=="}
    path = "/upload/storage/v1/b/godwit-models/o?uploadType=media&name=x"
    status, _, reply = server.request("POST", path, bearer, b"some bytes")
    assert status == 400, reply


def test_a_torn_model_never_kills_the_server(server, godwit, chance, tmp_path):
    """Single bytes changed at random: valid or not, each gets an answer."""
    good = DIGITS_V1.read_bytes()
    file = tmp_path / "torn.tflite"
    for _ in range(30):
        torn = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            torn[chance.randrange(len(torn) // 4)] = chance.randrange(256)
        file.write_bytes(torn)
        assert godwit.run("model", "push", file, "--name", "torn").returncode in (0, 2, 6)
    assert server.process.poll() is None


def test_a_slow_client_holds_nothing_up(server):
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for connection in slow:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
    started = time.monotonic()
    assert server.request("GET", "/healthz")[0] == 200
    assert time.monotonic() - started < 5
    for connection in slow:
        connection.close()
