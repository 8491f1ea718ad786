"""Which channels of a network can only go together, and which must stay.

A channel is a place on the last axis of a tensor: a filter of a convolution, a unit of a dense or recurrent
layer. An addition makes one of two, Flatten many of one. The graph is walked once, from the inputs on.
"""

import keras
import numpy as np
from keras import layers as kl

from .copies import graph_of
from .kinds import DEPTHWISE, MAKERS, NORMS, PASSING, meets, mixes, why_whole


class Channels:
    """The channels of a model as numbers; those that can only go together have one root.

    Attributes:
        into, out: layer's name -> the numbers of the channels that go into it and come out, an int array
            each; for layers with weights that are known here.
        layers: name -> layer, of the same layers.
        whole: name -> why, of layers with weights that are not known here.
    """

    def __init__(self, model):
        self.into, self.out, self.layers, self.whole = {}, {}, {}, {}
        self._parent, self._stays, self._of = [], {}, {}
        graph = graph_of(model)
        nodes = [node for depth in sorted(graph._nodes_by_depth, reverse=True)
                 for node in graph._nodes_by_depth[depth]]
        # of a layer that is called again: if one of its calls is not known, none is
        not_known = {node.operation.name: why for node in nodes
                     if not node.is_input and (why := why_whole(node))}
        for node in nodes:
            if node.is_input:
                made = [self._new(each, "tied to an input") for each in node.output_tensors]
            else:
                made = self._through(node, not_known.get(node.operation.name))
            for tensor, numbers in zip(node.output_tensors, made):
                self._of[id(tensor)] = numbers
        for tensor in keras.tree.flatten(graph.outputs):
            self._stay(self._of[id(tensor)], "gives an output")

    def roots(self, numbers):
        """The root of each of some channels, an int array."""
        return np.array([self._root(each) for each in numbers], int)

    def staying(self):
        """Root -> why it cannot go."""
        why = {}
        for number, reason in self._stays.items():
            why.setdefault(self._root(number), reason)
        return why

    # ---- one node ----

    def _through(self, node, why):
        """The channels of each tensor that comes out. `why` its layer is not known, or None."""
        layer, kind, out = node.operation, type(node.operation), node.output_tensors
        given = [self._of[id(tensor)] for tensor in node.input_tensors]
        if why:
            return self._unknown(layer, given, out, why)
        if kind in MAKERS:
            made = self._with_weights(layer, given[0], lambda into: self._new(out[0]))
            if kind is kl.Embedding:  # what goes in are words
                self._stay(given[0], f'goes into "{layer.name}" (Embedding)')
        elif kind in DEPTHWISE:
            made = self._with_weights(layer, given[0], lambda into: np.repeat(into, layer.depth_multiplier))
        elif kind in NORMS:
            made = self._with_weights(layer, given[0], lambda into: into)
        elif kind in PASSING:
            made = given[0]
        elif kind is kl.Flatten:
            made = np.tile(given[0], out[0].shape[-1] // max(len(given[0]), 1))
        elif kind is kl.Concatenate and layer.axis in (-1, len(out[0].shape) - 1):
            made = np.concatenate(given)
        else:
            assert meets(layer) or kind is kl.Concatenate
            for other in given[1:]:
                self._join(given[0], other, f'meets "{layer.name}", which broadcasts')
            made = max(given, key=len)
        assert len(made) == _count(out[0]), f"{layer.name}: {len(made)} channels for {out[0].shape}"
        if mixes(layer):
            self._stay(made, "its activation may look at all channels")
        return [made]

    def _with_weights(self, layer, into, make):
        """Of a layer that is called again, the channels are those of the first call."""
        name = layer.name
        if name in self.layers:
            self._join(self.into[name], into)
        else:
            self.layers[name], self.into[name], self.out[name] = layer, into, make(into)
        return self.out[name]

    def _unknown(self, layer, given, out, why):
        kind = type(layer).__name__
        for numbers in given:
            self._stay(numbers, f'meets "{layer.name}" ({kind})')
        if getattr(layer, "weights", ()):
            self.whole[layer.name] = why
        return [self._new(tensor, f'tied to "{layer.name}" ({kind})') for tensor in out]

    # ---- union-find ----

    def _new(self, tensor, stays=None):
        numbers = np.arange(_count(tensor)) + len(self._parent)
        self._parent += numbers.tolist()
        if stays:
            self._stay(numbers, stays)
        return numbers

    def _stay(self, numbers, why):
        for number in numbers:
            self._stays.setdefault(int(number), why)

    def _root(self, number):
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]  # halves the way for the next
            number = self._parent[number]
        return int(number)

    def _join(self, some, others, why="of unequal number"):
        if len(some) != len(others):
            self._stay(some, why)
            self._stay(others, why)
            return
        for one, other in zip(some, others):
            self._parent[self._root(one)] = self._root(other)


def _count(tensor):
    """Places on the last axis; 0 if that is not known."""
    return (tensor.shape[-1] or 0) if len(tensor.shape) else 0
