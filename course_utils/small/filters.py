"""Whole filters and units are removed from a Keras model: what is left is a smaller dense model."""

import keras
import numpy as np

from .channels import Channels
from .copies import copy_of, graph_of
from .filter_scores import scores_of
from .filters_report import FiltersReport
from .kinds import GATES, MAKERS, SIZES, axes_of


def prune_filters(model, share, score="l1"):
    """A smaller copy of a model, without a share of the filters of each layer, and what was cut.

    Filters of convolutions, units of Dense, GRU and LSTM, columns of Embedding: what goes of one layer goes
    of all that meet it, such as the BatchNormalization behind it, the next layer's kernel, and the other
    branch of an addition. Layers that an addition couples have one choice: their scores are added. At least
    one filter stays.

    The outputs stay as they are, and so does what is coupled with them or with an input. A layer that is not
    known here (SeparableConv2D, LayerNormalization, Bidirectional, Reshape, Lambda, a model in the model, a
    layer of your own) stays whole, with what goes into it. The report says what stayed, and why.

    Where the filters that go were zero (weights, bias, and gamma and beta behind them), and the activation
    of 0 is 0, the outputs are the same. Else the model has to be trained further: it is not compiled, so
    compile it first.

    Args:
        model: a Sequential or functional Keras 3 model, built. It stays as it is.
        share: of the filters of each layer, from 0 to below 1; rounded to whole filters.
        score: which filters go, those with the smallest scores:
            "l1", "l2": the size of their weights, relative to the layer's mean;
            "gamma": the scale of the BatchNormalization behind them; what has none behind it stays whole;
            or a function of (layer, weights), with weights a dict of arrays by name ("kernel", "bias"), that
            returns an array, one number for each filter or unit.

    Returns:
        (small, report): the smaller model, with the layers' names and not compiled, and a `FiltersReport`.

    Raises:
        TypeError: it is no Keras 3 model.
        ValueError: the model is subclassed or not built, `share` or `score` is not what it should be, or
            there is nothing to cut: the message says why for each layer.

    Source: Li et al. 2017, "Pruning filters for efficient ConvNets".

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "relu", name="hidden"),
    ...     keras.layers.Dense(1, name="out")])
    >>> model.set_weights([np.array([[1.0, 9, 5], [-1, 9, -5]]), np.zeros(3), np.ones((3, 1)), np.zeros(1)])
    >>> small, report = prune_filters(model, 1 / 3)
    >>> print(report)
    cut:      hidden 3 -> 2
    whole:    out (gives an output)
    weights:  13 -> 9, 1.4 times fewer
    >>> small.layers[0].get_weights()[0].tolist()
    [[9.0, 5.0], [9.0, -5.0]]
    """
    _check(model, share)
    channels = Channels(model)
    scores = scores_of(channels, score)
    whole, gone = _whole(channels, scores), _smallest(channels, scores, share)
    makers = {name for name, layer in channels.layers.items() if type(layer) in MAKERS}
    if makers <= whole.keys():
        why = ", ".join(f"{name} ({reason})" for name, reason in whole.items()) or "it has no filters"
        raise ValueError(f'There is nothing to cut in the model "{model.name}": {why}.')
    kept = {name: [np.flatnonzero([root not in gone for root in channels.roots(numbers)])
                   for numbers in (channels.into[name], channels.out[name])] for name in channels.layers}
    small = _rebuilt(model, channels.layers, kept)
    cut = {name: (len(channels.out[name]), len(out)) for name, (_, out) in kept.items()
           if name in makers - whole.keys()}
    return small, FiltersReport(cut, whole, (model.count_params(), small.count_params()))


def _check(model, share):
    if not isinstance(model, keras.Model):
        hint = " For one of tf_keras, course_utils.pruning has to_keras." if hasattr(model, "layers") else ""
        raise TypeError(f"prune_filters takes a model of Keras 3; got {type(model).__name__}.{hint}")
    if isinstance(share, bool) or not isinstance(share, (int, float, np.number)) or not 0 <= share < 1:
        raise ValueError("share is how much of each layer's filters goes, from 0 to below 1, such as 0.5; "
                         f"got {share!r}.")
    if graph_of(model) is None:
        built = not isinstance(model, keras.Sequential) or model.built
        why = ("is neither functional nor sequential, so that what its call does is known to itself alone"
               if built else "is not built yet: begin it with an Input, or call it once")
        raise ValueError(f'The model "{model.name}" has no graph to cut in: it {why}.')


# ---- which ----


def _makers(channels):
    """Root -> the names of the layers whose filters it is."""
    makers = {}
    for name, layer in channels.layers.items():
        if type(layer) in MAKERS:
            for root in channels.roots(channels.out[name]).tolist():
                makers.setdefault(root, set()).add(name)
    return makers


def _whole(channels, scores):
    """Name of a layer that keeps all of its filters -> why."""
    staying, whole = channels.staying(), dict(channels.whole)
    for name, layer in channels.layers.items():
        roots = channels.roots(channels.out[name]).tolist()
        if type(layer) in MAKERS and not any(root in scores and root not in staying for root in roots):
            whole[name] = next((staying[root] for root in roots if root in staying),
                               "no BatchNormalization behind it")
    return whole


def _smallest(channels, scores, share):
    """The roots that go: of those that the same layers make, the share with the smallest scores."""
    staying, groups = channels.staying(), {}
    for root, names in _makers(channels).items():
        if root in scores and root not in staying:
            groups.setdefault(frozenset(names), []).append(root)
    return {root for group in groups.values()
            for root in sorted(group, key=scores.get)[: min(round(share * len(group)), len(group) - 1)]}


# ---- the smaller model ----


def _rebuilt(model, layers, kept):
    """A copy with fewer filters. `kept`: name of one of the layers -> the places that stay of (into, out)."""

    def width(layer):
        if type(layer) not in MAKERS or layers.get(layer.name) is not layer:
            return {}
        return {size: len(kept[layer.name][1]) for size in SIZES if hasattr(layer, size)}

    small, pairs = copy_of(model, width)
    for old, new in pairs:
        places = kept.get(old.name)
        for ours, theirs in zip(old.weights, new.weights, strict=True):
            theirs.assign(ours.numpy() if places is None else _sliced(old, ours, *places))
    return small


def _sliced(layer, weight, into, out):
    """A weight without the channels that go."""
    array, axes = weight.numpy(), axes_of(layer)[weight.name]
    for axis, what in zip(range(-len(axes), 0), axes):
        if what == "gates":
            gates = GATES[type(layer)]
            size = array.shape[axis] // gates
            array = array.take(np.concatenate([out + gate * size for gate in range(gates)]), axis)
        elif what:
            array = array.take(into if what == "into" else out, axis)
    return array
