"""A client whose connection broke sends its change again, as Firebase's SDKs do."""
import json
import socket
import sqlite3
import struct
import time

from programs import admin_token

MODELS = "/v1beta2/projects/godwit/models"


def unread_bytes(port, peer_port):
    """What has come to the server's socket and was not read yet."""
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if int(local.split(":")[1], 16) == port and int(remote.split(":")[1], 16) == peer_port:
            return int(queues.split(":")[1], 16)
    return None


def wait(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_create_that_was_answered_to_nobody_is_answered_again(server):
    headers = {"Authorization": f"Bearer {admin_token(server)}", "Content-Type": "application/json"}
    body = json.dumps({"displayName": "face"})
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    database = sqlite3.connect(server.folder / "godwit.db", isolation_level=None, timeout=10)
    database.execute("BEGIN IMMEDIATE")  # The create waits for this.
    connection = socket.create_connection(("127.0.0.1", server.port))
    port = connection.getsockname()[1]
    connection.sendall(f"POST {MODELS} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    wait(lambda: unread_bytes(server.port, port) == 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()  # With a reset: nobody will read the answer.
    database.execute("ROLLBACK")
    database.close()

    def create():
        status, _, answer = server.request("POST", MODELS, headers, body)
        assert status == 200, answer
        return json.loads(answer)

    again = create()
    assert again["response"]["displayName"] == "face"
    assert create()["error"]["code"] == 6, "this one is meant"
    status, _, listed = server.request("GET", MODELS, headers)
    assert [model["name"] for model in json.loads(listed)["models"]] == [again["response"]["name"]]
