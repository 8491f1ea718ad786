"""Parts of a network: found by name, frozen, set free, cut off."""

import difflib
from typing import NamedTuple

import keras
import numpy as np


class Place(NamedTuple):
    """A layer, where it stands ("tower/block/dense"), and the layers that it stands in, without the model."""

    layer: object
    path: str
    inside: tuple


def walk(model):
    """A model's layers in the order of `model.summary()`, each followed by those inside it: a list of Places.

    It looks into models, wrappers (TimeDistributed, Bidirectional) and layers of one's own. A layer that is
    used in several places comes once, where it is first.
    """
    seen, places = {id(model)}, []

    def look(outer, path, inside):
        for layer in parts_of(outer):
            if id(layer) not in seen:
                seen.add(id(layer))
                here = f"{path}{layer.name}"
                places.append(Place(layer, here, inside))
                look(layer, f"{here}/", (*inside, layer))

    look(model, "", ())
    return places


def parts_of(layer):
    """The layers that stand directly in a layer or model."""
    if isinstance(layer, keras.Model):
        return layer.layers
    return list(layer._flatten_layers(include_self=False, recursive=False))


def find(model, name):
    """The Place of the layer with this name, or with this path, "tower/block/dense".

    Raises:
        ValueError: there is none, or there are several; the message lists what it may have been.
    """
    places = walk(model)
    found = [place for place in places if name in (place.path, place.layer.name)]
    whole = [place for place in found if place.path == name]
    if len(whole) == 1:
        return whole[0]
    if not found:
        raise _no_such_layer(name, places)
    if len(found) > 1:
        raise ValueError(f'There are {len(found)} layers "{name}": '
                         f'{", ".join(place.path for place in found)}. '
                         "Say which with its whole path, or give each a name of its own.")
    return found[0]


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


def flags(model):
    """What is frozen and what not: give it to `set_flags` to have it again."""
    layers = [model, *(place.layer for place in walk(model))]
    return [(layer, layer.trainable, [(v, v.trainable) for v in own_variables(layer)]) for layer in layers]


def set_flags(flags):
    """Freeze and set free as it was when `flags` was called."""
    for layer, trainable, variables in flags:  # outer layers first: they set those inside them
        layer.trainable = trainable
        for variable, value in variables:
            variable.trainable = value


def own_variables(layer):
    """The trainable variables that a layer holds itself, without those of layers inside it."""
    return list(layer._trainable_variables)


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


def _no_such_layer(name, places):
    names = [place.layer.name for place in places]
    near = difflib.get_close_matches(str(name), dict.fromkeys(names), n=3, cutoff=0.5)
    there = f"Near it: {', '.join(near)}." if near else f"Layers: {', '.join(names[:3])}, ..., {names[-1]}."
    return ValueError(f'There is no layer "{name}" in this model. {there} model.summary() shows all.')
