"""Several processes of one training stop together, at one step, or not at all. Any engine; NumPy alone."""

import json
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..stopping.checks import check_count
from ..stopping.votes import Alone
from ..stopping.watch import Event
from .gathers import gather_of

NOTHING, INTERRUPTION, END = range(3)  # what a process wishes


@dataclass(frozen=True)
class Together:
    """For `StopWhen(..., together=Together())` or `When`: what one process wishes, all do, or none does.

    A training in several processes waits for all of them in every step. A process that stops alone leaves the
    others waiting, for ever with most engines. So an event of the criterion is a wish at first. All processes
    vote at the end of every epoch, and every `every` batches if that is given: a budget, a signal or a loss
    that is not a number need not wait for the epoch's end then. What comes of an event, the best weights
    among it, comes after the vote, in all processes at one step. A wish stands until it is agreed upon.

    A signal, a deadline or a stop file that reaches one process interrupts all, whatever the rule. What is
    best is decided by one number, too: if validation gives each process another one, by their mean.

    Every process makes such a callback, with the same settings; and whatever else may end the training, also
    EarlyStopping, has to agree by itself.

    Args:
        every: batches between two votes; None votes at the end of each epoch alone. A vote costs
            milliseconds, and a wish waits for the next one.
        rule: any, all, or another function of a list with a bool for each process.
        gather: a function of an array of bytes (uint8) that returns those of all processes, an array of shape
            (processes, length); each process calls it with as many bytes. With mpi4py it would be
            `lambda mine: np.stack(comm.allgather(mine))`. Left out, it is found when a fit begins:
            JAX's processes, torch.distributed, or the model's MultiWorkerMirroredStrategy.

    Raises:
        ValueError: `every` is not a whole number of at least 1. When training begins: the processes have
            different settings, or there is nothing to gather with.
        TypeError: `rule` or `gather` is no function.
        RuntimeError: the processes are not at the same batch.

    >>> from course_utils.stopping import Patience, StopWhen, TimeBudget
    >>> stop = StopWhen(Patience("val_loss", 5) | TimeBudget("2h"), "val_loss", together=Together(every=20))
    """

    every: int | None = None
    rule: Any = any
    gather: Any = None

    def __post_init__(self):
        if self.every is not None:
            check_count("every", self.every)
        for name, what in (("rule", self.rule), ("gather", self.gather or gather_of)):
            if not callable(what):
                raise TypeError(f"{name} is a function, see Together; got {what!r}.")

    def votes(self):
        """A Follower's side of it."""
        return Votes(self)


class Votes(Alone):
    """The votes of one callback in one fit after another.

    Attributes:
        count, seconds: votes of this fit so far, and how long they took.
        wish: the Event that this process wishes, or None.
    """

    def __init__(self, together):
        self.together, self.each_batch = together, together.every is not None
        self._forget()

    def begin(self, follower):
        self._forget()
        self.gather = self.together.gather or gather_of(follower.model)
        rule = getattr(self.together.rule, "__name__", repr(self.together.rule))
        mine = json.dumps([type(follower).__name__, self.together.every, rule, follower.check,
                           follower.watch.times, follower.best.question])
        settings = self._texts(mine)
        if len(set(settings)) > 1:
            said = "; ".join(f"process {number}: {text}" for number, text in enumerate(settings))
            raise ValueError("All processes need the same callback, every, rule, check, times and best; "
                             f"{said}.")

    def agreed(self, event, whole_epoch):
        if event is not None and (self.wish is None or self.wish.interrupts > event.interrupts):
            self.wish = event
        self._batches += not whole_epoch
        every = self.together.every
        if not whole_epoch and (every is None or self._batches % every):
            return None
        began = time.perf_counter()
        try:
            return self._vote()
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - began

    def _vote(self):
        kind = NOTHING if self.wish is None else INTERRUPTION if self.wish.interrupts else END
        kinds, batches = self._numbers(kind, self._batches).T
        if len(set(batches)) > 1:
            raise RuntimeError(f"The processes are not at the same batch: {_listed(batches)} are done.")
        ends = bool(self.together.rule([bool(kind == END) for kind in kinds]))
        if not ends and INTERRUPTION not in kinds:
            return None
        mine = json.dumps(self.wish and [self.wish.reason, self.wish.met])
        wishes = [json.loads(text) for text in self._texts(mine)]
        counted = [(number, *wish) for number, wish in enumerate(wishes)
                   if wish is not None and (kinds[number] == END) == ends]
        if ends or kind != END:  # a wish to end outlives an interruption
            self.wish = None
        reasons = {reason for _, reason, _ in counted}
        if len(reasons) == 1 and len(counted) == len(kinds):  # all have seen the same
            reason = reasons.pop()
        else:
            reason = "; ".join(f"process {number}: {reason}" for number, reason, _ in counted)
        return Event(reason, "; ".join(dict.fromkeys(met for *_, met in counted)), not ends)

    def mean(self, value):
        value = math.nan if value is None else float(value)
        values = self._numbers(value)[:, 0]
        if len(set(values)) == 1 or not np.isfinite(values).all():
            return float(values[0]) if np.isfinite(values).all() else math.nan
        self._differing = len(values)
        return math.fsum(values) / len(values)

    def said(self, metric):
        if not self._differing:
            return []
        return [f"{metric} is the mean of {self._differing} processes, whose values differ: to decide which "
                "epoch is best they need one number"]

    # ---- what is gathered ----

    def _numbers(self, *mine):
        """One row of floats for each process, to the bit."""
        values = np.array(mine, "float64")
        return self._gathered(values.view(np.uint8)).view("float64")

    def _texts(self, mine):
        """One text for each process; they may be of different lengths."""
        mine = mine.encode()
        longest = int(self._numbers(len(mine)).max())
        rows = self._gathered(np.frombuffer(mine.ljust(longest), np.uint8))
        return [row.tobytes().decode().rstrip() for row in rows]

    def _gathered(self, mine):
        rows = np.asarray(self.gather(mine.copy()))
        if rows.ndim != 2 or rows.shape[1] != len(mine):
            raise ValueError(f"gather was given {len(mine)} bytes, and returned an array of shape "
                             f"{rows.shape}; it should be (processes, bytes).")
        return np.ascontiguousarray(rows.astype(np.uint8))

    def __getstate__(self):  # it is found again when a fit begins
        return dict(self.__dict__, gather=None)

    # ---- in the state ----

    def _forget(self):
        self.wish, self.count, self.seconds, self._batches, self._differing = None, 0, 0.0, 0, 0

    def memory(self):
        return {"together": self}

    def facts(self):
        wish = self.wish and [self.wish.reason, self.wish.met, self.wish.interrupts]
        return {"wish": wish, "differing": self._differing}

    def arrays(self):
        return None

    def resume(self, facts, arrays, model):
        self.wish = facts["wish"] and Event(*facts["wish"])
        self._differing = facts["differing"]


def _listed(batches):
    return ", ".join(f"{int(count)} in process {number}" for number, count in enumerate(batches))
