"""FreezeWhen: a part of the model stops learning at its own event, inside one `fit`."""

import dataclasses
import re
import time

from ..stopping.checks import check_column
from ..stopping.follower import Follower
from ..stopping.neighbours import neighbours
from ..stopping.state import State
from .freezing import BestOfPart, Freeze, refuse
from .part import Part


class FreezeWhen(Follower):
    """When a criterion is met, a part of the model stops learning; the rest goes on in the same `fit`.

    From then on nothing in these layers moves: neither weights (whatever the optimizer: momentum and weight
    decay included) nor the statistics of BatchNormalization, which works as in inference. Dropout stays on.
    When training ends, they can be trained again. It stands before the callback that ends training:

        freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["picture_branch", "picture_head"],
                            restore_best="val_pictures_loss", name="pictures_frozen")
        stop = StopWhen(Armed(Above("pictures_frozen", 0.5), Patience("val_both_loss", 3)), "val_both_loss")
        model.fit(..., callbacks=[freeze, stop])

    "val_pictures_loss" is the loss of an output that sees the pictures alone: a dict of outputs,
    {"pictures": ..., "both": ...}, has one for each. ("val_loss" is the sum of all.) Keras 3.15 reports the
    loss of one output as the plain mean of the batches' means: where the last batch is small, give `fit` a
    `validation_batch_size` that divides the rows, or watch a metric.

    Args:
        criterion: a criterion, or a function of the history so far, as for When.
        layers: name of a layer, or several. Of a layer in a layer its name, or its path: "tower/dense". A
            layer that holds others is frozen with all of them.
        restore_best: the column that says which epoch is best, as for StopWhen. These layers, and no others,
            get the weights of their best epoch back when they are frozen: before the next step, or at the end
            of training if there is none. The rest does not go back: a joint head goes on from where it was.
            What is never frozen gets nothing back; see `restore_best()`. Left out, they stay as they are.
        mode: "min" or "max", the good direction of `restore_best`; see StopWhen.
        name: the column that it writes: 1 in rows that measure the frozen layers, 0 before. The row of the
            event itself is measured before, and has 0. Several FreezeWhen in one fit need a name each.
        check, validation_freq, clock: see When. With another `check` than "epoch" its column stands in those
            rows, and in those alone.
        state: a folder, see StopWhen: a training that was killed goes on frozen. Several FreezeWhen can share
            it, and share it with StopWhen.

    Raises:
        TypeError, ValueError: `layers` is no name and no list of names, or another argument is wrong.
        ValueError: when training begins: a layer is unknown, or its name ambiguous, or it is in two
            FreezeWhen; two have one name; none of it is trained; a variable of it belongs to another layer
            too; or the optimizer averages weights (use_ema), or is several in one (MultiOptimizer).
        RuntimeError: when training begins, on the JAX backend.

    If nothing is left that can be trained, training ends. After Ctrl-C, Keras calls no callback's end: the
    layers stay frozen until `finish()`, or until the next `fit` with this object. (tf_keras ends a fit with
    what was frozen when it began: there, call `finish()` first.)

    Attributes:
        frozen_at: the epoch in which it froze, counted from 0; None before.
        history, events, report: as in When. `report` says what was frozen, when and why, and which epoch's
            weights came back.

    >>> from course_utils.stopping import Patience
    >>> freeze = FreezeWhen(Patience("val_words_loss", 3), "words", restore_best="val_words_loss")
    >>> freeze.frozen_at, freeze.report.reason
    (None, 'training has not begun')
    """

    def __init__(self, criterion, layers, *, restore_best=None, mode=None, name="frozen", check="epoch",
                 validation_freq=1, clock=time.monotonic, state=None):
        check_column(name)
        names = (layers,) if isinstance(layers, str) else layers
        if not isinstance(names, (list, tuple)) or not names or any(not isinstance(n, str) for n in names):
            raise TypeError(f'layers takes names of layers, such as ["picture_branch"]; got {layers!r}.')
        self.name, self.part = name, Part(tuple(names))
        best = BestOfPart(self.part, restore_best, mode, criterion)
        super().__init__(criterion, Freeze(self.part), check=check, validation_freq=validation_freq,
                         clock=clock, best=best)
        if state is not None:  # files with its column's name in theirs: several may share the folder
            self.state = State(state, f"FreezeWhen_{re.sub(r'[^0-9A-Za-z]', '_', name)}")

    @property
    def frozen_at(self):
        return self.events[-1].epoch if self.events else None

    @property
    def report(self):
        said = super().report
        return dataclasses.replace(said, notes=(*self._what_was_frozen(), *said.notes))

    def _implements_train_batch_hooks(self):
        return True

    # ---- what Keras calls ----

    def on_train_begin(self, logs=None):
        self.finish()  # after Ctrl-C the last fit has left it frozen
        refuse(self.model)
        self.part.begin(self.model)
        for other in neighbours(self):
            if isinstance(other, FreezeWhen):
                self._refuse_beside(other)
        super().on_train_begin(logs)
        if self.part.shared:
            self.said.append(self.part.shared)

    def on_train_batch_begin(self, batch, logs=None):
        self.best.restore(self.model)

    def on_train_batch_end(self, batch, logs=None):
        if self.check != "epoch":
            self._write(logs)
        super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and self.check != "epoch":
            logs.pop(self.name, None)  # the last batch's
        self._write(logs)
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.finish()

    # ---- what you may call ----

    def finish(self):
        """Let the layers be trained again, as they were before; after Ctrl-C, call it yourself."""
        self.part.set_free()

    def restore_best(self):
        """Give the layers the weights of their best epoch so far.

        It happens by itself at the freeze, but not where there was none, nor after Ctrl-C.

        Raises:
            RuntimeError: none were kept.
        """
        self.best.restore_now()

    # ---- the rest ----

    def _write(self, logs):
        if logs is None:
            return
        if self.name in logs:
            raise ValueError(f'There is a column "{self.name}" already, from a metric or another callback: '
                             'FreezeWhen(..., name="...") writes another.')
        logs[self.name] = float(self.part.is_frozen and not self.best.is_due)

    def _refuse_beside(self, other):
        if other.name == self.name:
            raise ValueError(f'Two FreezeWhen write the column "{self.name}". Give each a name of its own, '
                             'as FreezeWhen(..., name="pictures_frozen").')
        common = self.part.common(other.part.names)
        if common:
            raise ValueError(f'{", ".join(common)}: in two FreezeWhen, "{self.name}" and "{other.name}". A '
                             "layer can be frozen by one of them.")

    def _what_was_frozen(self):
        best = self.best
        if not self.events:
            over = self.status in ("done", "stopped") and best.metric
            return [f"{self.part} was never frozen: no weights came back"] if over else []
        event = self.events[-1]
        back = f"the weights of epoch {best.epoch} came back" if best.epoch is not None else (
            f"{best.metric} was never a number: no weights came back" if best.metric else "as it was then")
        last = "; nothing was left to train" if self.ended else ""
        return [f"{self.part} ({self.part.size:,} weights) frozen in epoch {event.epoch} because "
                f"{event.reason}; {back}{last}"]
