"""Are a Keras 3 model and its twin in tf_keras the same? They are asked before anybody trains one of them."""

import keras
import numpy as np
from keras import tree

from .clone import BridgeError, first_line

NO_BRIDGE = "PruneWhen prunes in Keras 3 and needs no bridge."
ROWS = 8  # of a batch that was given: what it is for shows in few


def compare(model, twin, inputs=None):
    """Both models must give the same outputs and the same losses of their layers.

    On the given inputs; else on positive numbers, on normal ones and on small whole ones. What the Keras 3
    model cannot take (a word that is not in its vocabulary, say) is no test, but it must take one of them.

    Raises:
        BridgeError: they differ, or nothing could be tried.
    """
    wanted = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    kinds = [inputs] if inputs is not None else _made_up(model, wanted)
    tried, problem = False, "every output is NaN"
    for given in kinds:
        given = _few_rows(given, wanted)
        try:
            ours = _outputs_and_losses(model, given)
        except Exception as error:
            problem = first_line(error)
            continue
        try:
            theirs = _outputs_and_losses(twin, given)
        except Exception as error:
            raise BridgeError(f'The twin of "{model.name}" in tf_keras fails: {first_line(error)}. '
                              f"{NO_BRIDGE}") from error
        _must_be_equal(model, ours, theirs)
        tried = tried or any(np.isfinite(each).any() for each in ours[:-1])
    if not tried and inputs is None:
        raise BridgeError(f'"{model.name}" and its twin in tf_keras cannot be compared on inputs that are '
                          f"made up ({problem}). Give some that it is made for: inputs=a batch of them.")
    if not tried and problem != "every output is NaN":
        raise BridgeError(f'"{model.name}" does not take the inputs that were given: {problem}.')


def check_same_training(model, twin, pairs):
    """What one trains, regularizes or constrains, the other must.

    Args:
        pairs: (variable, the same in tf_keras), of all weights.
    """
    trained = {id(variable) for variable in twin.trainable_weights}
    for ours, theirs in pairs:
        if ours.trainable != (id(theirs) in trained):
            here = "trained" if ours.trainable else "frozen"
            raise BridgeError(f'"{ours.path}" is {here} in Keras 3 and not in tf_keras, which freezes whole '
                              "layers: set layer.trainable instead.")
        constraint = getattr(theirs, "constraint", None)
        if ours.trainable and (ours.constraint is None) != (constraint is None):
            raise BridgeError(f'"{ours.path}" was given its constraint {ours.constraint!r} past its layer. '
                              "Give it to the layer: kernel_constraint=, for one.")


def _outputs_and_losses(model, inputs):
    outputs = [np.asarray(each, "float64") for each in tree.flatten(model(inputs, training=False))]
    return [*outputs, np.asarray(sum(float(loss) for loss in model.losses))]


def _must_be_equal(model, ours, theirs):
    half = any("16" in layer.compute_dtype for layer in model._flatten_layers() if layer.compute_dtype)
    names = [*["outputs"] * (len(ours) - 1), "losses of the layers"]
    for name, one, other in zip(names, ours, theirs, strict=True):
        same = one.shape == other.shape
        if same:
            differ = ~((one == other) | np.isnan(one) & np.isnan(other))
            off = np.abs(one[differ] - other[differ]).max() if differ.any() else 0.0
            largest = np.abs(one[np.isfinite(one)]).max(initial=1e-3)
            same = off <= (2e-2 if half else 1e-4) * largest
        if not same:
            how = f"differ by {off:.3g}, for values up to {largest:.3g}" if one.shape == other.shape else (
                f"have the shapes {one.shape} and {other.shape}")
            raise BridgeError(f'The {name} of "{model.name}" in Keras 3 and tf_keras {how}. {NO_BRIDGE}')


# ---- inputs ----


def _few_rows(inputs, wanted):
    """The first rows, unless the model asks for a fixed number of them."""
    if any(tensor.shape[0] is not None for tensor in tree.flatten(wanted)):
        return inputs
    return tree.map_structure(lambda each: each[:ROWS], inputs)


def _made_up(model, wanted):
    """Inputs of several kinds, in lengths that the model takes."""
    for tensor in tree.flatten(wanted):
        if tensor.dtype == "string":
            raise BridgeError(f'The input "{tensor.name}" is text: begin the model where it is numbers.')
    embeddings = [layer.input_dim for layer in model._flatten_layers() if hasattr(layer, "input_dim")]
    words, random = min(embeddings, default=2), np.random.default_rng(0)
    kinds = {
        "positive": lambda shape: random.uniform(0.1, 1, shape),
        "normal": lambda shape: random.normal(size=shape),
        "whole": lambda shape: random.integers(0, words, shape),
    }

    def example(kind, longer):
        def values(tensor):
            unknown = (8 if len(tensor.shape) < 4 else 32) * longer  # a time, or a side of a picture
            shape = [size or unknown for size in (tensor.shape[0] or 2, *tensor.shape[1:])]
            fractions = tensor.dtype.startswith(("float", "bfloat"))
            return keras.ops.convert_to_tensor(kinds[kind if fractions else "whole"](shape), tensor.dtype)

        return tree.map_structure(values, wanted)

    longer = next((longer for longer in (1, 4, 16) if _takes(model, example("whole", longer))), 1)
    for kind in kinds:
        yield example(kind, longer)


def _takes(model, inputs):
    """Does it take them? Their shapes are asked about first.

    With a kernel longer than the input, TensorFlow on some processors returns something and says nothing.
    """
    try:
        model.compute_output_spec(tree.map_structure(
            lambda each: keras.KerasTensor(each.shape, each.dtype), inputs))
        model(inputs, training=False)
    except Exception:
        return False
    return True
