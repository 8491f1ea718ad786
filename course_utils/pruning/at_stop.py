"""Prune when training should stop: a criterion says when, tensorflow-model-optimization (tfmot) prunes.

    pruned, report = prune_at_stop(model, data, validation_data=validation, target_sparsity=0.9,
                                   first=Patience("val_loss", 3), second=Patience("val_loss", 5))
    print(report)

`model` and `pruned` are Keras 3 models; tfmot knows tf_keras only, so in between they cross bridge.py.
`PruneWhen` does a similar thing inside one `fit`, without tfmot. tfmot and tf_keras are imported when used.
"""

import gzip
import tempfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from ..stopping.batches import batches
from ..stopping.checks import check_count
from ..stopping.probes import Probe
from ..stopping.report import Report
from ..stopping.stop_when import StopWhen
from ..stopping.words import plural
from ..stopping.wrappers import Armed
from .bridge import clone, to_keras, to_tf_keras
from .bridge_compile import compile_like, compile_tf_keras, compiled_with
from .bridge_layers import import_or_say, import_tf_keras
from .masks import Ramp, Sparsity, at_target, check_target, kernels_of, sparsity
from .prune_when import PruneWhen

__all__ = ["PruneWhen", "PruningReport", "Sizes", "Sparsity", "at_target", "prune_at_stop", "sparsity",
           "tfmot"]


def tfmot():
    """The module tensorflow_model_optimization; `keras`, `tf.keras` and the environment stay as they are.

    Raises:
        ImportError: it is missing. The message says what to install.
    """
    import_tf_keras()
    return import_or_say("tensorflow_model_optimization")


@dataclass(frozen=True)
class Sizes:
    """Bytes of the saved model without its optimizer: as a .keras file, and that file after gzip."""

    dense: int
    dense_gzip: int
    pruned: int
    pruned_gzip: int

    def __str__(self):
        times = self.dense_gzip / self.pruned_gzip
        dense, small = _kilobytes(self.dense_gzip), _kilobytes(self.pruned_gzip)
        return (f".keras {_kilobytes(self.dense)} dense, {_kilobytes(self.pruned)} pruned; "
                f"after gzip {dense} and {small}, {times:.1f} times smaller")


@dataclass(frozen=True)
class PruningReport:
    """What `prune_at_stop` did; print it to read it.

    Attributes:
        first, second: the Reports of both phases (`first` is None if there was no first phase).
        target_sparsity: what was asked for.
        sparsity: what was measured in the pruned model, a Sparsity.
        reached: whether the masks reached the target, as near as whole weights allow.
        epochs: epochs of the first and of the second phase.
        sizes: bytes before and after, a Sizes.
        interrupted: whether Ctrl-C ended the second phase.
    """

    first: Report | None
    second: Report
    target_sparsity: float
    sparsity: Sparsity
    reached: bool
    epochs: tuple
    sizes: Sizes
    interrupted: bool = False

    def __str__(self):
        layers = ", ".join(f"{name} {share:.3f}" for name, share in self.sparsity.layers.items())
        short = ""
        if not self.reached:
            short = ", NOT REACHED: the phase ended before the ramp did"
        elif self.sparsity.total < self.target_sparsity - 0.001:
            short = ", as near as small kernels allow: at least one weight of each stays"
        lines = [
            f"trained:  {plural(self.epochs[0], 'epoch')}. {self.first or 'There was no first phase.'}",
            f"pruned:   {plural(self.epochs[1], 'epoch')}. {self.second}",
            f"sparsity: {self.sparsity.total:.3f} of {self.target_sparsity:g} asked for{short} ({layers})",
            f"size:     {self.sizes}",
        ]
        if self.interrupted:
            lines.insert(2, "          Interrupted (Ctrl-C): the model is as good as it was by then.")
        return "\n".join(lines)


def prune_at_stop(model, data, *, first, second, target_sparsity, validation_data=None,
                  restore_best="val_loss", mode=None, epochs=100, ramp_epochs=8, frequency=10,
                  learning_rate=None, callbacks=(), batch_size=32, seed=0, custom_objects=None, verbose=0):
    """Train until `first` is met, then prune and fine-tune until `second` is met.

    Phase 1 is a `fit` of Keras 3. At its end the model has its best weights, and stays so: what is pruned is
    a copy. Phase 2 is a `fit` of tf_keras with tfmot: sparsity rises to its target over `ramp_epochs` (see
    `Ramp`), and `second` sees only the epochs from the one on in which the masks have reached it. Only those
    may be the best one: else restoring the best weights would bring back those from before they were pruned.
    Loss and metrics are the model's own; the optimizer is a new one of the same kind and settings.

    Ctrl-C in phase 1 raises KeyboardInterrupt, with the best weights so far in `model`. In phase 2 it ends
    the phase and returns what there is, because an exception would throw it away: the best epoch at the
    target, or else the newest weights, masked. The report says so, and `report.interrupted` is True.

    Args:
        model: a compiled Keras 3 model, Sequential or functional.
        data: a batched tf.data pipeline of known length, as `stopping.batches` makes; or (x, y), of which one
            is made with `batch_size` and `seed`.
        first: the criterion that ends phase 1, or None for a model that is trained already.
        second: the criterion that ends phase 2.
        target_sparsity: share of zeros in each prunable kernel, between 0 and 1.
        validation_data: as in `fit`.
        restore_best, mode: the column that says which epoch is best, and its good direction, for both phases.
        epochs: at most so many in each phase.
        ramp_epochs: how many epochs the ramp takes.
        frequency: steps between two masks. The ramp's end is a multiple of it.
        learning_rate: of phase 2; if None, what it is at the end of phase 1.
        callbacks: for both phases, before StopWhen: probes, for instance. They must know tf_keras too.
        custom_objects: see `to_tf_keras`.
        verbose: as in `fit`.

    Returns:
        (pruned, report): a Keras 3 model with the names of `model`, compiled as it is with a fresh optimizer,
        and a `PruningReport`.

    Raises:
        ValueError: the model is not compiled or has nothing to prune, the target is not between 0 and 1, the
            length of the data is not known, validation is asked for and not given.
        BridgeError: the model cannot cross to tf_keras. The message names the layer.
        MissingColumn: after the first epoch, if a criterion or `restore_best` names a column that is not
            there.
    """
    check_target(target_sparsity)
    check_count("epochs", epochs)
    compiled_with(model)
    sparse = at_target(target_sparsity, model)
    best = dict(restore_best=restore_best, mode=mode)
    stop = None if first is None else StopWhen(first, **best)
    prune_stop = StopWhen(Armed(sparse, second), **best, best_when=None if restore_best is None else sparse)
    data, steps = _pipeline(data, batch_size, seed)
    ramp = Ramp.over(ramp_epochs, steps, target_sparsity, frequency)
    stops = [each for each in (stop, prune_stop) if each is not None]
    if validation_data is None:
        _refuse_validation({restore_best}.union(*(each.criterion.columns for each in stops)))

    settings = dict(validation_data=validation_data, epochs=epochs, verbose=verbose)
    if stop is not None:
        # what cannot cross the bridge should not be trained first
        compile_tf_keras(to_tf_keras(model, custom_objects), model, learning_rate)
        _train(model, data, [*callbacks, stop], settings)
    twin = to_tf_keras(model, custom_objects, wrap=_pruning(ramp))
    compile_tf_keras(twin, model, learning_rate)
    masks = _Masks()
    masks.set_model(twin)
    interrupted = _fine_tune(twin, data, [masks, *callbacks, prune_stop], settings)
    reached = masks.sparsity() > sparse.value

    pruned = to_keras(twin, model)
    sizes = Sizes(*_saved_bytes(clone(model)), *_saved_bytes(pruned))
    compile_like(pruned, model)
    report = PruningReport(
        first=None if stop is None else stop.report, second=prune_stop.report,
        target_sparsity=target_sparsity, sparsity=sparsity(pruned), reached=reached,
        epochs=(0 if stop is None else stop.history.rows, prune_stop.history.rows),
        sizes=sizes, interrupted=interrupted,
    )
    return pruned, report


def _train(model, data, callbacks, settings):
    """Phase 1: a `fit`. After Ctrl-C too, the best weights are back."""
    try:
        model.fit(data, callbacks=callbacks, **settings)
    except KeyboardInterrupt:
        _back_to_best(callbacks[-1])
        raise


def _fine_tune(twin, data, callbacks, settings):
    """Phase 2: a `fit` of tf_keras with tfmot. Returns whether Ctrl-C ended it; weights are masked anyway."""
    # first, because StopWhen should keep masked weights
    update = tfmot().sparsity.keras.UpdatePruningStep()
    try:
        twin.fit(data, callbacks=[update, *callbacks], **settings)
    except KeyboardInterrupt:
        callbacks[0].apply()
        _back_to_best(callbacks[-1])
        return True
    return False


def _back_to_best(stop):
    if stop.report.best_epoch is not None:
        stop.restore_best()


def _refuse_validation(columns):
    asked = sorted(column for column in columns if str(column).startswith("val_"))
    if asked:
        raise ValueError(f"{', '.join(asked)} comes from validation: give validation_data.")


def _pipeline(data, batch_size, seed):
    """(a pipeline, its batches an epoch)."""
    import tensorflow as tf

    if isinstance(data, (tuple, list)) and len(data) == 2:
        data = batches(*data, batch_size, seed)
    if not isinstance(data, tf.data.Dataset):
        raise TypeError(f"data is a batched tf.data pipeline or (x, y); got {type(data).__name__}.")
    steps = int(data.cardinality())
    if steps <= 0:
        why = {-1: "has no end", -2: "has an unknown length", 0: "is empty"}[steps]
        raise ValueError(f"The ramp counts epochs, and the pipeline {why}. Give it a length in batches, "
                         "data.take(n) or data.apply(tf.data.experimental.assert_cardinality(n)).")
    return data, steps


def _pruning(ramp):
    """A function that wraps what is prunable, for `to_tf_keras`."""
    prune = tfmot().sparsity.keras
    schedule = prune.PolynomialDecay(0.0, ramp.target, begin_step=0, end_step=ramp.steps, power=3,
                                     frequency=ramp.frequency)

    def wrap(layer):
        found = kernels_of(layer)
        if not found:
            return layer
        # tfmot's own list does not know the cells of a GRU when tf.keras is Keras 3
        layer.get_prunable_weights = lambda: found
        wrapped = prune.prune_low_magnitude(layer, pruning_schedule=schedule)
        wrapped.supports_masking, wrapped.compute_mask = layer.supports_masking, layer.compute_mask
        wrapped._name = layer.name  # columns are named after outputs
        # else MultiHeadAttention is given a mask that it does not take
        wrapped._call_spec.expects_mask_arg = layer._call_spec.expects_mask_arg
        return wrapped

    return wrap


class _Masks(Probe):
    """Writes the column "sparsity", of tfmot's masks.

    Validation sees masked weights without help: tfmot's layers mask them in each step of validation too.
    """

    def __init__(self):
        super().__init__("sparsity")

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.sparsity()

    def sparsity(self):
        masks = [mask.numpy() for layer in self._wrapped() for _, mask, _ in layer.pruning_vars]
        return sum(int(np.sum(mask == 0)) for mask in masks) / sum(mask.size for mask in masks)

    def apply(self):
        for layer in self._wrapped():
            layer.pruning_obj.weight_mask_op()

    def _wrapped(self):
        return [layer for layer in self.model._flatten_layers() if hasattr(layer, "pruning_vars")]


def _saved_bytes(model):
    """Bytes of the model as a .keras file, and of that after gzip."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        keras.saving.save_model(model, path)
        content = path.read_bytes()
    return len(content), len(gzip.compress(content))


def _kilobytes(count):
    return f"{count / 1000:.0f} kB" if count >= 10_000 else f"{count} bytes"
