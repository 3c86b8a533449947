"""Kills the real programs 200 times at random moments; what was acknowledged must stand.

A SIGKILL loses no page that was written; power cuts are the business of the crash tests on the
fault file system. Here it is the real programs, whole, on a real disk. The seed is printed.
"""
import time

from programs import Godwit, padded_model, sha256

DEVICE_KILLS, SERVER_KILLS = 130, 70


def store_is_whole(home, digests):
    """Every file that an app may see is one of the published models, byte for byte."""
    for blob in home.glob("data/**/blobs/*"):
        if blob.suffix != ".unused":
            assert sha256(blob.read_bytes()) == blob.name and blob.name in digests, blob


def local_digest(godwit):
    listed = godwit.json("local", "list")["models"]
    return listed[0]["sha256"] if listed else None


def test_a_killed_device_has_the_old_model_or_the_new_one(server, godwit, chance):
    size, rate = 600_000, 3_000_000
    models = [padded_model(salt, size) for salt in range(8)]
    digests = [sha256(model) for model in models]
    godwit.push("face", models[0], "--publish")
    godwit.ok("get", "face")
    current, kills, switches = 0, 0, 0
    while kills < DEVICE_KILLS:
        following = (current + 1) % len(models)
        godwit.push("face", models[following], "--publish")
        while kills < DEVICE_KILLS:
            get = godwit.start("get", "face", "--type", "latest", "--limit-rate", rate)
            time.sleep(chance.uniform(0, 1.1 * size / rate))
            get.kill()
            printed = get.communicate()[0].strip()
            if get.returncode == 0:  # It was done before the kill came.
                break
            kills += 1
            store_is_whole(godwit.home, digests)
            found = local_digest(godwit)
            assert found in (digests[current], digests[following])
            if printed:  # What it has told the app stands.
                assert found == digests[following]
            if found == digests[following]:
                break
        path = godwit.ok("get", "face", "--type", "latest").strip()
        with open(path, "rb") as file:
            assert sha256(file.read()) == digests[following]
        current = following
        switches += 1
    assert switches >= 5, "the downloads never came to their end, so little was tested"


def test_a_killed_server_keeps_what_it_acknowledged(server, godwit, chance, tmp_path):
    model_size = 6_000_000
    acknowledged = {}
    kills, waited = 0, 0.1
    while kills < SERVER_KILLS:
        name = f"model{kills % 7}"
        model = padded_model(kills, model_size)
        file = tmp_path / "next.tflite"
        file.write_bytes(model)
        started = time.monotonic()
        push = godwit.start("model", "push", file, "--name", name, "--publish")
        time.sleep(chance.uniform(0, 1.2 * waited))
        server.kill()
        kills += 1
        push.communicate(timeout=60)
        server.start()
        listed = {m["displayName"]: m for m in godwit.json("model", "list").get("models", [])}
        if push.returncode == 0:
            acknowledged[name] = sha256(model)
            waited = 0.8 * waited + 0.2 * (time.monotonic() - started)
        for known, digest in acknowledged.items():
            expected = {digest, sha256(model)} if known == name else {digest}
            assert listed[known]["modelHash"] in expected, f"kill {kills}: {known}"
            assert listed[known]["state"]["published"] is True
        if push.returncode != 0 and chance.random() < 0.5:  # The same push, after the storm.
            godwit.ok("model", "push", file, "--name", name, "--publish")
            acknowledged[name] = sha256(model)
        elif push.returncode != 0 and name in acknowledged:
            acknowledged[name] = listed[name]["modelHash"]
    assert acknowledged
    device = Godwit(server, tmp_path / "device")
    for name, digest in acknowledged.items():
        with open(device.ok("get", name).strip(), "rb") as file:
            assert sha256(file.read()) == digest
