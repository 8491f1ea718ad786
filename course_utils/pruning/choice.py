"""What is prunable, how sparse it is, and which layers are chosen. For models of keras and of tf_keras."""

from dataclasses import dataclass

import numpy as np

from .bridge import unwrapped

# What tfmot prunes: kernels, not biases; of a separable convolution the large part. Names as in both Kerases.
KERNELS = {
    **dict.fromkeys(["Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D"], ["kernel"]),
    **dict.fromkeys(["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"], ["kernel"]),
    **dict.fromkeys(["SeparableConv1D", "SeparableConv2D"], ["pointwise_kernel"]),
    **dict.fromkeys(["SimpleRNNCell", "GRUCell", "LSTMCell"], ["kernel", "recurrent_kernel"]),
    "Embedding": ["embeddings"],
    **dict.fromkeys(["DepthwiseConv1D", "DepthwiseConv2D"], []),  # small, and each weight matters
}

FROZEN = "frozen"
LORA = "LoRA, a frozen kernel plus a product of two others: zeros in it would not stay"


@dataclass(frozen=True)
class Sparsity:
    """Shares of exact zeros in the prunable kernels, 0 to 1: `total`, and `layers`, layer's name -> share."""

    total: float
    layers: dict

    def __str__(self):
        layers = ", ".join(f"{name} {share:.3f}" for name, share in self.layers.items())
        return f"sparsity {self.total:.3f} ({layers})"


def sparsity(model, only=None, skip=()):
    """The share of exact zeros in the prunable kernels of a model of keras or tf_keras: `Sparsity`.

    Wrapped by tfmot or not; a layer in an inner model is named "inner/layer". Biases and normalizations are
    not counted, and frozen layers are not, unless you name them or nothing else is there.

    Args:
        only, skip: names of layers, see Choice.

    Raises:
        ValueError: there is nothing prunable, or a name is unknown or ambiguous.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="head")])
    >>> model.set_weights([np.array([[1, 0], [0, 0]]), np.zeros(2)])
    >>> print(sparsity(model))
    sparsity 0.750 (head 0.750)
    """
    found = Choice(only, skip).measured(model)
    counts = {name: (sum(int(np.sum(np.asarray(kernel) == 0)) for kernel in group), size(group))
              for name, group in found.items()}
    zeros, sizes = np.sum([*counts.values()], axis=0)
    return Sparsity(float(zeros / sizes), {name: zero / of for name, (zero, of) in counts.items()})


# ---- which layers ----


@dataclass(frozen=True)
class Choice:
    """Which layers are pruned: all that train, only some, or all but some.

    A name is that of a layer, as "head"; or that and the models that it is in, as "encoder/dense"; or that of
    a model in the model, as "encoder", for all in it. "/dense" is the one at the top.

    Args:
        only: a name or several, frozen layers too; None for all that train.
        skip: a name or several, to be left out.

    >>> import keras
    >>> layers = [keras.layers.Dense(2, name=name) for name in ("wide", "head")]
    >>> model = keras.Sequential([keras.Input((2,)), *layers])
    >>> [*Choice(skip="head").kernels(model)], Choice(skip="head").left_out(model)
    (['wide'], {'head': 'skipped'})
    """

    only: tuple | None = None
    skip: tuple = ()

    def __post_init__(self):
        for field in ("only", "skip"):
            given = getattr(self, field)
            names = (given,) if isinstance(given, str) else given
            if names is None:
                names = None if field == "only" else ()
            elif not isinstance(names, (tuple, list, set)) or any(not isinstance(n, str) for n in names):
                raise TypeError(f'{field} takes names of layers, such as {field}=["head"]; got {given!r}.')
            object.__setattr__(self, field, None if names is None else tuple(names))

    def kernels(self, model):
        """The variables to prune: place of a layer -> list of variables. A shared one is listed once.

        Raises:
            ValueError: there are none, or a name is unknown or ambiguous.
        """
        found, left = self._divided(model)
        if not found:
            why = ", ".join(f"{place} ({why})" for place, why in left.items())
            raise ValueError(f'There is nothing to prune: of the model "{model.name}" are left out {why}. '
                             "Frozen layers are pruned when they are named in only=[...].")
        return found

    def left_out(self, model):
        """What could be pruned and is not: place of a layer -> why not, as text."""
        return self._divided(model)[1]

    def measured(self, model):
        """As `kernels`; where all is frozen (or quantized), everything is counted."""
        found, _ = self._divided(model)
        return found or self._divided(model, measure=True)[0] or self.kernels(model)

    def _divided(self, model, measure=False):
        places = _places(model)
        if not places:
            why = "has no Dense, Conv or other layer for it" if model.built else "is not built yet: call it"
            raise ValueError(f'There is nothing to prune: the model "{model.name}" {why}.')
        only = places if self.only is None else _named(self.only, places)
        skip, found, left = _named(self.skip, places), {}, {}
        for place, kernels in places.items():
            if place not in only or place in skip:
                left[place] = "skipped" if place in skip else "not named"
                continue
            fine = {"", *([FROZEN] if self.only is not None else [])}
            takes = [each for each in kernels if each.why in fine or measure and each.why != LORA]
            whys = [each.why for each in kernels if each not in takes]
            if self.only is not None and not takes:
                raise ValueError(f'"{place}" cannot be pruned: it is {whys[0]}.')
            if takes:
                found[place] = [kernel.variable for kernel in takes]
            if whys:
                left[place] = whys[0] + (" in part" if takes else "")
        return found, left


def kernels(model, only=None, skip=()):
    """The prunable variables of a model: see `Choice.kernels`.

    A layer of your own can have a method get_prunable_weights(), as tfmot has it, that returns its variables.

    Raises:
        ValueError: there are none, or a name is unknown or ambiguous.
    """
    return Choice(only, skip).kernels(model)


def kernels_of(layer):
    """What could be pruned in one layer and the layers in it: list of variables, frozen ones too."""
    return [kernel.variable for kernel in _kernels_of(layer) if kernel.why != LORA]


@dataclass(frozen=True, eq=False)
class _Kernel:
    """One kernel: its variable, and why it is not pruned ("" where it is)."""

    variable: object
    why: str


def _kernels_of(layer):
    found = {}
    for part in layer._flatten_layers():
        own = getattr(part, "get_prunable_weights", None)
        names = next((KERNELS[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in KERNELS), [])
        for variable in own() if own else [getattr(part, name) for name in names if part.built]:
            trains = layer.trainable and part.trainable and getattr(variable, "trainable", True)
            why = "" if trains else FROZEN
            if getattr(part, "lora_enabled", False):
                why = LORA
            elif getattr(part, "quantization_mode", None):
                why = f"quantized to {part.quantization_mode}"
            found.setdefault(id(variable) if why != LORA else id(part), _Kernel(variable, why))
    return [*found.values()]


def _places(model):
    """Place of a layer, "inner/layer" -> list of _Kernel, each in the first place where it stands."""
    places, seen = {}, set()

    def walk(model, path):
        for layer in map(unwrapped, model.layers):
            if hasattr(layer, "fit"):  # a model in the model
                walk(layer, f"{path}{layer.name}/")
                continue
            new = [kernel for kernel in _kernels_of(layer) if id(kernel.variable) not in seen]
            seen.update(id(kernel.variable) for kernel in new)
            if new:
                places.setdefault(path + layer.name, []).extend(new)

    walk(model, "")
    return places


def _named(names, places):
    """The places that are meant by names, each of one layer or of one model in the model."""
    everything = {"/".join(place.split("/")[:depth + 1]): None  # and the models on the way there
                  for place in places for depth in range(place.count("/") + 1)}
    meant = set()
    for name in names:
        hits = [each for each in everything if f"/{each}".endswith(f"/{name.removeprefix('/')}")]
        hits = [each for each in hits if f"/{each}" == name] if name.startswith("/") else hits
        if len(hits) != 1:
            said = (f'There are {len(hits)} layers "{name}" to prune: {", ".join(hits)}. Say which; a "/" in '
                    "front means the top.") if hits else (
                    f'There is no layer "{name}" to prune. There are: {", ".join(places)}.')
            raise ValueError(said)
        meant.update(place for place in places if f"{place}/".startswith(f"{hits[0]}/"))
    return meant


def size(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)
