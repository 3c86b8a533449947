"""Too much of everything, sent to the real server: memory stays flat, nothing accepted is lost."""
import concurrent.futures
import json
import os
import re
import socket
import subprocess
import time
import zlib
from pathlib import Path

import pytest

from programs import Server, admin_token, sha256

MIB = 1 << 20
MODEL_MAX = 8 * MIB
UPLOAD = "/upload/storage/v1/b/godwit-models/o?uploadType=media&name="
GROWTH_MAX = 4 * MIB  # Of memory, by thousands of requests more.
PEAK_MAX = 64 * MIB  # While four workers each hold the worst body that there is.


def start(folder, reserve_bytes):
    config = folder.parent / f"{folder.name}.toml"
    config.write_text(f"[limits]\nmodel_max_bytes = {MODEL_MAX}\nfree_disk_reserve_bytes = {reserve_bytes}\n")
    return Server(folder, "--config", config).start()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("floods") / "server", MIB)
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def bearer(server):
    return {"Authorization": f"Bearer {admin_token(server)}"}


def resident_bytes(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def uploads_on_disk(server):
    return os.listdir(server.folder / "uploads")


def await_that(true_at_last, seconds=10):
    deadline = time.monotonic() + seconds
    while not (value := true_at_last()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def head(method, path, headers, length=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in headers.items())]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def answers(server, data):
    """The statuses of all that comes back."""
    try:
        reply = server.raw(data)
    except (ConnectionResetError, BrokenPipeError):
        return []  # The server closed while we still sent: it said all that it wanted.
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\nDate:", reply)]


def first_status(server, data):
    """The status of the first answer; None when the connection is closed without one."""
    with connect(server) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            reply = connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return None
    return int(reply[9:12]) if reply else None


def gzip_of_zeros(size_bytes):
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(size_bytes // MIB)) + packer.flush()


BOMB = gzip_of_zeros(128 * MIB)


def bad_requests(server, bearer):
    """One of each kind; every one of them gets an error or a closed connection."""
    key = {"x-goog-api-key": server.app["api_key"], "Content-Type": "application/json"}
    json_calls = [("/v1/projects/godwit/installations", key), ("/v1beta2/projects/godwit/models", bearer),
                  ("/storage/v1/b", bearer)]
    bodies = [b"[" * 10_000, b'{"a":' * 10_000, b"[" + b"0," * 100_000 + b"0]", b'{"a":1e999999}', b" " * 250_000,
              b'{"' + b"a" * 200_000, b'{"a":"\xff"}', b"9" * 200_000 + b"x"]
    for path, headers in json_calls:
        for body in bodies:
            yield head("POST", path, headers, len(body)) + body
        yield head("POST", path, headers | {"Content-Encoding": "gzip"}, len(BOMB)) + BOMB
        yield head("POST", path, headers, 1 << 40)
        yield head("POST", path, headers, 10_000) + b"{"  # The rest never comes.
    yield head("GET", "/v1beta2/projects/godwit/models?" + "a=b&" * 3000, bearer)
    yield head("GET", "/v1beta2/projects/godwit/models?filter=" + "(" * 3000, bearer)
    yield head("GET", "/" + "a/" * 3000, {})
    yield head("GET", "/" + "x" * 20_000, {})
    yield head("GET", "/healthz", {f"X-{i}": "y" for i in range(1000)})
    yield head("GET", "/healthz", {"X": "y" * 20_000})
    yield head("POST", UPLOAD + "half", bearer, 5 * MIB) + bytes(50_000)  # The rest never comes.
    yield head("POST", UPLOAD + "large", bearer, 1 << 40)
    yield head("POST", UPLOAD + "x", bearer | {"Transfer-Encoding": "chunked"}) + b"5\r\nhel"
    yield head("POST", UPLOAD.replace("media", "multipart"), bearer | {"Content-Type": "multipart/related; boundary=b"},
               200_000) + b"x" * 200_000
    yield b"\x16\x03\x01\x02\x00\x01" + bytes(500)
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def test_memory_and_files_stay_flat_under_bad_requests(server, bearer):
    requests = list(bad_requests(server, bearer))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        def send_all(times):
            for status in pool.map(lambda data: first_status(server, data), requests * times):
                assert status in (None, 505) or 400 <= status < 500

        send_all(20)  # What is kept for the next such request is kept then.
        before, files_before = resident_bytes(server), open_files(server)
        send_all(60)
    assert len(requests) * 60 > 2000
    growth = resident_bytes(server) - before
    print(f"resident: {before / MIB:.1f} MiB, grown by {growth / MIB:.1f} MiB in {len(requests) * 60} requests")
    assert growth < GROWTH_MAX and before < PEAK_MAX
    assert await_that(lambda: open_files(server) <= files_before)
    assert await_that(lambda: not uploads_on_disk(server)), uploads_on_disk(server)
    assert server.request("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("path", ["/v1beta2/projects/godwit/models", "/v1/projects/godwit/installations", "/token"])
def test_a_gzip_bomb_is_refused_before_it_grows(server, bearer, path):
    before = resident_bytes(server)
    status, _, body = server.request("POST", path, bearer | {"Content-Encoding": "gzip"}, BOMB)
    assert status in (400, 413, 415), body
    assert len(json.loads(body)["error"]["message"]) > 20
    assert resident_bytes(server) - before < 2 * GROWTH_MAX


def test_a_multipart_body_whose_preamble_never_ends_is_refused(server, bearer):
    """After 64 KiB, and not after all that the length promised."""
    sent = 0
    with connect(server) as connection:
        path = UPLOAD.replace("media", "multipart")
        connection.sendall(head("POST", path, bearer | {"Content-Type": "multipart/related; boundary=b"}, 7 * MIB))
        connection.settimeout(0.001)
        reply = b""
        while not reply and sent < 7 * MIB:
            try:
                sent += connection.send(b"no boundary here " * 1000)
                reply = connection.recv(4096)
            except TimeoutError:
                pass
            except (ConnectionResetError, BrokenPipeError):
                break
    assert b" 400 " in reply.split(b"\r\n")[0] and b"multipart body" in reply
    assert sent < 3 * MIB


def test_a_length_that_lies_makes_no_object(server, bearer):
    short = head("POST", UPLOAD + "short", bearer, 100) + b"only this"
    assert server.raw(short) == b"" or b" 400 " in server.raw(short)
    assert server.request("GET", "/storage/v1/b/godwit-models/o/short", bearer)[0] == 404
    # What comes behind the announced bytes is another request, and no good one.
    long = head("POST", UPLOAD + "long", bearer, 4) + b"four and more\r\n\r\n"
    assert answers(server, long) == [200, 400]
    assert json.loads(server.request("GET", "/storage/v1/b/godwit-models/o/long", bearer)[2])["size"] == "4"


def test_a_body_that_was_not_read_is_no_request(server, bearer):
    """Who is refused before the body came must not have it taken for his next request."""
    smuggled = head("GET", "/healthz", {})
    refused = {
        "too large": head("POST", "/token", {}, 1 << 30),
        "without a token": head("POST", UPLOAD + "x", {}, len(smuggled)),
        "without a good name": head("POST", UPLOAD + "%0A", bearer, len(smuggled)),
        "an unknown coding": head("POST", "/token", {"Transfer-Encoding": "cow"}),
        "an unknown expectation": head("POST", "/token", {"Expect": "wonders"}, len(smuggled)),
    }
    for what, data in refused.items():
        statuses = answers(server, data + smuggled)
        assert len(statuses) <= 1 and 200 not in statuses, (what, statuses)


def test_who_asks_first_is_refused_before_the_body(server, bearer):
    for path in (UPLOAD + "x", "/token", "/v1beta2/projects/godwit/models"):
        with connect(server) as connection:
            connection.sendall(head("POST", path, bearer | {"Expect": "100-continue"}, 1 << 40))
            reply = connection.recv(65536)
        assert reply.startswith(b"HTTP/1.1 413 "), reply


def test_slow_clients_hold_nobody_up(server, bearer):
    """Heads and bodies that come byte by byte, more of them than there are worker threads."""
    slow = [connect(server) for _ in range(300)]
    for number, connection in enumerate(slow):
        body = number % 2
        connection.sendall(head("POST", f"{UPLOAD}slow{number}", bearer, MIB) if body else b"GET /healthz HT")
    latencies = []
    for number in range(20):
        for connection in slow[number::20]:
            connection.sendall(b"x")
        started = time.monotonic()
        assert server.request("POST", UPLOAD + "quick", bearer, b"quick")[0] == 200
        assert server.request("GET", "/healthz")[0] == 200
        latencies.append(time.monotonic() - started)
    assert uploads_on_disk(server), "those that have begun"
    for connection in slow:
        connection.close()
    assert sorted(latencies)[10] < 1, latencies
    assert await_that(lambda: not uploads_on_disk(server)), uploads_on_disk(server)


@pytest.fixture
def small_disk(tmp_path):
    """A server on a disk of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"a small disk needs the right to mount one: {mount.stderr.strip()}")
    server = None
    try:
        server = start(folder / "server", 2 * MIB)
        yield server
        assert server.stop() == 0
    finally:
        if server and server.process.poll() is None:
            server.kill()
        subprocess.run(["umount", folder], check=True)


def test_a_flood_of_uploads_fills_no_disk_and_loses_nothing(small_disk, chance):
    server = small_disk
    bearer = {"Authorization": f"Bearer {admin_token(server)}"}
    contents = {f"object-{number}": chance.randbytes(3 * MIB) for number in range(16)}

    def upload(name):
        data = contents[name]
        body = iter([data[at:at + 100_000] for at in range(0, len(data), 100_000)]) if name[-1] in "13579" else data
        try:
            return server.request("POST", UPLOAD + name, bearer, body)
        except (ConnectionResetError, BrokenPipeError):
            return 0, {}, b""  # Closed while the body still came: the refusal was lost on its way.

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = dict(zip(contents, pool.map(upload, contents)))
    accepted = {name for name, (status, _, _) in replies.items() if status == 200}
    assert 2 <= len(accepted) <= 7, {name: reply[0] for name, reply in replies.items()}
    for name, (status, _, body) in replies.items():
        assert status in (200, 507, 0), body
        if status == 507:
            assert "disk is nearly full" in json.loads(body)["error"]["message"]
    assert await_that(lambda: not uploads_on_disk(server)), uploads_on_disk(server)

    def check():
        for name in accepted:
            status, _, data = server.request("GET", f"/storage/v1/b/godwit-models/o/{name}?alt=media", bearer)
            assert status == 200 and sha256(data) == sha256(contents[name])
        listed = json.loads(server.request("GET", "/storage/v1/b/godwit-models/o", bearer)[2])
        assert {item["name"] for item in listed["items"]} == accepted
        assert server.request("POST", "/v1beta2/projects/godwit/models", bearer,
                              json.dumps({"displayName": f"m{time.monotonic_ns()}"}))[0] == 200

    check()
    assert server.stop() == 0
    server.start()
    check()
