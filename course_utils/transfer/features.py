"""Features of pictures, computed once and kept in a folder. Imported through course_utils.transfer."""

import hashlib
import json
import os
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np

from ..stopping.words import plural
from .backbones import check_inputs


def cached_features(model, images, *, batch_size=64, folder=None, verbose=1):
    """What a model makes of each picture, computed the first time only: float32 (n, ...), a row a picture.

    The answer is kept in a file whose name is made from the contents: the pictures, the weights, the layers
    and their settings. Another picture or weight means another file; a file that is damaged is computed anew.

    Args:
        model: a functional or sequential model with one input and one output, such as `backbone()` or the
            first part of `split_at`.
        images: array (n, ...) as the model takes it.
        batch_size: pictures at a time.
        folder: where the files are; by default `when-to-stop` in your cache folder ($XDG_CACHE_HOME or
            ~/.cache). You may delete it at any time.
        verbose: 0 for silence, 1 for a progress bar while computing.

    Raises:
        ValueError: the shape or the values are not such as the model takes; or the model is of a class of its
            own, of whose layers nothing is known.
    """
    images = np.asarray(images)
    if not isinstance(model, keras.Model) or not model.built or not hasattr(model, "inputs"):
        raise ValueError(f"cached_features takes a functional or sequential Keras model; got {model!r}.")
    if len(model.outputs) != 1:
        raise ValueError(f"The model has {len(model.outputs)} outputs; cached_features takes one.")
    check_inputs(model, images)
    folder = _default_folder() if folder is None else Path(folder)
    path = folder / f"{_key(model, images)}.npz"
    kept = _read(path, rows=len(images))
    if kept is not None:
        return kept
    if verbose:
        print(f"{model.name}: {plural(len(images), 'picture')}, kept in {folder} for the next time")
    features = model.predict(images, batch_size=batch_size, verbose=verbose).astype("float32")
    _write(path, features)
    return features


def _default_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "when-to-stop"


def _key(model, images):
    """A text that differs when the features may differ, and only then: hexadecimal."""
    config = json.dumps(_nameless(model.get_config()), sort_keys=True, default=str)
    digest = hashlib.sha256(f"1 {keras.__version__} {config}".encode())
    for array in (images, *model.get_weights()):
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]


def _nameless(config):
    """A model's config with its layers numbered, and without what does not change an output.

    Keras counts names on ("dense_1", "dense_2") as long as a process lives: the same model built twice has
    others.
    """
    numbers = {}

    def number(config):
        for layer in config.get("layers", ()):
            numbers.setdefault(layer.get("name") or layer["config"]["name"], f"layer {len(numbers)}")
            number(layer["config"])

    def walk(entry):
        if isinstance(entry, dict):
            return {key: walk(value) for key, value in entry.items() if key != "trainable"}
        if isinstance(entry, (list, tuple)):
            return [walk(value) for value in entry]
        return numbers.get(entry, entry) if isinstance(entry, str) else entry

    number(config)
    return walk({key: value for key, value in config.items() if key != "name"})


def _read(path, rows):
    """The features in a file, or None: there is none, or it is damaged (a zip file holds checksums)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            features = file["features"]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return None
    return features if len(features) == rows else None


def _write(path, features):
    """Write the file whole or not at all; a folder that cannot be written to costs time, not the answer."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            try:
                np.savez(part, features=features)
                part.close()
                os.replace(part.name, path)
            except BaseException:
                part.close()
                os.unlink(part.name)
                raise
    except OSError as error:
        warnings.warn(f"The features could not be kept in {path.parent}: {error}", stacklevel=3)
