"""Access tokens over time: the clocks of server and SDK are set by libfaketime."""
import itertools
import sqlite3
from pathlib import Path

import pytest

from ways import SdkError, one_of_each

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
MINUTE, HOUR = 60, 3600

# One way of each SDK: how a token is renewed is the SDK's own business, not the way's.
each_sdk = one_of_each("python-https", "node20-preload", "node24-preload")


class FakeClock:
    """The clock of one program that runs in its environment."""
    numbers = itertools.count()

    def __init__(self, folder):
        self.file = folder / f"clock-{next(self.numbers)}"
        self.set(0)

    def set(self, seconds_ahead):
        self.file.write_text(f"{seconds_ahead:+d}\n")

    def environment(self):
        assert FAKETIME, "libfaketime is missing; run scripts/setup --test"
        return {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}


@pytest.fixture
def clocks(tmp_path):
    return FakeClock(tmp_path), FakeClock(tmp_path)


def tokens_given(server):
    with sqlite3.connect(f"file:{server.folder}/godwit.db?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM access_tokens").fetchone()[0]


@each_sdk
def test_a_token_is_renewed_before_it_expires(alone, clocks, way, files):
    server_clock, sdk_clock = clocks
    server, sdk = alone(way, server_environment=server_clock.environment(),
                        sdk_environment=sdk_clock.environment())
    model = files / "timed.tflite"
    model.write_bytes(b"no model, which does not matter here")
    made = sdk.create(displayName="timed", gcsUri=sdk.uploadModel(path=str(model)))
    first = tokens_given(server)
    assert sdk.get(id=made["id"]) == made
    assert tokens_given(server) == first, "a token serves many calls"
    for clock in clocks:
        clock.set(58 * MINUTE)
    assert sdk.get(id=made["id"])["id"] == made["id"]
    assert tokens_given(server) == first + 1
    for clock in clocks:
        clock.set(3 * HOUR)
    assert sdk.get(id=made["id"])["id"] == made["id"]
    assert sdk.uploadModel(path=str(model))


@each_sdk
def test_a_token_that_the_server_no_longer_takes(alone, clocks, way):
    server_clock, _ = clocks
    server, sdk = alone(way, server_environment=server_clock.environment())
    made = sdk.create(displayName="lost")
    server_clock.set(61 * MINUTE)  # For the SDK's clock the token has an hour to live.
    if sdk.is_python:  # It takes a 401 as a reason to renew.
        assert sdk.get(id=made["id"]) == made
        return
    with pytest.raises(SdkError) as raised:  # Node's looks at its own clock alone.
        sdk.get(id=made["id"])
    assert raised.value.code == "authentication-error"


@each_sdk
def test_an_assertion_that_has_expired_is_refused_with_the_reason(alone, clocks, way):
    server_clock, _ = clocks
    _, sdk = alone(way, server_environment=server_clock.environment())
    server_clock.set(3 * HOUR)
    with pytest.raises(SdkError) as raised:
        sdk.create(displayName="late")
    assert "the assertion has expired; make a new one and check the machine's clock" in raised.value.message
    server_clock.set(-3 * HOUR)
    with pytest.raises(SdkError) as raised:
        sdk.create(displayName="early")
    assert "issued in the future" in raised.value.message
    server_clock.set(0)
    assert sdk.create(displayName="in-time")["displayName"] == "in-time"
