"""Cloud Storage by the two client libraries, as Admin SDKs bring them."""
import base64
import http.client
import socket
import ssl
import urllib.parse

import pytest

from ways import SdkError


@pytest.fixture
def send(storage, files, name):
    """Uploads bytes as an object of this test; returns what the library tells of it."""
    def upload(data, end="", **options):
        path = files / f"{name}{end}"
        path.write_bytes(data)
        return storage.upload(name=f"{name}/{end or 'object'}", path=str(path), **options)
    return upload


def crc32c(data):
    """The base64 of the big-endian CRC-32C, in four lines and slowly."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 * (value & 1)
    return base64.b64encode((value ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


UPLOADS = {"whole": {}, "resumable": {"resumable": True},
           "in chunks": {"resumable": True, "chunkBytes": 256 * 1024}}


@pytest.mark.parametrize("form", UPLOADS)
def test_what_is_uploaded_comes_back(storage, send, name, form):
    data = bytes(range(256)) * 2100 + b"and a rest"  # Two chunks and a part of a third.
    told = send(data, **UPLOADS[form])
    assert told["size"] == len(data) and told["crc32c"]  # Both libraries have compared it.
    assert base64.b64decode(storage.download(name=told["name"])) == data
    assert storage.metadata(name=told["name"]) == told


def test_an_empty_object_is_an_object(storage, send):
    told = send(b"")
    assert told["size"] == 0 and told["crc32c"] == crc32c(b"")
    assert storage.metadata(name=told["name"])["size"] == 0


def test_a_part_is_downloaded(storage, send):
    told = send(b"0123456789")
    assert base64.b64decode(storage.download(name=told["name"], first=3, last=6)) == b"3456"


@pytest.mark.parametrize("end", ["a b+c.tflite", "ü/日本.tflite", "100%?#&=.tflite", "a//b/../c"])
def test_a_name_may_hold_what_a_url_escapes(storage, send, files, name, end):
    path = files / "escaped"
    path.write_bytes(b"escaped")
    told = storage.upload(name=f"{name}/{end}", path=str(path))
    assert told["name"] == f"{name}/{end}"
    assert storage.metadata(name=f"{name}/{end}") == told
    assert base64.b64decode(storage.download(name=f"{name}/{end}")) == b"escaped"
    assert storage.listObjects(prefix=f"{name}/")["names"] == [f"{name}/{end}"]


def test_an_object_exists_until_it_is_removed(storage, send):
    told = send(b"short-lived")
    assert storage.exists(name=told["name"])
    storage.remove(name=told["name"])
    assert not storage.exists(name=told["name"])
    for call in (storage.remove, storage.metadata, storage.download):
        with pytest.raises(SdkError) as raised:
            call(name=told["name"])
        assert raised.value.code == "404"


def test_a_list_has_pages_prefixes_and_folders(storage, send, name):
    for end in ("a/1", "a/2", "b/1", "c"):
        send(b"x", end=end.replace("/", "-"))
    names = [f"{name}/{end}" for end in ("a-1", "a-2", "b-1", "c")]
    assert storage.listObjects(prefix=f"{name}/", pageSize=2)["names"] == names
    assert storage.listObjects(prefix=f"{name}/a")["names"] == names[:2]
    by_dash = storage.listObjects(prefix=f"{name}/", delimiter="-")
    assert by_dash == {"names": [f"{name}/c"], "prefixes": [f"{name}/a-", f"{name}/b-"]}
    assert storage.listObjects(prefix=f"{name}/nothing")["names"] == []


def test_parts_are_composed(storage, send, name):
    parts = [send(f"part {number};".encode(), end=str(number))["name"] for number in range(3)]
    told = storage.compose(name=f"{name}/whole", parts=parts)
    whole = b"part 0;part 1;part 2;"
    assert told["size"] == len(whole) and told["crc32c"] == crc32c(whole)
    assert base64.b64decode(storage.download(name=f"{name}/whole")) == whole


def fetch(storage, url):
    """What a link gives, led to the server as the SDK is: (status, body)."""
    link = urllib.parse.urlsplit(url)
    server = urllib.parse.urlsplit(storage.server.tls_url or storage.server.url)
    connection = http.client.HTTPConnection(link.netloc)
    connection.sock = socket.create_connection((server.hostname, server.port), timeout=20)
    if storage.server.authority:
        trusted = ssl.create_default_context(cafile=storage.server.authority)
        connection.sock = trusted.wrap_socket(connection.sock, server_hostname=link.hostname)
    connection.request("GET", f"{link.path}?{link.query}")
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, body


@pytest.mark.parametrize("version", ["v2", "v4"])
def test_a_signed_link_opens_its_object_and_no_other(storage, send, version):
    told, other = send(b"signed"), send(b"other", end="other")
    url = storage.signedUrl(name=told["name"], version=version)
    assert fetch(storage, url) == (200, b"signed")
    assert fetch(storage, url.replace(told["name"], other["name"]))[0] == 403
    if storage.server.authority:  # The other one lets everybody read.
        assert fetch(storage, url[:url.index("?")])[0] in (401, 403)
