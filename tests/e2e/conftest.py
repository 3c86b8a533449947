"""Fixtures of the end-to-end tests, and the seed of their chance."""
import os
import random
import time

import pytest

from programs import Godwit, Server

SEED = int(os.environ.get("GODWIT_SEED", time.time_ns() % 1_000_000_007))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"seed {SEED}; repeat with GODWIT_SEED={SEED}")


@pytest.fixture
def chance():
    return random.Random(SEED)


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "server").start()
    yield server
    assert server.stop() == 0, server.log_text()[-2000:]


@pytest.fixture
def godwit(server, tmp_path):
    return Godwit(server, tmp_path / "home")
