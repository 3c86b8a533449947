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


def resolve(node, document, within=()):
    """The node without references; one to a schema that it is part of stands for anything."""
    if isinstance(node, list):
        return [resolve(item, document, within) for item in node]
    if not isinstance(node, dict):
        return node
    if "allOf" in node:
        parts = resolve(node["allOf"], document, within)
        return {"type": "object", "properties": {k: v for part in parts for k, v in part["properties"].items()}}
    reference = node.get("$ref")
    if reference is None:
        return {key: resolve(value, document, within) for key, value in node.items()}
    if reference in within:
        return {}
    target = document
    for step in reference.removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return resolve(target, document, (*within, reference))


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
