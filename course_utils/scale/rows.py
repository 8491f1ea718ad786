"""The rows of many trials: in memory, and with a folder in a file for each trial, a line of JSON for a row.

Trials are killed and begun again from a checkpoint, and so is whoever gathers their results; a file has to
hold what is true after either. A row therefore carries its number, 1 for the first. A number that came before
says that the trial was begun again: what it said from there on is void. Standard library alone.
"""

import json
import os
import warnings
from pathlib import Path

from ..stopping.history import History

NUMBER = "training_iteration"  # Ray Tune's name for it


class TrialRows:
    """The rows of many trials.

    Args:
        folder: where the files are, `TRIAL.jsonl` for each trial; None keeps rows in memory alone.

    Raises:
        TypeError, OSError: `folder` is no path, or cannot be made.

    >>> rows = TrialRows()
    >>> for number, loss in [(1, 0.9), (2, 0.5), (3, 0.4), (2, 0.6)]:  # killed, and begun again after row 1
    ...     history = rows.add("a", {"training_iteration": number, "loss": loss})
    >>> history["loss"]
    [0.9, 0.6]
    """

    def __init__(self, folder=None):
        if folder is not None and not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"folder is where the trials' rows are kept, a file each; got {folder!r}.")
        # absolute, as another process may stand elsewhere
        self.folder = None if folder is None else Path(folder).absolute()
        self.known, self._unsaved = {}, set()
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, trial, row):
        """Append a row to a trial, in place of what it said from that row's number on. Returns its history.

        Args:
            trial: its name.
            row: mapping of column -> number or None; NUMBER is one of them.

        A file that cannot be written to is a warning.
        """
        history = self.history(trial)
        before = history.rows
        while before and history[NUMBER][before - 1] >= row[NUMBER]:
            before -= 1
        as_it_is = before == history.rows and trial not in self._unsaved
        last = history[NUMBER][before - 1] if before else 0
        if row[NUMBER] > last + 1:
            kept = "" if self.folder else " Rows in a folder outlive the process that keeps them."
            warnings.warn(f"Trial {trial} goes from result {last} to result {row[NUMBER]}. What it said "
                          f"between them is not known, and the criterion judges without it.{kept}",
                          stacklevel=3)
        if before < history.rows:
            history = self.known[trial] = history.head(before)
        history.add(row)
        if self.folder is not None:
            self._save(trial, history, append=as_it_is)
        return history

    def history(self, trial):
        """The rows of a trial, a History; it has none if nothing is known of it."""
        if trial not in self.known:
            self.known[trial] = self._read(trial)
        return self.known[trial]

    def trials(self):
        """Names of the trials of which something is known, in the order of their names."""
        there = () if self.folder is None else (path.stem for path in self.folder.glob("*.jsonl"))
        return sorted({*self.known, *there})

    def _read(self, trial):
        history, path = History(), self._path(trial)
        if path is None or not path.exists():
            return history
        lines = path.read_text(encoding="utf-8").split("\n")
        for count, line in enumerate(lines, 1):
            try:
                history.add(json.loads(line))
            except ValueError as error:
                if count < len(lines):
                    raise ValueError(f"Line {count} of {path} is damaged ({error}). Without that file, what "
                                     f"trial {trial} said before is not known.") from error
        if lines[-1]:  # a kill tore the last line, or its end: nothing may be written behind it
            self._unsaved.add(trial)
        return history

    def _save(self, trial, history, append):
        """Write these rows: behind those that are there, or a whole file in their place."""
        path = self._path(trial)
        rows = zip(*((values[-1:] if append else values) for values in history.values()))
        lines = "".join(json.dumps(dict(zip(history, row))) + "\n" for row in rows)
        try:
            if append:
                with open(path, "a", encoding="utf-8") as file:
                    file.write(lines)
            else:
                unfinished = path.with_suffix(".tmp")
                unfinished.write_text(lines, encoding="utf-8")
                os.replace(unfinished, path)
            self._unsaved.discard(trial)
        except OSError as error:
            self._unsaved.add(trial)  # the next row brings them all
            warnings.warn(f"The rows of trial {trial} could not be written to {path} "
                          f"({error.strerror or error}). They are still known here.", stacklevel=4)

    def _path(self, trial):
        return None if self.folder is None else self.folder / f"{trial}.jsonl"

    def __getstate__(self):  # a copy that is read later than the files would know less than they do
        return dict(self.__dict__, known={} if self.folder else self.known, _unsaved=set())
