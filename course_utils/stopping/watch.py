"""The watch: follows a criterion on the rows of a fit, looks ahead in an epoch, gives events with reasons."""

from dataclasses import dataclass

from .checks import check_count
from .history import History
from .interrupts import Source
from .joins import as_criterion
from .recorder import numbers


@dataclass(frozen=True)
class Event:
    """A criterion was met: why, as a sentence with numbers, and what of it was, as one would write it."""

    reason: str
    met: str
    interrupts: bool = False  # it ends the job, not the training


class JobClock(Source):
    """The seconds of this job, for TimeBudget(..., of="job")."""

    def read(self, recorder):
        return recorder.job_seconds()


class Watch:
    """Follows a criterion through one fit, up to `times` events.

    An event changes nothing until it is taken. Then the watch looks afresh: the criterion sees only the rows
    that come from then on, and budgets count from there. No Keras in here.

    Args:
        criterion: a criterion, or a function of the history so far.
        recorder: the Recorder whose rows it follows.
        times: how many events at most.
        ends: whether an event ends training. Then a signal, a deadline or a stop file interrupts it: that is
            an Event, but none of the `times`, and another job looks on as if nothing had been.
    """

    def __init__(self, criterion, recorder, times=1, ends=False):
        check_count("times", times)
        self.criterion, self.recorder, self.times = as_criterion(criterion), recorder, times
        self.ends = ends
        self.reset()

    def reset(self):
        """Forget: no fit has begun."""
        self.count = 0
        self._look_afresh(self.recorder.history, seconds=0.0, steps=0)

    def begin(self):
        """A fit begins. What the criterion measures itself is listened to from now on, until `end`.

        Raises:
            ValueError: two parts of the criterion measure one column.
        """
        self.reset()
        for part in self.criterion.sources():
            (name,) = part.columns
            if name in self.recorder.sources:
                raise ValueError(f'Two parts of {self.criterion!r} measure the column "{name}".')
            source = part.source()
            source.begin()
            self.recorder.sources[name] = source
        if "job_seconds" in self.criterion.columns:
            self.recorder.sources["job_seconds"] = JobClock()

    def end(self):
        """The fit is over."""
        for source in self.recorder.sources.values():
            source.end()

    def row(self, where, logs):
        """A row was appended: the Event, or None.

        Raises:
            MissingColumn, TypeError: a column that the criterion reads is not there, or no number.
        """
        history = self.recorder.history
        self.recorder.require(self.criterion.columns, where, logs)
        if self._seen is not history:
            newest = {name: values[-1] for name, values in history.items()}
            self._seen.add(self._since_then(newest))
        seen, newest = self.recorder.measured(self._seen), self._seen.rows - 1
        if self.is_over or not self._ask(seen, newest):
            return None
        unit = self.recorder.check
        return self._event(self.criterion.reason(seen, newest, unit), self.criterion.parts_met(seen, newest))

    def ahead(self, place, logs, epoch, whole_rows):
        """Ask the criteria that look at every batch, as if the validation pass of `epoch` were over.

        Args:
            place: where that is, as "in batch 3 of epoch 2".
            logs: what Keras reports so far.
            epoch: the epoch that would be ended.
            whole_rows: how many rows are finished.
        """
        if not self.criterion.every_batch or self.is_over:
            return None
        recorder, columns = self.recorder, self.criterion.columns
        reserve = recorder.reserve if recorder.validates(epoch) else 0.0
        known = numbers({name: value for name, value in logs.items() if name in columns})
        if "seconds" in columns:
            known["seconds"] = recorder.now() + reserve
        if "steps" in columns:
            known["steps"] = recorder.steps.count
        for name, source in recorder.sources.items():
            known[name] = source.read(recorder) + (reserve if name == "job_seconds" else 0.0)
        known = self._since_then(known)
        met = self.criterion.met_mid_epoch(known, whole_rows)
        if not met:
            return None
        newest = History({name: [value] for name, value in known.items()})
        reasons = [part.reason(newest, 0, place=place) for part in met]
        if reserve and any({"seconds", "job_seconds"} & {*part.columns} for part in met):
            reasons[-1] += f" ({reserve:.2g} s kept for validation)"
        return self._event("; ".join(reasons), met)

    def take(self, event):
        """The event, of this watch or another process's, is acted upon now. An interruption counts none."""
        recorder = self.recorder
        recorder.note()
        if event.interrupts:
            return
        self.count += 1
        for source in recorder.sources.values():
            source.taken()
        unseen = History({name: [] for name in recorder.history})
        self._look_afresh(unseen, seconds=recorder.seconds, steps=recorder.step,
                          job_seconds=recorder.job_seconds())

    @property
    def is_over(self):
        """Have all the events come?"""
        return self.count >= self.times

    @property
    def rows(self):
        """How many rows it has seen since the last event."""
        return self._seen.rows

    # ---- on disk ----

    def facts(self):
        return {"count": self.count, "since": self._since, "from row": self.recorder.history.rows - self.rows}

    def resume(self, facts):
        """Go on: `recorder` has its rows again."""
        self.count, history, start = facts["count"], self.recorder.history, facts["from row"]
        for name in self.recorder.sources:  # another job may have asked for another deadline
            history.setdefault(name, [None] * history.rows)
        seen = history
        if self.count:
            seen = History({name: [] for name in history})
            for row in range(start, history.rows):
                seen.add(self._since_then({name: v[row] for name, v in history.items()}, facts["since"]))
        self._look_afresh(seen, **facts["since"])
        measured = self.recorder.measured(seen)
        for row in range(seen.rows):
            self._ask(measured, row)

    def _event(self, reason, criteria):
        interrupts = self.ends and all(part.interrupts for part in criteria)
        return Event(reason, "; ".join(map(repr, criteria)), interrupts)

    def _look_afresh(self, seen, **since):
        self._seen, self._since, self._ask = seen, since, self.criterion.live()

    def _since_then(self, row, since=None):
        """A row with budgets counted from the last event on."""
        since = since or self._since
        return {name: value - since.get(name, 0) if name in since else value for name, value in row.items()}

    def __getstate__(self):  # a generator cannot be copied or pickled; what it follows can
        return dict(self.__dict__, _ask=None)
