"""A training in phases on disk: what is finished, and where the phase that runs has come to.

Two files, each written whole or not at all: `phases.npz` between phases, `running.npz` at every epoch's
end. The second holds all of a moment - what StopWhen knows, weights, optimizer, the state of random
numbers - so that no kill can fall between two halves of it.
"""

import json
import os
import warnings
import zlib
from pathlib import Path

import keras
import numpy as np

from ..stopping.state import VERSION


class PhaseFiles:
    """The files of one training. StopWhen writes through it: it has what a StopWhen asks of its `state`.

    Args:
        folder: where they are.
        identity: what the training is, as JSON can hold it: name -> value. Another one's files are refused.
    """

    def __init__(self, folder, identity):
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"state is a folder for fit_in_phases's files; got {folder!r}.")
        self.folder, self.identity = Path(folder), json.loads(json.dumps(identity))
        self.done, self._running = 0, None
        self._warned = False

    # ---- between phases ----

    def open(self):
        """(facts, arrays) of the training that was killed, or None if there is nothing to go on with.

        Raises:
            RuntimeError: the files belong to another training, or are damaged.
        """
        kept = self._read("phases.npz")
        if kept is None:
            return None
        facts, arrays = kept
        self._refuse_another(facts["identity"])
        self.done = facts["done"]
        running = self._read("running.npz")
        # one that was written before the phases were is over
        self._running = running if running and running[0]["phase"] == self.done else None
        return facts, arrays

    def close_phase(self, done, facts, arrays, first=False):
        """So many phases are done. The first writing must succeed: a folder that cannot be used is found
        now."""
        self.done, self._running = done, None
        facts = dict(facts, done=done, identity=self.identity)
        self._write("phases.npz", facts, arrays, must=first)
        self._remove("running.npz")

    def empty(self):
        """The training is over: remove the files, and the folder if it is empty then."""
        for name in ("running.npz", "phases.npz", "running.tmp", "phases.tmp"):
            self._remove(name)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    # ---- within a phase: what StopWhen asks ----

    @property
    def running(self):
        """The epoch with which the phase goes on, or None: it has not begun."""
        return None if self._running is None else self._running[0]["epoch"]

    @property
    def over(self):
        """Had the phase that goes on been stopped already? Then it was killed before that was noted."""
        return self._running is not None and self._running[0]["facts"]["ended"]

    def put_back(self, model):
        """Give a compiled model the weights, the optimizer's memory and the random state of that moment."""
        _, arrays = self._running
        set_variables(model, arrays["memory model"])
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        _assign(model.optimizer.variables, arrays["memory optimizer"])

    def save(self, epoch, facts, arrays):
        self._write("running.npz", {"phase": self.done, "epoch": epoch, "facts": facts}, arrays)

    def load(self, epoch):
        facts, arrays = self._running
        return facts["facts"], arrays

    def clear(self):
        """StopWhen's fit is over, but the phase is not noted yet: `close_phase` does both."""

    def error(self, problem):
        return RuntimeError(f"{problem} To train anew, delete that folder; if nothing is to be resumed, "
                            "leave state= out.")

    # ---- the rest ----

    def _refuse_another(self, kept):
        differing = [name for name in {**kept, **self.identity} if kept.get(name) != self.identity.get(name)]
        if differing:
            name = differing[0]
            raise self.error(f"The state in {self.folder} belongs to another training: {name} was "
                             f"{_short(kept.get(name))}, and is {_short(self.identity.get(name))}.")

    def _write(self, name, facts, arrays, must=False):
        path = self.folder / name
        unfinished = path.with_suffix(".tmp")
        counts = {key: None if values is None else len(values) for key, values in arrays.items()}
        flat = {f"{key}_{i}": _widened(value)
                for key, values in arrays.items() for i, value in enumerate(values or ())}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(unfinished, "wb") as file:
                np.savez(file, facts=json.dumps(dict(facts, arrays=counts, version=VERSION)), **flat)
                file.flush()
                os.fsync(file.fileno())  # or a machine that goes down may keep the name and not the content
            os.replace(unfinished, path)
        except OSError as error:
            self._remove(unfinished.name)
            if must:
                raise
            if not self._warned:
                warnings.warn(f"The state could not be kept in {self.folder}: {error}. Training goes on; "
                              "after a kill it would go on from what was kept before.", stacklevel=2)
            self._warned = True

    def _read(self, name):
        path = self.folder / name
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as saved:
                facts = json.loads(str(saved["facts"]))
                if facts.pop("version", None) != VERSION:
                    raise ValueError("another version of this library wrote it")
                arrays = {key: None if count is None else [saved[f"{key}_{i}"] for i in range(count)]
                          for key, count in facts.pop("arrays").items()}
        except Exception as error:  # a damaged header can raise nearly anything
            raise self.error(f"{path} is damaged or cannot be read ({error}).") from error
        return facts, arrays

    def _remove(self, name):
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError:
            pass  # nothing is lost: a file that is over is recognised


class Whole:
    """All of a model at an epoch's end, for StopWhen's memory: weights, random state, and the optimizer's
    memory.

    Args:
        model: the model.
        part: "model" or "optimizer".
    """

    def __init__(self, model, part):
        self.model, self.part, self.last = model, part, None

    def facts(self):
        return None

    def arrays(self):
        variables = self.model.variables if self.part == "model" else self.model.optimizer.variables
        self.last = values_of(variables)
        return self.last

    def resume(self, facts, arrays, model):
        self.last = arrays  # they were put back before the fit began


def values_of(variables):
    """The values of variables, as arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def set_variables(model, values):
    """Give a model what `values_of(model.variables)` were: weights, and the state of its random numbers."""
    _assign(model.variables, values)


def set_random_state(model, values):
    """Of such values, give it those alone that are no weights."""
    weights = {id(weight) for weight in model.weights}
    for variable, value in zip(model.variables, values):
        if id(variable) not in weights:
            variable.assign(value)


def checksum(arrays):
    """A number that tells arrays apart, with their shapes."""
    total = 0
    for array in arrays:
        total = zlib.crc32(f"{array.dtype} {array.shape}".encode(), total)
        if array.dtype.kind != "O" and array.size:
            total = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8), total)
    return total


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _widened(array):
    """bfloat16 is no type of numpy's: as float32, which holds every one of its values."""
    array = np.asarray(array)
    return array.astype("float32") if array.dtype.kind == "V" else array


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
