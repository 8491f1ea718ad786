"""Stop before you are killed: a signal, a deadline, a file that somebody touches. No Keras in here.

They are asked after every batch, combine with `|`, and stand in the history as columns, so that a replay
finds them where they came. Ended so, StopWhen leaves its state, and BackupAndRestore's backup, for the next
job.
"""

import os
import signal
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .criterion import Criterion


class Interrupt(Criterion):
    """What ends a job and not the training: another job goes on with it."""

    every_batch = True
    interrupts = True

    def scores(self, values):
        return iter(values)

    def source(self):
        """A Source that measures the criterion's column in one fit."""
        raise NotImplementedError

    def sources(self):
        return [self]


class Source:
    """Measures a column of the history while a fit runs: `begin`, `read`, `end`."""

    def begin(self):
        """A fit begins. What cannot work is an error now."""

    def read(self, recorder):
        """The column's value now, a float."""
        raise NotImplementedError

    def taken(self):
        """It was acted upon; what comes next is new."""

    def end(self):
        """The fit is over."""


@dataclass(frozen=True, repr=False, init=False)
class Signal(Interrupt):
    """Met once the process has got one of these signals, SIGTERM if none is named.

    Clusters send one before they take a machine away. While a fit runs the signal is caught; the second one
    does what it would have done. Column "signal": its number, 0 while none came.

    Args:
        names: such as "SIGTERM", "SIGUSR1".

    Raises:
        ValueError: there is no such signal here, or it cannot be caught.
        RuntimeError: when training begins outside the main thread, where Python catches no signals.

    >>> Signal("SIGTERM", "SIGUSR1").reason({"signal": [0.0, 15.0]}, 1)
    'SIGTERM came at epoch 1'
    """

    names: tuple
    columns = ("signal",)

    def __init__(self, *names):
        known = {name for name in dir(signal) if name.startswith("SIG") and not name.startswith("SIG_")}
        for name in names:
            if name not in known or name in ("SIGKILL", "SIGSTOP"):
                raise ValueError(f'Signal takes names such as "SIGTERM"; {name!r} cannot be caught here.')
        object.__setattr__(self, "names", names or ("SIGTERM",))

    def is_met(self, score):
        return score > 0

    def sentence(self, history, row, place, unit):
        return f"{signal.Signals(int(history['signal'][row])).name} came {place}"

    def source(self):
        return _Signals([signal.Signals[name] for name in self.names])

    def __repr__(self):
        return f"Signal({', '.join(map(repr, self.names))})"


class _Signals(Source):
    def __init__(self, numbers):
        self.numbers, self.came, self.before = numbers, 0, {}

    def begin(self):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("Signal works in the main thread only: Python catches signals nowhere else.")
        self.before = {number: signal.signal(number, self._catch) for number in self.numbers}

    def _catch(self, number, frame):
        if self.came:  # it was said before: do what would have been done without us
            self.end()
            os.kill(os.getpid(), number)
        self.came = int(number)

    def read(self, recorder):
        return float(self.came)

    def taken(self):
        self.came = 0

    def end(self):
        for number, handler in self.before.items():
            if signal.getsignal(number) == self._catch:
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self.before = {}


@dataclass(frozen=True, repr=False)
class Deadline(Interrupt):
    """Met when what is left until a moment is only enough for a batch, a validation pass and saving.

    Their times are measured: the longest batch but the first, the last validation, the last end of an epoch
    with what other callbacks did there. Column "seconds_left": seconds until the moment, less that margin.

    Args:
        at: a datetime (without a zone: local time); a clock time, "06:30", the next there is; None for the
            end of the SLURM job, SLURM_JOB_END_TIME in the environment.
        margin: seconds that are kept back besides, at least 0.

    Raises:
        ValueError: `at` is none of these.

    >>> Deadline(datetime(2026, 11, 26, 6, 30)).reason({"seconds_left": [40.0, -2.0]}, 1)
    'the deadline 2026-11-26 06:30 is too near for another epoch at epoch 1'
    """

    at: object = None
    margin: float = 0.0
    columns = ("seconds_left",)
    limit = 0.0

    def __post_init__(self):
        if not isinstance(self.margin, (int, float)) or not self.margin >= 0:
            raise ValueError(f"margin is a number of seconds, at least 0; got {self.margin!r}.")
        object.__setattr__(self, "_moment", _moment(self.at))

    def is_met(self, score):
        return score <= 0

    def sentence(self, history, row, place, unit):
        what = "batch" if unit == "batch" or " batch " in f" {place}" else "epoch"
        return f"the deadline {self._moment:%Y-%m-%d %H:%M} is too near for another {what} {place}"

    def source(self):
        return _Clock(self._moment.timestamp(), self.margin)


class _Clock(Source):
    def __init__(self, end, margin):
        self.end_at, self.margin = end, margin

    def read(self, recorder):
        needed = recorder.longest_batch + recorder.reserve + recorder.saving
        return self.end_at - time.time() - self.margin - needed


@dataclass(frozen=True, repr=False)
class StopFile(Interrupt):
    """Met once a file is there: whoever may write to the folder ends the job, with `touch STOP`.

    Column "stop_file": 1 where it is there.

    Args:
        path: the file. When training begins, its folder has to be there, and the file must not be: it is an
            old one.

    >>> StopFile("STOP").reason({"stop_file": [0.0, 1.0]}, 1)
    'the file STOP is there at epoch 1'
    """

    path: str
    columns = ("stop_file",)

    def __post_init__(self):
        if not isinstance(self.path, (str, os.PathLike)):
            raise TypeError(f'StopFile takes the path of a file, such as "STOP"; got {self.path!r}.')
        object.__setattr__(self, "path", os.fspath(self.path))

    def is_met(self, score):
        return score > 0

    def sentence(self, history, row, place, unit):
        return f"the file {self.path} is there {place}"

    def source(self):
        return _File(Path(self.path))


class _File(Source):
    def __init__(self, path):
        self.path = path

    def begin(self):
        if self.path.exists():
            raise FileExistsError(f"The file {self.path} would end this training at once. It is an old one: "
                                  "remove it.")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"There is no folder {self.path.parent}, so nobody could put the file "
                                    f"{self.path.name} there to end this training.")

    def read(self, recorder):
        return float(self.path.exists())


def _moment(at):
    """A datetime from what Deadline takes."""
    if at is None:
        end = os.environ.get("SLURM_JOB_END_TIME", "")
        if not end.isdigit():
            raise ValueError("Deadline() reads SLURM_JOB_END_TIME, and that is not set here: name a moment, "
                             'such as Deadline("06:30").')
        return datetime.fromtimestamp(int(end))
    if isinstance(at, datetime):
        return at
    try:
        clock = datetime.strptime(at, "%H:%M" if at.count(":") == 1 else "%H:%M:%S").time()
    except (TypeError, ValueError, AttributeError):
        raise ValueError(f'Deadline takes a datetime or a clock time such as "06:30"; got {at!r}.') from None
    moment = datetime.combine(datetime.now().date(), clock)
    return moment if moment > datetime.now() else moment + timedelta(days=1)
