"""What Firebase's SDKs for Android and Apple do on the wire, played by scripts: not how they are written but
what they send, what they demand of an answer, and what they do about an error."""
import base64
import gzip
import http.client
import http.server
import json
import re
import secrets
import threading
import time
import urllib.parse


class ClientError(Exception):
    """What the app sees. code: the SDK's own word or number."""

    def __init__(self, code, status=None):
        super().__init__(f"{code} ({status})")
        self.code, self.status = code, status


def new_fid():
    """Four bits 0111, then 128 random ones, as base64url."""
    data = bytearray(secrets.token_bytes(17))
    data[0] = 0x70 | data[0] & 0x0F
    return base64.urlsafe_b64encode(bytes(data)).decode()[:22]


def send(url, method, path, headers, body=None, timeout=10):
    """Returns (status, headers, body). Nothing is followed or retried."""
    origin = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(origin.hostname, origin.port, timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
    finally:
        connection.close()


class Device:
    """What both families share: an installation with its tokens, and one model on the disk."""

    def __init__(self, url, app, key, fid=None):
        self.url, self.app, self.key = url, app, key
        self.fid, self.refresh_token, self.token, self.token_ends = fid or new_fid(), None, None, 0
        self.hash, self.model = None, None
        self.requests = []  # "METHOD path status", of all that was sent.

    @property
    def installations(self):
        return f"/v1/projects/{self.app['project_id']}/installations"

    def ask(self, method, path, headers, body=None, timeout=10):
        status, head, reply = send(self.url, method, path, headers, body, timeout)
        self.requests.append(f"{method} {path.split('?')[0]} {status}")
        return status, head, reply

    def adopt(self, reply):
        """An answer to create: everything that either SDK cannot do without."""
        body = json.loads(reply)
        assert body["name"].endswith("/installations/" + body["fid"])
        assert isinstance(body["refreshToken"], str) and body["refreshToken"]
        self.fid, self.refresh_token = body["fid"], body["refreshToken"]
        self.take_token(body["authToken"])

    def take_token(self, body):
        assert re.fullmatch(r"[^.]+\.[^.]+\.[^.]+", body["token"])
        assert re.fullmatch(r"[0-9]+s", body["expiresIn"]), "Android's pattern"
        seconds = int(body["expiresIn"][:-1])
        assert seconds > 3600, "a token of an hour counts as expired on arrival"
        self.token, self.token_ends = body["token"], time.time() + seconds

    def forget(self):
        self.fid, self.refresh_token, self.token = new_fid(), None, None

    def get_token(self):
        """Registers when there is no installation, refreshes in the token's last hour."""
        if self.refresh_token is None:
            self.register()
        elif self.token_ends - time.time() < 3600:
            self.refresh()
        return self.token

    def get_file(self, link):
        """A plain GET without credentials, as the system's download service sends it."""
        parts = urllib.parse.urlsplit(link)
        status, head, data = send(f"{parts.scheme}://{parts.netloc}", "GET", f"{parts.path}?{parts.query}", {})
        self.requests.append(f"GET file {status}")
        if status == 200:
            assert int(head["content-length"]) == len(data), "progress needs a length"
            assert "content-encoding" not in head and head["accept-ranges"] == "bytes"
            assert re.fullmatch(r'"[^"]+"', head["etag"]), "a strong validator, to resume with"
        return status, data

    @property
    def model_path(self):
        return f"/v1beta2/projects/{self.app['project_id']}/models/digits:download"


class AndroidDevice(Device):
    """firebase-installations and firebase-ml-modeldownloader."""
    package, certificate = "com.example.app", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"

    def headers(self, more):
        return {"Content-Type": "application/json", "Accept": "application/json", "Content-Encoding": "gzip",
                "Cache-Control": "no-cache", "X-Android-Package": self.package, "X-Android-Cert": self.certificate,
                "x-firebase-client": "H4sIAAAAAAAAAKtWykhNLCpJSk0sKVayio7VUSpLLSrOzM9TslIyUqoFAFyivEQfAAAA",
                "x-goog-api-key": self.key} | more

    def call(self, method, path, more, body):
        """A server error is asked once more."""
        data = gzip.compress(json.dumps(body).encode()) if body is not None else None
        for attempt in range(2):
            status, _, reply = self.ask(method, path, self.headers(more), data)
            if status < 500:
                break
        return status, reply

    def register(self):
        body = {"fid": self.fid, "appId": self.app["app_id"], "authVersion": "FIS_v2", "sdkVersion": "a:19.0.1"}
        status, reply = self.call("POST", self.installations, {"x-goog-fis-android-iid-migration-auth": "old"}, body)
        if 200 <= status < 300:
            return self.adopt(reply)
        raise ClientError("TOO_MANY_REQUESTS" if status == 429 else "UNAVAILABLE" if status >= 500 else "BAD_CONFIG",
                          status)

    def refresh(self):
        path = f"{self.installations}/{self.fid}/authTokens:generate"
        status, reply = self.call("POST", path, {"Authorization": f"FIS_v2 {self.refresh_token}"},
                                  {"installation": {"sdkVersion": "a:19.0.1"}})
        if 200 <= status < 300:
            return self.take_token(json.loads(reply))
        if status in (401, 404):
            self.forget()
            raise ClientError("AUTH_ERROR", status)  # The app is asked to try again.
        raise ClientError("BAD_CONFIG" if status < 500 else "UNAVAILABLE", status)

    def delete(self):
        """No body, and yet the header that says how it is coded."""
        status, _ = self.call("DELETE", f"{self.installations}/{self.fid}",
                              {"Authorization": f"FIS_v2 {self.refresh_token}"}, None)
        assert status in (200, 401, 404), "204 would be BAD_CONFIG"
        self.forget()

    def info(self, with_hash):
        headers = {"Content-Type": "application/json; charset=UTF-8", "Accept-Encoding": "gzip",
                   "X-Goog-Firebase-Installations-Auth": self.get_token(), "x-goog-api-key": self.key,
                   "X-Android-Package": self.package, "X-Android-Cert": self.certificate}
        if with_hash and self.hash:
            headers["If-None-Match"] = self.hash
        status, head, reply = self.ask("GET", self.model_path, headers, timeout=2)
        if status == 304:
            return None
        if status != 200:
            raise ClientError({400: 3, 401: 7, 403: 7, 404: 5, 429: 8}.get(status, 13), status)
        etag = head.get("etag", "")
        assert "content-encoding" not in head and not etag.endswith("--gzip")
        body = json.loads(reply)
        if not etag or not body["downloadUri"]:
            raise ClientError(13)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["expireTime"]), "its one pattern"
        return etag, body["downloadUri"], int(body["sizeBytes"])

    def get_model(self):
        """The latest model; up to three downloads when links have expired."""
        for attempt in range(3):
            found = self.info(with_hash=attempt == 0)
            if found is None or found[0] == self.hash:
                return self.model
            etag, link, size = found
            status, data = self.get_file(link)
            if status == 200:
                assert len(data) == size
                self.hash, self.model = etag, data
                return data
            if status != 400:
                raise ClientError(13, status)
        raise ClientError(121, 400)


class AppleDevice(Device):
    """FirebaseInstallations and FirebaseMLModelDownloader: slashes at the end, the key in the query."""
    bundle = "com.example.app"
    registrations_max = 10  # The SDK has no limit: a test must see that none is needed.

    def headers(self, more):
        return {"Content-Type": "application/json", "x-goog-api-key": self.key, "X-Ios-Bundle-Identifier": self.bundle,
                "X-firebase-client": "apple-platform/ios"} | more

    def call(self, method, path, more, body):
        """Exactly 500 is asked once more."""
        data = json.dumps(body)
        status, _, reply = self.ask(method, path, self.headers(more), data)
        if status == 500:
            status, _, reply = self.ask(method, path, self.headers(more), data)
        return status, reply

    def register(self):
        body = {"fid": self.fid, "appId": self.app["app_id"], "authVersion": "FIS_v2", "sdkVersion": "i:12.19.0"}
        for _ in range(self.registrations_max):
            status, reply = self.call("POST", self.installations + "/", {"x-goog-fis-ios-iid-migration-auth": "old"}, body)
            if 200 <= status < 300:
                return self.adopt(reply)
            if status not in (401, 404):
                raise ClientError("silent for a day" if status in (400, 403) else "backoff", status)
        raise AssertionError("it would register without end")

    def refresh(self):
        path = f"{self.installations}/{self.fid}/authTokens:generate"
        status, reply = self.call("POST", path, {"Authorization": f"FIS_v2 {self.refresh_token}"},
                                  {"installation": {"sdkVersion": "i:12.19.0"}})
        if 200 <= status < 300:
            return self.take_token(json.loads(reply))
        if status in (401, 404):  # At once, and behind the app's back.
            self.forget()
            return self.register()
        raise ClientError("silent for a day" if status in (400, 403) else "backoff", status)

    def delete(self):
        status, _ = self.call("DELETE", f"{self.installations}/{self.fid}/",
                              {"Authorization": f"FIS_v2 {self.refresh_token}"}, {})
        assert 200 <= status < 300 or status == 404, status
        self.forget()

    def info(self):
        headers = {"x-goog-firebase-installations-auth": self.get_token(), "x-ios-bundle-identifier": self.bundle}
        if self.hash:
            headers["if-none-match"] = self.hash
        status, head, reply = self.ask("GET", f"{self.model_path}?key={self.key}", headers)
        if status == 304:
            if head.get("etag") != self.hash:
                raise ClientError("internalError", status)
            return None
        if status != 200:
            raise ClientError({400: "invalidArgument", 401: "permissionDenied", 403: "permissionDenied",
                               404: "notFound", 429: "resourceExhausted"}.get(status, "internalError"), status)
        body = json.loads(reply)
        assert isinstance(body["sizeBytes"], str), "a number fails to decode"
        assert isinstance(body["expireTime"], str) and head["etag"]
        return head["etag"], body["downloadUri"], int(body["sizeBytes"])

    def get_model(self):
        """One retry when a link has expired."""
        for attempt in range(2):
            found = self.info()
            if found is None:
                return self.model
            etag, link, size = found
            status, data = self.get_file(link)
            if 200 <= status < 299:
                assert len(data) == size
                self.hash, self.model = etag, data
                return data
            if status != 400:
                raise ClientError({401: "permissionDenied", 403: "permissionDenied", 404: "notFound"}.get(
                    status, "internalError"), status)
        raise ClientError("internalError", 400)


class Front:
    """Stands before a server and passes everything on, except what a test wants answered otherwise."""

    def __init__(self):
        self.target, self.answers = None, []  # answers: [path's part, how often, status]
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                for answer in front.answers:
                    if answer[0] in self.path and answer[1] > 0:
                        answer[1] -= 1
                        self.send_response(answer[2])
                        self.send_header("Retry-After", "1")
                        self.send_header("Content-Length", "0")
                        return self.end_headers()
                status, head, reply = send(front.target, self.command, self.path, dict(self.headers), body or None)
                self.send_response_only(status)
                for name, value in head.items():
                    if name != "connection":
                        self.send_header(name, value)
                self.end_headers()
                if status not in (204, 304):
                    self.wfile.write(reply)

            do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, part, times, status):
        self.answers.append([part, times, status])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
