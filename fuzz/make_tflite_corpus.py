"""Makes fuzz/corpora/tflite_model: small valid models and small models with one lie each; and
fuzz/corpora/model_diff: pairs of them.

Run by hand, as models/digits/train.py is; the results are committed. src/tflite's and
src/inference's tests use them by name, and the fuzzer starts from them.
"""

import io
import os
import pathlib
import struct
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "fuzz/corpora/tflite_model"
PAIRS = ROOT / "fuzz/corpora/model_diff"
ADD, DENSE = schema.BuiltinOperator.ADD, schema.BuiltinOperator.FULLY_CONNECTED
SVDF = schema.BuiltinOperator.SVDF


def pack(tree):
    builder = flatbuffers.Builder(1024)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def unpack(model):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))


def tensor(name, shape, kind=schema.TensorType.FLOAT32, buffer=0, variable=False):
    made = schema.TensorT()
    made.name, made.shape, made.type = name.encode(), shape, kind
    made.buffer, made.isVariable = buffer, variable
    return made


def one_operator(code, tensors, inputs, outputs, graph_inputs, data=()):
    """A model of one operator; data: the bytes of buffers 1, 2 …"""
    tree = schema.ModelT()
    tree.version = 3
    operator_code = schema.OperatorCodeT()
    operator_code.builtinCode = operator_code.deprecatedBuiltinCode = code
    operator_code.version = 1
    tree.operatorCodes = [operator_code]
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, inputs, outputs
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs = tensors, graph_inputs, outputs
    graph.operators = [operator]
    tree.subgraphs = [graph]
    tree.buffers = [schema.BufferT()]
    for chunk in data:
        buffer = schema.BufferT()
        buffer.data = list(chunk)
        tree.buffers.append(buffer)
    tree.description = b"one operator"
    return tree


def add_constant():
    """y = x + constant, four numbers."""
    constant = np.array([1, 2, 3, 4], "<f4").tobytes()
    tensors = [tensor("x", [4]), tensor("constant", [4], buffer=1), tensor("y", [4])]
    return one_operator(ADD, tensors, [0, 1], [2], [0], [constant])


def svdf_int8_state():
    int8, int32 = schema.TensorType.INT8, schema.TensorType.INT32
    tensors = [tensor("x", [1, 4], int8), tensor("feature", [2, 4], int8, 1),
               tensor("time", [2, 3], int8, 2), tensor("bias", [2], int32, 3),
               tensor("state", [1, 6], int8, 0, True), tensor("y", [1, 2], int8)]
    for made in tensors:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [1.0], [0]
    tree = one_operator(SVDF, tensors, [0, 1, 2, 3, 4], [5], [0],
                        [bytes(8), bytes(6), bytes(8)])
    options = schema.SVDFOptionsT()
    options.rank = 1
    tree.subgraphs[0].operators[0].builtinOptions = options
    tree.subgraphs[0].operators[0].builtinOptionsType = schema.BuiltinOptions.SVDFOptions
    return tree


def dense_per_channel():
    """A dense layer of two channels with a scale each, which interpreters up to 2.9 ignore."""
    int8 = schema.TensorType.INT8
    tensors = [tensor("x", [1, 4], int8), tensor("weights", [2, 4], int8, 1),
               tensor("y", [1, 2], int8)]
    for made, scales in zip(tensors, ([1.0], [1.0, 0.5], [1.0])):
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = scales, [0] * len(scales)
    tree = one_operator(DENSE, tensors, [0, 1, -1], [2], [0], [bytes([2] * 8)])
    operator = tree.subgraphs[0].operators[0]
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    tree.operatorCodes[0].version = 4
    return tree


class TwoSignatures(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def double(self, x):
        return {"y": x * 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="left"),
                                  tf.TensorSpec([None], tf.float32, name="right")])
    def subtract(self, left, right):
        return {"difference": left - right}


class PositivePlaces(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([6], tf.float32, name="x")])
    def find(self, x):
        return {"places": tf.where(x > 0.0)}


def converted(module, **functions):
    concrete = {key: function.get_concrete_function() for key, function in functions.items()}
    folder = FOLDER / "saved"
    tf.saved_model.save(module, str(folder), signatures=concrete)
    model = tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()
    tf.io.gfile.rmtree(str(folder))
    return model


def lies():
    """Name → bytes of models that say one thing that is not so."""
    def changed(change, base=add_constant):
        tree = base()
        change(tree, tree.subgraphs[0])
        return pack(tree)

    def constant(**fields):
        def change(tree, graph):
            for name, value in fields.items():
                setattr(graph.tensors[1], name, value)
        return change

    def quantized(scale, zero, dimension):
        def change(tree, graph):
            made = schema.QuantizationParametersT()
            made.scale, made.zeroPoint, made.quantizedDimension = scale, zero, dimension
            graph.tensors[1].quantization = made
        return change

    def field(thing, name, value):
        return lambda tree, graph: setattr(thing(tree, graph), name, value)

    def signature(tree, graph):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = b"x", 77
        made = schema.SignatureDefT()
        made.inputs, made.outputs, made.signatureKey = [entry], [], b"serving_default"
        made.subgraphIndex = 0
        tree.signatureDefs = [made]

    def signature_graph(tree, graph):
        signature(tree, graph)
        tree.signatureDefs[0].inputs = []
        tree.signatureDefs[0].subgraphIndex = 9

    def metadata(tree, graph):
        entry = schema.MetadataT()
        entry.name, entry.buffer = b"TFLITE_METADATA", 50
        tree.metadata = [entry]

    def outside(tree, graph):
        tree.buffers[1].data = None
        tree.buffers[1].offset, tree.buffers[1].size = 2**40, 16

    def strings(tree, graph):
        graph.tensors[1].type, graph.tensors[1].shape = schema.TensorType.STRING, [1]
        tree.buffers[1].data = list(struct.pack("<iii", 1, 12, 4000))

    operator = lambda tree, graph: graph.operators[0]
    return {
        "lie_schema_version": changed(field(lambda tree, graph: tree, "version", 2)),
        "lie_no_graph": changed(field(lambda tree, graph: tree, "subgraphs", [])),
        "lie_operator_code": changed(field(operator, "opcodeIndex", 5)),
        "lie_operator_input": changed(field(operator, "inputs", [0, 3])),
        "lie_operator_output": changed(field(operator, "outputs", [-2])),
        "lie_graph_input": changed(lambda tree, graph: setattr(graph, "inputs", [-1])),
        "lie_buffer_index": changed(constant(buffer=9)),
        "lie_constant_size": changed(constant(shape=[1000, 1000, 1000])),
        "lie_constant_shape": changed(constant(shape=[-1])),
        "lie_negative_shape": changed(constant(shape=[-5])),
        "lie_dimensions": changed(constant(shape=[1] * 9)),
        "lie_zero_points": changed(quantized([0.5, 0.5], [0], 0)),
        "lie_channels": changed(quantized([0.5, 0.5], [0, 0], 0)),
        "lie_quantized_dimension": changed(quantized([0.5] * 4, [0] * 4, 3)),
        "lie_signature_tensor": changed(signature),
        "lie_signature_graph": changed(signature_graph),
        "lie_metadata_buffer": changed(metadata),
        "lie_data_outside": changed(outside),
        "lie_strings": changed(strings),
        **bent_offsets(),
    }


def bent_offsets():
    """Lies that no writer can tell: bytes changed after the fact."""
    honest = pack(add_constant())
    root = struct.unpack_from("<I", honest, 0)[0]

    def vector(field):
        vtable = root - struct.unpack_from("<i", honest, root)[0]
        at = root + struct.unpack_from("<H", honest, vtable + 4 + 2 * field)[0]
        return at, at + struct.unpack_from("<I", honest, at)[0]

    def with_word(at, value):
        return honest[:at] + struct.pack("<I", value) + honest[at + 4:]

    buffers_at, buffers = vector(4)
    _, graphs = vector(2)
    graph = graphs + 4 + struct.unpack_from("<I", honest, graphs + 4)[0]
    made = {
        "lie_huge_vector": with_word(buffers, 0xFFFFFFFF),
        "lie_offset_zero": with_word(buffers_at, 0),
        "lie_offset_far": with_word(buffers_at, 0x7FFFFFFF),
        "lie_vtable_before_file": with_word(graph, 0x7FFFFFFF),
        "lie_truncated": honest[: len(honest) // 2],
    }
    # 600 graphs that are all the same one, of 900 tensors: short to write, long to walk.
    head = bytearray(honest)
    graphs_at, _ = vector(2)
    body = bytearray(struct.pack("<I", 600))
    padding = (-len(head)) % 4
    start = len(head) + padding
    copy = start + 4 + 4 * 600
    for i in range(600):
        body += struct.pack("<I", copy + 64 - (start + 4 + 4 * i))
    struct.pack_into("<I", head, graphs_at, start - graphs_at)
    shared = bytearray(64)
    struct.pack_into("<HHH", shared, 48, 6, 8, 4)
    table = struct.pack("<iI", 16, 4)
    tensors = struct.pack("<I", 900)
    tail = bytearray()
    base = copy + 64 + 8
    one = base + 4 + 4 * 900
    for i in range(900):
        tail += struct.pack("<I", one + 8 - (base + 4 + 4 * i))
    tail += struct.pack("<HHHH", 4, 4, 0, 0) + struct.pack("<i", 8)
    made["lie_shared_graphs"] = bytes(head) + bytes(padding) + bytes(body) + bytes(shared) + \
        table + tensors + bytes(tail)
    return made


def deflated_labels():
    """digits_v1 with its label file deflated instead of stored."""
    model = (ROOT / "models/digits/digits_v1.tflite").read_bytes()
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        labels = archive.read("labels.txt")
        start = min(entry.header_offset for entry in archive.infolist())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("labels.txt", (2026, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, labels)
    return model[:start] + packed.getvalue()


def write_pairs():
    """Two models in one input: the first one's length, the first, the second."""
    PAIRS.mkdir(parents=True, exist_ok=True)
    for first, second in (("add_constant", "add_constant"), ("add_constant", "svdf_int8_state"),
                          ("svdf_int8_state", "dense_per_channel"), ("two_signatures", "positive_places"),
                          ("labels_deflated", "add_constant"), ("add_constant", "lie_truncated")):
        models = [(FOLDER / f"{name}.tflite").read_bytes() for name in (first, second)]
        (PAIRS / f"{first}-{second}").write_bytes(struct.pack("<I", len(models[0])) + b"".join(models))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    two, places = TwoSignatures(), PositivePlaces()
    models = {
        "add_constant": pack(add_constant()),
        "dense_per_channel": pack(dense_per_channel()),
        "svdf_int8_state": pack(svdf_int8_state()),
        "two_signatures": converted(two, double=two.double, subtract=two.subtract),
        "positive_places": converted(places, find=places.find),
        "labels_deflated": deflated_labels(),
        **lies(),
    }
    for name, model in models.items():
        (FOLDER / f"{name}.tflite").write_bytes(model)
    write_pairs()
    print(f"{len(models)} models, {sum(map(len, models.values()))} bytes")


if __name__ == "__main__":
    main()
