"""docs/reference/openapi.yaml as the tests use it: a list of operations, with references and allOf resolved."""
import dataclasses
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "docs/reference/openapi.yaml"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclasses.dataclass
class Operation:
    method: str
    path: str
    id: str
    parameters: list  # Each as in the document, with name, in and schema.
    bodies: dict  # Media type to schema.
    body_required: bool
    security: list  # Names of schemes that are all needed.

    def __str__(self):
        return self.id or f"{self.method} {self.path}"

    def parameters_in(self, place):
        return [p for p in self.parameters if p["in"] == place]


def resolve(node, document):
    if isinstance(node, list):
        return [resolve(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "allOf" in node:
        parts = resolve(node["allOf"], document)
        return {"type": "object", "properties": {k: v for part in parts for k, v in part["properties"].items()}}
    if "$ref" not in node:
        return {key: resolve(value, document) for key, value in node.items()}
    target = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return resolve(target, document)


def load():
    raw = yaml.safe_load(PATH.read_text())
    document = resolve(raw, raw)
    operations = []
    for path, item in document["paths"].items():
        for method in METHODS:
            operation = item.get(method.lower())
            if not operation:
                continue
            body = operation.get("requestBody", {})
            operations.append(Operation(
                method, path, operation.get("operationId", ""),
                item.get("parameters", []) + operation.get("parameters", []),
                {media: content.get("schema", {}) for media, content in body.get("content", {}).items()},
                body.get("required", False),
                [scheme for need in operation["security"] for scheme in need]))
    return operations


OPERATIONS = load()
