"""What StopWhen knows, on disk, so that a training that was killed goes on as if nothing had happened.

One file for each epoch that may be resumed, the last two: Keras may have saved its own backup or not yet when
the machine goes down. A file is either whole or not there.
"""

import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np

NAME = re.compile(r"stopwhen_epoch_(\d+)\.npz")


class State:
    """The files in `folder`; `stopwhen_epoch_7.npz` is what was known when epoch 7 was about to begin."""

    def __init__(self, folder):
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"state is a folder for StopWhen's files; got {folder!r}.")
        self.folder = Path(folder)

    def save(self, epoch, facts, weights):
        """Write what is known before `epoch`: `facts` (what JSON can hold), `weights` (arrays, or None)."""
        # bfloat16 is no type of numpy's: as float32, which holds every one of its values
        wide = [w.astype("float32") if w.dtype.kind == "V" else w for w in map(np.asarray, weights or ())]
        facts = json.dumps(dict(facts, weights=None if weights is None else len(wide)))
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(epoch)
        unfinished = path.with_suffix(".tmp")
        with open(unfinished, "wb") as file:
            np.savez(file, facts=facts, **{f"weight_{i}": weight for i, weight in enumerate(wide)})
            file.flush()
            os.fsync(file.fileno())  # or a machine that goes down may keep the name and not the content
        os.replace(unfinished, path)
        self._keep(lambda other: other in (epoch, epoch - 1))

    def load(self, epoch):
        """(facts, weights) as they were before `epoch`; what was saved later is forgotten.

        Raises:
            RuntimeError: there is no file for this epoch, or it cannot be read.
        """
        try:
            with np.load(self._path(epoch), allow_pickle=False) as saved:
                facts = json.loads(str(saved["facts"]))
                count = facts.pop("weights")
                weights = None if count is None else [saved[f"weight_{i}"] for i in range(count)]
        except FileNotFoundError:
            there = ", ".join(map(str, self._epochs())) or "none"
            raise self.error(f"Training begins at epoch {epoch}, and {self.folder} has no state for it (for "
                             f"epochs: {there}). StopWhen should stand before BackupAndRestore.") from None
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise self.error(f"{self._path(epoch)} is damaged ({error}).") from error
        self._keep(lambda other: other <= epoch)
        return facts, weights

    def clear(self):
        """Remove the files, and the folder if it is empty then."""
        self._keep(lambda other: False)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def error(self, problem):
        """The error of a state that cannot be used."""
        return RuntimeError(f"{problem} To train anew, delete that folder and BackupAndRestore's; if nothing "
                            "is to be resumed, leave state= out.")

    def _path(self, epoch):
        return self.folder / f"stopwhen_epoch_{epoch}.npz"

    def _epochs(self):
        names = [NAME.fullmatch(path.name) for path in self.folder.glob("*")]
        return sorted(int(name[1]) for name in names if name)

    def _keep(self, wanted):
        for epoch in self._epochs():
            if not wanted(epoch):
                self._path(epoch).unlink()
        for path in self.folder.glob("stopwhen_epoch_*.tmp"):
            path.unlink()
