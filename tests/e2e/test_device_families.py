"""The three families of clients against the real server: what each can live with."""
import json
import secrets
import time

import pytest

from device_families import AndroidDevice, AppleDevice, ClientError, Front, new_fid
from programs import DIGITS_V1, DIGITS_V2, Godwit, Server

V1, V2 = DIGITS_V1.read_bytes(), DIGITS_V2.read_bytes()


class World:
    """A server behind a front, with an app and a restricted key for each family."""

    def __init__(self, folder):
        self.front = Front()
        self.server = Server(folder / "server", "--public-url", self.front.url).start()
        self.front.target = self.server.url
        self.godwit = Godwit(self.server, folder / "home")
        self.app, self.number = {}, 0

    def new_app(self, platform):
        self.number += 1
        package = f"com.example.app{self.number}"
        app = self.godwit.json("app", "create", platform, package)
        return {"project_id": app["projectId"], "app_id": app["appId"]}

    def new_key(self, *flags):
        return self.godwit.json("key", "create", *flags)

    def device(self, family, fid=None):
        """Returns (device, the id of its key)."""
        if family is AndroidDevice:
            app = self.new_app("android")
            key = self.new_key("--android", f"{family.package}={family.certificate}", "--app", app["app_id"])
        else:
            app = self.new_app("ios")
            key = self.new_key("--ios", family.bundle, "--app", app["app_id"])
        return family(self.front.url, app, key["keyString"], fid), key["uid"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("families"))
    yield world
    world.front.stop()
    assert world.server.stop() == 0


@pytest.fixture(autouse=True)
def published(world):
    world.front.answers.clear()
    world.godwit.push("digits", V1, "--publish")


families = pytest.mark.parametrize("family", [AndroidDevice, AppleDevice])


@families
def test_the_first_model_the_same_and_the_next(world, family):
    device, _ = world.device(family)
    assert device.get_model() == V1
    assert device.get_model() == V1
    assert device.requests[-1].endswith(" 304"), device.requests
    world.godwit.push("digits", V2, "--publish")
    assert device.get_model() == V2
    assert [r for r in device.requests if "installations" in r] == [device.requests[0]], "one registration"


@families
def test_an_unpublished_model_is_not_found_and_the_old_one_stays(world, family):
    device, _ = world.device(family)
    assert device.get_model() == V1
    world.godwit.ok("model", "unpublish", "digits")
    with pytest.raises(ClientError) as refused:
        device.get_model()
    assert refused.value.code in (5, "notFound")
    assert device.model == V1
    world.godwit.ok("model", "publish", "digits")
    assert device.get_model() == V1


@families
def test_a_token_is_refreshed_in_its_last_hour(world, family):
    device, _ = world.device(family)
    device.get_token()
    first = device.token
    device.token_ends = time.time() + 3599
    assert device.get_token() != "" and device.token_ends > time.time() + 3600
    assert device.requests[-1].endswith("authTokens:generate 200")
    assert device.get_model() == V1
    device.token = first
    assert device.get_model() == V1, "the older one lives on until it ends"


@families
def test_an_installation_that_was_deleted_registers_anew(world, family):
    device, _ = world.device(family)
    device.get_token()
    old_fid, old_refresh = device.fid, device.refresh_token
    device.delete()
    # A copy of the device that does not know yet, as after a backup was restored.
    device.fid, device.refresh_token, device.token_ends = old_fid, old_refresh, 0
    if family is AndroidDevice:
        with pytest.raises(ClientError) as refused:
            device.get_token()
        assert refused.value.code == "AUTH_ERROR"
    assert device.get_model() == V1
    assert device.fid != old_fid and device.refresh_token != old_refresh


@families
def test_ids_are_kept_when_they_are_free_and_changed_when_they_are_not(world, family):
    instance_id = secrets.token_urlsafe(8)[:11]
    migrated, _ = world.device(family, fid=instance_id)
    assert migrated.get_model() == V1
    assert migrated.fid == instance_id, "eleven characters, from before there were installations"
    fid = new_fid()
    first, _ = world.device(family, fid=fid)
    second, _ = world.device(family, fid=fid)
    assert first.get_model() == second.get_model() == V1
    assert first.fid == fid and second.fid != fid
    first.token_ends = second.token_ends = 0
    assert first.get_model() == second.get_model() == V1


@families
def test_a_revoked_key_ends_all_and_costs_no_identity(world, family):
    device, key_id = world.device(family)
    assert device.get_model() == V1
    fid = device.fid
    world.godwit.ok("key", "delete", key_id, "--yes")
    with pytest.raises(ClientError) as refused:
        device.get_model()
    assert refused.value.status == 403 and refused.value.code in (7, "permissionDenied")
    device.token_ends = 0
    with pytest.raises(ClientError) as refused:
        device.get_token()
    assert refused.value.status == 400 and refused.value.code in ("BAD_CONFIG", "silent for a day")
    assert device.fid == fid and device.refresh_token, "the identity outlives the wrong key"
    # The next version of the app brings a new key.
    device.key = world.new_key("--app", device.app["app_id"])["keyString"]
    assert device.get_model() == V1 and device.fid == fid


@families
def test_a_key_of_another_app_is_blocked(world, family):
    device, _ = world.device(family)
    assert device.get_model() == V1
    other = world.new_key("--ios", "com.example.other") if family is AppleDevice else world.new_key(
        "--android", f"com.example.other={AndroidDevice.certificate}")
    device.key = other["keyString"]
    with pytest.raises(ClientError) as refused:
        device.get_model()
    assert refused.value.status == 403
    device.forget()
    with pytest.raises(ClientError) as refused:
        device.get_token()
    assert refused.value.status == 403 and refused.value.code in ("BAD_CONFIG", "silent for a day")


@families
def test_a_deleted_app_falls_silent_and_does_not_register_without_end(world, family):
    device, _ = world.device(family)
    device.key = world.new_key()["keyString"]
    assert device.get_model() == V1
    world.godwit.ok("app", "delete", device.app["app_id"], "--yes")
    with pytest.raises(ClientError) as refused:
        device.get_model()
    assert refused.value.status == 401
    device.token_ends, before = 0, len(device.requests)
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            device.get_token()
    assert refused.value.status == 400
    assert len(device.requests) - before <= 4, device.requests[before:]


@families
def test_an_expired_link_is_asked_for_again(world, family):
    """A link that has run out answers 400 (DeviceApiTest has a clock to prove it); here the front does."""
    retries = 2 if family is AndroidDevice else 1
    device, _ = world.device(family)
    world.front.answer("/blobs/", retries, 400)
    assert device.get_model() == V1
    assert sum("GET file" in r for r in device.requests) == retries + 1
    device, _ = world.device(family)
    world.front.answer("/blobs/", retries + 1, 400)
    with pytest.raises(ClientError) as refused:
        device.get_model()
    assert refused.value.code in (121, "internalError") and device.model is None


@families
def test_a_link_that_was_changed_is_403_and_never_taken_for_an_expired_one(world, family):
    device, _ = world.device(family)
    found = device.info(with_hash=False) if family is AndroidDevice else device.info()
    link = found[1]
    assert device.get_file(link)[0] == 200
    ends = link.index("exp=") + 4
    assert device.get_file(link[:ends] + "9" + link[ends + 1:])[0] == 403


def test_an_overloaded_server_is_asked_again_as_far_as_each_does(world):
    android, _ = world.device(AndroidDevice)
    world.front.answer("/installations", 1, 503)
    assert android.get_model() == V1, "one retry of a 5xx"
    apple, _ = world.device(AppleDevice)
    world.front.answer("/installations", 1, 500)
    assert apple.get_model() == V1, "one retry of exactly 500"
    apple, _ = world.device(AppleDevice)
    world.front.answer("/installations", 1, 503)
    with pytest.raises(ClientError) as refused:
        apple.get_model()
    assert refused.value.code == "backoff" and apple.get_model() == V1
    for device, code in ((android, 13), (apple, "internalError")):
        world.front.answer(":download", 1, 503)
        with pytest.raises(ClientError) as refused:
            device.get_model()
        assert refused.value.code == code and device.get_model() == V1


def test_the_file_that_an_app_is_built_with_opens_the_server(world, tmp_path):
    """docs/guides/access.md, "An app": what the Gradle plugin reads of google-services.json is enough."""
    app = world.godwit.json("app", "create", "android", AndroidDevice.package)
    file = tmp_path / "google-services.json"
    world.godwit.ok("app", "config", app["appId"], "-o", file)
    built = json.loads(file.read_text())
    client = next(client for client in built["client"]
                  if client["client_info"]["android_client_info"]["package_name"] == AndroidDevice.package)
    settings = {"project_id": built["project_info"]["project_id"],
                "app_id": client["client_info"]["mobilesdk_app_id"]}
    device = AndroidDevice(world.front.url, settings, client["api_key"][0]["current_key"])
    assert device.get_model() == V1


def test_our_own_client_sits_it_all_out(world, tmp_path):
    godwit = Godwit(world.server, tmp_path / "phone")
    app_file = tmp_path / "app.json"
    app = world.new_app("android")
    godwit.ok("app", "config", app["app_id"], "--format", "godwit", "-o", app_file)
    settings = json.loads(app_file.read_text())
    assert settings["server_url"] == world.front.url

    def get():
        path = godwit.ok("get", "digits", "--type", "latest", "--app", app_file).strip()
        return open(path, "rb").read()

    world.front.answer(":download", 1, 503)
    world.front.answer("/blobs/", 1, 400)
    assert get() == V1
    world.godwit.push("digits", V2, "--publish")
    assert get() == V2
    world.godwit.ok("key", "delete", settings["api_key"], "--yes")
    refused = godwit.run("get", "digits", "--type", "latest", "--app", app_file)
    assert refused.returncode == 4, refused.stderr
    kept = godwit.ok("get", "digits", "--type", "local", "--app", app_file).strip()
    assert open(kept, "rb").read() == V2
