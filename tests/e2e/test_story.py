"""The main job with the real programs: what README says, and what must survive a restart."""
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from programs import BIN, DIGITS, DIGITS_V1, DIGITS_V2, ROOT, Godwit, Server, free_port, padded_model, sha256


def commands_of(document):
    """The lines after "$ " in the console blocks of a document."""
    text = (ROOT / document).read_text()
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("document", ["README.md", "docs/start.md"])
def test_the_commands_of_the_document_work_as_written(document, tmp_path):
    for name in ("build", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    port = free_port()
    script = ["set -euo pipefail", "trap 'kill %1; wait' EXIT"]
    for command in commands_of(document):
        if command == "godwitd --data data &":
            ready = f"curl_ready() {{ exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 " \
                    "&& grep -q ' 200 ' <&3; }"
            script += [f"godwitd --data data --listen 127.0.0.1:{port} &", ready,
                       "for i in $(seq 200); do (curl_ready) 2>/dev/null && break; sleep 0.05; done"]
        else:
            script.append(command)
    assert len(script) > 8, "the document shows no commands"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=tmp_path, env=environment, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    model = next((tmp_path / ".local/share/godwit").rglob(f"blobs/{sha256(DIGITS_V2.read_bytes())}"))
    assert model.read_bytes() == DIGITS_V2.read_bytes()


def test_the_documented_configuration_is_valid(tmp_path):
    [settings] = re.findall(r"^```toml\n(.*?)^```", (ROOT / "docs/guides/operate.md").read_text(), re.M | re.S)
    config = tmp_path / "godwit.toml"
    command = [BIN / "godwitd", "--data", tmp_path / "data", "--config", config, "--check-config"]
    config.write_text(settings)
    done = subprocess.run(command, text=True, capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    config.write_text(settings + "model_max_byte = 7\n")
    done = subprocess.run(command, text=True, capture_output=True, timeout=20)
    assert done.returncode == 2 and "model_max_byte" in done.stderr
    assert not (tmp_path / "data").exists()


def test_each_download_type_gives_what_it_promises(server, godwit):
    one, two = DIGITS_V1.read_bytes(), DIGITS_V2.read_bytes()

    def get(kind):
        with open(godwit.ok("get", "digits", "--type", kind).strip(), "rb") as file:
            return file.read()

    godwit.push("digits", one, "--publish")
    assert get("local") == one
    godwit.push("digits", two)
    assert get("latest") == one, "a version that is not published reached a device"
    godwit.ok("model", "publish", "digits")
    assert get("local") == one
    assert get("local-update-in-background") == one
    assert get("local") == two
    assert get("latest") == two


def test_a_broken_download_goes_on_where_it_stopped(server, godwit):
    model = padded_model("resume", 3_000_000)
    godwit.push("face", model, "--publish")
    get = godwit.start("get", "face", "--limit-rate", 1_000_000)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        partial = max((f.stat().st_size for f in godwit.home.glob("data/**/partial/*")), default=0)
        if partial >= 500_000:
            break
        time.sleep(0.01)
    get.kill()
    get.communicate()
    assert 500_000 <= partial < len(model)
    before = bytes_sent(server)
    with open(godwit.ok("get", "face").strip(), "rb") as file:
        assert file.read() == model
    assert bytes_sent(server) - before < len(model) - partial + 100_000


def bytes_sent(server):
    """What the server has sent since its start, once it has stopped sending."""
    last = None
    while True:
        text = server.request("GET", "/metrics")[2].decode()
        total = int(float(re.search(r"^godwit_http_sent_bytes_total (\S+)", text, re.M).group(1)))
        if last is not None and total - last < 20_000:  # No more than this answer itself.
            return total
        last = total
        time.sleep(0.05)


def test_a_restart_keeps_everything(server, godwit):
    godwit.push("digits", DIGITS_V1.read_bytes(), "--publish", "--tag", "demo")
    godwit.push("digits", DIGITS_V2.read_bytes())
    godwit.ok("get", "digits")
    before = godwit.json("model", "list"), godwit.json("model", "versions", "digits"), server.app
    assert server.stop() == 0
    server.start()
    assert (godwit.json("model", "list"), godwit.json("model", "versions", "digits"), server.app) == before
    with open(godwit.ok("get", "digits", "--type", "latest").strip(), "rb") as file:
        assert file.read() == DIGITS_V1.read_bytes()


def test_the_example_app_gets_the_model(server, godwit, tmp_path):
    godwit.push("digits", DIGITS_V1.read_bytes(), "--publish")
    app = server.app
    command = [BIN / "device_example", app["server_url"], app["project_id"], app["app_id"], app["api_key"], "digits",
               tmp_path / "app"]
    for _ in range(2):  # From the network, then from the store.
        done = subprocess.run(command, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        with open(done.stdout.strip(), "rb") as file:
            assert file.read() == DIGITS_V1.read_bytes()


def test_a_model_runs_on_the_samples(server, godwit):
    godwit.push("digits", DIGITS_V2.read_bytes(), "--publish")
    samples = json.loads((DIGITS / "samples/samples.json").read_text())["samples"]
    images = [DIGITS / f"samples/{s['name']}.png" for s in samples]
    answers = godwit.json("run", "digits", *[word for image in images for word in ("--image", image)])
    right = sum(str(s["label"]) == a["top"][0]["label"] for s, a in zip(samples, answers["results"], strict=True))
    assert right >= 0.9 * len(samples)


def test_a_second_server_on_the_same_folder_is_refused(server):
    second = subprocess.run([BIN / "godwitd", "--data", server.folder, "--listen", f"127.0.0.1:{free_port()}"],
                            text=True, capture_output=True, timeout=20)
    assert second.returncode != 0
    assert str(server.folder) in second.stderr + second.stdout
    assert server.request("GET", "/readyz")[0] == 200


def test_a_store_that_cannot_be_written_is_an_error_that_says_so(server, godwit, tmp_path):
    godwit.push("digits", DIGITS_V1.read_bytes(), "--publish")
    store = tmp_path / "not-a-folder"
    store.write_text("a file where a folder should be")
    done = godwit.run("get", "digits", "--store", store)
    assert done.returncode not in (0, -6, -11)
    assert "not-a-folder" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_read_only_store_still_gives_the_local_model(server, godwit, tmp_path):
    godwit.push("digits", DIGITS_V1.read_bytes(), "--publish")
    store = tmp_path / "store"
    path = godwit.ok("get", "digits", "--store", store).strip()
    for folder in [tmp_path.parent.parent, tmp_path.parent, tmp_path]:
        folder.chmod(0o755)
    for file in [store, *store.rglob("*")]:
        file.chmod(0o555 if file.is_dir() else 0o444)
    environment = godwit.environment() | {"HOME": "/nonexistent"}
    (server.folder.chmod(0o755), (server.folder / "credentials").chmod(0o755))
    (server.folder / "credentials/app.json").chmod(0o644)
    # A copy, because the other user may not be allowed into the folder of this checkout.
    command = [shutil.copy(BIN / "godwit", tmp_path), "get", "digits", "--type", "local", "--store", store]
    as_nobody = {"env": environment, "user": "nobody", "cwd": tmp_path, "text": True, "capture_output": True}
    done = subprocess.run(command, **as_nobody, timeout=20)
    assert (done.returncode, done.stdout.strip()) == (0, path), done.stderr
    godwit.push("digits", DIGITS_V2.read_bytes(), "--publish")
    command[4] = "latest"
    done = subprocess.run(command, **as_nobody, timeout=20)
    assert done.returncode not in (0, -6, -11)
    assert str(store) in done.stderr


def test_godwit_without_a_server_says_what_to_do(tmp_path):
    gone = Server(tmp_path / "server").start()
    godwit = Godwit(gone, tmp_path / "home")
    gone.stop()
    done = godwit.run("model", "list")
    assert done.returncode == 5
    assert str(gone.port) in done.stderr
