"""docs/guides/migrate-from-firebase.md, word by word: each way's lines, then its program."""
import json
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from firebase_server import FirebaseServer
from programs import DIGITS_V1, DIGITS_V2, Godwit
from ways import (GUIDE, ROOT, WAYS, Way, basic_environment, environment_by_guide, guide_block, lay_out,
                  one_of_each, program_of)


def write_program(way, user):
    """Writes the guide's program and the file that it uploads; returns the command that runs it."""
    (user / "face.tflite").write_bytes(DIGITS_V1.read_bytes())
    if way.sdk == "python":
        program = user / "deploy.py"
        leading = guide_block("python", "python-import") if way.imports else ""
        program.write_text(leading + guide_block("python", "python-program"))
    else:
        program = user / "deploy.js"
        program.write_text(guide_block("js", "node-program"))
    return [str(program_of(way.sdk)), str(program)]


def deploy(way, user, environment):
    done = subprocess.run(write_program(way, user), cwd=user, env=environment, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_guide_brings_a_model_to_a_device(tmp_path, authority, way):
    server = FirebaseServer(tmp_path / "server", authority if way.tls else None).start()
    try:
        deploy(way, tmp_path / "user", environment_by_guide(way, server, tmp_path / "user"))
        device = Godwit(server, tmp_path / "device")
        device.variables = {"GODWIT_CA_FILE": str(authority.certificate)}
        path = device.ok("get", "face").strip()
        with open(path, "rb") as file:
            assert file.read() == DIGITS_V1.read_bytes()
    finally:
        assert server.stop() == 0


def shell(lines, user, environment):
    done = subprocess.run(["/bin/sh", "-e", "-c", lines], cwd=user, env=environment, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def firebase(tmp_path, authority):
    """A server with a published model that plays Google's hosts, for who goes by its proxy."""
    server = FirebaseServer(tmp_path / "firebase", authority).start()
    publisher = Godwit(server, tmp_path / "publisher")
    publisher.variables = {"GODWIT_CA_FILE": str(authority.certificate)}
    publisher.push("face", DIGITS_V1.read_bytes(), "--publish")
    yield server
    assert server.stop() == 0


def test_the_guide_brings_the_models_over(tmp_path, authority, firebase):
    way, user = Way("import", "python", "import-firebase"), tmp_path / "user"
    server = FirebaseServer(tmp_path / "server", authority).start()
    try:
        lay_out(user, server)
        key = json.loads((firebase.folder / "credentials/admin.json").read_text())
        (user / "firebase-key.json").write_text(json.dumps(key | {"token_uri": "https://oauth2.googleapis.com/token"}))
        (user / "hosted_models").mkdir()
        (user / "hosted_models/hand.tflite").write_bytes(DIGITS_V2.read_bytes())
        imports = guide_block("sh", "import-firebase") + guide_block("sh", "import-folder")
        lines = guide_block("sh", "credentials") + imports + guide_block("sh", "same-project") + imports
        told = shell(lines, user, basic_environment(way, user) | {
            "HTTPS_PROXY": firebase.proxy_url(), "NO_PROXY": "127.0.0.1",
            "SSL_CERT_FILE": str(authority.certificate)})
        assert [told.count(f"imported       {name}@1, published") for name in ("face", "hand")] == [2, 2], told
        device = Godwit(server, tmp_path / "device")
        device.variables = {"GODWIT_CA_FILE": str(authority.certificate)}
        for name, file in (("face", DIGITS_V1), ("hand", DIGITS_V2)):
            assert Path(device.ok("get", name).strip()).read_bytes() == file.read_bytes()
    finally:
        assert server.stop() == 0


def lines_for_scripts():
    """What docs/guides/develop.md gives scripts and tests: a server, and variables that lead to it."""
    found = re.findall(r"^(    godwit dev --data .*\n(?:    .+\n)+)", (GUIDE.parent / "develop.md").read_text(), re.M)
    assert len(found) == 1
    return textwrap.dedent(found[0])


@one_of_each("python-proxy", "node20-preload", "node24-proxy")
def test_a_server_for_development_serves_them_all(tmp_path, way):
    preload = f"export NODE_OPTIONS='--require {ROOT}/clients/node/godwit-preload.cjs'" if "preload" in way.name else ""
    script = f"""set -e
{lines_for_scripts()}
trap "kill $!; wait $!" EXIT
{preload}
{" ".join(write_program(way, tmp_path))}
cmp face.tflite "$(godwit get face)"
"""
    done = subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env=basic_environment(way, tmp_path) | {"TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
