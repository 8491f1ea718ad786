"""Features of pictures, computed once and kept in a folder."""

import os
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

from ..stopping.words import plural
from .backbones import check_inputs
from .features_key import key_of, unknown_to


def cached_features(model, images, *, batch_size=64, folder=None, verbose=1):
    """What a model makes of each picture, computed the first time only: float32 (n, ...), a row a picture.

    The answer is kept in a file whose name is made from the contents: the pictures, the weights, the layers
    and their settings. Another picture or weight means another file; a file that is damaged is computed anew.

    What code of your own computes is in no setting: with a Lambda in the model, a layer or model class of
    your
    own, or an activation that is your function, the features are computed each time, and a warning says so.

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

    Warns:
        UserWarning: the answer cannot be kept, because of a layer, or of the folder.
    """
    images = np.asarray(images)
    if not isinstance(model, keras.Model) or not model.built or not hasattr(model, "inputs"):
        raise ValueError(f"cached_features takes a functional or sequential Keras model; got {model!r}.")
    if len(model.outputs) != 1:
        raise ValueError(f"The model has {len(model.outputs)} outputs; cached_features takes one.")
    check_inputs(model, images)
    strangers = unknown_to(model)
    if strangers:
        warnings.warn(
            f"The features of {model.name} are computed each time and not kept: what {', '.join(strangers)} "
            "does "
            "is code, which may change while weights and settings stay. Models of Keras's own layers are "
            "kept.",
            stacklevel=2,
        )
        return _compute(model, images, batch_size, verbose)
    folder = _default_folder() if folder is None else Path(folder)
    path = folder / f"{key_of(model, images)}.npz"
    kept = _read(path, (len(images), *model.output_shape[1:]))
    if kept is not None:
        return kept
    if verbose:
        print(f"{model.name}: {plural(len(images), 'picture')}, kept in {folder} for the next time")
    features = _compute(model, images, batch_size, verbose)
    _write(path, features)
    return features


def _compute(model, images, batch_size, verbose):
    return model.predict(images, batch_size=batch_size, verbose=verbose).astype("float32")


def _default_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "when-to-stop"


def _read(path, shape):
    """The features in a file, or None: there is none, it is damaged, or it holds another shape."""
    try:
        with np.load(path, allow_pickle=False) as file:
            features = file["features"]
    except Exception:  # whatever is wrong with it: a damaged header can raise nearly anything
        return None
    fits = features.ndim == len(shape) and all(w in (None, g) for w, g in zip(shape, features.shape))
    return features if fits and features.dtype == "float32" else None


def _write(path, features):
    """Write the file whole or not at all; a folder that cannot be written to costs time, not the answer."""
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with open(descriptor, "wb") as file:
            np.savez(file, features=features)
        os.replace(part, path)
        part = None
    except OSError as error:
        warnings.warn(f"The features could not be kept in {path.parent}: {error}", stacklevel=3)
    finally:
        if part is not None:  # also where closing failed: a full disk may say so only then
            Path(part).unlink(missing_ok=True)
