"""What a training in phases is made of: what it knows so far, a gate at each phase, and what is tried
first."""

import dataclasses
import re

import keras

from ..stopping.history import History, missing_column
from ..stopping.joins import as_criterion
from ..stopping.layers import flags, set_flags, walk
from ..stopping.recorder import OWN
from ..stopping.report import Report
from .layers import count_trained, unfreeze
from .phase_state import checksum


@dataclasses.dataclass
class SoFar:
    """What is known of the phases that are done.

    Attributes:
        history, reports: see `Phased`.
        best: [phase, epoch, value] of the best epoch, or None.
        weights: that epoch's weights.
    """

    history: History = dataclasses.field(default_factory=History)
    reports: dict = dataclasses.field(default_factory=dict)
    best: list | None = None
    weights: list | None = None
    epochs: int = 0
    steps: int = 0
    seconds: float = 0.0

    def add(self, name, stop, model, sign):
        """A phase is done: note it, and give the model the best weights so far."""
        stop.recorder.began_at = 0  # a phase begins at a later epoch, and what came before is known: here
        report = self.reports[name] = stop.report
        for i in range(stop.history.rows):
            row = {column: values[i] for column, values in stop.history.items()}
            counted_on = {"steps": self.steps + row["steps"], "seconds": self.seconds + row["seconds"]}
            self.history.add({**row, **counted_on, "phase": name})
        if report.kept is not None and (self.best is None or sign * report.kept < sign * self.best[2]):
            self.best, self.weights = [name, report.best_epoch, report.kept], model.get_weights()
        elif self.best is not None:
            model.set_weights(self.weights)
        self.epochs += stop.history.rows
        self.steps, self.seconds = self.steps + (report.step or 0), self.seconds + (report.seconds or 0.0)

    def set_free(self, model, name, metric):
        """Unfreeze from a layer on, at the best weights so far.

        Keras counts the regularizers of trainable weights alone into the loss. With others set free the same
        weights have another loss, and what was kept is told in today's: else no later phase could be better.
        """
        before = _penalty(model)
        unfreeze(model, name)
        if self.best is not None and metric in ("loss", "val_loss"):
            self.best[2] += _penalty(model) - before

    # ---- on disk; the weights are kept with the model's ----

    def facts(self):
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del facts["weights"]
        return dict(facts, reports={name: dataclasses.asdict(each) for name, each in self.reports.items()})

    @classmethod
    def of(cls, facts):
        known = {field.name: facts[field.name] for field in dataclasses.fields(cls) if field.name in facts}
        reports = {name: Report(**dict(each, notes=tuple(each["notes"])))
                   for name, each in facts["reports"].items()}
        return cls(**dict(known, history=History(facts["history"]), reports=reports))


class Gate(keras.callbacks.Callback):
    """Stands before a phase's StopWhen: sees to the epoch's order, and to when StopWhen looks for its state.

    A StopWhen that is given a state takes a fit that begins at a later epoch for one that goes on. A phase
    that
    begins is none: its StopWhen gets the state only after it has begun.

    Args:
        stop: the phase's StopWhen.
        first: the phase's first epoch.
        files: PhaseFiles, or None.
        orders: Orders of the batches, or None.
        phases: all of them: after the very first epoch it is known which columns there are.
    """

    def __init__(self, stop, first, files, orders, phases):
        super().__init__()
        self.stop, self.first, self.files, self.orders, self.phases = stop, first, files, orders, phases

    def on_epoch_begin(self, epoch, logs=None):
        if self.orders is not None:
            self.orders.go_to(epoch)
        self.stop.state = self.files if epoch > self.first else None

    def on_epoch_end(self, epoch, logs=None):
        # where a phase was over, Keras has run one more batch: what was kept is right, and this is not
        self.stop.state = None if self.files is None or self.files.over else self.files
        if epoch == 0:
            for phase in self.phases[1:]:
                for name in as_criterion(phase.criterion).columns_of_fit():
                    if name not in logs and name not in OWN:
                        columns = [*logs, *OWN]
                        raise missing_column(name, columns, f' after epoch 0, and phase "{phase.name}" '
                                                            'reads it')

    def on_train_end(self, logs=None):
        self.stop.state = self.files  # where it had been killed after its last epoch, none was begun


# ---- what can be tried beforehand ----


def trained_in(model, phases):
    """name -> how many numbers the phase trains. The model is left as it is.

    Raises:
        ValueError: a layer is not there, or there are several; there is nothing to train in a phase.
    """
    counts, before = {}, flags([model, *(place.layer for place in walk(model))])
    try:
        for phase in phases:
            if phase.unfreeze_from is not None:
                unfreeze(model, phase.unfreeze_from)
            counts[phase.name] = count_trained(model)
            if not counts[phase.name]:
                raise ValueError(
                    f'There is nothing to train in phase "{phase.name}": all layers are frozen, or the '
                    'model is '
                    "not built. Put a head on it, or say where training begins: Phase(..., "
                    "unfreeze_from=...).")
    finally:
        set_flags(before)
    return counts


def check_validation_columns(phases, restore_best, metrics, callbacks):
    """Without validation_data: does a phase wait for what only validation gives? MissingColumn if so.

    Other callbacks may write columns of that form, but not the loss or the metrics that Keras was given.
    """
    named = [name for name in keras.tree.flatten(metrics) if isinstance(name, str)]
    keras_s_own = {f"val_{name}" for name in ("loss", *named)}
    for phase in phases:
        for name in (*as_criterion(phase.criterion).columns, restore_best or ""):
            if name.startswith("val_") and (name in keras_s_own or not callbacks):
                raise missing_column(name, ["loss", *named], f' in phase "{phase.name}"')


def identity(model, phases, restore_best, sign, optimizer, settings, parts):
    """What a training in phases is: name -> value. A state with another value is another training's."""
    of_phases = {}
    for phase in phases:
        for what in ("criterion", "learning_rate", "unfreeze_from", "epochs"):
            value = getattr(phase, what)
            value = _named(as_criterion(value)) if what == "criterion" else value
            of_phases[f'the {what} of phase "{phase.name}"'] = value
    data = {} if parts is None else {"the checksum of the data": checksum(parts), **settings}
    return {
        "the list of phases": [phase.name for phase in phases], **of_phases,
        "restore_best": [restore_best, sign],
        "the optimizer": [type(optimizer).__name__, _named(_without_rate(optimizer.get_config()))],
        "the list of the model's shapes": [[list(v.shape), str(v.dtype)] for v in model.variables],
        **data,
    }


def _penalty(model):
    """What the regularizers of a model's trainable weights add to its loss."""
    trained = [v for v in model.trainable_variables if getattr(v, "regularizer", None) is not None]
    return sum(float(keras.ops.convert_to_numpy(v.regularizer(v))) for v in trained)


def _without_rate(config):
    return {name: value for name, value in sorted(config.items()) if name not in ("learning_rate", "name")}


def _named(thing):
    """As text, without the addresses that a function's has: another process has others."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))
