"""One user of the unmodified Firebase Admin SDK for Python: a call a line in, its outcome a line out.

    {"call": "get", "arguments": {"id": "12"}}
    {"value": {…}}, or {"error": {"code": "not-found", "message": "…"}}

driver.cjs answers the same calls with the SDK for Node, so that each scenario is written once. The
environment says where the SDK is led to; a module named on the command line is imported first.
"""
import base64
import importlib
import json
import sys
import warnings

for name in sys.argv[1:]:
    importlib.import_module(name)

import firebase_admin
import google.auth.exceptions
from firebase_admin import exceptions, ml, storage
from google.api_core.exceptions import GoogleAPICallError

BUCKET = "sdk-models"

warnings.filterwarnings("ignore", message=".*shut down.*")  # Every call of ml says so.
firebase_admin.initialize_app(options={"storageBucket": BUCKET})
models = {}  # The newest object of each model, by id: update_model sends a whole one.


def told(model):
    """What a scenario compares, in the words of the REST API."""
    models[model.model_id] = model
    model_format = model.model_format
    return {"id": model.model_id, "displayName": model.display_name, "tags": model.tags or [],
            "published": model.published, "locked": model.locked, "validationError": model.validation_error,
            "modelHash": model.model_hash, "etag": model.etag,
            "sizeBytes": int(model_format.size_bytes) if model_format and model_format.size_bytes else None,
            "gcsUri": model_format.model_source.gcs_tflite_uri if model_format else None,
            "raw": {k: v for k, v in model.as_dict().items() if k != "@type"}}


def format_of(uri):
    return ml.TFLiteFormat(ml.TFLiteGCSModelSource(uri))


def upload_model(path):
    return ml.TFLiteGCSModelSource.from_tflite_model_file(path).gcs_tflite_uri


def create(displayName, tags=None, gcsUri=None):
    return told(ml.create_model(ml.Model(displayName, tags, format_of(gcsUri) if gcsUri else None)))


def create_again(id):
    return told(ml.create_model(models[id]))


def update(id, displayName=None, tags=None, gcsUri=None):
    model = models.get(id) or ml.get_model(id)
    if displayName is not None:
        model.display_name = displayName
    if tags is not None:
        model.tags = tags
    if gcsUri is not None:
        model.model_format = format_of(gcsUri)
    return told(ml.update_model(model))


def list_models(filter=None, pageSize=None, pageToken=None):
    page = ml.list_models(filter, pageSize, pageToken)
    return {"models": [told(model) for model in page.models], "nextPageToken": page.next_page_token or ""}


def list_all(filter=None, pageSize=None):
    return [model.display_name for model in ml.list_models(filter, pageSize).iterate_all()]


def wait_for_unlocked(id, seconds):
    models[id].wait_for_unlocked(max_time_seconds=seconds)
    return told(models[id])


def blob(name):
    return storage.bucket().blob(name)


def object_told(found):
    return {"name": found.name, "size": found.size, "crc32c": found.crc32c, "contentType": found.content_type}


def upload(name, path, resumable=False, chunkBytes=None, onlyNew=False):
    target = blob(name)
    if resumable:  # The library decides by the size alone, or by a chunk's size.
        target.chunk_size = chunkBytes or 256 * 1024
    target.upload_from_filename(path, if_generation_match=0 if onlyNew else None)
    return object_told(target)


def metadata(name):
    target = blob(name)
    target.reload()
    return object_told(target)


def list_objects(prefix=None, delimiter=None, pageSize=None):
    found = storage.bucket().list_blobs(prefix=prefix, delimiter=delimiter, page_size=pageSize)
    return {"names": [one.name for one in found], "prefixes": sorted(found.prefixes)}


def download(name, first=None, last=None):
    return base64.b64encode(blob(name).download_as_bytes(start=first, end=last)).decode()


def signed_url(name, version, seconds=600):
    import datetime
    return blob(name).generate_signed_url(version=version, expiration=datetime.timedelta(seconds=seconds))


def compose(name, parts):
    target = blob(name)
    target.compose([blob(part) for part in parts])
    return object_told(target)


CALLS = {
    "uploadModel": upload_model, "create": create, "createAgain": create_again, "update": update,
    "get": lambda id: told(ml.get_model(id)), "publish": lambda id: told(ml.publish_model(id)),
    "unpublish": lambda id: told(ml.unpublish_model(id)), "delete": lambda id: ml.delete_model(id),
    "list": list_models, "listAll": list_all, "waitForUnlocked": wait_for_unlocked,
    "upload": upload, "metadata": metadata, "listObjects": list_objects, "download": download,
    "signedUrl": signed_url, "compose": compose, "exists": lambda name: blob(name).exists(),
    "remove": lambda name: blob(name).delete(),
}


def outcome(request):
    try:
        return {"value": CALLS[request["call"]](**request["arguments"])}
    except exceptions.FirebaseError as error:
        code, has_reply = error.code.lower().replace("_", "-"), error.http_response is not None
        return {"error": {"code": code, "message": str(error), "hasReply": has_reply}}
    except GoogleAPICallError as error:
        return {"error": {"code": str(int(error.code)), "message": error.message}}
    except google.auth.exceptions.RefreshError as error:
        return {"error": {"code": "refresh", "message": str(error)}}
    except Exception as error:  # pylint: disable=broad-except
        return {"error": {"code": type(error).__name__, "message": str(error)}}


for line in sys.stdin:
    print(json.dumps(outcome(json.loads(line))), flush=True)
