"""Exercise 6.5 trains: it looks at the settings first, shows how far it is, and has a limit."""

import difflib
import inspect
import math
import time

from ...stopping.probes import Probe
from ..stage import Wrong, one, whole

MOST_EPOCHS = 30  # a right answer takes 10 to 20, at a second or two each


def _gets_no_better():
    """A scripted run that is best at epoch 4: whatever `second` waits for, it has to end this one."""
    val = [1.0 - 0.1 * min(epoch, 4) + 0.02 * max(epoch - 4, 0) for epoch in range(MOST_EPOCHS)]
    right = [1 - loss / 2 for loss in val]
    return {"loss": val, "val_loss": val, "accuracy": right, "val_accuracy": right,
            "sparsity": [0.9] * MOST_EPOCHS, "seconds": [1.0 + epoch for epoch in range(MOST_EPOCHS)],
            "steps": [13 * (1 + epoch) for epoch in range(MOST_EPOCHS)]}


class _Progress(Probe):  # a Probe, since tf_keras asks more of a callback than Keras 3 gives
    """One line that says how far training is, and what an epoch takes."""

    def __init__(self, epochs):
        super().__init__("progress")
        self.epochs, self.start = epochs, time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        each = (time.perf_counter() - self.start) / (epoch + 1)
        loss, share = logs.get("val_loss", math.nan), logs.get("sparsity", 0)
        print(f"\repoch {epoch} of at most {self.epochs}, {each:.1f} s each: val_loss {loss:.2f}, "
              f"sparsity {share:.2f}", end="", flush=True)

    def on_train_end(self, logs=None):
        print()


def pruned(settings, least_zeros):
    """The model that prune_at_stop makes with these settings, or Wrong before anything is trained."""
    from ...pruning import prune_at_stop
    from ...stopping import as_criterion

    known = inspect.signature(prune_at_stop).parameters
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise Wrong(f"prune_at_stop takes no {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
    missing = [name for name in ("model", "data", "second", "target_sparsity") if name not in settings]
    if missing:
        raise Wrong(f"prune_at_stop needs {' and '.join(missing)}, too.")
    target = one(settings["target_sparsity"], "target_sparsity is a share, such as 0.8")
    if not least_zeros <= target < 1:
        raise Wrong(f"target_sparsity is the share of zeros, from 0 to 1: with {target:g} the model will not "
                    f"have {least_zeros:.0%}.")
    second = as_criterion(settings["second"])
    epochs = min(one(settings.get("epochs", MOST_EPOCHS), "epochs is a whole number", whole), MOST_EPOCHS)
    ramp = one(settings.get("ramp_epochs", known["ramp_epochs"].default), "ramp_epochs is a number")
    if ramp >= epochs:
        raise Wrong(f"The ramp takes {ramp:g} epochs, and {epochs} are trained at most: the masks would not "
                    "be full in time.")
    if second.first(_gets_no_better()) is None:
        raise Wrong(f"Nothing was trained: your `second` does not end a run of {MOST_EPOCHS} epochs that "
                    "gets no better after the fifth, so it may never end this one. Take some patience, or "
                    "join a budget: | Epochs(10).")
    print(f"Pruning, at most {epochs} epochs of a second or two ...", flush=True)
    settings = {"first": None, **settings, "epochs": epochs, "verbose": 0}
    settings["callbacks"] = [*settings.get("callbacks", ()), _Progress(epochs)]
    return prune_at_stop(**settings)[0]
