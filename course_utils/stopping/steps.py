"""How many steps a training has taken: the updates of whatever optimizers train the model, on any backend."""

import keras


def scalar(variable):
    """A variable's number; also of one that is mirrored on several devices."""
    try:
        return float(variable)
    except TypeError:  # mirrored, in Keras 3 inside a variable of its own
        inner = getattr(variable, "_value", variable)
        return float(inner.numpy() if hasattr(inner, "numpy") else keras.ops.convert_to_numpy(inner))


def bring_back(model):
    """On JAX a step holds the model's numbers: bring them back into its variables."""
    sync = getattr(model, "jax_state_sync", None)
    if sync is not None:
        sync()


class Steps:
    """Counts the steps of one fit, from where the fit began.

    A step is an update of the weights: with gradient accumulation one in several batches. Of several
    optimizers in one model (a GAN's two) the busiest counts. Where no optimizer moves, as in a train_step of
    one's own that changes weights by itself, batches are counted, and `unit` is "batch".
    """

    def __init__(self):
        self.begin(None)

    def begin(self, model, before=0):
        """Count from here, for this model; `before` steps were taken by a fit that was killed."""
        self._model, self._counters = model, [_counter(each) for each in optimizers_of(model)]
        self._calls_before = self._calls()
        self._first, self._before = self.iterations, before
        self._last = self._first
        self._batches = self._batches_before = 0
        self._moved = False

    def batch(self, batch):
        """The epoch's batch with this number, counted from 0, is done."""
        self._batches = self._batches_before + batch + 1

    def epoch(self, batches=None):
        """An epoch is done; it had so many batches, where that is known."""
        if batches and self._batches == self._batches_before:  # tf_keras, where no batch was told
            self._batches += batches
        self._batches_before = self._batches

    def in_batches(self, batches):
        """How many steps so many batches are; with gradient accumulation they are fewer."""
        return max(batches // max((every for _, _, every in self._counters), default=1), 1)

    @property
    def unit(self):
        """ "step", or "batch" where no optimizer has been seen at work."""
        if not self._moved:
            # with gradient accumulation the calls move before the updates do
            self._moved = self._calls_before != self._calls()
        return "step" if self._moved or not self._batches else "batch"

    @property
    def count(self):
        """Steps since the training began."""
        if self.unit == "batch":
            return self._before + self._batches
        now = self.iterations
        if any(count < last for count, last in zip(now, self._last)):  # somebody has set it back
            self._before, self._first = self._done(self._last), now
        self._last = now
        return self._done(now)

    @property
    def iterations(self):
        """The optimizers' own counts of updates: a training that is resumed has the same."""
        return [calls // every for calls, (_, _, every) in zip(self._calls(), self._counters)]

    def _done(self, now):
        return self._before + max((count - first for count, first in zip(now, self._first)), default=0)

    def _calls(self):
        return [self._read(getattr(optimizer, name)) for optimizer, name, _ in self._counters]

    def _read(self, variable):
        # While a JAX model trains, its numbers live in the trainer. `callback.model` would copy all of them
        # back for the sake of one.
        state = getattr(self._model, "_jax_state", None)
        if state and not getattr(self._model, "_jax_state_synced", True):
            known = getattr(getattr(self._model, "optimizer", None), "variables", ())
            for value, other in zip(state.get("optimizer_variables", ()), known):
                if other is variable:
                    return int(value)
        return int(scalar(variable))

    def __getstate__(self):  # a copy has a model of its own
        gone = {"_model": None, "_counters": [], "_calls_before": [], "_first": [], "_last": []}
        return {**self.__dict__, **gone, "_before": self.count}


def _counter(optimizer):
    """(optimizer, name of what moves with every call of it, how many calls make an update)."""
    inner = getattr(optimizer, "inner_optimizer", None) or optimizer  # loss scaling skips some updates
    if not hasattr(inner, "_iterations"):
        return inner, "iterations", 1
    return inner, "_iterations", getattr(inner, "gradient_accumulation_steps", None) or 1


def optimizers_of(model):
    """The optimizers that a model, or a model inside it, holds; each once."""
    found, models = {}, [] if model is None else [model, *_inner_models(model)]
    for each in models:
        held = [getattr(each, "optimizer", None)]
        for value in vars(each).values():
            several = value.values() if isinstance(value, dict) else value
            held += several if isinstance(value, (list, tuple, dict)) else [value]
        for optimizer in held:
            if hasattr(optimizer, "iterations"):
                found[id(optimizer)] = optimizer
    return list(found.values())


def _inner_models(model):
    layers = getattr(model, "_flatten_layers", None)
    return [layer for layer in layers() if hasattr(layer, "fit") and layer is not model] if layers else []
