"""The ways from an SDK to godwitd, as docs/guides/migrate-from-firebase.md tells them."""
import json
import os
import re
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from programs import BIN  # noqa: E402

SDKS = ROOT / "build/firebase"
DRIVERS = Path(__file__).resolve().parent / "drivers"
GUIDE = ROOT / "docs/guides/migrate-from-firebase.md"
CALL_SECONDS_MAX = 60

# The addresses that the guide writes, for which each test puts its own server's.
GUIDE_HTTPS, GUIDE_HTTP = "https://models.example.org", "http://127.0.0.1:8484"
GUIDE_PROXY = "http://127.0.0.1:8480"


@dataclass(frozen=True)
class Way:
    """One SDK led to the server by one block of the guide."""
    name: str
    sdk: str       # python, node20 or node24: a folder of build/firebase.
    block: str     # The guide's block of shell lines, by its name there.
    tls: bool = True
    imports: tuple = ()   # What the guide's Python lines import.


WAYS = [
    Way("python-http", "python", "python-http", tls=False, imports=("godwit_firebase",)),
    Way("python-https", "python", "python-https", imports=("godwit_firebase",)),
    Way("python-proxy", "python", "python-proxy"),
    Way("node20-preload", "node20", "node-preload"),
    Way("node24-preload", "node24", "node-preload"),
    Way("node24-proxy", "node24", "node-proxy"),
]
# Cloud Storage alone, by its own variable, as its emulators are reached; Node's sends no credentials.
EMULATOR_WAYS = [Way(f"{sdk}-emulator", sdk, "storage-emulator", tls=False) for sdk in ("python", "node20", "node24")]


def one_of_each(*names):
    """Parametrizes with some ways, where the rest would show nothing new."""
    return pytest.mark.parametrize("way", [way for way in WAYS + EMULATOR_WAYS if way.name in names],
                                   ids=lambda way: way.name)


def guide_block(language, name):
    """The lines of the guide's block that starts with ```LANGUAGE test=NAME."""
    found = re.findall(rf"^```{language} test={name}\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    assert len(found) == 1, f"the guide has {len(found)} blocks {language} test={name}"
    return found[0]


def program_of(sdk):
    if sdk == "python":
        return SDKS / "python/bin/python3"
    return ROOT / "build/node" / sdk.removeprefix("node") / "bin/node"


def basic_environment(way, home):
    """What a user's shell has before the guide's lines: the SDK is installed, nothing is set."""
    program = program_of(way.sdk)
    assert program.exists(), f"{program} is missing; run scripts/setup --test"
    return {"PATH": f"{program.parent}:{BIN}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8",
            "NODE_PATH": str(SDKS / way.sdk / "node_modules")}


def lay_out(folder, server):
    """Puts what the guide's relative paths name into a folder: keys, authority, clients."""
    folder.mkdir(parents=True, exist_ok=True)
    links = {"admin.json": server.folder / "credentials/admin.json", "clients": ROOT / "clients"}
    if server.authority:
        links["ca.pem"] = server.authority
    for name, target in links.items():
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)


def environment_by_guide(way, server, folder):
    """Runs the guide's shell lines with this server's addresses; returns what they leave."""
    lay_out(folder, server)
    lines = server.addressed(guide_block("sh", way.block))
    done = subprocess.run(["/bin/sh", "-e", "-c", lines + "\nenv -0"], cwd=folder, capture_output=True, text=True,
                          env=basic_environment(way, folder), check=True)
    return dict(item.split("=", 1) for item in done.stdout.split("\0") if item)


class SdkError(Exception):
    """What an SDK threw; code is the SDKs' common word, as not-found, or an HTTP status."""

    def __init__(self, code, message, hasReply=False):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.has_reply = code, message, hasReply


class Sdk:
    """A process of its own in which one SDK waits for calls: sdk.create(displayName="face")."""

    def __init__(self, way, server, folder, **more_environment):
        self.way, self.server, self.is_python = way, server, way.sdk == "python"
        self.errors = open(folder.parent / f"{folder.name}.log", "ab")
        driver = [DRIVERS / "driver.py", *way.imports] if self.is_python else [DRIVERS / "driver.cjs"]
        self.process = subprocess.Popen(
            [program_of(way.sdk), *driver], cwd=folder,
            env=environment_by_guide(way, server, folder) | more_environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def start(self, call, **arguments):
        """Sends a call and does not wait; finish() does."""
        self.process.stdin.write(json.dumps({"call": call, "arguments": arguments}) + "\n")
        self.process.stdin.flush()

    def finish(self):
        ready, _, _ = select.select([self.process.stdout], [], [], CALL_SECONDS_MAX)
        assert ready, f"{self.way.name}: no answer in {CALL_SECONDS_MAX} s"
        line = self.process.stdout.readline()
        assert line, f"{self.way.name} ended:\n" + Path(self.errors.name).read_text()[-3000:]
        outcome = json.loads(line)
        if "error" in outcome:
            raise SdkError(**outcome["error"])
        return outcome["value"]

    def __getattr__(self, call):
        def send(**arguments):
            self.start(call, **arguments)
            return self.finish()
        return send

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()
