"""Firebase ML's models by its real Admin SDKs: what their users' scripts rely on."""
import hashlib

import pytest

from programs import DIGITS_V1, DIGITS_V2, sha256
from ways import SdkError

VALID, NEWER = DIGITS_V1.read_bytes(), DIGITS_V2.read_bytes()
NO_FILE, WRONG_FILE = "No model file has been uploaded.", "Invalid flatbuffer format"
NOT_FOUND = "Requested entity was not found."
ABSENT_ID = "00000000"


@pytest.fixture
def send(sdk, files, name):
    """Uploads bytes as this test's model file; returns its gs:// address."""
    def upload(data):
        path = files / f"{name}.tflite"
        path.write_bytes(data)
        return sdk.uploadModel(path=str(path))
    return upload


def refusal(call, **arguments):
    with pytest.raises(SdkError) as raised:
        call(**arguments)
    return raised.value


def test_a_model_without_a_file_waits_for_one(sdk, name):
    made = sdk.create(displayName=name, tags=["alpha", "beta"])
    assert (made["displayName"], made["tags"]) == (name, ["alpha", "beta"])
    assert made["validationError"] == NO_FILE
    assert not made["locked"] and not made["published"]
    assert made["modelHash"] is None and made["gcsUri"] is None


def test_a_model_with_a_file_is_valid_and_unlocked_at_once(sdk, send, name):
    uri = send(VALID)
    made = sdk.create(displayName=name, gcsUri=uri)
    assert made["validationError"] is None
    assert not made["locked"] and not made["published"]
    assert made["modelHash"] == sha256(VALID) and made["sizeBytes"] == len(VALID)
    assert made["gcsUri"] == uri


def test_what_is_created_is_what_is_fetched(sdk, send, name):
    made = sdk.create(displayName=name, tags=["one"], gcsUri=send(VALID))
    assert sdk.get(id=made["id"]) == made


def test_a_file_that_is_no_model_is_kept_out(sdk, send, name):
    uri = send(b"this is not a flatbuffer\n")
    made = sdk.create(displayName=name, gcsUri=uri)
    assert made["validationError"] == WRONG_FILE
    assert made["gcsUri"] == uri and made["modelHash"] is None and made["sizeBytes"] is None
    wrong = refusal(sdk.publish, id=made["id"])
    assert wrong.code == "failed-precondition"
    assert wrong.message == "Cannot publish a model that is not verified."


def test_a_name_is_given_once(sdk, name):
    made = sdk.create(displayName=name)
    taken = refusal(sdk.createAgain, id=made["id"])  # Python sends the whole fetched model.
    assert taken.code == "already-exists"
    assert taken.message == f"Model '{name}' already exists"


def test_publishing_and_back(sdk, send, name):
    made = sdk.create(displayName=name, gcsUri=send(VALID))
    assert sdk.publish(id=made["id"])["published"]
    assert sdk.get(id=made["id"])["published"]
    assert not sdk.unpublish(id=made["id"])["published"]
    assert not sdk.unpublish(id=made["id"])["published"]


def test_each_change_gives_a_new_etag(sdk, send, name):
    made = sdk.create(displayName=name)
    renamed = sdk.update(id=made["id"], displayName=name + "b")
    assert renamed["displayName"] == name + "b" and renamed["etag"] != made["etag"]
    tagged = sdk.update(id=made["id"], tags=["new"])
    assert tagged["tags"] == ["new"] and tagged["displayName"] == name + "b"
    uri = send(VALID)
    filled = sdk.update(id=made["id"], gcsUri=uri)
    assert filled["validationError"] is None and filled["modelHash"] == sha256(VALID)
    assert filled["gcsUri"] == uri and filled["tags"] == ["new"]
    assert len({made["etag"], renamed["etag"], tagged["etag"], filled["etag"]}) == 4


def test_one_update_changes_all_that_it_names(sdk, send, name):
    made = sdk.create(displayName=name)
    changed = sdk.update(id=made["id"], displayName=name + "b", tags=["x", "y"], gcsUri=send(VALID))
    assert changed["displayName"] == name + "b" and changed["tags"] == ["x", "y"]
    assert changed["modelHash"] == sha256(VALID)
    assert sdk.get(id=made["id"]) == changed


def test_an_update_may_be_repeated_with_what_it_returned(sdk, send, name):
    made = sdk.create(displayName=name, gcsUri=send(VALID))
    first = sdk.update(id=made["id"], displayName=name + "b")
    again = sdk.update(id=made["id"], displayName=name + "b")
    assert again["modelHash"] == first["modelHash"] == sha256(VALID)
    assert again["gcsUri"] == first["gcsUri"]


def test_an_empty_list_clears_the_tags(sdk, name):
    made = sdk.create(displayName=name, tags=["old"])
    assert sdk.update(id=made["id"], tags=[])["tags"] == []
    assert sdk.get(id=made["id"])["tags"] == []


def test_a_new_file_of_a_published_model_is_published(sdk, send, name):
    made = sdk.create(displayName=name, gcsUri=send(VALID))
    sdk.publish(id=made["id"])
    changed = sdk.update(id=made["id"], gcsUri=send(NEWER))
    assert changed["published"] and changed["modelHash"] == sha256(NEWER)


def test_a_wrong_file_never_unpublishes(sdk, send, name):
    made = sdk.create(displayName=name, gcsUri=send(VALID))
    sdk.publish(id=made["id"])
    changed = sdk.update(id=made["id"], gcsUri=send(b"no model"))
    assert changed["validationError"] == WRONG_FILE
    assert sdk.get(id=made["id"])["published"]


def test_deleting_twice_says_that_it_is_gone(sdk, name):
    made = sdk.create(displayName=name)
    assert sdk.delete(id=made["id"]) is None
    for call in (sdk.get, sdk.delete):
        gone = refusal(call, id=made["id"])
        assert gone.code == "not-found" and gone.message == NOT_FOUND
        assert gone.has_reply or not sdk.is_python  # It comes as an HTTP error, which Python shows.


def test_updating_what_is_gone_names_it(sdk, server_project, name):
    made = sdk.create(displayName=name)
    sdk.delete(id=made["id"])
    for call, arguments in ((sdk.update, {"displayName": name + "b"}), (sdk.publish, {}), (sdk.unpublish, {})):
        gone = refusal(call, id=made["id"], **arguments)
        assert gone.code == "not-found"
        assert gone.message == f"Model 'projects/{server_project}/models/{made['id']}' was not found"


@pytest.fixture
def server_project(sdk):
    return sdk.server.app["project_id"]


@pytest.mark.parametrize("call", ["get", "delete", "publish", "unpublish"])
def test_an_id_is_digits(sdk, call):
    assert refusal(getattr(sdk, call), id="invalid-model-id").code == "invalid-argument"
    assert refusal(getattr(sdk, call), id=ABSENT_ID).code == "not-found"


def test_a_name_has_a_form(sdk):
    # Python's SDK refuses it itself.
    expected = "ValueError" if sdk.is_python else "invalid-argument"
    assert refusal(sdk.create, displayName="Invalid Name#*^!").code == expected


@pytest.fixture
def three(sdk, name):
    """Three models with names of one beginning; two share a tag."""
    tag = "t" + hashlib.sha256(f"{sdk.way.name}{name}".encode()).hexdigest()[:12]
    made = {end: sdk.create(displayName=f"{tag}-{end}", tags=[f"{tag}-{end}"] + [tag] * (end != "c"))
            for end in "abc"}
    yield tag, made
    for model in made.values():
        sdk.delete(id=model["id"])


FILTERS = {  # With {t} for the tag that a and b share: which of the three are found.
    "displayName={t}-a": "a",
    "display_name = {t}-a": "a",
    "displayName:{t}-*": "abc",
    "display_name : {t}*": "abc",
    "tags:{t}": "ab",
    "tags: '{t}'": "ab",
    'tags:"{t}-c"': "c",
    "tags:{t} AND displayName={t}-b": "b",
    "displayName={t}-a OR tags:{t}-c": "ac",
    "tags:{t} AND NOT displayName={t}-b": "a",
    "displayName:{t}* AND (tags:{t}-a OR tags:{t}-c)": "ac",
    "displayName:{t}* state.published = true": "",
    "displayName:{t}* AND state.published=false": "abc",
    "displayName={t}": "",
}


def test_every_form_of_filter_finds_its_models(sdk, three):
    tag, made = three
    for text, expected in FILTERS.items():
        found = sdk.list(filter=text.format(t=tag), pageSize=100)
        ends = {model["displayName"][-1] for model in found["models"]}
        assert ends == set(expected), text
        assert found["nextPageToken"] == ""
    assert {made[model["displayName"][-1]]["etag"] == model["etag"]
            for model in sdk.list(filter=f"displayName:{tag}*")["models"]} == {True}


def test_pages_are_followed_to_the_end(sdk, three):
    tag, _ = three
    first = sdk.list(filter=f"displayName:{tag}*", pageSize=2)
    assert len(first["models"]) == 2 and first["nextPageToken"]
    second = sdk.list(filter=f"displayName:{tag}*", pageSize=2, pageToken=first["nextPageToken"])
    assert len(second["models"]) == 1 and second["nextPageToken"] == ""
    names = [model["displayName"] for page in (first, second) for model in page["models"]]
    assert sorted(names) == [f"{tag}-{end}" for end in "abc"]
    assert sdk.listAll(filter=f"displayName:{tag}*", pageSize=1) == names


@pytest.mark.parametrize("text", ["InvalidFilterParam=123", "invalidFilterItem=foo"])
def test_a_filter_on_what_does_not_exist_is_refused(sdk, text):
    wrong = refusal(sdk.list, filter=text)
    assert wrong.code == "invalid-argument"
    assert wrong.message == "Request contains an invalid argument."
