"""How much each filter or unit weighs: those with the smallest scores are removed first."""

import numpy as np

from .kinds import GATES, MAKERS, NORMS

KERNELS = ("kernel", "recurrent_kernel", "embeddings")


def l1(layer, weights):
    """The mean magnitude of each filter's weights, as a share of the layer's mean; biases do not count.

    Li, Kadav, Durdanovic, Samet, Graf 2017, "Pruning filters for efficient ConvNets", take the sum, which
    gives the same order within a layer.
    """
    return _share_of_mean(np.abs(_filters(layer, weights)).sum(0))


def l2(layer, weights):
    """The length of each filter's vector of weights, as a share of the layer's mean."""
    return _share_of_mean(np.sqrt(np.square(_filters(layer, weights)).sum(0)))


def gamma(layer, weights):
    """The magnitude of each channel's scale in BatchNormalization, as a share of the layer's mean.

    Liu, Li, Shen, Huang, Yan, Zhang 2017, "Learning efficient convolutional networks through network
    slimming". They train with an L1 penalty on it; without one it says less.
    """
    return _share_of_mean(np.abs(weights["gamma"]))


NAMED = {"l1": l1, "l2": l2, "gamma": gamma}


def scores_of(channels, score):
    """Root -> its score; layers' scores are added where channels can only go together.

    Args:
        channels: Channels of a model.
        score: "l1", "l2", "gamma", or a function, see `prune_filters`.

    Raises:
        ValueError: no such score, or a function gave no number for each filter.
    """
    if not callable(score) and score not in NAMED:
        raise ValueError(f'score is "l1", "l2", "gamma" or a function of (layer, weights); got {score!r}.')
    kinds = NORMS if score == "gamma" else MAKERS
    scores = {}
    for name, layer in channels.layers.items():
        weights = {weight.name: weight.numpy() for weight in layer.weights}
        if type(layer) not in kinds or (score == "gamma" and "gamma" not in weights):
            continue
        values = NAMED[score](layer, weights) if score in NAMED else _asked(score, layer, weights,
                                                                            len(channels.out[name]))
        for root, value in zip(channels.roots(channels.out[name]).tolist(), values.tolist()):
            scores[root] = scores.get(root, 0.0) + value
    return scores


def _filters(layer, weights):
    """One column a filter or unit, of all its weights: (weights, filters)."""
    gates = GATES.get(type(layer), 1)
    kernels = [weights[name] for name in KERNELS if name in weights]
    if "Transpose" in type(layer).__name__:
        kernels = [np.moveaxis(kernel, -2, -1) for kernel in kernels]
    columns = [kernel.reshape(-1, gates, kernel.shape[-1] // gates) for kernel in kernels]
    both = np.concatenate([each.reshape(-1, each.shape[-1]) for each in columns])
    return both.astype("float64")


def _share_of_mean(values):
    return values / max(values.mean(), 1e-30)


def _asked(score, layer, weights, filters):
    values = np.asarray(score(layer, weights))
    if values.shape != (filters,) or not np.issubdtype(values.dtype, np.number):
        raise ValueError(f'score should give "{layer.name}" one number for each of its {filters} filters or '
                         f"units, an array of shape ({filters},). It gave {values.dtype}, {values.shape}.")
    if not np.all(np.isfinite(values)):
        raise ValueError(f'score gave "{layer.name}" a number that is not finite.')
    return values.astype("float64")
