"""A part of a model: layers that are frozen in the middle of a fit, and set free as they were."""

import math
from collections import Counter

import numpy as np

from ..stopping.layers import each_once, find, flags, own_variables, places, set_flags


class Part:
    """Some layers of a model, with all that is in them, that can be frozen in the middle of a fit.

    Args:
        names: of layers, or their paths.

    Attributes:
        weights: their variables, each once and always in the same order. (A layer's own `weights` change
            their order in tf_keras when it is frozen.)
        size: how many numbers of them can be trained.
        shared: a sentence if a layer is used in several places, else None.
        is_frozen: whether they are frozen now.
    """

    def __init__(self, names):
        self.names = names
        self._forget()

    def begin(self, model):
        """A fit of this model begins: find the layers.

        Raises:
            ValueError: a name is unknown or ambiguous, nothing there is trained, or another layer holds one
                of the variables.
        """
        self._forget()
        self._model, self._layers = model, [find(model, name).layer for name in self.names]
        self.weights = each_once(v for layer in self._layers for v in layer.weights)
        trained = each_once(v for layer in self._layers for v in layer.trainable_weights)
        self.size = sum(math.prod(map(int, variable.shape)) for variable in trained)
        if not self.size:
            raise ValueError(
                f"There is nothing to freeze in {self}: none of it is trained. A fit that Ctrl-C ended "
                "leaves its layers frozen: call finish() of its FreezeWhen, or set trainable = True.")
        self._look_outside()

    def freeze(self):
        """From the next step on nothing in it moves, neither weights nor statistics."""
        self._were = flags(self._inside())
        for layer in self._layers:
            layer.trainable = False
        self._held = self.get_weights()
        self._model.make_train_function(force=True)  # the compiled step would go on as it was traced

    def set_free(self):
        """As it was before it was frozen."""
        if not self.is_frozen:
            return
        set_flags(self._were)
        self._were = []
        self._model.make_train_function(force=True)

    @property
    def is_frozen(self):
        return bool(self._were)

    def get_weights(self):
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, values):
        for variable, value in zip(self.weights, values, strict=True):
            variable.assign(value)
        self._held = self.get_weights()

    def moved(self):
        """Names of the variables that have moved since it was frozen, set or asked this last."""
        held, self._held = self._held, self.get_weights()
        return [getattr(variable, "path", variable.name)
                for variable, one, other in zip(self.weights, held, self._held)
                if not np.array_equal(one, other, equal_nan=True)]

    def common(self, names):
        """Names of its layers that belong to the part of these names too."""
        other = Part(names)
        other._layers = [find(self._model, name).layer for name in names]
        theirs = {id(layer) for layer in other._inside()}
        return sorted({layer.name for layer in self._inside() if id(layer) in theirs})

    def __str__(self):
        return ", ".join(self.names)

    def _forget(self):
        self._model, self._layers, self._were, self.weights, self._held = None, [], [], [], []
        self.size, self.shared = 0, None

    def _inside(self):
        """The layers and those in them, outer ones first."""
        return each_once(layer for outer in self._layers
                         for layer in (outer, *(place.layer for place in places(outer))))

    def _look_outside(self):
        there, inside = places(self._model), self._inside()
        ours, calls = {id(variable) for variable in self.weights}, _calls(self._model, there)
        for layer, path, _ in there:
            if not any(layer is each for each in inside) and any(id(v) in ours for v in own_variables(layer)):
                raise ValueError(f'"{path}" holds a variable of {self} too, so that it would be frozen with '
                                 "it. Freeze both, or give each a variable of its own.")
        uses = {layer.name: sum(math.prod(calls.get(id(each), 1) for each in (*outer, layer))
                                for other, _, outer in there if other is layer) for layer in inside}
        self.shared = "; ".join(f'"{name}" is used in {count} places, and frozen in all of them'
                                for name, count in uses.items() if count > 1) or None

    def __getstate__(self):  # a copy has a model of its own
        return dict(self.__dict__, _model=None, _layers=[], _were=[], weights=[], _held=[])


def _calls(model, there):
    """id of a layer -> how often a functional model calls it."""
    graphs = each_once([model, *(place.layer for place in there)])
    nodes = [node for graph in graphs for depth in getattr(graph, "_nodes_by_depth", {}).values()
             for node in depth]
    return Counter(id(getattr(node, "operation", None) or node.layer) for node in nodes)
