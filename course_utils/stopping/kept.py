"""A model's weights as they are kept and given back. No Keras in here: the model brings its own.

Mostly they are NumPy arrays. Where several JAX processes hold a model, an array may lie in parts on devices
that only another process reaches. Then each process keeps a copy of its own parts where they lie: nothing
travels, so giving them back needs no other process, not even a living one.
"""

import sys


def weights_of(model):
    """The model's weights, in the order of `model.weights`: arrays, of NumPy or of JAX."""
    values = [getattr(variable, "value", None) for variable in getattr(model, "weights", ())]
    return [_copy(value) for value in values] if any(map(is_shared, values)) else model.get_weights()


def give(model, values):
    """Give the model what `weights_of` returned."""
    if not any(map(is_shared, values)):
        model.set_weights(values)
        return
    for variable, value in zip(model.weights, values, strict=True):
        variable.assign(_copy(value))  # a step of training may use up what a variable holds


def is_shared(value):
    """Is it an array of JAX that other processes have a part of, or a copy?"""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array) and not value.is_fully_addressable


def in_shards(model):
    """Does this process lack parts of the model's weights?"""
    values = [getattr(variable, "value", None) for variable in getattr(model, "weights", ())]
    return any(is_shared(value) and not value.is_fully_replicated for value in values)


def _copy(value):
    import jax

    parts = [shard.data.copy() for shard in value.addressable_shards]
    return jax.make_array_from_single_device_arrays(value.shape, value.sharding, parts)
