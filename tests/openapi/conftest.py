"""One server for each page of these tests, with a published model, an upload session and every credential."""
import json
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from programs import DIGITS_V1, Server, admin_token, sha256  # noqa: E402


class World:
    """What is on the server, by the names that docs/reference/openapi.yaml has for it."""

    def __init__(self, server):
        self.server, self.unique = server, 0
        app = server.app
        self.credentials = {"accessToken": {"Authorization": f"Bearer {admin_token(server)}"},
                            "apiKey": {"x-goog-api-key": app["api_key"]}}
        created = self.ask("POST", "/v1/projects/godwit/installations", "apiKey", {"appId": app["app_id"]})
        self.credentials["installationToken"] = {
            "X-Goog-Firebase-Installations-Auth": created["authToken"]["token"]}
        self.credentials["refreshToken"] = {"Authorization": "FIS_v2 " + created["refreshToken"]}
        upload = self.ask("POST", "/upload/storage/v1/b/godwit-models/o?uploadType=media&name=digits", "accessToken",
                          DIGITS_V1.read_bytes())
        # One case without a tensor: docs/formats/golden.md.
        self.ask("POST", "/upload/storage/v1/b/godwit-models/o?uploadType=media&name=face.golden", "accessToken",
                 b"GWGF" + struct.pack("<4I2f2I", 1, 1, 0, 0, 0, 0, 0, 0))
        made = self.ask("POST", "/v1beta2/projects/godwit/models", "accessToken", {
            "displayName": "digits", "tfliteModel": {"gcsTfliteUri": "gs://godwit-models/digits"}})
        model = made["response"]["name"].split("/")[-1]
        self.ask("PATCH", f"/v1beta2/projects/godwit/models/{model}?updateMask=state.published", "accessToken",
                 {"state": {"published": True}})
        key = self.ask("POST", "/v2/projects/godwit/locations/global/keys", "accessToken", {})["response"]["uid"]
        # What a request that should succeed has in its path, query and body.
        self.values = {
            "project": "godwit", "model": model, "version": "1", "alias": "stable", "operation": made["name"].split("/")[-1],
            "address": "digits", "fid": created["fid"], "bucket": "godwit-models", "object": "digits",
            "platform": "androidApps", "app": app["app_id"], "key": key, "email": "nobody@godwit.test", "fingerprint": "0" * 40,
            "destinationBucket": "godwit-models", "destinationObject": "copied",
            "generation": upload["generation"], "ifGenerationMatch": upload["generation"],
            "sha256": sha256(DIGITS_V1.read_bytes()), "appId": app["app_id"]}

    def ask(self, method, path, scheme, body):
        data = body if isinstance(body, bytes) else json.dumps(body)
        status, _, reply = self.server.request(
            method, path, self.credentials[scheme] | {"Content-Type": "application/json"}, data)
        assert status == 200, reply
        return json.loads(reply)

    def headers(self, operation):
        """The credentials that the operation needs."""
        return {name: value for scheme in operation.security
                for name, value in self.credentials[scheme].items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("openapi") / "server").start()
    yield World(server)
    assert server.stop() == 0, server.log_text()[-2000:]
