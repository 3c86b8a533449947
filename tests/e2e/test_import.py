"""Models come over from a server that plays Firebase, and from a folder: once, whole, whatever stops the way."""
import base64
import json
import shutil

import pytest

from programs import DIGITS_V1, DIGITS_V2, Godwit, KillMoment, Server, admin_token, padded_model, sha256


class Firebase:
    """A second godwitd in Firebase's part, asked as Firebase's SDKs ask."""

    def __init__(self, server):
        self.server = server
        self.key = server.folder / "credentials/admin.json"
        self.project = json.loads(self.key.read_text())["project_id"]
        self.headers = {"Authorization": f"Bearer {admin_token(server)}"}

    def call(self, method, path, body=None, expected=200):
        status, _, reply = self.server.request(method, path, self.headers | {"Content-Type": "application/json"},
                                               json.dumps(body) if body is not None else None)
        assert status == expected, reply
        return json.loads(reply) if reply else None

    def upload(self, name, data):
        status, _, reply = self.server.request(
            "POST", f"/upload/storage/v1/b/apps.test/o?uploadType=media&name={name}", self.headers, data)
        assert status == 200, reply
        return f"gs://apps.test/{name}"

    def create(self, name, data=None, tags=(), publish=False):
        body = {"displayName": name, "tags": list(tags)}
        if data is not None:
            body["tfliteModel"] = {"gcsTfliteUri": self.upload(f"{name}.tflite", data)}
        operation = self.call("POST", f"/v1beta2/projects/{self.project}/models", body)
        model = operation["response"]
        if publish:
            self.call("PATCH", f"/v1beta2/{model['name']}?updateMask=state.published", {"state": {"published": True}})
        return model

    def delete_object(self, name):
        self.call("DELETE", f"/storage/v1/b/apps.test/o/{name}.tflite", expected=204)


@pytest.fixture
def firebase(tmp_path):
    server = Server(tmp_path / "firebase").start()
    yield Firebase(server)
    assert server.stop() == 0, server.log_text()[-2000:]


def import_firebase(firebase, *flags):
    return ("import", "firebase", "--credentials", firebase.key, *flags)


def outcomes(godwit, command, status=0):
    """What became of each model, and the exit status that must be."""
    done = godwit.run(*command, "--json")
    assert done.returncode == status, done.stderr
    return {line["name"]: line["outcome"] for line in json.loads(done.stdout)["models"]}


def state(godwit):
    """All that an import makes: name to (tags, published, digests of all versions)."""
    models = {}
    for model in godwit.json("model", "list")["models"]:
        versions = godwit.json("model", "versions", model["displayName"])["versions"]
        models[model["displayName"]] = (sorted(model.get("tags", [])), model.get("publishedVersion", 0),
                                        [version["sha256"] for version in versions])
    return models


def test_a_project_comes_over_once(firebase, godwit, tmp_path):
    firebase.create("face", DIGITS_V1.read_bytes(), ["vision", "v1"], publish=True)
    firebase.create("hand", DIGITS_V2.read_bytes())
    firebase.create("empty")
    firebase.create("text", b"this is no model at all....")
    planned = {"face": "would import", "hand": "would import", "empty": "skipped", "text": "skipped"}
    assert outcomes(godwit, import_firebase(firebase, "--dry-run")) == planned
    assert state(godwit) == {}
    imported = planned | {"face": "imported", "hand": "imported"}
    assert outcomes(godwit, import_firebase(firebase)) == imported
    there = {"face": (["v1", "vision"], 1, [sha256(DIGITS_V1.read_bytes())]),
             "hand": ([], 0, [sha256(DIGITS_V2.read_bytes())])}
    assert state(godwit) == there
    assert not list((tmp_path / "home/.cache/godwit/import").glob("*.tflite"))
    again = planned | {"face": "there already", "hand": "there already"}
    assert outcomes(godwit, import_firebase(firebase)) == again
    assert state(godwit) == there


def test_what_an_import_left_undone_is_completed(firebase, godwit, tmp_path):
    face = firebase.create("face", DIGITS_V1.read_bytes(), publish=True)
    firebase.create("hand", DIGITS_V1.read_bytes())
    # What the first leaves when it dies after the file and before its publication.
    godwit.push("face", DIGITS_V1.read_bytes())
    assert outcomes(godwit, import_firebase(firebase)) == {"face": "there already", "hand": "imported"}
    published = {name: published for name, (_, published, _) in state(godwit).items()}
    assert published == {"face": 1, "hand": 0}
    # The same of an --update.
    godwit.push("face", DIGITS_V2.read_bytes(), "--publish")
    firebase.call("DELETE", f"/v1beta2/{face['name']}")
    firebase.create("face", padded_model(1, 20_000), publish=True)
    godwit.push("face", padded_model(1, 20_000))
    assert outcomes(godwit, import_firebase(firebase, "--update")) == {"face": "there already", "hand": "there already"}
    assert state(godwit)["face"][1] == 3


def test_a_name_that_is_taken_is_left_alone_unless_asked(firebase, godwit):
    firebase.create("face", DIGITS_V1.read_bytes(), publish=True)
    firebase.create("hand", DIGITS_V1.read_bytes())
    godwit.push("face", DIGITS_V2.read_bytes(), "--publish")
    mine = state(godwit)["face"]
    done = godwit.run(*import_firebase(firebase))
    assert done.returncode == 1
    assert "failed         face (models/" in done.stdout and "has a model 'face' with another file" in done.stdout
    assert "1 imported, 1 failed" in done.stderr
    assert state(godwit)["face"] == mine
    assert outcomes(godwit, import_firebase(firebase, "--update")) == {"face": "imported", "hand": "there already"}
    digests = {sha256(DIGITS_V1.read_bytes()), sha256(DIGITS_V2.read_bytes())}
    assert state(godwit)["face"][1] == 2 and set(state(godwit)["face"][2]) == digests
    godwit.ok("rollback", "face")  # A later decision, which no import takes back.
    for flags in ((), ("--update",)):
        assert outcomes(godwit, import_firebase(firebase, *flags)) == {"face": "there already", "hand": "there already"}
        assert state(godwit)["face"][1] == 1


def test_a_withdrawn_model_stays_withdrawn(firebase, godwit):
    firebase.create("face", DIGITS_V1.read_bytes(), publish=True)
    assert outcomes(godwit, import_firebase(firebase)) == {"face": "imported"}
    godwit.ok("model", "unpublish", "face")
    for flags in ((), ("--update",)):
        done = godwit.ok(*import_firebase(firebase, *flags))
        assert "there already" in done and "published" not in done
        assert state(godwit)["face"][1] == 0


def test_a_file_that_left_its_bucket_is_got_as_an_app(firebase, godwit):
    for name, published in (("face", True), ("hand", False), ("eye", True)):
        firebase.create(name, padded_model(name, 30_000), publish=published)
    firebase.delete_object("face")
    firebase.delete_object("hand")
    firebase.upload("eye.tflite", padded_model("another", 30_000))  # Not what the model is.
    done = godwit.run(*import_firebase(firebase))
    assert done.returncode == 1 and done.stdout.count("failed ") == 3
    assert "give --app-id and --api-key to get it as an app does" in done.stdout
    app = firebase.server.app
    as_app = ("--app-id", app["app_id"], "--api-key", app["api_key"])
    found = {"face": "imported", "hand": "failed", "eye": "imported"}
    assert outcomes(godwit, import_firebase(firebase, *as_app), status=1) == found
    assert state(godwit)["face"] == ([], 1, [sha256(padded_model("face", 30_000))])
    assert state(godwit)["eye"] == ([], 1, [sha256(padded_model("eye", 30_000))])


def test_a_server_that_is_away_changes_nothing_and_says_so(firebase, godwit):
    firebase.create("face", DIGITS_V1.read_bytes())
    firebase.server.stop()
    assert godwit.run(*import_firebase(firebase)).returncode == 5
    firebase.server.start()
    assert outcomes(godwit, import_firebase(firebase)) == {"face": "imported"}
    own = ("import", "firebase", "--credentials", godwit.server.folder / "credentials/admin.json")
    done = godwit.run(*own)
    assert done.returncode == 2 and "the source is the server itself" in done.stderr


def test_an_import_killed_at_any_moment_ends_as_one_that_was_not(firebase, godwit, chance):
    expected = {}
    for i in range(20):
        data = padded_model(i, chance.randrange(10_000, 200_000))
        published = i % 3 != 0
        firebase.create(f"model-{i}", data, [f"tag-{i % 4}"], published)
        expected[f"model-{i}"] = ([f"tag-{i % 4}"], int(published), [sha256(data)])
    moment = KillMoment(chance, 0.4)
    for _ in range(16):
        process = godwit.start(*import_firebase(firebase))
        moment.wait(process)
        process.kill()
        process.communicate()
    godwit.ok(*import_firebase(firebase))
    assert state(godwit) == expected


def test_saved_files_come_over_under_their_names(godwit, tmp_path):
    folder = tmp_path / "hosted_models"
    folder.mkdir()
    models = {"face detector (new).tflite": padded_model(1, 20_000), "hand.tflite": padded_model(2, 20_000),
              "7531": padded_model(3, 20_000)}
    for name, data in models.items():
        (folder / name).write_bytes(data)
    (folder / "broken.tflite").write_bytes(b"no model")
    (folder / "notes.txt").write_text("which is which")
    command = ("import", "folder", folder)
    found = {"face_detector_new_": "imported", "hand": "imported", "7531": "imported", "broken": "failed",
             "notes.txt": "skipped"}
    dry = {name: outcome.replace("imported", "would import") for name, outcome in found.items()}
    assert outcomes(godwit, (*command, "--dry-run"), 1) == dry
    assert outcomes(godwit, command, 1) == found
    assert state(godwit)["hand"] == ([], 0, [sha256(models["hand.tflite"])])
    (folder / "broken.tflite").unlink()
    again = {name: outcome.replace("imported", "there already") for name, outcome in found.items() if name != "broken"}
    assert outcomes(godwit, (*command, "--publish")) == again
    assert [published for _, published, _ in state(godwit).values()] == [1, 1, 1]


def test_a_saved_list_gives_saved_files_names_tags_and_publication(firebase, godwit, tmp_path):
    folder = tmp_path / "hosted_models"
    folder.mkdir()
    firebase.create("face", DIGITS_V1.read_bytes(), ["vision"], publish=True)
    firebase.create("hand", DIGITS_V2.read_bytes())
    firebase.create("eye", padded_model(1, 20_000))
    listed = tmp_path / "models.json"
    listed.write_text(json.dumps(firebase.call("GET", f"/v1beta2/projects/{firebase.project}/models")))
    shutil.copy(DIGITS_V1, folder / "download (3).tflite")  # Known by its bytes.
    shutil.copy(DIGITS_V1, folder / "hand.tflite")          # Not what Firebase had under that name.
    command = ("import", "folder", folder, "--models-json", listed)
    done = godwit.run(*command)
    assert done.returncode == 1
    assert "imported       face@1, published (download (3).tflite)" in done.stdout
    assert "failed         eye (models/" in done.stdout and "no file here is it" in done.stdout
    assert state(godwit) == {"face": (["vision"], 1, [sha256(DIGITS_V1.read_bytes())])}
    # As a first import without the list leaves it; then as somebody else tagged it.
    for flags, tags in (("--clear-tags",), ["vision"]), (("--tag", "mine"), ["mine"]):
        godwit.ok("model", "update", "face", *flags)
        godwit.run(*command)
        assert state(godwit)["face"][0] == tags
