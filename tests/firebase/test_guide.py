"""docs/guides/migrate-from-firebase.md, word by word: each way's lines, then its program."""
import subprocess

import pytest

from fake_google import FirebaseServer
from programs import DIGITS_V1, Godwit
from ways import WAYS, Way, environment_by_guide, guide_block, program_of


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_guide_brings_a_model_to_a_device(tmp_path, authority, way):
    server = FirebaseServer(tmp_path / "server", authority if way.tls else None).start()
    try:
        user = tmp_path / "user"
        environment = environment_by_guide(way, server, user)
        (user / "face.tflite").write_bytes(DIGITS_V1.read_bytes())
        if way.sdk == "python":
            program = user / "deploy.py"
            leading = guide_block("python", "python-import") if way.imports else ""
            program.write_text(leading + guide_block("python", "python-program"))
        else:
            program = user / "deploy.js"
            program.write_text(guide_block("js", "node-program"))
        done = subprocess.run([program_of(way.sdk), program], cwd=user, env=environment, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        device = Godwit(server, tmp_path / "device")
        device.variables = {"GODWIT_CA_FILE": str(authority.certificate)}
        path = device.ok("get", "face").strip()
        with open(path, "rb") as file:
            assert file.read() == DIGITS_V1.read_bytes()
    finally:
        assert server.stop() == 0


def test_the_guide_brings_saved_files_to_a_device(tmp_path):
    server = FirebaseServer(tmp_path / "server").start()
    try:
        saved = tmp_path / "user/hosted_models"
        saved.mkdir(parents=True)
        (saved / "face.tflite").write_bytes(DIGITS_V1.read_bytes())
        environment_by_guide(Way("import", "python", "import", tls=False), server, tmp_path / "user")
        path = Godwit(server, tmp_path / "device").ok("get", "face").strip()
        with open(path, "rb") as file:
            assert file.read() == DIGITS_V1.read_bytes()
    finally:
        assert server.stop() == 0
