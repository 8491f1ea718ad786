"""Targets, schedules and masks; which layers and how sparse they are is in choice.py.

The schedule is Zhu & Gupta's ("To prune, or not to prune", 2017); the masks keep the largest magnitudes of
each kernel (Han et al., "Learning both Weights and Connections", 2015); both as tensorflow-model-optimization
(tfmot) computes them.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..stopping.checks import check_count, check_number
from ..stopping.criteria import Above
from .choice import Choice, Sparsity, kernels, kernels_of, size, sparsity

__all__ = ["Choice", "Ramp", "Sparsity", "at_target", "check_target", "kept", "kernels", "kernels_of",
           "mask_of", "reachable", "sparsity"]


def check_target(target_sparsity):
    check_number("target_sparsity", target_sparsity)
    if not 0 < target_sparsity < 1:
        raise ValueError(f"target_sparsity is a share between 0 and 1, such as 0.9; got {target_sparsity!r}.")


def reachable(model, target_sparsity, choice):
    """The sparsity that masks have at the end: whole weights are kept, and at least one of each kernel."""
    sizes = [size([kernel]) for group in choice.kernels(model).values() for kernel in group]
    return 1 - sum(kept(each, target_sparsity) for each in sizes) / sum(sizes)


def kept(size, share):
    """How many of `size` weights a mask keeps: max(round(size (1 - share)), 1), as in tfmot."""
    return max(int(np.round(np.float32(size) * (np.float32(1) - np.float32(share)))), 1)


def at_target(target_sparsity, model=None, only=None, skip=()):
    """A criterion on the column "sparsity": the masks have reached their target.

    Without a model it asks for 0.001 less than the target. Each kernel keeps a whole number of weights, so
    the sum misses the target by up to half a weight a kernel: less than 0.001 where kernels have more than
    500 weights on average. The price: the cubic ramp is within 0.001 in its last tenth. With a model it asks
    for what the masks of that model reach, within 0.00001.

    Args:
        target_sparsity: share of zeros in each prunable kernel, between 0 and 1.
        model: the model that is pruned.
        only, skip: which of its layers are, see Choice.

    Raises:
        ValueError: the target is not between 0 and 1, or layers are named and no model is given.

    >>> at_target(0.9).first({"sparsity": [0, 0.6, 0.88, 0.9, 0.9]})
    3
    """
    check_target(target_sparsity)
    choice = Choice(only, skip)
    if model is None:
        if choice != Choice():
            raise ValueError("only and skip name layers of a model: give the model too.")
        return Above("sparsity", round(target_sparsity - 0.001, 9))
    return Above("sparsity", math.floor((reachable(model, target_sparsity, choice) - 1e-6) * 1e5) / 1e5)


@dataclass(frozen=True)
class Ramp:
    """Sparsity from 0 to `target` over `steps`, a new mask every `frequency` steps: Zhu & Gupta's cubic.

    s(t) = target (1 - (1 - t / steps)^3). `steps` is a multiple of `frequency`: else the last mask comes
    before the end, and the target is never reached.

    >>> ramp = Ramp.over(epochs=2, steps_per_epoch=57, target=0.9)
    >>> ramp.steps, [round(ramp.sparsity(step), 3) for step in (0, 10, 60, 110)]
    (110, [0.0, 0.224, 0.815, 0.9])
    >>> Ramp.over(epochs=8, steps_per_epoch=1000, target=0.9).frequency
    80
    """

    target: float
    steps: int
    frequency: int

    @classmethod
    def over(cls, epochs, steps_per_epoch, target, frequency=None):
        """The longest ramp that ends within that many epochs.

        Without a `frequency` it has a hundred masks, or fewer, ten steps apart: to rank the weights of a
        large network can take as long as a step.
        """
        check_count("epochs", epochs)
        check_count("steps_per_epoch", steps_per_epoch)
        steps = epochs * steps_per_epoch
        if frequency is None:
            frequency = max(steps // 100, 10)
        check_count("frequency", frequency)
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
    # The bits of floats above 0, read as whole numbers, have the same order, and are sorted in half the time.
    magnitudes = np.abs(np.asarray(kernel, "float32")).ravel().view("uint32")
    alive = magnitudes > 0
    count, living = kept(magnitudes.size, share), np.count_nonzero(alive)
    smallest = _ranked(magnitudes, alive, living, living - count) if living >= count else 0
    mask = magnitudes >= smallest
    surplus = np.count_nonzero(mask) - count
    if surplus > 0:
        mask[np.flatnonzero(magnitudes == smallest)[:surplus]] = False
    return mask.reshape(kernel.shape)


def _ranked(magnitudes, alive, living, rank):
    """Of the `living` that are above 0 (`alive` says which), the one that `rank` others are below.

    PruneWhen waits for it at each new mask. So a sample tells roughly how large it is, and only what is no
    larger than that is put in order. (Among the equal zeros of earlier masks `partition` takes twenty times
    as long.)
    """
    sample = np.sort(magnitudes[::61][alive[::61]])
    # rather too far up: if it is too low, all are ordered
    place = int(1.15 * rank / max(living, 1) * sample.size) + 6
    if place < sample.size:
        low = magnitudes[np.flatnonzero(alive & (magnitudes <= sample[place]))]  # faster than the bool index
        if rank < low.size:
            return np.partition(low, rank)[rank]
    return np.partition(magnitudes[np.flatnonzero(alive)], rank)[rank]
