"""Networks of keras.applications as sources of features, and whether inputs are such as they take.

`backbone` takes pictures as they are, 0..255: what its network wants done to them stands inside it.
"""

import difflib
import inspect

import keras
import numpy as np

from ..stopping.layers import walk

PICTURES = "pictures_0_255"  # name of a backbone's input: it says what it takes, in parts of the model too


def backbone(network="MobileNetV2", side=97, *, weights="imagenet", from_side=None, **options):
    """A network of keras.applications without its top: frozen, pooled, its own preprocessing inside.

    The result is a flat functional model, pictures (n, side, side, 3) with values 0..255 to features (n, d).
    Put a head on it with `keras.Model(source.input, keras.layers.Dense(10)(source.output))`.

    Args:
        network: name of a function in keras.applications, or the function itself.
        side: side of the pictures that the network sees, in pixels.
        weights: "imagenet", which Keras downloads; the path of a file, without top; or None, a random start.
        from_side: side of the pictures that the model takes, where it is another: they are enlarged or made
            smaller inside (bicubic), so that small pictures stay small in memory.
        options: what else the function takes, such as alpha=0.5.

    Raises:
        ValueError: there is no such network; the weights do not fit to it, or the side is too small for it
            (Keras's own messages).
        ConnectionError: Keras could not download the weights.

    >>> source = backbone("MobileNetV2", side=97, weights=None, alpha=0.35)
    >>> source.input_shape, source.output_shape, source.trainable_weights
    ((None, 97, 97, 3), (None, 1280), [])
    """
    name, function, module = _application(network)
    for what, value in (("side", side), ("from_side", side if from_side is None else from_side)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{what} is a number of pixels, such as 97; got {value!r}.")
    for taken in ("include_top", "pooling", "input_shape", "input_tensor", "include_preprocessing"):
        if taken in options:
            raise ValueError(f"{taken} is settled by backbone: without top, pooled, preprocessing inside.")

    pictures = x = keras.Input((from_side or side, from_side or side, 3), name=PICTURES)
    if from_side not in (None, side):
        x = keras.layers.Resizing(side, side, interpolation="bicubic", name="resize")(x)
    x = _preprocessed(x, module.preprocess_input)
    settings = {"include_top": False, "weights": weights, "pooling": "avg", **options}
    try:
        model = function(input_tensor=x, input_shape=(side, side, 3), **settings)
    except Exception as error:
        if "URL fetch failure" not in str(error):
            raise
        raise ConnectionError(
            f"Keras could not download the ImageNet weights of {name}. Without a network, give weights= the "
            "path of a file (this course's repository has MobileNetV2's: "
            "course_utils.classroom.data.mobilenetv2_weights), or weights=None, a random start."
        ) from error
    model = keras.Model(pictures, model.output, name=name.lower())
    model.trainable = False
    return model


def expected_range(model):
    """Lowest and highest value that a model takes in pictures, or None where that is not known.

    Known are backbones, their parts, and models that keras.applications made: of these it is what their
    `preprocess_input` makes of 0 and 255. They are known by their names, so that of a model with
    preprocessing of its own nothing is known: its name says what it was made of, not what it takes. Nor is
    it of a network that scales by itself where it was made without that (`include_preprocessing=False`).

    >>> expected_range(keras.applications.MobileNetV2(weights=None, alpha=0.35))
    (-1.0, 1.0)
    """
    if any(layer.name == PICTURES for layer in model.layers):
        return 0.0, 255.0
    plain = _plain(model.name)
    names = [name for name in _applications() if plain.startswith(_plain(name))]
    if not names or len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        return None
    name = max(names, key=len)
    preprocess = _application(name)[2].preprocess_input
    ends = preprocess(np.stack([np.zeros((1, 1, 3)), np.full((1, 1, 3), 255.0)]).astype("float32"))
    limits = float(ends.min()), float(ends.max())
    if limits == (0, 255):  # such a network scales by itself: where this one does not, it is another
        return limits if _is_made_as(name, model) and _scales(model) else None
    if _preprocesses(model):
        return None
    return limits


def check_inputs(model, inputs):
    """Are these inputs such as the model takes? ValueError that says how to mend it, if not.

    Looked at: the shape, values that are no numbers, and for pictures the range, see `expected_range`.
    """
    wanted, got = model.input_shape, inputs.shape
    if not isinstance(wanted, tuple):
        raise ValueError(f"This model takes {len(model.inputs)} inputs; here it should be one.")
    if len(got) != len(wanted) or any(w not in (None, g) for w, g in zip(wanted[1:], got[1:])):
        raise ValueError(_wrong_shape(wanted[1:], got[1:]))
    if len(inputs) == 0:
        raise ValueError("There are no pictures in this array.")
    low, high = float(np.min(inputs)), float(np.max(inputs))
    if not np.isfinite([low, high]).all():
        raise ValueError("There are values in these inputs that are not numbers (NaN) or infinite.")
    limits = expected_range(model)
    if limits is None:
        return
    slack = (limits[1] - limits[0]) / 4  # enlarging a picture overshoots a little
    outside = low < limits[0] - slack or high > limits[1] + slack
    if outside or (limits == (0, 255) and high <= 1 and low < high):
        mend = "give the pictures as they are, 0 to 255: the model scales them itself"
        if limits != (0, 255):
            mend = "put them through the preprocess_input of the network's module in keras.applications"
        raise ValueError(
            f"The values go from {low:.4g} to {high:.4g}; this model takes {limits[0]:.4g} to "
            f"{limits[1]:.4g}. Preprocessing is missing, or was done twice: {mend}."
        )


# ---- the rest ----


def _applications():
    """Names of the networks in keras.applications."""
    return [name for name, entry in vars(keras.applications).items() if inspect.isfunction(entry)]


def _application(network):
    """(name, function, module) of a network in keras.applications."""
    name = network if isinstance(network, str) else getattr(network, "__name__", None)
    function = getattr(keras.applications, name or "", None)
    if not inspect.isfunction(function) or (network is not name and network is not function):
        names = {_plain(known): known for known in _applications()}
        near = difflib.get_close_matches(_plain(name or ""), names, n=1, cutoff=0.6)
        mean = f" Did you mean {names[near[0]]}?" if near else ""
        raise ValueError(
            "backbone takes the name of a network in keras.applications, or its function; "
            f"got {network!r}.{mean} Networks: {', '.join(names.values())}."
        )
    return name, function, getattr(keras.applications, function.__module__.rpartition(".")[2])


def _preprocesses(model):
    """Does something in this model change the values of pictures, before or between its layers?"""
    layers = [model, *(place.layer for place in walk(model))]
    bare = [each for layer in layers for each in getattr(layer, "operations", ())]
    changing = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.Lambda)
    return any(isinstance(each, changing) or not isinstance(each, keras.Layer)
               or type(each).__module__.partition(".")[0] != "keras" for each in (*layers, *bare))


def _is_made_as(name, model):
    """May this be as keras.applications makes it? Then the name is its own, and the model flat."""
    return _plain(model.name) == _plain(name) and not any(
        isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential) for layer in model.layers)


def _scales(model):
    """Does this model begin with layers that make small numbers of pictures' 0..255?"""
    ends = np.multiply.outer([0, 255], np.ones((1, 1, model.inputs[0].shape[-1]))).astype("float32")
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if not isinstance(layer, (keras.layers.Rescaling, keras.layers.Normalization)):
            break
        ends = layer(ends)
    return np.abs(keras.ops.convert_to_numpy(ends)).max() <= 5  # those of keras.applications end at 1 to 3


def _plain(name):
    return name.lower().replace("_", "").replace("-", "")


def _preprocessed(x, preprocess_input):
    """`preprocess_input` as a layer, if it scales each colour by itself; as it is, if it mixes them."""
    rows = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]], "float32")
    black, white, red = preprocess_input(rows[:, None, None].copy())[:, 0, 0].astype("float64")
    if np.array_equal(black, rows[0]) and np.array_equal(white, rows[1]):
        return x  # the network scales by itself
    if not np.allclose(red, [white[0], black[1], black[2]]):
        return preprocess_input(x)  # red and blue change places
    scale, offset = (white - black) / 255, black
    if np.ptp(scale) == np.ptp(offset) == 0:
        scale, offset = scale[:1], offset[:1]
    scale, offset = (v.tolist() if len(v) > 1 else v.item() for v in (scale, offset))
    return keras.layers.Rescaling(scale, offset, name="preprocessing")(x)


def _wrong_shape(wanted, got):
    said = f"The model takes inputs of shape {wanted}, one a row; these are {got}."
    if len(wanted) != 3:
        return said
    if len(got) == 2 or (len(got) == 3 and got[-1] == 1 != wanted[-1]):
        axis = "x[..., None]" if len(got) == 2 else "x"
        return f"{said} They have one colour; np.repeat({axis}, {wanted[-1]}, axis=-1) mends it."
    if len(got) == 3 and got[-1] != wanted[-1] and got[0] == wanted[-1]:
        return f"{said} Colours come last: np.moveaxis(x, 1, -1)."
    if len(got) == 3 and got[-1] == wanted[-1]:
        return f"{said} backbone(..., from_side={got[0]}) takes pictures of that side."
    return said
