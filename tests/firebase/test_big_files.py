"""Files of 200 MB: uploaded in parts, validated, published, and the same bytes afterwards."""
import hashlib

import pytest

from programs import DIGITS_V1
from ways import WAYS

BIG_BYTES = 200_000_000


@pytest.fixture(scope="module")
def big_file(tmp_path_factory):
    """(path, SHA-256) of a valid model whose size is nearly all zeros after the flatbuffer."""
    path = tmp_path_factory.mktemp("big") / "big.tflite"
    with open(path, "wb+") as file:
        file.write(DIGITS_V1.read_bytes())
        file.truncate(BIG_BYTES)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    yield path, digest
    path.unlink()


@pytest.mark.parametrize("way", [way for way in WAYS if way.name in ("python-http", "python-https", "node24-preload")],
                         ids=lambda way: way.name)
def test_200_megabytes(sdks, way, name, big_file):
    path, digest = big_file
    sdk = sdks(way)
    uri = sdk.uploadModel(path=str(path))
    made = sdk.create(displayName=name, gcsUri=uri)
    if made["locked"]:
        made = sdk.waitForUnlocked(id=made["id"], seconds=60)
    assert made["validationError"] is None
    assert made["modelHash"] == digest and made["sizeBytes"] == BIG_BYTES
    assert sdk.publish(id=made["id"])["published"]
