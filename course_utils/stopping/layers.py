"""Layers in layers: found by name, and what is frozen of them noted, to have it again. keras and tf_keras."""

import difflib
from typing import NamedTuple

import keras


class Place(NamedTuple):
    """A layer, where it stands ("tower/block/dense"), and the layers that it stands in, without the model."""

    layer: object
    path: str
    inside: tuple


def places(outer):
    """Where layers stand in a model or layer: a list of Places in the order of `model.summary()`.

    Each layer is followed by those inside it. It looks into models, wrappers (TimeDistributed, Bidirectional)
    and layers of one's own. A layer that stands in several places comes once for each.
    """
    found = []

    def look(outer, path, inside):
        # a model's own list leaves out the graph that a Sequential holds
        inner = outer.layers if hasattr(outer, "fit") else outer._flatten_layers(
            include_self=False, recursive=False)
        for layer in inner:
            found.append(Place(layer, f"{path}{layer.name}", inside))
            look(layer, f"{path}{layer.name}/", (*inside, layer))

    look(outer, "", ())
    return found


def walk(outer):
    """The same, but each layer once: where it is first."""
    first = {}
    for place in places(outer):
        first.setdefault(id(place.layer), place)
    return list(first.values())


def find(model, name):
    """The first Place of the layer with this name, or with this path, "tower/block/dense".

    Raises:
        ValueError: there is none, or there are several; the message lists what it may have been.
    """
    there = places(model)
    found = [place for place in there if place.path == name]
    found = found or [place for place in there if place.layer.name == name]
    if not found:
        names = list(dict.fromkeys(place.layer.name for place in there))
        near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
        said = f"Near it: {', '.join(near)}" if near else f"Layers: {', '.join(_some(names))}"
        raise ValueError(f'There is no layer "{name}" in the model "{model.name}". {said}. model.summary() '
                         "shows all.")
    if len({id(place.layer) for place in found}) > 1:
        paths = ", ".join(place.path for place in found)
        raise ValueError(f'There are {len(found)} layers "{name}": {paths}. Say which with its whole path, '
                         "or give each a name of its own.")
    return next(place for place in there if place.layer is found[0].layer)


def flags(layers):
    """What of these layers is frozen and what not: give it to `set_flags` to have it again."""
    return [(layer, layer.trainable, [(v, v.trainable) for v in own_variables(layer)]) for layer in layers]


def set_flags(flags):
    """Freeze and set free as it was when `flags` was called."""
    for layer, trainable, variables in flags:  # outer layers first: they set those inside them
        layer.trainable = trainable
        for variable, was in variables:
            if isinstance(variable, keras.Variable):  # those of tf_keras have no switch of their own
                variable.trainable = was


def own_variables(layer):
    """The variables to be trained that a layer holds itself, without those of layers inside it."""
    return [*getattr(layer, "_trainable_variables", getattr(layer, "_trainable_weights", ()))]


def each_once(things):
    """A list of things, each object once, where it is first."""
    return list({id(thing): thing for thing in things}.values())


def _some(names, shown=12):
    return names if len(names) <= shown else [*names[: shown - 1], "...", names[-1]]
