"""What is said of a run when it is over, or while it goes on: the same live, in replay and after a kill."""

import json
import math
from dataclasses import asdict, dataclass

from .words import number, plural


@dataclass(frozen=True)
class Report:
    """What became of a run: why it ended and what was kept. The same live and in replay; print it to read it.

    Attributes:
        reason: a sentence with numbers.
        ended_by: what ended the run, as text: the criterion that was met, "another callback", "all epochs
            done", or None (not over, or interrupted).
        epoch, step: the last epoch, counted from 0, and the optimizer's updates until then (None where
            unknown).
        metric, best_epoch, kept: the column that decides which epoch is best, that epoch, and its value (None
            without one).
        seconds: how long it took, in seconds (None where unknown).
        epochs_after_best: epochs that came after the best one.
        best_when: the criterion that an epoch had to meet to be the best one, as text (None without one).
        notes: what else a reader should know, a sentence each.
    """

    reason: str
    ended_by: str | None = None
    epoch: int | None = None
    step: int | None = None
    metric: str | None = None
    best_epoch: int | None = None
    kept: float | None = None
    seconds: float | None = None
    epochs_after_best: int | None = None
    best_when: str | None = None
    notes: tuple = ()

    def to_json(self):
        """The report as JSON, with its attributes as names; a number that is not finite is null.

        >>> json.loads(Report("3 epochs are done at epoch 2", epoch=2).to_json())["epoch"]
        2
        """
        values = asdict(self).items()
        finite = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values}
        return json.dumps(finite)

    def __str__(self):
        where = f"where {self.best_when} is met" if self.best_when else ""
        among = f" (of the epochs {where})" if where else ""
        parts = [self.reason]
        if self.best_epoch is not None:
            after = self.epochs_after_best
            place = f"{plural(after, 'epoch')} before the end" if after else "the last"
            best = f"best {self.metric} {number(self.kept)}{among}"
            parts.append(f"{best} at epoch {self.best_epoch}, {place}")
        elif self.metric and self.ended_by:
            never = f"{self.metric} was never a finite number"
            if where:
                never = f"no epoch {where} has a finite {self.metric}"
            parts.append(f"{never}: there is no best epoch")
        if self.step is not None and self.seconds is not None:
            parts.append(f"{plural(self.step, 'step')} in {self.seconds:.1f} s")
        return "\n".join([*parts, *self.notes])
