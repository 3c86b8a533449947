# Licensed under the Apache License, Version 2.0, as all of Godwit.
"""Leads the Firebase Admin SDK's machine learning and Cloud Storage's client to a Godwit server.

    export GODWIT_SERVER=https://models.example.org     the server's address; http:// works, too
    export GOOGLE_APPLICATION_CREDENTIALS=admin.json    a key file of that server

    import godwit_firebase  # Before firebase_admin.initialize_app() and storage.Client().

Nothing of the SDK is replaced: the import sets two addresses that Firebase ML's client keeps as
constants, and the variable by which Cloud Storage's client is told its endpoint. Access tokens
come from the key file's own token_uri. Certificates are verified as always; REQUESTS_CA_BUNDLE
names a private authority. Every other service of Google is left alone.
"""
import os
from urllib.parse import urlsplit


def _server():
    """The origin in GODWIT_SERVER, without a slash at its end."""
    text = os.environ.get("GODWIT_SERVER", "")
    if not text:
        raise RuntimeError("GODWIT_SERVER is not set, so Firebase's SDK would speak to Google. Set it to the "
                           "address of your Godwit server, as https://models.example.org.")
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise RuntimeError(f"GODWIT_SERVER is {text!r}, which is not a server's address, so nothing was set. "
                           "Write it as https://models.example.org or http://127.0.0.1:8484.")
    return f"{url.scheme}://{url.netloc}"


def _lead_to(server):
    # Authenticated, unlike STORAGE_EMULATOR_HOST, where the client finds its credentials itself.
    os.environ["API_ENDPOINT_OVERRIDE"] = server
    from firebase_admin import ml  # Late, so that a wrong address is told first.
    service = getattr(ml, "_MLService", None)
    if not hasattr(service, "PROJECT_URL") or not hasattr(service, "OPERATION_URL"):
        raise RuntimeError("This version of firebase-admin keeps its addresses elsewhere, so it cannot be led to "
                           "Godwit by this import. Use the proxy (godwit proxy --help), which needs no import.")
    service.PROJECT_URL = server + "/v1beta2/projects/{0}/"
    service.OPERATION_URL = server + "/v1beta2/"


_lead_to(_server())
