"""Kills the real programs at random moments; what was acknowledged must stand.

A SIGKILL loses no page that was written; power cuts are the business of the crash tests on the
fault file system. Here it is the real programs, whole, on a real disk. The seed is printed.
"""
import collections
import os

from kill_oracle import Oracle
from programs import KillMoment, padded_model, sha256

DEVICE_KILLS = int(os.environ.get("GODWIT_DEVICE_KILLS", 300))  # scripts/soak device sets more.
SERVER_KILLS = int(os.environ.get("GODWIT_KILLS", 60))  # scripts/soak kills sets more.


class Device:
    """A device whose processes are killed, and what its store may hold after that.

    `may` are the digests that "face" may have; None is no model. What a process has printed before
    its death is acknowledged, and must stand.
    """

    COMMANDS = {"latest": ("get", "face", "--type", "latest"), "background": ("get", "face"),
                "verify": ("local", "verify"), "delete": ("local", "delete", "face")}

    def __init__(self, godwit, chance, models):
        self.godwit, self.chance, self.models = godwit, chance, models
        self.digests = [sha256(model) for model in models]
        self.moments = {name: KillMoment(chance, 0.05) for name in self.COMMANDS}
        self.kills, self.done, self.switches = collections.Counter(), collections.Counter(), 0
        self.publish(0)
        self.may = {None}

    def publish(self, index):
        self.published = self.digests[index]
        self.godwit.push("face", self.models[index], "--publish")

    def step(self):
        """One process, or two at once, each killed at a moment of its own."""
        names = self.chance.choices(list(self.COMMANDS), (60, 15, 10, 15), k=self.chance.choice((1, 1, 2)))
        started = [(name, self.godwit.start(*self.COMMANDS[name])) for name in names]
        for name, process in started:
            self.moments[name].wait(process)
            process.kill()
        acknowledged = set()
        for name, process in started:
            printed = process.communicate()[0].strip()
            (self.kills if process.returncode < 0 else self.done)[name] += 1
            if name == "latest" and printed or name == "delete" and process.returncode == 0:
                acknowledged.add(name)
            if name in ("latest", "background"):
                self.may.add(self.published)
            if name == "delete":
                self.may.add(None)
            assert name != "verify" or process.returncode != 6, "a kill has damaged a file"
        if acknowledged == {"latest"} and "delete" not in names:
            self.may = {self.published}
        if acknowledged == {"delete"} and names.count("delete") == len(names):
            self.may = {None}
        self.check()

    def check(self):
        for blob in self.godwit.home.glob("data/**/blobs/*"):
            if blob.suffix != ".unused":
                assert sha256(blob.read_bytes()) == blob.name and blob.name in self.digests, blob
        listed = self.godwit.json("local", "list")["models"]
        found = listed[0]["sha256"] if listed else None
        assert found in self.may, (found, self.may)
        self.switches += found == self.published
        self.may = {found}


def test_a_killed_device_has_the_old_model_or_the_new_one(server, godwit, chance):
    device = Device(godwit, chance, [padded_model(salt, 400_000) for salt in range(8)])
    following = 0
    while sum(device.kills.values()) < DEVICE_KILLS:
        device.step()
        if device.may == {device.published}:
            following = (following + 1) % len(device.models)
            device.publish(following)
    path = godwit.ok("get", "face", "--type", "latest").strip()
    with open(path, "rb") as file:
        assert sha256(file.read()) == device.published
    print(f"\n{sum(device.kills.values())} kills {dict(device.kills)}; not killed {dict(device.done)}; "
          f"{device.switches} switches")
    assert device.switches >= DEVICE_KILLS / 30, "the downloads never came to their end, so little was tested"


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
