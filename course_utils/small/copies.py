"""Copies of a Sequential or functional model, with some of its layers' settings changed."""

import keras


def graph_of(model):
    """The functional model that a model is, or that a Sequential holds; None if what it does is no graph."""
    graph = getattr(model, "_functional", None) or model
    own = not type(model).call.__module__.startswith("keras.")
    return graph if hasattr(graph, "_nodes_by_depth") and not own else None


def copy_of(model, change):
    """(A copy of a model, not compiled, with weights of its own that are yet to be set; pairs of layers).

    Args:
        model: a Sequential or functional Keras 3 model; models in it are copied, too.
        change: a function of a layer that returns what is to be changed in its configuration, a dict.

    Returns:
        (copy, pairs): pairs is a list of (layer, its copy), each of the model's own layers once.

    Raises:
        ValueError: a layer cannot be made anew. The message names it.
    """
    made = {}

    def copied(operation):
        if id(operation) not in made:
            inner = isinstance(operation, keras.Model) and graph_of(operation) is not None
            made[id(operation)] = structure(operation) if inner else _remade(operation, change)
        return made[id(operation)]

    def structure(model):
        inputs, compiled = None, model.compiled
        if not isinstance(model, keras.Sequential):
            inputs = keras.tree.map_structure(_same_input, model.input)
        model.compiled = False  # else it tries to compile the copy
        try:
            copy = keras.models.clone_model(model, inputs, clone_function=copied)
        finally:
            model.compiled = compiled
        if not copy.built:  # Sequential, if its shape came with its first data
            copy.build(model.input_shape)
        return copy

    copy = structure(model)
    return copy, [(layer, made[id(layer)]) for layer in model.layers if id(layer) in made]


def _same_input(tensor):
    layer = tensor._keras_history.operation
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=layer.name)


def _remade(operation, change):
    if not isinstance(operation, keras.Layer):  # `a + b` has no memory but its place in the graph
        twin = object.__new__(type(operation))
        twin.__dict__.update(operation.__dict__, _inbound_nodes=[], _outbound_nodes=[])
        return twin
    changes, cls = change(operation), type(operation)
    try:
        config = {**operation.get_config(), **changes}
        functions = {key: own for key in config if _is_own(own := getattr(operation, key, None))}
        # a configuration holds a function by its name at best: it is taken from the layer
        twin = cls(**{**config, **functions}) if functions else cls.from_config(config)
    except Exception as error:
        raise ValueError(f'"{operation.name}" ({cls.__name__}) cannot be made anew from its get_config, as a '
                         f"copy of the model needs it: {error}") from error
    if changes:  # a constant initializer has the old shape; and nothing need be drawn
        for part in (twin, getattr(twin, "cell", twin)):
            for name in [name for name in vars(part) if name.endswith("_initializer")]:
                setattr(part, name, keras.initializers.Zeros())
    return twin


def _is_own(value):
    """Is this a function, or an object that is called as one, which is not Keras's?"""
    if not callable(value) or isinstance(value, (keras.Layer, type)):
        return False
    return not str(getattr(value, "__module__", None) or type(value).__module__).startswith("keras.")
