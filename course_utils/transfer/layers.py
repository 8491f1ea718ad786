"""Parts of a network: frozen, set free, cut off."""

import keras
import numpy as np

from ..stopping.layers import find, own_variables, walk


def unfreeze(model, from_layer):
    """Let the layers from `from_layer` on be trained; those before, and BatchNormalization, are frozen.

    A frozen BatchNormalization keeps its means and variances and works as in inference: a few hundred
    pictures would replace what a million taught it. That holds for one in the head too, and for one inside
    another layer.

    Compile afterwards, or use `fit_in_phases`, which does: a compiled training step does not notice.

    Args:
        model: a Keras model; models, wrappers and blocks inside it are looked through.
        from_layer: name of the first layer to train, in the order of `model.summary()`. Of several with one
            name, the path of one: "left/conv". A layer that holds others is trained with all of them.

    Returns:
        How many numbers can be trained now.

    Raises:
        ValueError: there is no such layer, or several; the message names them, or those most like it.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.Dense(2, name="b")])
    >>> unfreeze(model, "b"), unfreeze(model, "a")
    (8, 23)
    """
    start, places = find(model, from_layer), walk(model)
    first = [place.path for place in places].index(start.path)
    first = next(i for i in range(first, len(places)) if places[i].layer is start.layer)
    model.trainable = True  # a frozen model hides its layers' weights, whatever they say
    for i, (layer, _, inside) in enumerate(places):  # what holds others comes before them
        holds_the_first = any(layer is outer for outer in start.inside)
        kept = any(isinstance(each, keras.layers.BatchNormalization) for each in (*inside, layer))
        layer.trainable = (i >= first or holds_the_first) and not kept
        for variable in own_variables(layer):
            if holds_the_first or _adapted(layer, variable):
                variable.trainable = False
    return count_trained(model)


def count_trained(model):
    """How many numbers of a model can be trained."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def split_at(model, from_layer):
    """Two models that share their layers with `model`: what comes before `from_layer`, and the rest.

    `top(bottom(x))` is `model(x)`, with all its outputs. While the bottom is frozen, its outputs need
    computing only once (`cached_features(bottom, pictures)`): training the top on them trains the last layers
    of `model`, many times faster.

    Args:
        model: a functional or sequential model.
        from_layer: name or path of the top's first layer; it may stand in a model inside the model.

    Raises:
        ValueError: there is no such layer, or several; a connection passes by the cut; or the layer stands in
            a layer that is no model.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2, name="b")])
    >>> bottom, top = split_at(model, "b")
    >>> bottom.output_shape, top.input_shape, top.output_shape
    ((None, 3), (None, 3), (None, 2))
    """
    place = find(model, from_layer)
    return _split(model, (*place.inside, place.layer), place.path)


# ---- the rest ----


def _split(model, way, path):
    """Cut a model before the last layer of `way`, whose other layers are the models it stands in."""
    layer = way[0]
    nodes = [node for node in _nodes(model, path) if node.operation is layer]
    if len(nodes) != 1:
        raise ValueError(f'The model cannot be cut before "{path}": "{layer.name}" is used {len(nodes)} '
                         'times.')
    before, after = nodes[0].input_tensors, nodes[0].output_tensors
    if len(before) != 1:
        raise ValueError(f'"{layer.name}" joins {len(before)} branches: there is no one place before it to '
                         'cut.')
    if len(way) == 1:
        return _part(_inputs(model), before[0], path), _part(before[0], _outputs(model), path)
    bottom, top = _split(layer, way[1:], path)
    bottom = keras.Model(_inputs(model), bottom(before[0]))
    if len(after) != 1:
        raise ValueError(f'The model cannot be cut before "{path}": "{layer.name}" has {len(after)} outputs.')
    rest = _part(after[0], _outputs(model), path)
    return bottom, keras.Model(top.input, rest(top.output))


def _part(start, end, path):
    try:
        part = keras.Model(start, end)
        # Keras 3.13 makes such a part all the same, with the model's own input as one too many
        inputs = sum(isinstance(layer, keras.layers.InputLayer) for layer in part.layers)
        connected = inputs == len(keras.tree.flatten(start))
    except ValueError:
        connected = False
    if not connected:
        why = "a connection passes by it, such as one around a residual block"
        raise ValueError(f'The model cannot be cut before "{path}": {why}, or an output from before it.')
    return part


def _nodes(model, path):
    """Where in a functional or sequential model its layers are used."""
    graph = _graph(model)
    if not hasattr(graph, "_nodes_by_depth"):
        if not model.built:
            raise ValueError(f'"{model.name}" is not built, so that it has no places to cut: begin it with '
                             'an '
                             "Input, or call it once.")
        raise ValueError(f'The model cannot be cut before "{path}": what it stands in, "{model.name}", is no '
                         "functional or sequential model, and what happens in there is known to itself "
                         "alone.")
    return [node for nodes in graph._nodes_by_depth.values() for node in nodes]


def _inputs(model):
    """A model's inputs in their own form, as it is called with them: one, a list or a dict."""
    return _graph(model).input


def _outputs(model):
    """A model's outputs in their own form: one, a list or a dict."""
    return _graph(model).output


def _graph(model):
    return getattr(model, "_functional", None) or model  # a sequential model holds a functional one


def _adapted(layer, variable):
    """A kernel under LoRA, which trains two small matrices in its place."""
    return getattr(layer, "lora_enabled", False) and variable.name in ("kernel", "embeddings")
