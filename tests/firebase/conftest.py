"""Fixtures of the tests with the real Firebase SDKs."""
import itertools
import os
from contextlib import ExitStack

import pytest

from firebase_server import FirebaseServer, make_authority
from ways import EMULATOR_WAYS, WAYS, Sdk

numbers = itertools.count()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def servers(tmp_path_factory, authority):
    """One server by HTTP and one by TLS; each serves every way of its kind."""
    folder = tmp_path_factory.mktemp("servers")
    started = {}

    def get(tls):
        if tls not in started:
            server = FirebaseServer(folder / ("tls" if tls else "http"), authority if tls else None)
            started[tls] = server.start()
        return started[tls]
    yield get
    for server in started.values():
        assert server.stop() == 0, server.log_text()[-2000:]


@pytest.fixture(scope="session")
def sdks(servers, tmp_path_factory):
    """The running SDK of a way; each is started once."""
    folder = tmp_path_factory.mktemp("users")
    started = {}

    def get(way):
        if way not in started:
            started[way] = Sdk(way, servers(way.tls), folder / way.name)
        return started[way]
    yield get
    for sdk in started.values():
        sdk.close()


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def sdk(request, sdks):
    return sdks(request.param)


@pytest.fixture(params=WAYS + EMULATOR_WAYS, ids=lambda way: way.name)
def storage(request, sdks):
    return sdks(request.param)


@pytest.fixture
def name():
    """A name that no other test has used."""
    return f"model-{next(numbers)}"


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The model files that scenarios upload; uploading a path anew makes a new object."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def alone(tmp_path, authority):
    """Starts a server for this test alone, and SDKs that speak to it; ends them all."""
    with ExitStack() as ends:
        def start(*ways, server_environment=None, sdk_environment=None):
            server = FirebaseServer(tmp_path / "server", authority if ways[0].tls else None)
            server.environment = os.environ | (server_environment or {})
            server.start()
            ends.callback(server.stop)
            users = []
            for way in ways:
                users.append(Sdk(way, server, tmp_path / way.name, **(sdk_environment or {})))
                ends.callback(users[-1].close)
            return server, *users
        yield start
