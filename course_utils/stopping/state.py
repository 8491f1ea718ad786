"""What a callback knows, on disk, so that a training that was killed goes on as if nothing had happened.

One file for each epoch that may be resumed, the last two: Keras may have saved its own backup or not yet when
the machine goes down. A file is either whole or not there.
"""

import errno
import json
import os
import re
import warnings
from pathlib import Path

import numpy as np

VERSION = 2  # of what is in a file


class State:
    """The files in `folder`; `stopwhen_epoch_7.npz` is what StopWhen knew when epoch 7 was about to begin.

    Args:
        folder: where the files are.
        owner: name of the class that they belong to. Several callbacks can share a folder if their classes
            differ.
    """

    def __init__(self, folder, owner="StopWhen"):
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"state is a folder for {owner}'s files; got {folder!r}.")
        self.folder, self.owner = Path(folder), owner

    def try_out(self):
        """Can the folder be written to? Better now than after the first epoch.

        Raises:
            OSError: it cannot. A disk that is full is a warning only: it may have room again.
        """
        probe = self.folder / f"{self.owner.lower()}_{os.getpid()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"here")
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise type(error)(error.errno, f"state={str(self.folder)!r} cannot be written to "
                                               f"({error.strerror})") from error
            self._warn(error)
        finally:
            if probe.exists():
                probe.unlink()

    def save(self, epoch, facts, arrays):
        """Write what is known before `epoch`. A disk that fails is a warning, not the end of a training.

        Args:
            facts: what JSON can hold.
            arrays: name -> list of arrays, or None.
        """
        try:
            self._write(epoch, facts, arrays)
        except OSError as error:
            self._path(epoch).with_suffix(".tmp").unlink(missing_ok=True)
            self._warn(error)

    def _warn(self, error):
        why = error.strerror or error
        warnings.warn(f"{self.owner}'s state could not be written to {self.folder} ({why}). Training goes "
                      "on; if it is killed now, it cannot be resumed here.", stacklevel=2)

    def _write(self, epoch, facts, arrays):
        counts = {name: None if values is None else len(values) for name, values in arrays.items()}
        flat = {f"{name}_{i}": _widened(value)
                for name, values in arrays.items() for i, value in enumerate(values or ())}
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(epoch)
        unfinished = path.with_suffix(".tmp")
        with open(unfinished, "wb") as file:
            np.savez(file, facts=json.dumps(dict(facts, arrays=counts, version=VERSION)), **flat)
            file.flush()
            os.fsync(file.fileno())  # or a machine that goes down may keep the name and not the content
        os.replace(unfinished, path)
        self._keep(lambda other: other in (epoch, epoch - 1))

    def load(self, epoch):
        """(facts, arrays) as they were before `epoch`; what was saved later is forgotten.

        Raises:
            RuntimeError: there is no file for this epoch, or it cannot be read.
        """
        try:
            with np.load(self._path(epoch), allow_pickle=False) as saved:
                facts = json.loads(str(saved["facts"]))
                if facts.pop("version") != VERSION:
                    raise ValueError("another version of this library wrote it")
                arrays = {name: None if count is None else [saved[f"{name}_{i}"] for i in range(count)]
                          for name, count in facts.pop("arrays").items()}
        except FileNotFoundError:
            there = ", ".join(map(str, self._epochs())) or "none"
            raise self.error(f"Training begins at epoch {epoch}, and {self.folder} has no state for it (for "
                             f"epochs: {there}). {self.owner} should stand before BackupAndRestore."
                             ) from None
        except Exception as error:  # one flipped bit raises what it will, from zipfile, zlib, numpy or json
            raise self.error(f"{self._path(epoch)} is damaged ({error}).") from error
        self._keep(lambda other: other <= epoch)
        return facts, arrays

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
        return self.folder / f"{self.owner.lower()}_epoch_{epoch}.npz"

    def _epochs(self):
        pattern = re.compile(rf"{self.owner.lower()}_epoch_(\d+)\.npz")
        names = [pattern.fullmatch(path.name) for path in self.folder.glob("*")]
        return sorted(int(name[1]) for name in names if name)

    def _keep(self, wanted):
        for epoch in self._epochs():
            if not wanted(epoch):
                self._path(epoch).unlink(missing_ok=True)
        for path in self.folder.glob(f"{self.owner.lower()}_epoch_*.tmp"):
            path.unlink(missing_ok=True)


def _widened(array):
    """bfloat16 is no type of numpy's: as float32, which holds every one of its values."""
    array = np.asarray(array)
    return array.astype("float32") if array.dtype.kind == "V" else array
