"""Attaches TFLite Metadata (schema 1.x) to a model: normalisation of the input, labels of the
output. Written by hand with the flatbuffers package, so that no other package is needed."""

import io
import zipfile

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

NORMALIZATION_OPTIONS = 1  # Of the union ProcessUnitOptions.
TENSOR_AXIS_LABELS = 2  # Of AssociatedFileType.
LABEL_FILE = "labels.txt"


def _table(builder, field_count, offsets=(), int8s=()):
    builder.StartObject(field_count)
    for field, offset in offsets:
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    for field, value in int8s:
        builder.PrependInt8Slot(field, value, 0)
    return builder.EndObject()


def _tables(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _floats(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()


def _metadata(name, description, mean, std):
    builder = flatbuffers.Builder(512)
    options = _table(builder, 2, [(0, _floats(builder, [mean])), (1, _floats(builder, [std]))])
    unit = _table(builder, 2, [(1, options)], [(0, NORMALIZATION_OPTIONS)])
    units = _tables(builder, [unit])
    image = _table(builder, 8, [(0, builder.CreateString("image")), (4, units)])
    file_name = builder.CreateString(LABEL_FILE)
    label_file = _table(builder, 5, [(0, file_name)], [(2, TENSOR_AXIS_LABELS)])
    files = _tables(builder, [label_file])
    probabilities = _table(builder, 8, [(0, builder.CreateString("probabilities")), (6, files)])
    inputs, outputs = _tables(builder, [image]), _tables(builder, [probabilities])
    subgraph = _table(builder, 7, [(2, inputs), (3, outputs)])
    subgraphs = _tables(builder, [subgraph])
    root = _table(builder, 9, [(0, builder.CreateString(name)),
                               (1, builder.CreateString(description)), (3, subgraphs)])
    builder.Finish(root, file_identifier=b"M001")
    return bytes(builder.Output())


def _zip(name, text):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        # A fixed date: the same run makes the same bytes.
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return packed.getvalue()


def _rename(tree):
    """Names the one input and the one output as an app should know them."""
    graph, signature = tree.subgraphs[0], tree.signatureDefs[0]
    for name, indices, maps in ((b"image", graph.inputs, signature.inputs),
                                (b"probabilities", graph.outputs, signature.outputs)):
        graph.tensors[indices[0]].name = name
        maps[0].name = name


def attach(model, name, description, mean, std, labels):
    """The same model with metadata inside and the label file behind it."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    _rename(tree)
    data = schema.BufferT()
    data.data = list(_metadata(name, description, mean, std))
    tree.buffers.append(data)
    entry = schema.MetadataT()
    entry.name = b"TFLITE_METADATA"
    entry.buffer = len(tree.buffers) - 1
    tree.metadata = (tree.metadata or []) + [entry]
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output()) + _zip(LABEL_FILE, "\n".join(labels) + "\n")
