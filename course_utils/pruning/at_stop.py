"""Prune when training should stop: a criterion says when, tensorflow-model-optimization (tfmot) prunes.

    pruned, report = prune_at_stop(model, data, validation_data=validation, target_sparsity=0.9,
                                   first=Patience("val_loss", 3), second=Patience("val_loss", 5))
    print(report)

`model` and `pruned` are Keras 3 models; tfmot knows tf_keras only, so in between they cross bridge.py.
`PruneWhen` does a similar thing inside one `fit`, without tfmot. tfmot and tf_keras are imported when used.
"""

from dataclasses import replace

import numpy as np

from ..stopping.checks import check_count
from ..stopping.stop_when import StopWhen
from ..stopping.wrappers import Armed
from .bridge import clone, with_weights_of
from .bridge_compile import compile_like, compiled_with
from .choice import Choice, Sparsity, sparsity
from .clone import first_line
from .masks import Ramp, at_target, check_target
from .pipelines import first_batch, inputs_of, training_pipeline, validation_pipeline
from .prune_when import PruneWhen
from .rehearsal import Columns, rehearse
from .report import PruningReport, Sizes
from .tfmot_twin import Masks, fine_tune, pruning_twin, tfmot

__all__ = ["PruneWhen", "PruningReport", "Sizes", "Sparsity", "at_target", "prune_at_stop", "sparsity",
           "tfmot"]


def prune_at_stop(model, data, *, first, second, target_sparsity, validation_data=None,
                  restore_best="val_loss", mode=None, epochs=100, ramp_epochs=8, frequency=None,
                  learning_rate=None, callbacks=(), only=None, skip=(), batch_size=32, seed=0,
                  custom_objects=None, verbose="auto"):
    """Train until `first` is met, then prune and fine-tune until `second` is met.

    Phase 1 is a `fit` of Keras 3. At its end the model has its best weights, and stays so: what is pruned is
    a copy. Phase 2 is a `fit` of tf_keras with tfmot: sparsity rises to its target over `ramp_epochs` (see
    `Ramp`), and `second` sees only the epochs from the one on in which the masks have reached it. Only those
    may be the best one: else restoring the best weights would bring back those from before they were pruned.
    Losses are the model's own; metrics and the optimizer are new ones of the same kind and settings.

    What could fail at the end is tried before the first epoch, on the first batch: the way to tf_keras and
    back, a step and a validation there, and that both give the same numbers.

    Ctrl-C in phase 1 raises KeyboardInterrupt, with the best weights so far in `model`. In phase 2 it ends
    the phase and returns what there is, because an exception would throw it away: the best epoch at the
    target, or else the newest weights, masked. The report says so, and `report.interrupted` is True.

    Args:
        model: a compiled Keras 3 model, Sequential or functional.
        data: a batched tf.data pipeline of known length, as `stopping.batches` makes; or (x, y) or
            (x, y, sample_weight), of which one is made with `batch_size` and `seed`. Each of them is an array
            or a dict or list of arrays.
        first: the criterion that ends phase 1, or None for a model that is trained already.
        second: the criterion that ends phase 2.
        target_sparsity: share of zeros in each prunable kernel, between 0 and 1.
        validation_data: a batched pipeline, or (x, y) or (x, y, sample_weight) as in `data`.
        restore_best, mode: the column that says which epoch is best, and its good direction, for both phases.
        epochs: at most so many in each phase.
        ramp_epochs: how many epochs the ramp takes.
        frequency: steps between two masks; if None, a hundredth of the ramp, and at least 10. The ramp's end
            is a multiple of it.
        learning_rate: of phase 2; if None, what it is at the end of phase 1.
        callbacks: for both phases, before StopWhen: probes, for instance. In phase 2 their model is one of
            tf_keras.
        only, skip: names of layers: prune only these, or all but those, see `Choice`. Frozen layers are left
            out unless `only` names them.
        custom_objects: see `to_tf_keras`.
        verbose: as in `fit`; unless it is 0, a line says what begins.

    Returns:
        (pruned, report): a Keras 3 model with the names of `model`, compiled as it is with a fresh optimizer,
        and a `PruningReport`.

    Raises:
        ValueError: the model is not compiled or has nothing to prune, the target is not between 0 and 1, a
            layer's name is unknown or ambiguous, the data are not batched, of unknown length or of another
            number of rows, validation is asked for and not given.
        TypeError: the data have another form.
        BridgeError: the model cannot cross to tf_keras, cannot be trained there, or would be another one
            there. The message names the layer.
        MissingColumn: after the first epoch, if a criterion of either phase or `restore_best` names a column
            that is not there.
    """
    check_target(target_sparsity)
    check_count("epochs", epochs)
    compiled_with(model)
    choice = Choice(only, skip)
    sparse = at_target(target_sparsity, model, only, skip)
    best = dict(restore_best=restore_best, mode=mode)
    stop = None if first is None else StopWhen(first, **best)
    prune_stop = StopWhen(Armed(sparse, second), **best, best_when=None if restore_best is None else sparse)
    stops = [each for each in (stop, prune_stop) if each is not None]
    if validation_data is None:
        _refuse_validation({restore_best}.union(*(each.criterion.columns for each in stops)))
    data, steps = training_pipeline(data, batch_size, seed, model)
    validation = validation_pipeline(validation_data, model)
    ramp = Ramp.over(ramp_epochs, steps, target_sparsity, frequency)
    inputs = inputs_of(data)

    def twin_of(model):
        return pruning_twin(model, ramp, choice, custom_objects, learning_rate, inputs)

    # what would fail at the end is tried before there is anything to lose
    rehearse(model, twin_of, first_batch(data), first_batch(validation))
    settings = dict(validation_data=validation, epochs=epochs, verbose=verbose)
    if stop is not None:
        _say(verbose, f"Phase 1 trains until {first!r} is met.")
        _train(model, data, [*callbacks, Columns(prune_stop, restore_best), stop], settings)
    _say(verbose, f"Phase 2 prunes to {target_sparsity:g} in {ramp.steps} steps, then awaits {second!r}.")
    twin, masks = twin_of(model), Masks()
    masks.set_model(twin)
    interrupted = fine_tune(twin, data, masks, [*callbacks, prune_stop], settings)
    if interrupted:
        _back_to_best(prune_stop)

    pruned = with_weights_of(twin, model)
    sizes, notes = _sizes(model, pruned)
    compile_like(pruned, model)
    told, more = _as_evaluated(prune_stop.report, pruned, validation)
    report = PruningReport(
        first=None if stop is None else stop.report, second=told, target_sparsity=target_sparsity,
        sparsity=sparsity(pruned, only, skip), reached=masks.sparsity() > sparse.value,
        epochs=(0 if stop is None else stop.history.rows, prune_stop.history.rows),
        sizes=sizes, interrupted=interrupted, left_out=choice.left_out(model), notes=(*notes, *more),
    )
    return pruned, report


def _train(model, data, callbacks, settings):
    """Phase 1: a `fit`. After Ctrl-C too, the best weights are back."""
    try:
        model.fit(data, callbacks=callbacks, **settings)
    except KeyboardInterrupt:
        _back_to_best(callbacks[-1])
        raise


def _back_to_best(stop):
    if stop.report.best_epoch is not None:
        stop.restore_best()


def _refuse_validation(columns):
    asked = sorted(column for column in columns if str(column).startswith("val_"))
    if asked:
        raise ValueError(f"{', '.join(asked)} comes from validation: give validation_data.")


def _say(verbose, sentence):
    if verbose:
        print(sentence)


# ---- the end: nothing here may lose what was trained ----


def _sizes(model, pruned):
    """(Sizes or None, notes)."""
    try:
        return Sizes.of(clone(model), pruned), ()
    except Exception as error:
        return None, (f"Sizes are not known, because the model cannot be saved: {first_line(error)}",)


def _as_evaluated(report, pruned, validation):
    """(The report of phase 2 with what `evaluate` of the pruned model gives as kept, notes)."""
    column = (report.metric or "").removeprefix("val_")
    if report.kept is None or column == report.metric:
        return report, ()
    try:
        value = pruned.evaluate(validation, verbose=0, return_dict=True)[column]
    except (Exception, KeyboardInterrupt) as error:
        return report, (f"The pruned model could not be evaluated once more: {first_line(error)}",)
    if np.isclose(value, report.kept, rtol=1e-3, atol=1e-6):
        return replace(report, kept=float(value)), ()
    return replace(report, kept=float(value)), (
        f"{report.metric} is {value:.6g} in Keras 3, and was {report.kept:.6g} in tf_keras, which chose the "
        "best epoch.",)
