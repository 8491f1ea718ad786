"""Networks of keras.applications as sources of features, and parts of a network frozen or set free.

`backbone` takes pictures as they are, 0..255: what its network wants done to them stands inside it. Imported
through course_utils.transfer.
"""

import difflib
import inspect

import keras
import numpy as np

from .data import mobilenetv2_weights

PICTURES = "pictures_0_255"  # name of a backbone's input: it says what it takes, in parts of the model too


def backbone(network="MobileNetV2", side=97, *, weights="shipped", from_side=None, **options):
    """A network of keras.applications without its top: frozen, pooled, its own preprocessing inside.

    The result is a flat functional model, pictures (n, side, side, 3) with values 0..255 to features (n, d).
    Put a head on it with `keras.Model(source.input, keras.layers.Dense(10)(source.output))`.

    Args:
        network: name of a function in keras.applications, or the function itself.
        side: side of the pictures that the network sees, in pixels.
        weights: "shipped", the course's ImageNet weights, for MobileNetV2 alone; "imagenet", which Keras
            downloads; None, a random start; or the path of a file.
        from_side: side of the pictures that the model takes, where it is another: they are enlarged or made
            smaller inside (bicubic), so that small pictures stay small in memory.
        options: what else the function takes, such as alpha=0.5.

    Raises:
        ValueError: there is no such network; the shipped weights do not fit to the network, its options or
            the side; the side is too small for the network (Keras's own message).
        DataError: the shipped file is missing or damaged.
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
    if isinstance(weights, str) and weights == "shipped":
        weights = _shipped(name, side, options)

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
        here = f'backbone("MobileNetV2", side={side // 32 * 32 + 1}, weights="shipped")'
        raise ConnectionError(
            f"Keras could not download the ImageNet weights of {name}. Without a network, MobileNetV2's "
            f"are here, in data/: {here}."
        ) from error
    model = keras.Model(pictures, model.output, name=name.lower())
    model.trainable = False
    return model


def expected_range(model):
    """Lowest and highest value that a model takes in pictures, or None where that is not known.

    Known are backbones, their parts, and models that keras.applications made: of these, as of any model that
    has no preprocessing inside, it is what their `preprocess_input` makes of 0 and 255.

    >>> expected_range(keras.applications.MobileNetV2(weights=None, alpha=0.35))
    (-1.0, 1.0)
    """
    if any(layer.name == PICTURES for layer in model.layers):
        return 0.0, 255.0
    plain = _plain(model.name)
    names = [name for name in _applications() if plain.startswith(_plain(name))]
    if not names or len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        return None
    preprocess = _application(max(names, key=len))[2].preprocess_input
    ends = preprocess(np.stack([np.zeros((1, 1, 3)), np.full((1, 1, 3), 255.0)]).astype("float32"))
    return float(ends.min()), float(ends.max())


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


def unfreeze(model, from_layer):
    """Let the layers from `from_layer` on be trained; those before, and BatchNormalization, are frozen.

    A frozen BatchNormalization keeps its means and variances and works as in inference: a few hundred
    pictures would replace what a million taught it. That holds for one in the head too.

    Compile afterwards, or use `fit_in_phases`, which does: a compiled training step does not notice.

    Args:
        model: a Keras model; models inside it are looked through.
        from_layer: name of the first layer to train, in the order of `model.summary()`.

    Returns:
        How many numbers can be trained now.

    Raises:
        ValueError: there is no such layer; the message names those most like it.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.Dense(2, name="b")])
    >>> unfreeze(model, "b"), unfreeze(model, "a")
    (8, 23)
    """
    layers = _leaves(model)
    names = [layer.name for layer in layers]
    if from_layer not in names:
        raise _no_such_layer(from_layer, names)
    model.trainable = True  # a frozen model hides its layers' weights, whatever they say
    start = names.index(from_layer)
    for i, layer in enumerate(layers):
        layer.trainable = i >= start and not isinstance(layer, keras.layers.BatchNormalization)
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def split_at(model, from_layer):
    """Two models that share their layers with `model`: what comes before `from_layer`, and the rest.

    `top(bottom(x))` is `model(x)`. While the bottom is frozen, its outputs need computing only once
    (`cached_features(bottom, pictures)`): training the top on them trains the last layers of `model`, many
    times faster.

    Raises:
        ValueError: there is no such layer in the model itself, or a connection passes by the cut.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2, name="b")])
    >>> bottom, top = split_at(model, "b")
    >>> bottom.output_shape, top.input_shape, top.output_shape
    ((None, 3), (None, 3), (None, 2))
    """
    names = [layer.name for layer in model.layers]
    if from_layer not in names:
        raise _no_such_layer(from_layer, names)
    cut = model.get_layer(from_layer).input
    if isinstance(cut, (list, tuple)):
        raise ValueError(f'"{from_layer}" joins {len(cut)} branches: there is no one place before it to cut.')
    try:
        bottom, top = keras.Model(model.inputs, cut), keras.Model(cut, model.outputs[0])
        # Keras 3.13 makes such a top all the same, with the model's own input as one too many
        connected = sum(isinstance(layer, keras.layers.InputLayer) for layer in top.layers) == 1
    except ValueError:
        connected = False
    if not connected:
        why = "a connection passes by it, such as one around a residual block"
        raise ValueError(f'The model cannot be cut before "{from_layer}": {why}.')
    return bottom, top


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


def _plain(name):
    return name.lower().replace("_", "").replace("-", "")


def _shipped(name, side, options):
    """Path of the course's weights, if they fit to what is asked for."""
    others = 'weights="imagenet" lets Keras download them, weights=None starts at random'
    if name != "MobileNetV2":
        raise ValueError(f"The course ships weights for MobileNetV2 alone. For {name}, {others}.")
    if options.get("alpha", 1.0) != 1.0:
        raise ValueError(f"The shipped weights are for alpha=1.0; got alpha={options['alpha']}. {others}.")
    if side % 32 != 1 or side < 33:
        below = max(side // 32 * 32 + 1, 33)
        near = below if side - below <= 16 else below + 32
        raise ValueError(
            f"The shipped weights want a side of 32 k + 1, such as {near}; got {side}. They learnt with "
            "pictures padded on all sides. At other sides Keras pads the right and the bottom alone at some "
            "layers, and the features are others. Pictures of another side: give from_side."
        )
    return mobilenetv2_weights()


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


def _leaves(model):
    """A model's layers in order, with those of models inside it in their place."""
    inside = (_leaves(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers)
    return [layer for layers in inside for layer in layers]


def _no_such_layer(name, names):
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    there = f"Near it: {', '.join(near)}." if near else f"Layers: {', '.join(names[:3])}, ..., {names[-1]}."
    return ValueError(f'There is no layer "{name}" in this model. {there} model.summary() shows all.')
