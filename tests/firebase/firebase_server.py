"""A godwitd that stands where Firebase stood: by HTTP, or by TLS with names of googleapis.com."""
import subprocess

from ways import GUIDE_HTTP, GUIDE_HTTPS, GUIDE_PROXY
from programs import BIN, Server, free_port

FIREBASE_NAMES = [f"{name}.googleapis.com" for name in (
    "firebaseml", "firebaseinstallations", "firebaseremoteconfig", "storage", "oauth2", "www")]


class Authority:
    """A certificate authority of these tests and the server's certificate, both in files."""

    def __init__(self, folder):
        self.certificate = folder / "ca.pem"
        self.server_certificate, self.server_key = folder / "server.pem", folder / "server.key"


def make_authority(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)

    made = Authority(folder)
    names = "subjectAltName=IP:127.0.0.1," + ",".join(f"DNS:{name}" for name in FIREBASE_NAMES)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", made.certificate, "-subj", "/CN=Godwit's tests")
    openssl("req", "-x509", *curve, "-CA", made.certificate, "-CAkey", "ca.key", "-subj", "/CN=godwit",
            "-addext", names, "-addext", "basicConstraints=critical,CA:false", "-keyout", made.server_key, "-out",
            made.server_certificate)
    return made


class FirebaseServer(Server):
    """Takes storage without credentials by HTTP, where an SDK's emulator switch sends none."""

    def __init__(self, folder, authority=None, *flags):
        super().__init__(folder, *flags)
        self.authority, self.tls_url, self.proxy, self.proxy_address = None, None, None, None
        if not authority:
            self.flags += ("--storage-emulator",)
        else:
            port = free_port()
            self.authority, self.tls_url = authority.certificate, f"https://127.0.0.1:{port}"
            self.flags += ("--listen-tls", f"127.0.0.1:{port}", "--tls-cert", authority.server_certificate,
                           "--tls-key", authority.server_key, "--public-url", self.tls_url)

    def addressed(self, text):
        """The guide's text with this server's addresses."""
        if GUIDE_PROXY in text:
            text = text.replace(GUIDE_PROXY, self.proxy_url())
        text = text.replace(GUIDE_HTTPS, self.tls_url or "").replace(GUIDE_HTTP, self.url)
        return text.replace("models.example.org", "127.0.0.1")

    def proxy_url(self):
        """Of a `godwit proxy` before this server, which ends with it."""
        if not self.proxy:
            self.proxy = subprocess.Popen(
                [BIN / "godwit", "proxy", "--listen", "127.0.0.1:0", "--to", self.tls_url.removeprefix("https://")],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self.proxy_address:
            self.proxy_address = self.proxy.stdout.readline().strip()
        return self.proxy_address

    def stop(self):
        if self.proxy:
            self.proxy.terminate()
            self.proxy.communicate()
        return super().stop()
