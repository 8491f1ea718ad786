"""What is known of Keras's layers: which axes of their weights are channels, and which let channels pass.

A layer that is not in these tables is never cut. Subclasses are not in them: one may do anything.
"""

import keras
import numpy as np
from keras import layers as kl

# The last axes of each weight: "into" has the channels that come in, "out" those that go out, "gates" those
# that go out once for each gate; None stays.
CONV = {"kernel": ("into", "out"), "bias": ("out",)}
TRANSPOSED = {"kernel": ("out", "into"), "bias": ("out",)}
RECURRENT = {"kernel": ("into", "gates"), "recurrent_kernel": ("out", "gates"), "bias": ("gates",)}
MAKERS = {  # layers whose filters or units are channels
    **dict.fromkeys([kl.Dense, kl.Conv1D, kl.Conv2D, kl.Conv3D], CONV),
    **dict.fromkeys([kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose], TRANSPOSED),
    **dict.fromkeys([kl.SimpleRNN, kl.GRU, kl.LSTM], RECURRENT),
    kl.Embedding: {"embeddings": ("out",)},
}
DEPTHWISE = dict.fromkeys([kl.DepthwiseConv1D, kl.DepthwiseConv2D], {"kernel": ("into", None),
                                                                     "bias": ("out",)})
NORMS = {kl.BatchNormalization: dict.fromkeys(["gamma", "beta", "moving_mean", "moving_variance"], ("into",))}
AXES = {**MAKERS, **DEPTHWISE, **NORMS}
GATES = {kl.SimpleRNN: 1, kl.GRU: 3, kl.LSTM: 4}
SIZES = ("filters", "units", "output_dim")  # what a configuration calls the number of channels

# Each channel by itself, at every place: what goes in at a channel comes out there.
PASSING = {kl.Activation, kl.ReLU, kl.LeakyReLU, kl.ELU, kl.Identity, kl.Rescaling, kl.RepeatVector,
           kl.ActivityRegularization, kl.Dropout, kl.SpatialDropout1D, kl.SpatialDropout2D,
           kl.SpatialDropout3D, kl.AlphaDropout, kl.GaussianDropout, kl.GaussianNoise,
           *(getattr(kl, f"{what}{n}D") for n in (1, 2, 3) for what in (
               "ZeroPadding", "Cropping", "UpSampling", "MaxPooling", "AveragePooling", "GlobalMaxPooling",
               "GlobalAveragePooling"))}
# One channel of each tensor with the same channel of the others. `a + b` is an operation, and no layer.
MEETING = {kl.Add, kl.Subtract, kl.Multiply, kl.Average, kl.Maximum, kl.Minimum}
MEETING_OPERATIONS = {"Add", "Subtract", "Multiply", "Maximum", "Minimum"}
# Activations that look at one number at a time; softmax is not one of them.
ONE_BY_ONE = {keras.activations.get(name) for name in (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "tanh", "sigmoid",
    "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid", "softplus", "softsign", "exponential")}


def axes_of(layer):
    """Weight's name -> what its last axes are. Empty for a layer without weights, or not known."""
    return AXES.get(type(layer), {})


def meets(operation):
    """Is it an addition or the like, as a layer or as `a + b`?"""
    plain = not isinstance(operation, keras.Layer) and type(operation).__module__.startswith("keras.")
    return type(operation) in MEETING or plain and type(operation).__name__ in MEETING_OPERATIONS


def why_whole(node):
    """Why what happens at this node of a graph is not known well enough to cut there, or None."""
    layer, kind, given = node.operation, type(node.operation), node.input_tensors
    rank = len(given[0].shape)
    if isinstance(layer, keras.Model):
        return "a model in the model; build on its output, and its layers are the model's own"
    if meets(layer):
        others = [each for each in keras.tree.flatten((node.arguments.args, node.arguments.kwargs))
                  if each is not None and not isinstance(each, (keras.KerasTensor, int, float))]
        return "it meets an array" if others else None
    if kind not in {*AXES, *PASSING, kl.Flatten, kl.Concatenate}:
        return f"{kind.__name__} is not cut"
    if kind is kl.Concatenate:
        return None
    if len(given) > 1 or len(node.output_tensors) > 1:
        return "more than one tensor goes in or comes out"
    if getattr(layer, "data_format", None) == "channels_first":
        return "its channels come first"
    if getattr(layer, "groups", 1) != 1:
        return f"{layer.groups} groups"
    if getattr(layer, "stateful", False):
        return "stateful"
    if {weight.name for weight in layer.weights} - {*axes_of(layer)}:
        return "its weights are quantized, or have LoRA beside them"
    if kind in NORMS and layer.axis not in (-1, rank - 1):
        return f"it normalizes axis {layer.axis}"
    if kind is kl.Rescaling and not np.ndim(layer.scale) == np.ndim(layer.offset) == 0:
        return "a scale for each channel"
    if getattr(layer, "noise_shape", None) is not None and kind is kl.Dropout:
        return "noise of a shape of its own"
    if kind is kl.Flatten and (rank < 2 or None in given[0].shape[1:]):
        return "of unknown size"
    return None


def mixes(layer):
    """Has it an activation that looks at all channels at once, or may?"""
    activations = [getattr(layer, name, None) for name in ("activation", "recurrent_activation")]
    return any(each is not None and not any(each is known for known in ONE_BY_ONE) for each in activations)
