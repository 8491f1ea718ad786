"""What is prunable, how sparse it is, and masks that follow a schedule. For models of keras and of tf_keras.

The schedule is Zhu & Gupta's ("To prune, or not to prune", 2017); the masks keep the largest magnitudes of
each kernel (Han et al., "Learning both Weights and Connections", 2015); both as tensorflow-model-optimization
(tfmot) computes them. pruning.py uses it.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..stopping.checks import check_count, check_number
from ..stopping.criteria import Above
from .bridge import unwrapped

# What tfmot prunes: kernels, not biases; of a separable convolution the large part. Names as in both Kerases.
KERNELS = {
    **dict.fromkeys(["Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D"], ["kernel"]),
    **dict.fromkeys(["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"], ["kernel"]),
    **dict.fromkeys(["SeparableConv1D", "SeparableConv2D"], ["pointwise_kernel"]),
    **dict.fromkeys(["SimpleRNNCell", "GRUCell", "LSTMCell"], ["kernel", "recurrent_kernel"]),
    "Embedding": ["embeddings"],
    **dict.fromkeys(["DepthwiseConv1D", "DepthwiseConv2D"], []),  # small, and each weight matters
}


@dataclass(frozen=True)
class Sparsity:
    """Shares of exact zeros in the prunable kernels, 0 to 1: `total`, and `layers`, layer's name -> share."""

    total: float
    layers: dict

    def __str__(self):
        layers = ", ".join(f"{name} {share:.3f}" for name, share in self.layers.items())
        return f"sparsity {self.total:.3f} ({layers})"


def sparsity(model):
    """The share of exact zeros in the prunable kernels of a model of keras or tf_keras: `Sparsity`.

    Wrapped by tfmot or not; a layer in an inner model is named "inner/layer". Biases and normalizations are
    not counted.

    Raises:
        ValueError: there is nothing prunable.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="head")])
    >>> model.set_weights([np.array([[1, 0], [0, 0]]), np.zeros(2)])
    >>> print(sparsity(model))
    sparsity 0.750 (head 0.750)
    """
    found = kernels(model)
    counts = {name: (sum(int(np.sum(np.asarray(kernel) == 0)) for kernel in kernels_), _size(kernels_))
              for name, kernels_ in found.items()}
    zeros, sizes = np.sum([*counts.values()], axis=0)
    return Sparsity(float(zeros / sizes), {name: zero / size for name, (zero, size) in counts.items()})


def kernels(model):
    """The prunable variables of a model: name of a layer -> list of variables. A shared one is listed once.

    A layer of your own can have a method get_prunable_weights(), as tfmot has it, that returns its variables.

    Raises:
        ValueError: there are none.
    """
    found = dict(_kernels_below(model, "", set()))
    if not found:
        why = "has no Dense, Conv or other layer for it" if model.built else "is not built yet: call it once"
        raise ValueError(f'There is nothing to prune: the model "{model.name}" {why}.')
    return found


def kernels_of(layer):
    """The prunable variables of one layer and of the layers in it."""
    found = []
    for part in layer._flatten_layers():
        own = getattr(part, "get_prunable_weights", None)
        names = next((KERNELS[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in KERNELS), [])
        found += own() if own else [getattr(part, name) for name in names if part.built]
    return list({id(variable): variable for variable in found}.values())


def _kernels_below(model, path, seen):
    for layer in model.layers:
        layer = unwrapped(layer)
        if hasattr(layer, "fit"):  # a model in the model
            yield from _kernels_below(layer, f"{path}{layer.name}/", seen)
        else:
            new = [variable for variable in kernels_of(layer) if id(variable) not in seen]
            seen.update(map(id, new))
            if new:
                yield path + layer.name, new


def _size(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


# ---- target and schedule ----


def check_target(target_sparsity):
    check_number("target_sparsity", target_sparsity)
    if not 0 < target_sparsity < 1:
        raise ValueError(f"target_sparsity is a share between 0 and 1, such as 0.9; got {target_sparsity!r}.")


def reachable(model, target_sparsity):
    """The sparsity that masks have at the end: whole weights are kept, and at least one of each kernel."""
    sizes = [_size([kernel]) for group in kernels(model).values() for kernel in group]
    return 1 - sum(kept(size, target_sparsity) for size in sizes) / sum(sizes)


def kept(size, share):
    """How many of `size` weights a mask keeps: max(round(size (1 - share)), 1), as in tfmot."""
    return max(int(np.round(np.float32(size) * (np.float32(1) - np.float32(share)))), 1)


def at_target(target_sparsity, model=None):
    """A criterion on the column "sparsity": the masks have reached their target.

    Without a model it asks for 0.001 less than the target. Each kernel keeps a whole number of weights, so
    the sum misses the target by up to half a weight a kernel: less than 0.001 where kernels have more than
    500 weights on average. The price: the cubic ramp is within 0.001 in its last tenth. With a model it asks
    for what the masks of that model reach, within 0.00001.

    Raises:
        ValueError: the target is not between 0 and 1.

    >>> at_target(0.9).first({"sparsity": [0, 0.6, 0.88, 0.9, 0.9]})
    3
    """
    check_target(target_sparsity)
    if model is None:
        return Above("sparsity", round(target_sparsity - 0.001, 9))
    return Above("sparsity", math.floor((reachable(model, target_sparsity) - 1e-6) * 1e5) / 1e5)


@dataclass(frozen=True)
class Ramp:
    """Sparsity from 0 to `target` over `steps`, a new mask every `frequency` steps: Zhu & Gupta's cubic.

    s(t) = target (1 - (1 - t / steps)^3). `steps` is a multiple of `frequency`: else the last mask comes
    before the end, and the target is never reached.

    >>> ramp = Ramp.over(epochs=2, steps_per_epoch=57, target=0.9, frequency=10)
    >>> ramp.steps, [round(ramp.sparsity(step), 3) for step in (0, 10, 60, 110)]
    (110, [0.0, 0.224, 0.815, 0.9])
    """

    target: float
    steps: int
    frequency: int

    @classmethod
    def over(cls, epochs, steps_per_epoch, target, frequency):
        """The longest ramp that ends within that many epochs."""
        check_count("epochs", epochs)
        check_count("steps_per_epoch", steps_per_epoch)
        check_count("frequency", frequency)
        steps = epochs * steps_per_epoch
        frequency = min(frequency, steps)
        return cls(target, steps // frequency * frequency, frequency)

    def sparsity(self, step):
        """The sparsity that is due at a step, in single precision, as in tfmot."""
        rest = np.float32(1) - np.float32(min(step, self.steps)) / np.float32(self.steps)
        return float(np.float32(self.target) - np.float32(self.target) * rest ** np.float32(3))

    def due(self, last, step):
        """The newest step after `last` and up to `step` at which a mask is due, or None."""
        newest = min(step, self.steps) // self.frequency * self.frequency
        return newest if newest > last else None


def mask_of(kernel, share):
    """Whether |weight| is among the `kept` largest: bool array as `kernel`.

    Of equal magnitudes tfmot keeps all; here the count is exact, so that a kernel with many zeros gets there.
    """
    magnitudes = np.abs(np.asarray(kernel, "float32")).ravel()
    count = kept(magnitudes.size, share)
    smallest = np.partition(magnitudes, -count)[-count]
    mask = magnitudes >= smallest
    surplus = np.count_nonzero(mask) - count
    if surplus > 0:
        mask[np.flatnonzero(magnitudes == smallest)[:surplus]] = False
    return mask.reshape(kernel.shape)
