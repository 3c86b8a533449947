"""TLS as an owner sets it up: two certificate files, renewed while devices are connected."""
import http.client
import os
import signal
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from programs import BIN, DIGITS_V1, Godwit, Server, free_port


def make_certificate(folder, name, stem="server"):
    """Self-signed, so that the certificate is also what vouches for it."""
    certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", f"{key}.new", "-out", f"{certificate}.new", "-days", "30", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True)
    os.replace(f"{key}.new", key)
    os.replace(f"{certificate}.new", certificate)
    return certificate, key


@pytest.fixture
def tls_server(tmp_path):
    certificate, key = make_certificate(tmp_path, "first.test")
    port = free_port()
    server = Server(tmp_path / "server", "--listen-tls", f"127.0.0.1:{port}", "--tls-cert", certificate,
                    "--tls-key", key)
    server.certificate, server.tls_port = certificate, port
    server.start()
    yield server
    assert server.stop() == 0, server.log_text()[-2000:]


def connect(server, ca=None):
    context = ssl.create_default_context(cafile=ca or server.certificate)
    return http.client.HTTPSConnection("localhost", server.tls_port, timeout=20, context=context)


def get(connection, path="/readyz"):
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.read()


def shown_name(connection):
    subject = dict(field[0] for field in connection.sock.getpeercert()["subject"])
    return subject["commonName"]


def test_a_renewed_certificate_is_shown_to_new_clients_only(tls_server, tmp_path):
    before = connect(tls_server)
    assert get(before) == (200, b"ready\n")
    assert shown_name(before) == "first.test"
    make_certificate(tmp_path, "renewed.test")
    tls_server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while "changed TLS certificates" not in tls_server.log_text():
        assert time.monotonic() < deadline, tls_server.log_text()[-2000:]
        time.sleep(0.01)
    after = connect(tls_server)
    assert get(after) == (200, b"ready\n")
    assert shown_name(after) == "renewed.test"
    assert get(before) == (200, b"ready\n"), "an open connection goes on"
    # A file that cannot be used changes nothing, and SIGHUP does not end the server.
    tls_server.certificate.write_text("no certificate")
    tls_server.process.send_signal(signal.SIGHUP)
    while "goes on with the old ones" not in tls_server.log_text():
        assert time.monotonic() < deadline, tls_server.log_text()[-2000:]
        time.sleep(0.01)
    assert get(after) == (200, b"ready\n")


def test_models_travel_over_tls_alone(tls_server, tmp_path):
    """Push, links and download name the https address, since the first TLS listener is the public URL."""
    godwit = Godwit(tls_server, tmp_path / "home")
    url = f"https://127.0.0.1:{tls_server.tls_port}"
    godwit.variables = {"GODWIT_URL": url, "GODWIT_CA_FILE": str(tls_server.certificate)}
    assert tls_server.app["server_url"] == url
    godwit.push("digits", DIGITS_V1.read_bytes(), "--publish")
    assert Path(godwit.ok("get", "digits").strip()).read_bytes() == DIGITS_V1.read_bytes()


def test_a_given_ca_is_the_only_trust(tls_server, tmp_path):
    """In namespaces of its own, where the server's certificate is in the system's store."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine has no user namespaces")
    store = tmp_path / "store"
    store.mkdir()
    other, _ = make_certificate(tmp_path, "other.test", "other")
    (store / "ca-certificates.crt").write_bytes(other.read_bytes())
    (store / "first.pem").write_bytes(tls_server.certificate.read_bytes())
    subprocess.run(["openssl", "rehash", store], check=True, capture_output=True)
    godwit = Godwit(tls_server, tmp_path / "home")
    url = f"https://127.0.0.1:{tls_server.tls_port}"
    for file, status in ((None, 0), (tls_server.certificate, 0), (other, 4)):
        variables = {"GODWIT_URL": url} | ({"GODWIT_CA_FILE": str(file)} if file else {})
        done = subprocess.run(["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs && exec "$@"', store,
                               BIN / "godwit", "model", "list"], env=godwit.environment() | variables, text=True,
                              capture_output=True, timeout=60)
        assert done.returncode == status, done.stderr


def test_check_config_reads_the_certificates(tmp_path):
    certificate, key = make_certificate(tmp_path, "first.test")
    _, other_key = make_certificate(tmp_path, "other.test", "other")

    def check(*flags):
        return subprocess.run([BIN / "godwitd", "--data", tmp_path / "data", "--check-config", *flags],
                              capture_output=True, text=True, timeout=20)

    address = ("--listen-tls", "127.0.0.1:0")
    good = check(*address, "--tls-cert", certificate, "--tls-key", key)
    assert (good.returncode, good.stderr) == (0, "")
    for flags, reason in [
            ((*address, "--tls-cert", certificate, "--tls-key", other_key), "does not belong to the certificate"),
            ((*address, "--tls-cert", key, "--tls-key", key), "holds no certificate"),
            ((*address, "--tls-cert", tmp_path / "absent", "--tls-key", key), "absent"),
            ((*address, "--tls-cert", certificate), "each --tls-cert needs its --tls-key"),
            (address, "needs a certificate"),
            (("--tls-cert", certificate, "--tls-key", key), "no address to use it on")]:
        refused = check(*flags)
        assert refused.returncode == 2 and reason in refused.stderr, (flags, refused.stderr)
    config = tmp_path / "godwitd.toml"
    config.write_text(f'listen_tls = ["127.0.0.1:0"]\n[[tls]]\ncert = "{certificate}"\nkey = "{key}"\n')
    assert check("--config", config).returncode == 0
