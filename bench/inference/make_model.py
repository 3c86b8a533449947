"""Makes convolution.tflite: a model that runs for at least a millisecond, of noise for weights.

Run by hand with TensorFlow 2.21; the result is committed.
"""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import tensorflow as tf

tf.keras.utils.set_random_seed(1)
layers = [tf.keras.Input((96, 96, 16), batch_size=1)]
layers += [tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu") for _ in range(4)]
model = tf.lite.TFLiteConverter.from_keras_model(tf.keras.Sequential(layers)).convert()
(pathlib.Path(__file__).resolve().parent / "convolution.tflite").write_bytes(model)
