"""The twin of a Keras 3 model in tf_keras that tfmot prunes: its wrapping, its masks, its `fit`."""

import keras
import numpy as np

from ..stopping.probes import Probe
from .bridge import to_tf_keras
from .bridge_check import NO_BRIDGE
from .bridge_compile import compile_tf_keras
from .bridge_layers import import_or_say, import_tf_keras
from .choice import kernels_of
from .clone import BridgeError, first_line


def tfmot():
    """The module tensorflow_model_optimization; `keras`, `tf.keras` and the environment stay as they are.

    Raises:
        ImportError: it is missing. The message says what to install.
    """
    import_tf_keras()
    return import_or_say("tensorflow_model_optimization")


def pruning_twin(model, ramp, choice, custom_objects, learning_rate, inputs):
    """The model in tf_keras, compiled as it is, its chosen layers wrapped by tfmot."""
    try:
        twin = to_tf_keras(model, custom_objects, wrapping(ramp, choice.kernels(model)), inputs)
    except (TypeError, RuntimeError) as error:  # layers of half precision, for one
        raise BridgeError(f'tfmot cannot wrap the layers of "{model.name}": {last_line(error)} '
                          f"{NO_BRIDGE}") from error
    compile_tf_keras(twin, model, learning_rate)
    return twin


def last_line(error):
    """The line of an error in a graph that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if "Error:" in line]
    return lines[-1] if lines else first_line(error)


def wrapping(ramp, chosen):
    """A function that wraps what is chosen, for `to_tf_keras`.

    Args:
        ramp: a Ramp.
        chosen: name -> variables of the Keras 3 model, see Choice.kernels.
    """
    prune = tfmot().sparsity.keras
    schedule = prune.PolynomialDecay(0.0, ramp.target, begin_step=0, end_step=ramp.steps, power=3,
                                     frequency=ramp.frequency)
    wanted = {id(variable) for group in chosen.values() for variable in group}

    def wrap(layer, ours):
        theirs, known = kernels_of(layer), kernels_of(ours)
        if len(theirs) != len(known):
            raise BridgeError(f'"{ours.name}" has {len(known)} prunable kernels in Keras 3 and {len(theirs)} '
                              "in tf_keras: get_prunable_weights of the two should agree.")
        found = [kernel for kernel, variable in zip(theirs, known) if id(variable) in wanted]
        if not found:
            return layer
        # tfmot's own list does not know the cells of a GRU when tf.keras is Keras 3
        layer.get_prunable_weights = lambda: found
        wrapped = prune.prune_low_magnitude(layer, pruning_schedule=schedule)
        wrapped.supports_masking, wrapped.compute_mask = layer.supports_masking, layer.compute_mask
        wrapped._name = layer.name  # columns are named after outputs
        # tfmot calls layer.call alone: what the outputs cost is for the wrapper to count
        wrapped._activity_regularizer = layer._activity_regularizer
        layer._losses = []  # of the graph that this layer leaves
        # else MultiHeadAttention is given a mask that it does not take
        wrapped._call_spec.expects_mask_arg = layer._call_spec.expects_mask_arg
        return wrapped

    return wrap


def fine_tune(twin, data, masks, callbacks, settings):
    """A `fit` of tf_keras with tfmot; the weights are masked at its end, whoever ended it.

    Args:
        masks: a Masks.
        callbacks: what stands after it, of Keras 3 or tf_keras.

    Returns whether Ctrl-C ended it.
    """
    # first, because StopWhen should keep masked weights
    update = tfmot().sparsity.keras.UpdatePruningStep()
    try:
        twin.fit(data, callbacks=[update, masks, *map(_for_tf_keras, callbacks)], **settings)
    except KeyboardInterrupt:
        return True
    finally:
        masks.apply()  # an optimizer's moving average has no zeros
    return False


class Masks(Probe):
    """Writes the column "sparsity", of tfmot's masks.

    Validation sees masked weights without help: tfmot's layers mask them in each step of validation too.
    """

    def __init__(self):
        super().__init__("sparsity")

    def on_epoch_end(self, epoch, logs=None):
        if self.name in logs:
            raise ValueError('A metric is called "sparsity", which is the column of the masks. Give the '
                             "metric another name.")
        logs[self.name] = self.sparsity()

    def sparsity(self):
        masks = [mask.numpy() for layer in self._wrapped() for _, mask, _ in layer.pruning_vars]
        return sum(int(np.sum(mask == 0)) for mask in masks) / sum(mask.size for mask in masks)

    def apply(self):
        for layer in self._wrapped():
            layer.pruning_obj.weight_mask_op()

    def _wrapped(self):
        return [layer for layer in self.model._flatten_layers() if hasattr(layer, "pruning_vars")]


def _for_tf_keras(callback):
    """A callback of Keras 3 in a form that tf_keras takes: it asks which hooks there are."""
    if hasattr(callback, "_implements_train_batch_hooks"):
        return callback
    hooks = [name for name in dir(keras.callbacks.Callback) if name.startswith(("on_", "set_"))]
    passing_on = {name: _passing_on(callback, name) for name in hooks}
    return type("Theirs", (import_tf_keras().callbacks.Callback,), passing_on)()


def _passing_on(callback, name):
    return lambda self, *args, **kwargs: getattr(callback, name)(*args, **kwargs)
