"""Files that are too big to be verified while the SDK waits, of 40 and of 200 MB."""
import hashlib
import os

import pytest

from programs import DIGITS_V1
from ways import SdkError, one_of_each

HUGE_BYTES, BIG_BYTES = 200_000_000, 40_000_000


def make_file(path, size_bytes):
    """Writes a valid model that is nearly all zeros after its flatbuffer; returns its SHA-256."""
    with open(path, "wb+") as file:
        file.write(DIGITS_V1.read_bytes())
        file.truncate(size_bytes)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module")
def huge_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("huge") / "huge.tflite"
    yield path, make_file(path, HUGE_BYTES)
    path.unlink()


@one_of_each("python-http", "python-https", "node24-preload")
def test_200_megabytes(sdks, way, name, huge_file):
    path, digest = huge_file
    sdk = sdks(way)
    uri = sdk.uploadModel(path=str(path))
    made = sdk.create(displayName=name, gcsUri=uri)
    if made["locked"]:
        made = sdk.waitForUnlocked(id=made["id"], seconds=60)
    assert made["validationError"] is None
    assert made["modelHash"] == digest and made["sizeBytes"] == HUGE_BYTES
    assert sdk.publish(id=made["id"])["published"]


class HeldBlob:
    """Keeps the server from reading a blob: a pipe stands in its place until release()."""

    def __init__(self, server, digest):
        self.path = server.folder / "blobs" / digest[:2] / digest[2:4] / digest
        self.aside, self.pipe = self.path.with_name("aside"), self.path.with_name("pipe")
        self.path.rename(self.aside)
        os.mkfifo(self.path)

    def release(self):
        self.path.rename(self.pipe)
        self.aside.rename(self.path)
        # Lets the reader go on; it finds another length and tries again. For reading, too, so
        # that it waits for no reader.
        os.close(os.open(self.pipe, os.O_RDWR))
        self.pipe.unlink()


@one_of_each("python-https", "node20-preload", "node24-preload")
def test_a_model_is_locked_while_its_file_is_verified(sdks, way, name, tmp_path):
    sdk, path = sdks(way), tmp_path / f"{name}.tflite"
    digest = make_file(path, BIG_BYTES)
    uri = sdk.uploadModel(path=str(path))
    held = HeldBlob(sdk.server, digest)
    try:
        made = sdk.create(displayName=name, gcsUri=uri)
        assert made["locked"] and not made["published"] and made["modelHash"] is None
        for call, arguments in ((sdk.publish, {}), (sdk.update, {"tags": ["late"]})):
            with pytest.raises(SdkError) as raised:
                call(id=made["id"], **arguments)
            assert raised.value.code == "failed-precondition"
        if not sdk.is_python:  # It would sleep for three seconds and longer, and then say the same.
            with pytest.raises(SdkError):
                sdk.waitForUnlocked(id=made["id"], seconds=0.1)
    finally:
        held.release()
    done = sdk.waitForUnlocked(id=made["id"], seconds=30)
    assert not done["locked"] and done["validationError"] is None and done["modelHash"] == digest
    assert sdk.publish(id=made["id"])["published"]
