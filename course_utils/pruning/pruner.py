"""The pruner: masks that follow a ramp, multiplied into the kernels of one Keras 3 model while it trains."""

import math

import keras
import numpy as np

from ..stopping.steps import bring_back
from .choice import Choice
from .masks import Ramp, kept, mask_of


class _Masked(keras.constraints.Constraint):  # Keras 3.13 takes no plain function
    """The constraint that was there before, and then the mask."""

    def __init__(self, mask, before, pruned_by):
        self.mask, self.before, self.pruned_by = mask, before, pruned_by

    def __call__(self, kernel):
        return (kernel if self.before is None else self.before(kernel)) * self.mask


class Pruner:
    """Prunes one model: `begin` with full masks, `follow` the steps, `finish`.

    The compiled step multiplies the masks in, as constraints of the variables, after constraints of your own.
    (On JAX a compiled step would go on with the masks that it was compiled with: there `apply` does it, after
    every batch.)

    Args:
        target_sparsity: share of zeros in each prunable kernel, between 0 and 1.
        epochs: how many epochs the ramp takes.
        frequency: steps between two masks, or None, see Ramp.over.
        choice: a Choice, which layers are pruned.
    """

    def __init__(self, target_sparsity, epochs, frequency, choice=None):
        Ramp.over(epochs, 1, target_sparsity, frequency)  # says what is wrong with them
        self.target_sparsity, self.epochs, self.frequency = target_sparsity, epochs, frequency
        self.choice = choice or Choice()
        self.reset()

    def reset(self):
        """Forget: nothing is pruned."""
        self._masks, self._sizes, self._model, self._ramp, self._renew = [], [], None, None, None
        self._began, self._last = None, 0

    def begin(self, model, step):
        """Full masks over all prunable kernels, from this step on; they follow once `ramp` is called."""
        self._began, self._last, self._model = step, 0, model
        for kernel in [kernel for group in self.choice.kernels(model).values() for kernel in group]:
            mask = keras.Variable(np.ones(kernel.shape), dtype=kernel.dtype, trainable=False, name="mask")
            self._masks.append((kernel, mask))
            self._sizes.append(math.prod(kernel.shape))  # a copy has no masks, and still knows its sparsity
            if not self.is_outside:
                kernel.constraint = _Masked(mask, kernel.constraint, self)
        self._renew = _compiled(self._set_masks, sum(self._sizes))
        if not self.is_outside:
            model.make_train_function(force=True)  # the compiled step has to be traced anew

    @property
    def is_outside(self):
        """Are the masks outside of the compiled step, so that `apply` is due after every batch?"""
        return keras.backend.backend() == "jax"

    @property
    def has_begun(self):
        return self._began is not None

    @property
    def is_growing(self):
        """Are there masks still to come, and is it known when?"""
        return self._ramp is not None and self._last < self._ramp.steps

    def until_due(self, step):
        """How many steps after this one the next mask is due."""
        return self._began + self._last + self._ramp.frequency - step

    @property
    def awaits_length(self):
        """Has it begun before it was known how many steps an epoch has?"""
        return self.has_begun and self._ramp is None

    def ramp(self, steps_per_epoch):
        """An epoch has so many steps: the ramp goes from where it began over `epochs` such epochs."""
        self._ramp = Ramp.over(self.epochs, steps_per_epoch, self.target_sparsity, self.frequency)

    def follow(self, step):
        """New masks, if one is due up to this step of the training, counted from 1."""
        due = None if self._ramp is None else self._ramp.due(self._last, step - self._began)
        if due is not None:
            bring_back(self._model)
            self._last = due
            self._renew(_new_masks([kernel for kernel, _ in self._masks], self._ramp.sparsity(due)))

    def apply(self):
        """Make zeros of what is masked."""
        bring_back(self._model)
        for kernel, mask in self._masks:
            kernel.assign(kernel * mask)

    def finish(self):
        """Make zeros of what is masked, and take the constraints away."""
        self.apply()
        ours = [kernel for kernel, _ in self._masks if _is_in(kernel.constraint, self)]
        for kernel in ours:
            kernel.constraint = _without(kernel.constraint, self)
        if ours:
            self._model.make_train_function(force=True)

    @property
    def sparsity(self):
        """The share of zeros in the masks, now."""
        share = 0 if self._ramp is None else self._ramp.sparsity(self._last)
        pruned = sum(size - kept(size, share) for size in self._sizes) if share else 0
        return pruned / max(sum(self._sizes), 1)

    def _set_masks(self, new):
        """New masks, one behind the other: a bool for each weight."""
        ends = np.cumsum(self._sizes)
        for (kernel, mask), end, size in zip(self._masks, ends, self._sizes):
            keep = keras.ops.cast(keras.ops.reshape(new[end - size:end], kernel.shape), mask.dtype)
            mask.assign(keep)
            kernel.assign(kernel * keep)

    # ---- on disk ----

    def facts(self):
        ramp = None if self._ramp is None else self._ramp.steps
        return {"began": self._began, "last": self._last, "ramp": ramp}

    def arrays(self):
        return [keras.ops.convert_to_numpy(mask) for _, mask in self._masks]

    def resume(self, facts, arrays, model):
        """Go on where a training was killed: the masks come back, and the ramp goes on."""
        self.reset()
        if facts["began"] is None:
            return
        self.begin(model, facts["began"])
        self._last = facts["last"]
        if facts["ramp"] is not None:
            self._ramp = Ramp.over(1, facts["ramp"], self.target_sparsity, self.frequency)
        self._renew(np.concatenate([array.ravel() > 0 for array in arrays]))

    def __getstate__(self):  # a copy has a model of its own; what was compiled cannot be copied
        return dict(self.__dict__, _masks=[], _model=None, _renew=None)


def _new_masks(kernels, share):
    """`mask_of` for each, one behind the other; on a GPU, made there: see benchmarks/README.md."""
    if all(map(_is_on_host, kernels)):
        return np.concatenate([mask_of(_values(kernel), share).ravel() for kernel in kernels])
    return keras.ops.concatenate([_mask_where_it_lies(kernel, share) for kernel in kernels])


def _is_on_host(kernel):
    value = kernel.value
    if keras.backend.backend() == "jax":
        return all(device.platform == "cpu" for device in value.devices())
    return "cpu" in str(value.device).lower()  # "cuda:0" of PyTorch, ".../device:GPU:0" of TensorFlow


def _mask_where_it_lies(kernel, share):
    """`mask_of` in one row, by two sorts on the kernel's device: which weights have the highest ranks?

    All shapes stay the same while the share grows: on JAX a new one would compile each operation anew.
    """
    magnitudes = keras.ops.reshape(keras.ops.abs(keras.ops.cast(kernel, "float32")), (-1,))
    ranks = keras.ops.argsort(keras.ops.argsort(magnitudes))
    size = math.prod(kernel.shape)
    return ranks >= size - kept(size, share)


def _values(kernel):
    """A kernel's values as an array, to be read at once: on TensorFlow without a copy."""
    if keras.backend.backend() == "tensorflow" and kernel.dtype == "float32":
        import tensorflow as tf

        return np.asarray(memoryview(tf.convert_to_tensor(kernel.value)))
    return keras.ops.convert_to_numpy(kernel)


def _compiled(function, size):
    """On TensorFlow, compiled for a row of so many bools.

    It takes a third of the time. One row and a signature that is known save another quarter, which went by
    in looking at what is handed over.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    row = tf.TensorSpec([size], "bool")
    compiled = tf.function(function, autograph=False)  # no loop over tensors; and it needs no source file
    compiled = compiled.get_concrete_function(row)
    return lambda new: compiled(tf.convert_to_tensor(new))


def _is_in(constraint, pruner):
    """Is this pruner's mask among constraints that wrap each other?"""
    while isinstance(constraint, _Masked):
        if constraint.pruned_by is pruner:
            return True
        constraint = constraint.before
    return False


def _without(constraint, pruner):
    """The constraints that wrap each other, without this pruner's."""
    if not isinstance(constraint, _Masked):
        return constraint
    if constraint.pruned_by is pruner:
        return constraint.before
    constraint.before = _without(constraint.before, pruner)
    return constraint
