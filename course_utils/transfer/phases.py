"""Training in phases, each of which ends at its own event."""

from dataclasses import dataclass, field
from typing import NamedTuple

import keras

from ..stopping.batches import leaves
from ..stopping.checks import check_best, check_count, check_number
from ..stopping.history import History
from ..stopping.joins import as_criterion
from ..stopping.stop_when import StopWhen
from ..stopping.words import number, plural
from .layers import unfreeze
from .phase_forms import callback_list, checked_validation, fresh, optimizer_maker, training_data
from .phase_run import Gate, SoFar, check_validation_columns, identity, trained_in
from .phase_state import PhaseFiles, Whole, set_random_state, set_variables, values_of


@dataclass(frozen=True)
class Phase:
    """One phase of a training.

    Args:
        name: what it is called in the history and in the report.
        criterion: it ends the phase, and sees the phase's epochs alone.
        learning_rate: the phase's own.
        unfreeze_from: name of a layer; from it on everything is trained, but BatchNormalization, see
            `unfreeze`. None leaves the model as it is. How many weights that are is in the report.
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
            its value (None without one). The model has that epoch's weights, and `evaluate` gives that value
            again: where regularizers of weights frozen then count now, it is more than in the history.
        epochs, steps, seconds: of all phases.
        interrupted: whether Ctrl-C ended it, or a signal, a deadline or a stop file.
        trained: name -> how many of the model's weights (single numbers) the phase trains.
        weights: how many the model has.
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
    trained: dict = field(default_factory=dict)
    weights: int = 0

    def __str__(self):
        lines = [f"{_said(name, self.trained.get(name), self.weights)}: {report.reason}"
                 for name, report in self.phases.items()]
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
                  mode=None, optimizer=keras.optimizers.Adam, callbacks=(), batch_size=32, seed=0,
                  verbose="auto", state=None, **compiling):
    """Train a model in phases, each ended by its own criterion: `Phased`, a history and a report.

    At the start of a phase, layers are set free as it says, and the model is compiled with a new optimizer at
    its learning rate. A phase begins with the best weights so far, and training ends with them: a phase that
    makes the model worse is undone. Ctrl-C ends training early; what was learnt is kept, and returned.

    Args:
        model: a Keras model with weights to train.
        phases: `Phase`s, with different names.
        data: arrays, of which `batches` makes a pipeline: (x, y), (x, y, sample_weight) or x, where each
        may be
            a tuple or dict of arrays, as in `fit`. Or a pipeline of batches (tf.data, keras.utils.PyDataset).
        loss, metrics: as in `compile`.
        validation_data: as in `fit`.
        restore_best: the column that says which epoch is best, over all phases. None keeps the last weights.
        mode: "min" or "max", the good direction of `restore_best`; may be left out for losses.
        optimizer: a class or function of `learning_rate`; or a name, a config, or an optimizer as an example,
            of which each phase gets a copy with its own rate.
        callbacks: more of them, such as probes; they stand before the StopWhen.
        batch_size, seed: for arrays, see `batches`.
        verbose: "auto" prints a line a phase; 0 nothing; 1 and 2 are as in `fit`.
        state: a folder in which it notes at every epoch's end how far it has come. Called again after a kill,
            with the same arguments, training goes on in the phase in which it was; the folder is emptied when
            training ends by itself. BackupAndRestore is not needed, and is refused. The run is the same to
            the
            bit as without the kill for arrays, and for a pipeline that gives the same batches in every epoch.
            What your own callbacks remember, and random numbers that are not drawn by layers, is not kept.
        compiling: what else `compile` takes, such as loss_weights or weighted_metrics.

    Raises:
        TypeError, ValueError: there is nothing to train in a phase; two phases have one name; a layer is not
            there; data, validation data or optimizer are in no form that can be used, or arrays are not such
            as the model takes. All of this is tried before the first epoch.
        MissingColumn: a criterion reads a column that is not there.
        RuntimeError: the state belongs to another training, or is damaged.
        OSError: the folder for the state cannot be written to when training begins. Later that is a warning.

    The history has what StopWhen's history has, and a column "phase"; "epoch", "steps" and "seconds" count on
    from phase to phase.

    >>> import numpy as np
    >>> x = np.arange(4.0).reshape(4, 1)
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="only")])
    >>> from course_utils.stopping import Epochs
    >>> history, report = fit_in_phases(model, Phase("all", Epochs(2)), (x, 2 * x), loss="mse",
    ...                                 restore_best=None)
    all trains 2 of 2 weights: 2 epochs are done at epoch 1
    >>> history["phase"], report.trained
    (['all', 'all'], {'all': 2})
    """
    phases, sign = _checked(phases), check_best(restore_best, mode)
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f'verbose is "auto", 0, 1 or 2; got {verbose!r}.')
    callbacks, trained = callback_list(callbacks, state is not None), trained_in(model, phases)
    make = optimizer_maker(optimizer)
    optimizers = [make(phase.learning_rate) for phase in phases]
    validation_data = checked_validation(model, validation_data)
    if validation_data is None:
        check_validation_columns(phases, restore_best, metrics or (), callbacks)
    data, orders, parts = training_data(model, data, batch_size, seed)

    so_far, files, interrupted = SoFar(), None, False
    if state is not None:
        settings = {"batch_size": batch_size, "seed": repr(seed)}
        files = PhaseFiles(state, identity(model, phases, restore_best, sign, optimizers[0], settings,
                                           parts and leaves(parts)))
        so_far = _go_on(model, phases, files) or so_far
        if not files.done and files.running is None:
            files.close_phase(0, so_far.facts(), {"model": values_of(model.variables)}, first=True)
    weights = model.count_params()
    for i, phase in enumerate(phases):
        if files is not None and i < files.done:
            continue
        if phase.unfreeze_from is not None:
            so_far.set_free(model, phase.unfreeze_from, restore_best)
        if "weighted_metrics" in compiling:
            compiling["weighted_metrics"] = fresh(compiling["weighted_metrics"])
        model.compile(optimizer=optimizers[i], loss=loss, metrics=fresh(metrics), **compiling)
        stop, first = StopWhen(phase.criterion, restore_best=restore_best, mode=mode), so_far.epochs
        begin, gate = first, Gate(stop, first, files, orders, phases)
        if files is not None:
            stop.memory.update({part: Whole(model, part) for part in ("model", "optimizer")})
            if files.running is not None:
                begin = files.running
                files.put_back(model)
        if verbose == "auto":
            print(f"{_said(phase.name, trained[phase.name], weights)}: ", end="", flush=True)
        try:
            model.fit(data, validation_data=validation_data, initial_epoch=begin, epochs=first + phase.epochs,
                      callbacks=[*callbacks, gate, stop], verbose=0 if verbose == "auto" else verbose)
        except KeyboardInterrupt:  # then Keras calls no callback's end
            interrupted = True
            if stop.report.best_epoch is not None:
                stop.restore_best()
        interrupted = interrupted or stop.interrupted  # by a signal or a deadline: another job goes on
        if files is not None and not interrupted and stop.memory["model"].last is not None:
            # a fit that goes on where it had just been stopped runs one more batch
            set_random_state(model, stop.memory["model"].last)
        so_far.add(phase.name, stop, model, sign)
        if verbose == "auto":
            print(so_far.reports[phase.name].reason)
        if interrupted:
            break
        if files is not None:
            files.close_phase(i + 1, so_far.facts(), {"model": values_of(model.variables)})
    if files is not None and not interrupted:
        files.empty()
    where = so_far.best or (None, None, None)
    return Phased(so_far.history, PhasesReport(
        so_far.reports, restore_best, *where, so_far.epochs, so_far.steps, so_far.seconds, interrupted,
        {name: trained[name] for name in so_far.reports}, weights))


def _go_on(model, phases, files):
    """What was known when the training was killed, with the model as it was then; None if nothing was."""
    kept = files.open()
    if kept is None:
        return None
    facts, arrays = kept
    for phase in phases[:files.done]:
        if phase.unfreeze_from is not None:
            unfreeze(model, phase.unfreeze_from)
    set_variables(model, arrays["model"])
    so_far = SoFar.of(facts)
    so_far.weights = model.get_weights()  # between phases a model has the best weights so far
    return so_far


def _said(name, trained, weights):
    return name if trained is None else f"{name} trains {trained:,} of {weights:,} weights"


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
