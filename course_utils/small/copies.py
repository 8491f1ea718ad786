"""Copies of a Sequential or functional model, with some of its layers' settings changed."""

import keras


def copy_of(model, change):
    """(A copy of a model, not compiled, with weights of its own that are yet to be set; pairs of layers).

    Args:
        model: a Sequential or functional Keras 3 model.
        change: a function of a layer that returns what is to be changed in its configuration, a dict.

    Returns:
        (copy, pairs): pairs is a list of (layer, its copy), each layer once.

    Raises:
        ValueError: a layer cannot be made anew. The message names it.
    """
    pairs, inputs, compiled = [], None, model.compiled

    def copied(operation):
        if not isinstance(operation, keras.Layer):  # `a + b` has no memory but its place in the graph
            twin = object.__new__(type(operation))
            twin.__dict__.update(operation.__dict__, _inbound_nodes=[], _outbound_nodes=[])
            return twin
        pairs.append((operation, _remade(operation, change(operation))))
        return pairs[-1][1]

    if not isinstance(model, keras.Sequential):
        inputs = keras.tree.map_structure(_same_input, model.input)
    model.compiled = False  # else it tries to compile the copy
    try:
        copy = keras.models.clone_model(model, inputs, clone_function=copied)
    finally:
        model.compiled = compiled
    if not copy.built:  # Sequential, if its shape came with its first data
        copy.build(model.input_shape)
    return copy, pairs


def _same_input(tensor):
    layer = tensor._keras_history.operation
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=layer.name)


def _remade(layer, changes):
    try:
        twin = type(layer).from_config({**layer.get_config(), **changes})
    except Exception as error:
        raise ValueError(f'"{layer.name}" ({type(layer).__name__}) cannot be made anew from its get_config, '
                         f"as a copy of the model needs it: {error}") from error
    if changes:  # a constant initializer has the old shape; and nothing need be drawn
        for part in (twin, getattr(twin, "cell", twin)):
            for name in [name for name in vars(part) if name.endswith("_initializer")]:
                setattr(part, name, keras.initializers.Zeros())
    return twin
