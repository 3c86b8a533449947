"""Kills the real programs at random moments; what was acknowledged must stand.

A SIGKILL loses no page that was written; power cuts are the business of the crash tests on the
fault file system. Here it is the real programs, whole, on a real disk. The seed is printed.
"""
import os

from kill_oracle import Oracle
from programs import KillMoment, padded_model, sha256

DEVICE_KILLS = 130
SERVER_KILLS = int(os.environ.get("GODWIT_KILLS", 60))  # scripts/soak kills sets more.


def store_is_whole(home, digests):
    """Every file that an app may see is one of the published models, byte for byte."""
    for blob in home.glob("data/**/blobs/*"):
        if blob.suffix != ".unused":
            assert sha256(blob.read_bytes()) == blob.name and blob.name in digests, blob


def local_digest(godwit):
    listed = godwit.json("local", "list")["models"]
    return listed[0]["sha256"] if listed else None


def test_a_killed_device_has_the_old_model_or_the_new_one(server, godwit, chance):
    models = [padded_model(salt, 2_000_000) for salt in range(8)]
    moment = KillMoment(chance)
    digests = [sha256(model) for model in models]
    godwit.push("face", models[0], "--publish")
    godwit.ok("get", "face")
    current, kills, switches = 0, 0, 0
    while kills < DEVICE_KILLS:
        following = (current + 1) % len(models)
        godwit.push("face", models[following], "--publish")
        while kills < DEVICE_KILLS:
            get = godwit.start("get", "face", "--type", "latest")
            moment.wait(get)
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


def test_a_killed_server_keeps_what_it_acknowledged(tmp_path, chance):
    oracle = Oracle(tmp_path, chance.random())
    try:
        oracle.run(SERVER_KILLS)
        # Else little was tested: nothing died in the middle, or nothing was collected.
        assert min(oracle.in_flight["done"], oracle.in_flight["not done"]) > 0
        assert oracle.collected()["blobs"] > 0
    finally:
        oracle.server.kill()
        print("\n" + oracle.report())
