"""Who works while the server is killed: clients that know what was acknowledged to them."""
import collections
import dataclasses
import http.client
import json
import time
import urllib.parse

from programs import padded_model, sha256

MODELS_EACH, OBJECTS_EACH = 2, 3
BUCKET = "kills-bucket"
VERSIONS_KEPT = 2  # By the server's settings.
MODEL_WAYS = ["file"] * 4 + ["file, unpublished", "alias", "rollback"] * 2 + ["publish", "publish latest", "unpublish",
                                                                               "tags", "delete"]


class Gone(Exception):
    """The server went away before it answered: nobody knows what it did."""


@dataclasses.dataclass(frozen=True)
class Model:
    """What the server has said of a model."""
    id: str = ""  # Empty: not known yet.
    versions: tuple = ()  # (number, SHA-256), oldest first; old ones may be pruned.
    published: int = 0
    tags: tuple = ()
    aliases: frozenset = frozenset()  # (name, version).
    rollback: int = -1  # What a rollback would publish, 0 for nothing; -1: not known yet.

    def kept(self):
        """The versions that no rule lets the server forget."""
        pointed = {self.published, self.rollback} | {version for _, version in self.aliases}
        return set(self.versions[-VERSIONS_KEPT:]) | {v for v in self.versions if v[0] in pointed}

    def allows(self, found):
        """Whether the server may show `found` if this is what it has acknowledged."""
        return (found is not None and self.id in ("", found.id) and self.published == found.published
                and self.tags == found.tags and self.aliases == found.aliases
                and self.rollback in (-1, found.rollback)
                and self.kept() <= set(found.versions) <= set(self.versions))


@dataclasses.dataclass(frozen=True)
class Key:
    """An API key; the server tells its text once."""
    id: str = ""  # Empty: not known yet.
    text: str = dataclasses.field(default="", compare=False)

    def allows(self, found):
        return found is not None and self.id in ("", found.id)


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
            time.sleep(0.002)
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


def read_model(resource, versions):
    """The Model of the server's answer, which does not tell the versions' digests."""
    return Model(resource["name"].rsplit("/", 1)[1], versions, resource.get("publishedVersion", 0),
                 tuple(resource.get("tags", ())), frozenset(resource.get("aliases", {}).items()),
                 resource.get("rollbackVersion", 0))


def read_key(resource):
    return Key(resource["uid"], resource.get("keyString", ""))


def object_path(name):
    return f"/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(name, safe='')}"


class Worker:
    """Operations on things that no other worker touches, so that each state is known."""

    def __init__(self, oracle, number, chance):
        self.oracle, self.number, self.chance, self.count = oracle, number, chance, 0
        self.models = {f"m{number}_{i}": None for i in range(MODELS_EACH)}
        self.objects = {f"w{number}/o{i}.tflite": None for i in range(OBJECTS_EACH)}
        self.keys = {f"key {number}": None}
        self.revoked = ""  # The text of the last key that was deleted.
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
        table[key] = answer if isinstance(answer, (Model, Key)) else after
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
        if self.chance.random() < 0.05:
            return self.touch_key(client)
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
        way = self.chance.choice(MODEL_WAYS)
        path = f"{self.oracle.models_path}/{model.id}"
        if way == "alias":
            return self.touch_alias(client, name, model, path)
        if way == "rollback":
            if model.rollback <= 0:
                return None
            after = dataclasses.replace(model, published=model.rollback, rollback=-1)
            body = {"fromVersion": model.published} if model.published else {}
            return self.change(way, self.models, name, after, lambda: read_model(
                client.json("POST", f"{path}:rollback", body), after.versions))
        if way == "delete":
            return self.change("delete", self.models, name, None,
                               lambda: self.expect(client.ask("DELETE", path), 200))
        model = dataclasses.replace(model, rollback=-1)  # Whatever moves the pointer may change it.
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
        return read_model(client.operation(operation), after.versions)

    def touch_alias(self, client, name, model, path):
        alias = self.chance.choice(["stable", "beta"])
        others = frozenset(pair for pair in model.aliases if pair[0] != alias)
        path = f"{path}/aliases/{alias}"
        if others != model.aliases and self.chance.random() < 0.3:
            return self.change("alias delete", self.models, name, dataclasses.replace(model, aliases=others),
                               lambda: self.expect(client.ask("DELETE", path), 200))
        version = self.chance.choice(sorted(model.kept()))[0]
        after = dataclasses.replace(model, aliases=others | {(alias, version)})
        return self.change("alias set", self.models, name, after,
                           lambda: read_model(client.json("PUT", path, {"version": version}), after.versions))

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

    # API keys.

    def touch_key(self, client):
        (name, key), = self.keys.items()
        if key is None:
            return self.change("key create", self.keys, name, Key(), lambda: read_key(
                client.operation(client.json("POST", self.oracle.keys_path, {"displayName": name}))))
        self.change("key delete", self.keys, name, None,
                    lambda: self.expect(client.ask("DELETE", f"{self.oracle.keys_path}/{key.id}"), 200))
        self.revoked = key.text

    def check_keys(self, client):
        for text, opens in ((self.keys[f"key {self.number}"] or Key()).text, True), (self.revoked, False):
            if not text:
                continue
            status, _, _ = client.ask("GET", f"/v1beta2/projects/{self.oracle.app['project_id']}/models/none:download",
                                      headers={"x-goog-api-key": text})
            assert status == (404 if opens else 403), f"the key of worker {self.number}: {status}, opens: {opens}"

    # After a kill.

    def check(self, client, found):
        """Compares what was acknowledged with what is there, and goes on from there."""
        if self.operation:
            client.operation(self.operation)
            found = self.oracle.look(client)
        for table, there in ((self.models, found.models), (self.objects, found.objects), (self.keys, found.keys)):
            for key, known in table.items():
                states = [known]
                if self.pending and self.pending[0] is table and self.pending[1] == key:
                    states = [self.pending[2]] if self.operation else [known, self.pending[2]]
                table[key] = self.choose(key, states, there.get(key))
        if self.session:
            self.check_session(client)
        self.check_keys(client)
        self.pending = self.operation = None
        self.journal.append("killed and restarted")

    def choose(self, key, states, found):
        for i, state in enumerate(states):
            if state.allows(found) if isinstance(state, (Model, Key)) else state == found:
                if len(states) > 1 and states[0] != states[1]:
                    self.oracle.in_flight["done" if i else "not done"] += 1
                return state if isinstance(state, Key) and state.id else found
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
