"""`godwit dev`: one command gives a developer a server that Firebase's clients accept."""
import http.client
import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from programs import BIN, DIGITS_V1, Godwit, padded_model, sha256


class Dev:
    """A running `godwit dev` on ports of its own, and the variables that it gives to scripts."""

    def __init__(self, folder, *flags):
        self.folder, self.env_file = folder, folder / "dev.env"
        self.environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
        self.log = open(folder / "dev.log", "ab")
        command = [BIN / "godwit", "dev", "--data", "data", "--env", self.env_file, *flags]
        for flag in ("--listen", "--listen-tls", "--proxy"):
            command += [flag, "127.0.0.1:0"]
        self.process = subprocess.Popen(command, cwd=folder, env=self.environment, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while not self.env_file.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log_text()
            time.sleep(0.01)
        lines = [shlex.split(line) for line in self.env_file.read_text().splitlines()]
        assert all(words[0] == "export" and len(words) == 2 for words in lines)
        self.variables = dict(words[1].split("=", 1) for words in lines)

    def log_text(self):
        return (self.folder / "dev.log").read_text()

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def godwit(self, *arguments):
        return subprocess.run([BIN / "godwit", *map(str, arguments)], env=self.environment | self.variables, text=True,
                              capture_output=True, timeout=60, check=True).stdout

    def ask(self, host, path, method="GET", body=None, headers=None):
        """A request by the proxy, as a client makes it that trusts the CA and knows only Firebase's hosts."""
        proxy, port = self.variables["HTTPS_PROXY"].removeprefix("http://").rsplit(":", 1)
        trust = ssl.create_default_context(cafile=self.variables["REQUESTS_CA_BUNDLE"])
        connection = http.client.HTTPSConnection(proxy, int(port), context=trust, timeout=20)
        connection.set_tunnel(host, 443)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def is_listening(self):
        host, port = self.variables["GODWIT_SERVER"].removeprefix("https://").rsplit(":", 1)
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0


@pytest.fixture
def dev(tmp_path):
    dev = Dev(tmp_path)
    yield dev
    if dev.process.poll() is None:
        dev.end(signal.SIGTERM)


def test_a_developers_server_is_what_firebases_clients_expect(dev, tmp_path):
    dev.godwit("model", "push", DIGITS_V1, "--name", "digits", "--publish")
    path = dev.godwit("get", "digits", "--type", "latest").strip()
    assert sha256(open(path, "rb").read()) == sha256(DIGITS_V1.read_bytes())
    assert dev.ask("firebaseml.googleapis.com", "/readyz")[0] == 200
    assert dev.ask("oauth2.googleapis.com", "/token", "POST", b"grant_type=x")[0] == 400
    data = padded_model("large", 3_000_000)
    status, reply = dev.ask("storage.googleapis.com", "/upload/storage/v1/b/bkt/o?uploadType=media&name=a", "POST", data)
    assert status == 401, reply  # All of it went through; it only lacks a token.
    with pytest.raises(OSError, match="403"):
        dev.ask("example.org", "/")
    assert "refused a host that is not Firebase's: example.org:443" in dev.log_text()
    assert "adb reverse" in dev.log_text() and "it is new: trust it now" in dev.log_text()
    authority = (tmp_path / "data/tls/ca.pem").read_bytes()
    assert dev.end(signal.SIGINT) == 0
    assert not dev.is_listening() and not dev.env_file.exists()
    again = Dev(tmp_path)
    assert (tmp_path / "data/tls/ca.pem").read_bytes() == authority
    assert "digits" in again.godwit("model", "list")
    assert again.end(signal.SIGTERM) == 0


def test_an_import_from_googles_own_addresses(dev, server, tmp_path):
    """The developer's server plays Google's hosts, which the command finds by its proxy variables alone."""
    dev.godwit("model", "push", DIGITS_V1, "--name", "digits", "--publish", "--tag", "vision")
    key = json.loads(Path(dev.variables["GODWIT_CREDENTIALS"]).read_text())
    key_file = tmp_path / "firebase-key.json"
    key_file.write_text(json.dumps(key | {"token_uri": "https://oauth2.googleapis.com/token"}))
    godwit = Godwit(server, tmp_path / "home")
    variables = {name: dev.variables[name] for name in ("HTTPS_PROXY", "NO_PROXY")}
    variables["SSL_CERT_FILE"] = dev.variables["GODWIT_CA_FILE"]  # As of a network that reads along.
    done = subprocess.run([BIN / "godwit", "import", "firebase", "--credentials", key_file], capture_output=True,
                          text=True, env=godwit.environment() | variables, timeout=60)
    assert done.returncode == 0 and "imported       digits@1, published" in done.stdout, done.stderr
    model = godwit.json("model", "show", "digits")
    assert model["tags"] == ["vision"] and model["publishedVersion"] == 1
    assert model["modelHash"] == sha256(DIGITS_V1.read_bytes())


def test_a_public_url_is_for_others_and_takes_nothing_from_this_machine(tmp_path):
    dev = Dev(tmp_path, "--public-url", "https://192.168.213.5:8443")
    for name in ("NO_PROXY", "no_proxy"):
        assert dev.variables[name] == "localhost,127.0.0.1,::1,192.168.213.5"
    assert dev.variables["https_proxy"] == dev.variables["HTTPS_PROXY"]
    dev.godwit("model", "push", DIGITS_V1, "--name", "digits", "--publish")
    assert "digits" in dev.godwit("model", "list")
    assert dev.end(signal.SIGTERM) == 0


def test_faults_meet_devices_and_nobody_else(tmp_path):
    faults = "503*1:token,portal*1:check,drop@40%*1,expire*1,latency=1ms"
    dev = Dev(tmp_path, "--fault", faults, "--fault-listen", "127.0.0.1:0")
    model = tmp_path / "face.tflite"
    model.write_bytes(padded_model("face", 400_000))
    dev.godwit("model", "push", model, "--name", "face", "--publish")
    path = dev.godwit("get", "face", "--type", "latest").strip()
    assert sha256(open(path, "rb").read()) == sha256(model.read_bytes())
    log = dev.log_text()
    assert log.count("faults for a request: token") == 2 and log.count("faults for a request: bytes") >= 2
    assert "faults  " + dev.variables["GODWIT_URL"] in log
    assert dev.end(signal.SIGTERM) == 0
    done = subprocess.run([BIN / "godwit", "dev", "--fault", "drop"], capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert done.returncode == 2 and "at character 5: '@' was expected" in done.stderr


def test_no_server_outlives_the_command(dev):
    dev.end(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while dev.is_listening():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_command_ends_when_the_server_does(dev, tmp_path):
    pid = dev.process.pid
    server = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(server[0]), signal.SIGKILL)
    assert dev.process.wait(timeout=20) == 5
    assert "godwitd ended by itself" in dev.log_text()


def test_a_taken_port_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:" + str(taken.getsockname()[1])
        for flag in ("--listen", "--proxy"):
            addresses = {"--listen": "127.0.0.1:0", "--listen-tls": "127.0.0.1:0", "--proxy": "127.0.0.1:0", flag: address}
            flags = [word for pair in addresses.items() for word in pair]
            done = subprocess.run([BIN / "godwit", "dev", "--data", tmp_path / "d", *flags], capture_output=True,
                                  text=True, timeout=60,
                                  env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
            assert done.returncode != 0 and address in done.stderr, done.stderr
