"""An oracle outside the server: what godwitd acknowledged stands after every SIGKILL.

Workers send a seeded mix of operations, each on models and objects of its own. Before a call a
worker writes down what it asks, after the reply what was acknowledged. The server is killed at
random moments: under load, while it starts, while it migrates an old database, while it sets up
an empty folder. After each kill the oracle looks at the dead folder and then asks the restarted
server: acknowledged facts hold, what was in flight is wholly there or wholly not, every published
model downloads with its digest, every blob has its name's digest, nothing is left over.

A SIGKILL loses no page that was written; power cuts are the business of the crash tests on the
fault file system.
"""
import collections
import dataclasses
import random
import re
import shutil
import sqlite3
import threading
import time
from pathlib import Path

from kill_workers import BUCKET, VERSIONS_KEPT, Client, Worker, object_path, read_key, read_model
from programs import DIGITS, ROOT, Server, admin_token, sha256

WORKERS = 4
LIFE_SECONDS = 0.25
CONFIG = f"""
require_installation_token = false
[limits]
versions_kept = {VERSIONS_KEPT}
verify_at_once_max_bytes = 60000
[garbage]
period_ms = 10
blob_age_min_ms = 300
"""
KNOWN_FILES = re.compile(r"lock|godwit\.db(-wal|-shm)?|credentials/(admin|app)\.json|"
                         r"blobs/../../[0-9a-f]{64}|uploads/[0-9a-f]+(\.synced)?")


@dataclasses.dataclass
class Found:
    models: dict
    objects: dict
    keys: dict


class Oracle:
    def __init__(self, folder, seed):
        self.folder, self.chance = Path(folder), random.Random(seed)
        self.config = self.folder / "godwitd.toml"
        self.config.write_text(CONFIG)
        self.server = Server(self.folder / "data", "--config", self.config).start()
        self.token, self.app = admin_token(self.server), self.server.app
        self.models_path = f"/v1beta2/projects/{self.app['project_id']}/models"
        self.keys_path = f"/v2/projects/{self.app['project_id']}/locations/global/keys"
        self.workers = [Worker(self, i, random.Random(f"{seed} {i}")) for i in range(WORKERS)]
        self.kills, self.acknowledged, self.in_flight = (collections.Counter() for _ in range(3))
        self.faults, self.start_seconds = [], 0.1

    def run(self, kills):
        """Kills that often; raises at the first lie."""
        ways = {self.kill_at_work: 80, self.kill_at_start: 11, self.kill_migration: 5, self.kill_first_start: 4}
        for number in range(kills):
            way = self.chance.choices(list(ways), ways.values())[0]
            try:
                way()
            except AssertionError as fault:
                raise AssertionError(f"kill {number + 1} ({way.__name__}): {fault}") from fault
        self.settle()

    def report(self):
        def text(counts):
            return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        return (f"{sum(self.kills.values())} kills: {text(self.kills)}\n"
                f"{sum(self.acknowledged.values())} acknowledged: {text(self.acknowledged)}\n"
                f"in flight: {text(self.in_flight)}; collected: {text(self.collected())}")

    def collected(self):
        """What the garbage collections of this run removed, by the server's log."""
        sums = collections.Counter()
        for line in self.server.log_text().splitlines():
            if "garbage collected" in line:
                for name, count in re.findall(r"(sessions|uploads|versions|blobs)=\"?(\d+)", line):
                    sums[name] += int(count)
        return sums

    # Ways to die.

    def kill_at_work(self):
        threads = [threading.Thread(target=worker.live, args=(self.client(),)) for worker in self.workers]
        for thread in threads:
            thread.start()
        time.sleep(self.chance.uniform(0, LIFE_SECONDS))
        self.server.kill()
        for thread in threads:
            thread.join()
        assert not self.faults, self.faults
        self.kills["at work"] += 1
        self.restart()

    def kill_at_start(self):
        self.server.kill()
        self.kill_early(self.server)
        self.kills["starting"] += 1
        self.restart()

    def kill_migration(self):
        """An older version's folder; the migrations die, and then do not."""
        with old_server(self.folder / "old", self.config) as server:
            for _ in range(2):
                self.kill_early(server)
            self.kills["migrating"] += 2
            server.start()
            check_old_server(server)
            server.kill()

    def kill_first_start(self):
        folder = self.folder / "new"
        server = Server(folder, "--config", self.config)
        try:
            server.spawn()
            # Making keys takes most of the time; what can go wrong begins with the first file of them.
            while not (folder / "credentials").exists() and server.process.poll() is None:
                time.sleep(0.0005)
            time.sleep(self.chance.uniform(0, 0.3 * self.start_seconds))
            server.kill()
            self.kills["first start"] += 1
            server.start()
            assert {file.name for file in folder.glob("credentials/*")} >= {"admin.json", "app.json"}, "the keys are lost"
            client = Client(server, admin_token(server), server.app["api_key"])
            assert client.json("GET", self.models_path) == {}
            server.kill()
            check_folder(folder)
            shutil.rmtree(folder)
        finally:
            server.kill()

    def kill_early(self, server):
        server.spawn()
        time.sleep(self.chance.uniform(0, 1.2 * self.start_seconds))
        server.kill()

    # Looking.

    def client(self):
        return Client(self.server, self.token, self.app["api_key"])

    def restart(self):
        check_folder(self.server.folder)
        started = time.monotonic()
        self.server.start()
        self.start_seconds += 0.2 * (time.monotonic() - started - self.start_seconds)
        client = self.client()
        found = self.look(client)
        for worker in self.workers:
            worker.check(client, found)
        strangers = set(found.models) | set(found.objects)
        for worker in self.workers:
            strangers -= set(worker.models) | set(worker.objects)
        assert not strangers, f"nobody made {strangers}"

    def look(self, client):
        """All that the server has, and that every published file downloads."""
        models, objects = {}, {}
        for model in client.pages(self.models_path, "models"):
            while "activeOperations" in model:  # Nobody was told of its end, but it must come.
                time.sleep(0.002)
                model = client.json("GET", f"/v1beta2/{model['name']}")
            path, name = f"/v1beta2/{model['name']}/versions", model["displayName"]
            versions = tuple(sorted((int(v["version"]), v["sha256"]) for v in client.pages(path, "versions")))
            assert model.get("latestVersion") == (versions[-1][0] if versions else None), \
                f"{name}: the latest version is not there: {model}"
            models[name] = read_model(model, versions)
            self.check_download(client, name, models[name])
        for item in client.pages(f"/storage/v1/b/{BUCKET}/o", "items") if self.objects_exist(client) else ():
            status, _, data = client.ask("GET", f"{object_path(item['name'])}?alt=media")
            assert status == 200 and len(data) == int(item["size"]), f"{item['name']}: {status}"
            objects[item["name"]] = sha256(data)
        keys = {key["displayName"]: read_key(key) for key in client.pages(self.keys_path, "keys")
                if key.get("displayName", "").startswith("key ")}
        return Found(models, objects, keys)

    def objects_exist(self, client):
        return client.ask("GET", f"/storage/v1/b/{BUCKET}")[0] == 200

    def check_download(self, client, name, model):
        got = client.download(self.app["project_id"], name)
        digest = dict(model.versions).get(model.published)
        if model.published:
            assert got and got[0] == digest == sha256(got[1]), f"{name}: {model}, a device gets {got and got[0]}"
        else:
            assert got is None, f"{name} is not published, a device gets {got[0]}"
        for alias, version in model.aliases if model.published else ():
            got = client.download(self.app["project_id"], f"{name}@{alias}")
            assert got and got[0] == dict(model.versions).get(version) == sha256(got[1]), \
                f"{name}@{alias}: {model}, a device gets {got and got[0]}"

    def settle(self):
        """With nobody at work, the collector comes to an end and nothing is left over."""
        deadline = time.monotonic() + 20
        while (left := leftovers(self.server.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not left, f"these stay for ever: {sorted(left)[:5]} of {len(left)}"
        assert self.server.stop() == 0
        check_folder(self.server.folder)


# The folder, seen from outside.

def open_copy(folder):
    """The database as the next start would find it; the original stays untouched."""
    copy = folder.parent / "autopsy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in folder.glob("godwit.db*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, copy)
    return sqlite3.connect(copy / "godwit.db")


def tables(database):
    return {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def referenced_blobs(database):
    """The digests that any table with a blob's digest names."""
    if "operations" not in tables(database):  # Some migrations are still to come.
        return {row[0] for table in {"versions", "objects"} & tables(database)
                for row in database.execute(f"SELECT sha256 FROM {table}")}
    return {row[0] for row in database.execute(
        "SELECT sha256 FROM versions UNION SELECT sha256 FROM objects UNION "
        "SELECT sha256 FROM operations WHERE done_time_ms = 0")}


def check_folder(folder):
    """What must hold in the folder of a dead server, whatever it was doing."""
    if not (folder / "godwit.db").exists():
        return
    database = open_copy(folder)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert not database.execute("PRAGMA foreign_key_check").fetchall()
        blobs = {file.name: file for file in folder.glob("blobs/*/*/*")}
        for name, file in blobs.items():
            assert sha256(file.read_bytes()) == name, f"the blob {name} holds other bytes"
        missing = referenced_blobs(database) - set(blobs)
        assert not missing, f"rows name blobs that are gone: {missing}"
    finally:
        database.close()


def leftovers(folder):
    """Files that nothing refers to."""
    database = sqlite3.connect(f"file:{folder}/godwit.db?mode=ro", uri=True)
    try:
        needed = referenced_blobs(database)
        # A session names its blob just before there is one.
        needed |= {name for row in database.execute(
                       "SELECT blob_upload_id FROM upload_sessions UNION "
                       "SELECT sealed_sha256 FROM upload_sessions WHERE finished_generation = 0") for name in row}
    finally:
        database.close()
    left = set()
    for file in folder.rglob("*"):
        path = str(file.relative_to(folder))
        if file.is_file() and (not KNOWN_FILES.fullmatch(path) or
                               (path.startswith(("blobs/", "uploads/")) and file.stem not in needed)):
            left.add(path)
    return left


class old_server:
    """A server on a folder that schema 3 wrote: tests/golden/server-v3.sql and its blobs."""

    def __init__(self, folder, config):
        self.folder, self.config = folder, config

    def __enter__(self):
        self.folder.mkdir()
        database = sqlite3.connect(self.folder / "godwit.db")
        database.executescript((ROOT / "tests/golden/server-v3.sql").read_text())
        database.close()
        for file in DIGITS.glob("*.tflite"):
            digest = sha256(file.read_bytes())
            blob = self.folder / "blobs" / digest[:2] / digest[2:4] / digest
            blob.parent.mkdir(parents=True)
            shutil.copy(file, blob)
        self.server = Server(self.folder, "--config", self.config)
        return self.server

    def __exit__(self, *_):
        self.server.kill()
        shutil.rmtree(self.folder)


def check_old_server(server):
    """What the older server had acknowledged."""
    text = (ROOT / "tests/golden/server-v3.sql").read_text()
    key, token = (re.search(rf"{what} ([\w-]+)", text)[1] for what in ("API key", "access token"))
    client = Client(server, token, key)
    found = {m["displayName"]: m for m in client.json("GET", "/v1beta2/projects/godwit/models")["models"]}
    assert found["digits"]["latestVersion"] == 2 and found["digits"]["publishedVersion"] == 1, found
    assert found["digits"]["tags"] == ["demo"], found
    for name, file in (("digits", "digits_v1"), ("small", "digits_v2_int8")):
        got = client.download("godwit", name)
        assert got and got[1] == (DIGITS / f"{file}.tflite").read_bytes(), name
    check_folder(server.folder)
