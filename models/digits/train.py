"""Trains the three digit models and writes the held-back samples with their expected outputs.

Run by hand from anywhere; the small results are committed:

    python -m venv .venv
    .venv/bin/pip install tensorflow-cpu==2.21.0 scikit-learn pillow
    .venv/bin/python models/digits/train.py

The data are the 1,797 handwritten digits that scikit-learn carries: 8x8 pixels, 16 greys.
"""

import json
import os
import pathlib
import random

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_DETERMINISTIC_OPS"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits

import model_metadata

SEED = 20260101
FOLDER = pathlib.Path(__file__).resolve().parent
SAMPLE_COUNT = 40  # Of the held-back digits, those that are committed.
HELD_BACK = 360
# real = (pixel - MEAN) / STD, as the metadata tells the app.
MEAN, STD = 127.5, 127.5


def load():
    """Pixels 0..255 as (n, 8, 8, 1) uint8, and labels; the held-back part is drawn once."""
    digits = load_digits()
    pixels = np.round(digits.images * 255 / 16).astype(np.uint8)[..., None]
    order = np.random.default_rng(SEED).permutation(len(pixels))
    train, held = order[HELD_BACK:], order[:HELD_BACK]
    return pixels[train], digits.target[train], pixels[held], digits.target[held]


def normalize(pixels):
    return ((pixels.astype(np.float32) - MEAN) / STD).astype(np.float32)


def small_network():
    return tf.keras.Sequential([
        tf.keras.Input((8, 8, 1), batch_size=1),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(8, activation="relu"),
        tf.keras.layers.Dense(10, activation="softmax"),
    ])


def convolutional_network():
    return tf.keras.Sequential([
        tf.keras.Input((8, 8, 1), batch_size=1),
        tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        tf.keras.layers.Conv2D(24, 3, padding="same", activation="relu"),
        tf.keras.layers.MaxPooling2D(2),
        tf.keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(10, activation="softmax"),
    ])


def with_batch(network, batch):
    """The same layers with another batch size: TFLite wants 1, training wants more."""
    free = tf.keras.Sequential([tf.keras.Input((8, 8, 1), batch_size=batch)])
    for layer in network.layers:
        free.add(layer)
    return free


def train(network, pixels, labels, epochs, rate):
    trainer = with_batch(network, None)
    trainer.compile(optimizer=tf.keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    trainer.fit(normalize(pixels), labels, epochs=epochs, batch_size=32, verbose=0)


def convert(network, sample_pixels=None):
    """A .tflite file with the signature serving_default; int8 throughout if given samples."""
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if sample_pixels is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [normalize(pixels[None])] for pixels in sample_pixels)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        # Interpreters of 2022 take one scale for a dense layer, and only guess at more.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return converter.convert()


def run(model, pixels):
    """Outputs of the reference kernels, one row a sample, as stored (not dequantised)."""
    interpreter = tf.lite.Interpreter(
        model_content=model,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for sample in pixels:
        real = normalize(sample[None])
        if source["dtype"] == np.int8:
            scale, zero = source["quantization"]
            # As TFLite's own QUANTIZE operator rounds: halves away from zero, in float32.
            steps = real / np.float32(scale)
            steps = np.trunc(steps + np.copysign(np.float32(0.5), steps))
            real = np.clip(steps + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], real)
        interpreter.invoke()
        rows.append(interpreter.get_tensor(target["index"])[0].copy())
    return np.stack(rows)


def choose_samples(labels):
    """The first SAMPLE_COUNT / 10 held-back digits of each kind, in the order drawn."""
    chosen = []
    for digit in range(10):
        chosen.extend(np.flatnonzero(labels == digit)[: SAMPLE_COUNT // 10])
    return sorted(chosen)


def write_samples(models, pixels, labels):
    folder = FOLDER / "samples"
    folder.mkdir(exist_ok=True)
    chosen = choose_samples(labels)
    samples = []
    for number, index in enumerate(chosen):
        name = f"digit_{number:02d}"
        Image.fromarray(pixels[index, ..., 0]).save(folder / f"{name}.png", optimize=True)
        (folder / f"{name}.f32").write_bytes(normalize(pixels[index]).astype("<f4").tobytes())
        samples.append({"name": name, "label": int(labels[index])})
    for model_name, model in models.items():
        rows = run(model, pixels[chosen])
        for sample, row in zip(samples, rows):
            values = [int(v) if row.dtype == np.int8 else float(v) for v in row]
            sample.setdefault("expected", {})[model_name] = values
    lines = ",\n  ".join(json.dumps(sample) for sample in samples)
    (folder / "samples.json").write_text('{"samples": [\n  ' + lines + "\n]}\n")
    return chosen


def main():
    random.seed(SEED)
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    train_pixels, train_labels, held_pixels, held_labels = load()

    small = small_network()
    train(small, train_pixels[:400], train_labels[:400], epochs=14, rate=0.004)
    better = convolutional_network()
    train(better, train_pixels, train_labels, epochs=25, rate=0.002)

    models = {
        "digits_v1": convert(small),
        "digits_v2": convert(better),
        "digits_v2_int8": convert(better, train_pixels[:200]),
    }
    for name in models:
        models[name] = model_metadata.attach(
            models[name], name=name.replace("_", " "),
            description="Tells which digit an 8x8 grey picture shows.",
            mean=MEAN, std=STD, labels=[str(digit) for digit in range(10)])
        (FOLDER / f"{name}.tflite").write_bytes(models[name])

    chosen = write_samples(models, held_pixels, held_labels)
    for name, model in models.items():
        right = run(model, held_pixels).argmax(axis=1) == held_labels
        print(f"{name}: {len(model)} bytes, right on {right.mean():.1%} of {len(right)} held back"
              f" and {right[chosen].sum()} of {len(chosen)} samples")


if __name__ == "__main__":
    main()
