"""The real programs, as a person starts them: on a folder and a port of their own."""
import base64
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("GODWIT_BIN", ROOT / "build/release/bin"))
DIGITS = ROOT / "models/digits"
DIGITS_V1, DIGITS_V2 = DIGITS / "digits_v1.tflite", DIGITS / "digits_v2.tflite"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class KillMoment:
    """A random moment within a command's life, whose length is learnt from those that lived."""

    def __init__(self, chance, seconds=0.1):
        self.chance, self.seconds = chance, seconds

    def wait(self, process):
        """Waits until that moment or the process's end."""
        started = time.monotonic()
        try:
            process.wait(timeout=self.chance.uniform(0, 1.1 * self.seconds))
            self.seconds += 0.2 * (time.monotonic() - started - self.seconds)
        except subprocess.TimeoutExpired:
            self.seconds *= 1.01  # So that a guess that is too short grows.


def padded_model(salt, size_bytes):
    """A valid model of that size, different for each salt: bytes after a flatbuffer are not read."""
    model = DIGITS_V1.read_bytes()
    padding = hashlib.shake_256(str(salt).encode()).digest(size_bytes - len(model))
    return model + padding


class Server:
    """A godwitd on its own folder. The port stays the same over restarts, as an address does."""

    def __init__(self, folder, *flags):
        self.folder, self.flags, self.process = Path(folder), flags, None
        self.environment = None  # The tests' own.
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder.parent / f"{self.folder.name}.log"

    def spawn(self, *flags):
        """Starts it and waits for nothing."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "godwitd", "--data", self.folder, "--listen", f"127.0.0.1:{self.port}", *self.flags, *flags],
                stdout=log, stderr=log, env=self.environment)

    def start(self, *flags):
        self.spawn(*flags)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.request("GET", "/readyz")[0] == 200:
                    return self
            except OSError:
                pass
            assert self.process.poll() is None, "godwitd ended:\n" + self.log_text()[-2000:]
            time.sleep(0.005)
        raise AssertionError("godwitd did not get ready:\n" + self.log_text()[-2000:])

    def log_text(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def request(self, method, path, headers=None, body=None):
        """Returns (status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def raw(self, data):
        """Sends bytes as they are; returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            reply = b""
            while chunk := connection.recv(65536):
                reply += chunk
            return reply

    @property
    def app(self):
        return json.loads((self.folder / "credentials/app.json").read_text())


def admin_token(server):
    """Exchanges the administrator's key for an access token, as Google's libraries do."""
    key = json.loads((server.folder / "credentials/admin.json").read_text())

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    now = int(time.time())
    claims = {"iss": key["client_email"], "aud": key["token_uri"], "iat": now, "exp": now + 3600,
              "scope": "https://www.googleapis.com/auth/cloud-platform"}
    head = {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}
    text = encode(json.dumps(head).encode()) + b"." + encode(json.dumps(claims).encode())
    pem = server.folder.parent / "admin.pem"
    pem.write_text(key["private_key"])
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", pem], input=text, capture_output=True,
                               check=True).stdout
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": (text + b"." + encode(signature)).decode()}
    status, _, body = server.request("POST", "/token", {"Content-Type": "application/x-www-form-urlencoded"},
                                     urllib.parse.urlencode(form))
    assert status == 200, body
    return json.loads(body)["access_token"]


class Godwit:
    """The command line of one person or device, with a home of its own."""

    def __init__(self, server, home):
        self.server, self.home = server, Path(home)
        self.variables = {}  # More of its environment.

    def environment(self):
        credentials = self.server.folder / "credentials"
        return {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8",
                "XDG_DATA_HOME": str(self.home / "data"), "XDG_CONFIG_HOME": str(self.home / "config"),
                "GODWIT_CREDENTIALS": str(credentials / "admin.json"), "GODWIT_APP": str(credentials / "app.json"),
                **self.variables}

    def start(self, *arguments):
        return subprocess.Popen([BIN / "godwit", *map(str, arguments)], env=self.environment(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments, timeout=60):
        """Returns the finished process, whatever its exit status."""
        return subprocess.run([BIN / "godwit", *map(str, arguments)], env=self.environment(), text=True,
                              capture_output=True, timeout=timeout)

    def ok(self, *arguments, timeout=60):
        """Returns stdout of a command that must succeed."""
        done = self.run(*arguments, timeout=timeout)
        assert done.returncode == 0, f"godwit {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def push(self, name, data, *flags):
        file = self.home / "pushed.tflite"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return self.ok("model", "push", file, "--name", name, *flags)
