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
import http.client
import json
import random
import re
import shutil
import sqlite3
import threading
import time
import urllib.parse
from pathlib import Path

from programs import DIGITS, ROOT, Server, admin_token, padded_model, sha256

WORKERS, MODELS_EACH, OBJECTS_EACH = 4, 2, 3
BUCKET = "kills-bucket"
VERSIONS_KEPT = 2
LIFE_SECONDS = 0.25
CONFIG = f"""
require_installation_token = false
[limits]
versions_kept = {VERSIONS_KEPT}
[garbage]
period_ms = 10
blob_age_min_ms = 50
"""
KNOWN_FILES = re.compile(r"lock|godwit\.db(-wal|-shm)?|credentials/(admin|app)\.json|"
                         r"blobs/../../[0-9a-f]{64}|uploads/[0-9a-f]+(\.synced)?")


class Gone(Exception):
    """The server went away before it answered: nobody knows what it did."""


@dataclasses.dataclass(frozen=True)
class Model:
    """What the server has said of a model."""
    id: str = ""  # Empty: not known yet.
    versions: tuple = ()  # (number, SHA-256), oldest first; old ones may be pruned.
    published: int = 0
    tags: tuple = ()

    def kept(self):
        """The versions that no rule lets the server forget."""
        newest = self.versions[-VERSIONS_KEPT:]
        return set(newest) | {v for v in self.versions if v[0] == self.published}

    def allows(self, found):
        """Whether the server may show `found` if this is what it has acknowledged."""
        return (found is not None and self.id in ("", found.id) and self.published == found.published
                and self.tags == found.tags and self.kept() <= set(found.versions) <= set(self.versions))


class Client:
    """One connection; a broken one means that the server is gone."""

    def __init__(self, server, token, api_key):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.token, self.api_key = token, api_key

    def ask(self, method, path, body=None, headers=()):
        """Returns (status, headers, body)."""
        known = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            self.connection.request(method, path, body, known | dict(headers))
            reply = self.connection.getresponse()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Gone from error

    def json(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, _, reply = self.ask(method, path, data, {"Content-Type": "application/json"})
        assert status == 200, f"{method} {path}: {status} {reply[:300]}"
        return json.loads(reply)

    def pages(self, path, member):
        token = ""
        while True:
            page = self.json("GET", f"{path}{'&' if '?' in path else '?'}pageToken={token}")
            yield from page.get(member, [])
            token = page.get("nextPageToken", "")
            if not token:
                return

    def operation(self, operation):
        """Follows an operation to its end; returns the Model."""
        while not operation.get("done"):
            operation = self.json("GET", f"/v1beta2/{operation['name']}")
        assert "error" not in operation, operation
        return operation["response"]

    def download(self, project, address):
        """What a device gets: (digest, bytes), or None for 404."""
        status, head, body = self.ask("GET", f"/v1beta2/projects/{project}/models/{address}:download",
                                      headers={"x-goog-api-key": self.api_key})
        if status == 404:
            return None
        assert status == 200, f"{address}: {status} {body[:300]}"
        link = urllib.parse.urlsplit(json.loads(body)["downloadUri"])
        status, _, data = self.ask("GET", f"{link.path}?{link.query}")
        assert status == 200, f"the link of {address}: {status} {data[:300]}"
        return head["etag"], data


def object_path(name):
    return f"/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(name, safe='')}"


class Worker:
    """Operations on things that no other worker touches, so that each state is known."""

    def __init__(self, oracle, number, chance):
        self.oracle, self.chance, self.count = oracle, chance, 0
        self.models = {f"m{number}_{i}": None for i in range(MODELS_EACH)}
        self.objects = {f"w{number}/o{i}.tflite": None for i in range(OBJECTS_EACH)}
        self.session = None  # A resumable upload under way.
        self.pending = None  # (table, key, state after, what) of the call whose answer is awaited.
        self.operation = None  # The pending change was accepted as this operation.
        self.salt = chance.random()
        self.journal = collections.deque(maxlen=12)  # What was asked and answered last, for reports.

    def live(self, client):
        """Works until the server is gone."""
        try:
            while True:
                self.step(client)
        except Gone:
            pass
        except BaseException as error:  # Of this thread; the main one raises it.
            self.oracle.faults.append(error)

    def change(self, what, table, key, after, call):
        """Makes one call that turns table[key] into `after`; the Model that it returns tells more."""
        self.pending = (table, key, after, what)
        self.journal.append(f"asked {what} of {key} -> {after}")
        answer = call()
        table[key] = answer if isinstance(answer, Model) else after
        self.journal.append(f"acknowledged: {key} is {table[key]}")
        self.pending = self.operation = None
        self.oracle.acknowledged[what] += 1

    def new_file(self):
        """A valid model; now and then one that was here before, whose blob may just be going."""
        if self.chance.random() < 0.7:
            self.count += 1
        size_bytes = 5_000 + 1_000 * (self.count % 100)
        return padded_model(f"{self.salt} {self.count}", size_bytes)

    def step(self, client):
        stored = [name for name, digest in self.objects.items() if digest]
        name = self.chance.choice(list(self.models))
        model = self.models[name]
        if self.session:
            return self.go_on_uploading(client)
        if len(stored) < 2 or self.chance.random() < 0.4:
            return self.touch_object(client, stored)
        if model is None:
            return self.create(client, name, self.chance.choice(stored))
        return self.touch_model(client, name, model, self.chance.choice(stored))

    # Objects.

    def touch_object(self, client, stored):
        name = self.chance.choice(list(self.objects))
        way = self.chance.choice(["media", "multipart", "resumable", "delete"])
        if way == "delete" and len(stored) > 2 and self.objects[name]:
            return self.change("object delete", self.objects, name, None,
                               lambda: self.expect(client.ask("DELETE", object_path(name)), 204))
        data = self.new_file()
        if way == "resumable":
            return self.start_session(client, name, data)
        query = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=" + ("multipart" if way == "multipart" else
                                                                  f"media&name={urllib.parse.quote(name)}")
        kind, body = "application/octet-stream", data
        if way == "multipart":
            kind = "multipart/related; boundary=xyz"
            body = (b'--xyz\r\nContent-Type: application/json\r\n\r\n{"name":"' + name.encode() +
                    b'"}\r\n--xyz\r\nContent-Type: application/octet-stream\r\n\r\n' + data + b"\r\n--xyz--")
        self.change(f"object {way if way == 'multipart' else 'media'}", self.objects, name, sha256(data),
                    lambda: self.expect(client.ask("POST", query, body, {"Content-Type": kind}), 200))

    def start_session(self, client, name, data):
        query = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&name={urllib.parse.quote(name)}"
        head = self.expect(client.ask("POST", query, b"", {"X-Upload-Content-Length": str(len(data))}), 200)
        link = urllib.parse.urlsplit(head["location"])
        self.session = {"path": f"{link.path}?{link.query}", "name": name, "data": data, "stored": 0, "ending": False}
        self.oracle.acknowledged["session start"] += 1

    def go_on_uploading(self, client):
        session = self.session
        start, total = session["stored"], len(session["data"])
        if self.chance.random() < 0.05:
            session["ending"] = True
            self.expect(client.ask("DELETE", session["path"]), 499)
            self.session = None
            return
        end = min(total, start + 1024 * self.chance.choice([8, 32, 256]))
        chunk = session["data"][start:end]
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{total}"}
        if end == total:
            session["ending"] = True
            self.change("object resumable", self.objects, session["name"], sha256(session["data"]),
                        lambda: self.expect(client.ask("PUT", session["path"], chunk, headers), 200))
            self.session = None
            return
        session["stored"] = self.stored(self.expect(client.ask("PUT", session["path"], chunk, headers), 308))
        self.oracle.acknowledged["session chunk"] += 1

    # Models.

    def create(self, client, name, source):
        body = {"displayName": name, "tags": [self.a_tag()],
                "tfliteModel": {"gcsTfliteUri": f"gs://{BUCKET}/{source}"}}
        after = Model(versions=((1, self.objects[source]),), tags=tuple(body["tags"]))
        self.change("create", self.models, name, after,
                    lambda: self.finish(client, client.json("POST", self.oracle.models_path, body), after))

    def touch_model(self, client, name, model, source):
        latest = model.versions[-1][0]
        way = self.chance.choice(["file"] * 4 + ["file, unpublished"] * 2 +
                                 ["publish", "publish latest", "unpublish", "tags", "delete"])
        path = f"{self.oracle.models_path}/{model.id}"
        if way == "delete":
            return self.change("delete", self.models, name, None,
                               lambda: self.expect(client.ask("DELETE", path), 200))
        if way.startswith("file"):
            digest = self.objects[source]
            versions = model.versions
            if versions[-1][1] != digest:
                versions += ((latest + 1, digest),)
            moves = model.published and way == "file"
            after = dataclasses.replace(model, versions=versions,
                                        published=versions[-1][0] if moves else model.published)
            mask, body = "tfliteModel.gcsTfliteUri", {"tfliteModel": {"gcsTfliteUri": f"gs://{BUCKET}/{source}"}}
            if way != "file":
                mask += "&publish=false"
        elif way == "tags":
            after = dataclasses.replace(model, tags=(self.a_tag(),))
            mask, body = "tags", {"tags": list(after.tags)}
        elif way == "publish":
            after = dataclasses.replace(model, published=self.chance.choice(sorted(model.kept()))[0])
            mask, body = "publishedVersion", {"publishedVersion": after.published}
        else:
            on = way == "publish latest"
            after = dataclasses.replace(model, published=latest if on else 0)
            mask, body = "state.published", {"state": {"published": on}}
        self.change(way, self.models, name, after,
                    lambda: self.finish(client, client.json("PATCH", f"{path}?updateMask={mask}", body), after))

    def finish(self, client, operation, after):
        if not operation.get("done"):
            self.operation = operation  # Acknowledged: from here on it must come to its end.
        model = client.operation(operation)
        return dataclasses.replace(after, id=model["name"].rsplit("/", 1)[1])

    def a_tag(self):
        return f"tag{self.chance.randrange(1000)}"

    @staticmethod
    def expect(reply, status):
        assert reply[0] == status, f"{reply[0]} instead of {status}: {reply[2][:300]}"
        return reply[1]

    @staticmethod
    def stored(head):
        """How many bytes a 308 says are safe."""
        return int(head["range"].split("-")[1]) + 1 if "range" in head else 0

    # After a kill.

    def check(self, client, found):
        """Compares what was acknowledged with what is there, and goes on from there."""
        if self.operation:
            client.operation(self.operation)
            found = self.oracle.look(client)
        for table, there in ((self.models, found.models), (self.objects, found.objects)):
            for key, known in table.items():
                states = [known]
                if self.pending and self.pending[0] is table and self.pending[1] == key:
                    states = [self.pending[2]] if self.operation else [known, self.pending[2]]
                table[key] = self.choose(key, states, there.get(key))
        if self.session:
            self.check_session(client)
        self.pending = self.operation = None
        self.journal.append("killed and restarted")

    def choose(self, key, states, found):
        for i, state in enumerate(states):
            if state.allows(found) if isinstance(state, Model) else state == found:
                if len(states) > 1 and states[0] != states[1]:
                    self.oracle.in_flight["done" if i else "not done"] += 1
                return found
        raise AssertionError(f"{key}: it must be {' or '.join(map(str, states))}\nbut the server has {found}; "
                             "before that:\n" + "\n".join(self.journal))

    def check_session(self, client):
        session, total = self.session, len(self.session["data"])
        # Where all bytes are there already, this question ends the upload.
        status, head, body = client.ask("PUT", session["path"], b"", {"Content-Range": f"bytes */{total}"})
        if status == 308:
            stored = self.stored(head)
            assert session["stored"] <= stored < total, f"{session['stored']} bytes were stored, now {stored}"
            session |= {"stored": stored, "ending": False}
            return
        assert status == 200 or (session["ending"] and status == 404), f"the session is lost: {status} {body[:300]}"
        if status == 200:
            self.objects[session["name"]] = sha256(session["data"])
        self.session = None


@dataclasses.dataclass
class Found:
    models: dict
    objects: dict


class Oracle:
    def __init__(self, folder, seed):
        self.folder, self.chance = Path(folder), random.Random(seed)
        self.config = self.folder / "godwitd.toml"
        self.config.write_text(CONFIG)
        self.server = Server(self.folder / "data", "--config", self.config).start()
        self.token, self.app = admin_token(self.server), self.server.app
        self.models_path = f"/v1beta2/projects/{self.app['project_id']}/models"
        self.workers = [Worker(self, i, random.Random(f"{seed} {i}")) for i in range(WORKERS)]
        self.kills, self.acknowledged, self.in_flight = (collections.Counter() for _ in range(3))
        self.faults, self.start_seconds = [], 0.1

    def run(self, kills):
        """Kills that often; raises at the first lie."""
        ways = {self.kill_at_work: 80, self.kill_at_start: 12, self.kill_migration: 6, self.kill_first_start: 2}
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
        self.kill_early(server, 4 * self.start_seconds)
        self.kills["first start"] += 1
        server.start()
        client = Client(server, admin_token(server), server.app["api_key"])
        assert client.json("GET", self.models_path) == {}
        server.kill()
        check_folder(folder)
        shutil.rmtree(folder)

    def kill_early(self, server, seconds=None):
        server.spawn()
        time.sleep(self.chance.uniform(0, seconds or 1.2 * self.start_seconds))
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
            path = f"/v1beta2/{model['name']}/versions"
            versions = sorted((int(v["version"]), v["sha256"]) for v in client.pages(path, "versions"))
            found = Model(model["name"].rsplit("/", 1)[1], tuple(versions), int(model.get("publishedVersion", 0)),
                          tuple(model.get("tags", ())))
            name = model["displayName"]
            assert int(model["latestVersion"]) == versions[-1][0], f"{name}: the latest version is not there: {model}"
            models[name] = found
            self.check_download(client, name, found)
        for item in client.pages(f"/storage/v1/b/{BUCKET}/o", "items") if self.objects_exist(client) else ():
            status, _, data = client.ask("GET", f"{object_path(item['name'])}?alt=media")
            assert status == 200 and len(data) == int(item["size"]), f"{item['name']}: {status}"
            objects[item["name"]] = sha256(data)
        return Found(models, objects)

    def objects_exist(self, client):
        return client.ask("GET", f"/storage/v1/b/{BUCKET}")[0] == 200

    def check_download(self, client, name, model):
        got = client.download(self.app["project_id"], name)
        digest = dict(model.versions).get(model.published)
        if model.published:
            assert got and got[0] == digest == sha256(got[1]), f"{name}: {model}, a device gets {got and got[0]}"
        else:
            assert got is None, f"{name} is not published, a device gets {got[0]}"

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
    return {row[0] for table in {"versions", "objects"} & tables(database)
            for row in database.execute(f"SELECT sha256 FROM {table}")}


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
        needed |= {row[0] for row in database.execute("SELECT blob_upload_id FROM upload_sessions")}
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
        return Server(self.folder, "--config", self.config)

    def __exit__(self, *_):
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
