"""The door of a package: its names load when they are asked for, and what is missing then is named."""

import sys
from importlib import import_module

INSTALL = {  # module that is missing -> what it is for, and the line that brings it
    "keras": "Callbacks need Keras and a backend for it: pip install keras tensorflow",
    "tensorflow": "Keras needs a backend: pip install tensorflow (or jax or torch, with KERAS_BACKEND=jax or "
                  "KERAS_BACKEND=torch in the environment)",
    "jax": "KERAS_BACKEND asks for JAX: pip install jax",
    "torch": "KERAS_BACKEND asks for PyTorch: pip install torch",
    "matplotlib": "Pictures need matplotlib: pip install matplotlib",
    "ipywidgets": "The lab needs ipywidgets: pip install ipywidgets matplotlib",
}


def names_on_demand(package, rooms):
    """`__getattr__` and `__dir__` for a package whose names load when they are asked for (PEP 562).

    Args:
        package: the package's `__name__`.
        rooms: name of a module in it -> the names that it brings. The module itself is such a name too.

    A module that is not installed is an ImportError which says what to install.
    """
    room_of = {name: room for room, names in rooms.items() for name in names}

    def load(name):
        if name not in room_of and name not in rooms:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = import_module(f"{package}.{room_of.get(name, name)}")
        except ModuleNotFoundError as error:
            if error.name not in INSTALL:
                raise
            raise ImportError(f"{name} cannot be imported: there is no {error.name}. {INSTALL[error.name]}.",
                              name=error.name) from error
        value = module if name in rooms and name not in room_of else getattr(module, name)
        setattr(sys.modules[package], name, value)  # asked for once
        return value

    def listed():
        return sorted({*vars(sys.modules[package]), *room_of, *rooms})

    return load, listed
