"""A server that ends at the wrong moment: the SDKs' own retries carry their calls over it."""
import base64
import signal
import time

import pytest

from programs import DIGITS_V1, padded_model, sha256
from ways import SdkError, one_of_each

BIG_BYTES = 12_000_000


def end(server, number):
    server.process.send_signal(number)
    server.process.wait(timeout=20)


@one_of_each("python-http", "python-https", "node20-preload", "node24-preload")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_what_was_acknowledged_stands_after_a_restart(alone, way, number, files):
    server, sdk = alone(way)
    path = files / "kept.tflite"
    path.write_bytes(DIGITS_V1.read_bytes())
    made = sdk.create(displayName="kept", tags=["a"], gcsUri=sdk.uploadModel(path=str(path)))
    published = sdk.publish(id=made["id"])
    end(server, number)
    server.start()
    assert sdk.get(id=made["id"]) == published  # With the token and the connections of before.
    assert sdk.update(id=made["id"], tags=["b"])["modelHash"] == sha256(DIGITS_V1.read_bytes())
    assert [model["id"] for model in sdk.list(filter="tags:b")["models"]] == [made["id"]]


def bytes_in(server, folder):
    total = 0
    for file in (server.folder / folder).rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            pass  # It has just become a blob.
    return total


# When the server ends: the folder that has grown by so many bytes.
MOMENTS = {"amid its bytes": ("uploads", BIG_BYTES // 3), "as it becomes an object": ("blobs", BIG_BYTES)}


@one_of_each("python-https", "node24-preload", "node20-emulator")
@pytest.mark.parametrize("number, moment", [(signal.SIGTERM, "amid its bytes"), (signal.SIGKILL, "amid its bytes"),
                                            (signal.SIGKILL, "as it becomes an object")],
                         ids=["ended amid its bytes", "killed amid its bytes", "killed at its end"])
def test_an_upload_goes_on_after_a_restart(alone, way, number, moment, files):
    server, sdk = alone(way)
    path = files / "interrupted.tflite"
    data = padded_model(number, BIG_BYTES)
    path.write_bytes(data)
    sdk.start("upload", name="interrupted", path=str(path), resumable=True, chunkBytes=4 << 20, onlyNew=True)
    deadline = time.monotonic() + 20
    while bytes_in(server, MOMENTS[moment][0]) < MOMENTS[moment][1]:
        assert time.monotonic() < deadline, "the upload did not get there"
    end(server, number)
    server.start()
    try:
        told = sdk.finish()
    except SdkError as error:
        assert not sdk.is_python
        if "ECONNREFUSED" in error.message:  # Node's comes again after a reset, but not to a closed door.
            told = sdk.upload(name="interrupted", path=str(path), resumable=True)
        else:  # It takes the answer that the object is complete for one that nothing is there.
            assert "The server has 0 bytes" in error.message and "object" in moment
            told = sdk.metadata(name="interrupted")
    assert told["size"] == BIG_BYTES
    assert sha256(base64.b64decode(sdk.download(name="interrupted"))) == sha256(data)
