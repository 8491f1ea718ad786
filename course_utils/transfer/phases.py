"""Training in phases, each of which ends at its own event. Imported through course_utils.transfer."""

from dataclasses import dataclass, field
from typing import NamedTuple

import keras
import numpy as np

from ..stopping.batches import batches
from ..stopping.checks import check_best, check_count, check_number
from ..stopping.history import History
from ..stopping.joins import as_criterion
from ..stopping.stop_when import StopWhen
from ..stopping.words import number, plural
from .backbones import check_inputs
from .layers import unfreeze


@dataclass(frozen=True)
class Phase:
    """One phase of a training.

    Args:
        name: what it is called in the history and in the report.
        criterion: it ends the phase, and sees the phase's epochs alone.
        learning_rate: the phase's own.
        unfreeze_from: name of a layer; from it on everything is trained, but BatchNormalization, see
            `unfreeze`. None leaves the model as it is.
        epochs: at most.

    Raises:
        TypeError, ValueError: an argument is not such.
    """

    name: str
    criterion: object
    learning_rate: float = 1e-3
    unfreeze_from: str | None = None
    epochs: int = 100

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f'A phase has a name, such as "head"; got {self.name!r}.')
        as_criterion(self.criterion)
        check_number("learning_rate", self.learning_rate, above=0)
        check_count("epochs", self.epochs)


@dataclass(frozen=True)
class PhasesReport:
    """What became of a training in phases; print it to read it.

    Attributes:
        phases: name -> the phase's Report, in order. Epochs are counted through all phases, steps and seconds
            within each.
        metric, best_phase, best_epoch, kept: the column that decides which epoch is best, where it was, and
            its value (None without one). The model has that epoch's weights.
        epochs, steps, seconds: of all phases.
        interrupted: whether Ctrl-C ended it.
    """

    phases: dict = field(default_factory=dict)
    metric: str | None = None
    best_phase: str | None = None
    best_epoch: int | None = None
    kept: float | None = None
    epochs: int = 0
    steps: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def __str__(self):
        lines = [f"{name}: {report.reason}" for name, report in self.phases.items()]
        if self.best_epoch is not None:
            kept = number(self.kept)
            lines.append(f"best {self.metric} {kept} at epoch {self.best_epoch}, in phase {self.best_phase}")
        done = f"{plural(self.epochs, 'epoch')}, {plural(self.steps, 'step')} in {self.seconds:.1f} s"
        lines.append(f"{done}, interrupted" if self.interrupted else done)
        return "\n".join(lines)


class Phased(NamedTuple):
    """What fit_in_phases returns: a History over all phases, and a PhasesReport."""

    history: History
    report: PhasesReport


def fit_in_phases(model, phases, data, *, loss, metrics=(), validation_data=None, restore_best="val_loss",
                  mode=None, optimizer=keras.optimizers.Adam, callbacks=(), batch_size=32, seed=0, verbose=0):
    """Train a model in phases, each ended by its own criterion: `Phased`, a history and a report.

    At the start of a phase, layers are set free as it says, and the model is compiled with a new optimizer at
    its learning rate. A phase begins with the best weights so far, and training ends with them: a phase that
    makes the model worse is undone. Ctrl-C ends training early; what was learnt is kept, and returned.

    Args:
        model: a Keras model with weights to train.
        phases: `Phase`s, with different names.
        data: a tf.data pipeline of batches, or (x, y) arrays, of which `batches` makes one.
        loss, metrics: as in `compile`.
        validation_data: as in `fit`.
        restore_best: the column that says which epoch is best, over all phases. None keeps the last weights.
        mode: "min" or "max", the good direction of `restore_best`; may be left out for losses.
        optimizer: a function of `learning_rate`, such as an optimizer's class.
        callbacks: more of them, such as probes; they stand before the StopWhen.
        batch_size, seed: for (x, y) arrays, see `batches`.
        verbose: as in `fit`.

    Raises:
        ValueError: there is nothing to train in a phase; two phases have one name; a layer is not there;
            arrays are not such as the model takes.
        MissingColumn: a criterion reads a column that is not there.

    The history has what StopWhen's history has, and a column "phase"; "epoch", "steps" and "seconds" count on
    from phase to phase.
    """
    phases, sign = _checked(phases), check_best(restore_best, mode)
    if isinstance(data, (tuple, list)):
        x, y = data
        if len(getattr(model, "inputs", ())) == 1:
            check_inputs(model, np.asarray(x))
        data = batches(x, y, batch_size, seed)
    history, reports, best, interrupted = History(), {}, None, False
    epochs = steps = 0
    seconds = 0.0
    for phase in phases:
        if phase.unfreeze_from is not None:
            unfreeze(model, phase.unfreeze_from)
        if not model.trainable_weights:
            raise ValueError(
                f'There is nothing to train in phase "{phase.name}": all layers are frozen, or the model is '
                "not built. Put a head on it, or say where training begins: Phase(..., unfreeze_from=...)."
            )
        rule = optimizer(learning_rate=phase.learning_rate)
        model.compile(optimizer=rule, loss=loss, metrics=list(metrics))
        stop = StopWhen(phase.criterion, restore_best=restore_best, mode=mode)
        try:
            model.fit(
                data, validation_data=validation_data, initial_epoch=epochs, epochs=epochs + phase.epochs,
                callbacks=[*callbacks, stop], verbose=verbose)
        except KeyboardInterrupt:  # then Keras calls no callback's end
            interrupted = True
            if stop.report.best_epoch is not None:
                stop.restore_best()
        report = reports[phase.name] = stop.report
        for i in range(stop.history.rows):
            row = {name: column[i] for name, column in stop.history.items()}
            counted_on = {"steps": steps + row["steps"], "seconds": seconds + row["seconds"]}
            history.add({**row, **counted_on, "phase": phase.name})
        if report.kept is not None and (best is None or sign * report.kept < sign * best[2]):
            best = phase.name, report.best_epoch, report.kept, model.get_weights()
        elif best is not None:
            model.set_weights(best[3])
        epochs += stop.history.rows
        steps, seconds = steps + (report.step or 0), seconds + (report.seconds or 0.0)
        if interrupted:
            break
    where = best[:3] if best else (None, None, None)
    return Phased(history, PhasesReport(reports, restore_best, *where, epochs, steps, seconds, interrupted))


def _checked(phases):
    phases = [phases] if isinstance(phases, Phase) else list(phases)
    strangers = [phase for phase in phases if not isinstance(phase, Phase)]
    if strangers or not phases:
        got = f"; got {strangers[0]!r}" if strangers else ", at least one"
        raise TypeError(f'phases are such as [Phase("head", Patience("val_loss", 5))]{got}.')
    names = [phase.name for phase in phases]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f'Two phases are called "{twice[0]}": give each a name of its own.')
    return phases
