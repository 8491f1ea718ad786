"""What would go wrong after hours, tried on one batch before the first epoch."""

import numpy as np

from ..stopping.history import missing_column
from ..stopping.probes import Probe
from .bridge import with_weights_of
from .bridge_check import NO_BRIDGE
from .bridge_compile import compile_like
from .clone import BridgeError
from .tfmot_twin import Masks, fine_tune, last_line


def rehearse(model, twin_of, batch, validation):
    """Cross the bridge, take a step there, validate, and come back. `model` stays as it is.

    Args:
        model: the compiled Keras 3 model.
        twin_of: a function that makes its compiled twin, as phase 2 will.
        batch, validation: pipelines of one batch; the latter may be None.

    Raises:
        BridgeError: something cannot cross, fails there, or has other numbers there.
    """
    twin, masks = twin_of(model), Masks()
    masks.set_model(twin)
    try:
        fine_tune(twin, batch, masks, [], dict(validation_data=validation, epochs=1, verbose=0))
    except (BridgeError, MemoryError):
        raise
    except Exception as error:
        raise BridgeError(f'"{model.name}" cannot be trained in tf_keras with tfmot: {last_line(error)}. '
                          f"{NO_BRIDGE}") from error
    back = with_weights_of(twin, model)
    compile_like(back, model)
    if validation is None:
        return
    # not what `fit` measured: an optimizer's moving average has come since
    ours, theirs = (each.evaluate(validation, verbose=0, return_dict=True) for each in (back, twin))
    half = any("16" in layer.compute_dtype for layer in back._flatten_layers() if layer.compute_dtype)
    for name in ours.keys() & theirs.keys():
        one, other = np.mean(ours[name]), np.mean(theirs[name])
        limits = dict(rtol=2e-2, atol=1e-2) if half else dict(rtol=1e-3, atol=1e-5)
        if not np.isclose(one, other, **limits, equal_nan=True):
            raise BridgeError(f'On one batch val_{name} of "{model.name}" is {one:.6g} in Keras 3 and '
                              f"{other:.6g} in tf_keras: phase 2 would follow another number. {NO_BRIDGE}")


class Columns(Probe):
    """In phase 1: after its first epoch, are the columns there that phase 2 will ask for?"""

    def __init__(self, stop, best):
        super().__init__("columns")
        self.asked = {*stop.criterion.columns_of_fit(), *([best] if best else [])} - {"sparsity"}

    def on_epoch_end(self, epoch, logs=None):
        known = {"loss", "seconds", "steps", "epoch", *(logs or {})}
        for name in self.asked - known:
            raise missing_column(name, dict.fromkeys(logs), " after the first epoch, and phase 2 asks for it")
