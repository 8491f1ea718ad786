"""Exercise 6.4 trains: it looks at the settings and the data first, shows how far it is, and has a limit."""

import difflib
import inspect
import itertools
import math
import time

import numpy as np

from ...stopping.probes import Probe
from ..stage import Wrong, one, shown, whole

MOST_EPOCHS = 12  # a right answer takes 6 to 12, at less than a second each on two quiet cores
SCRIPT = 30  # epochs of the run on which `second` is tried


def _gets_no_better():
    """A scripted run that is best at epoch 4: whatever `second` waits for, it has to end this one."""
    val = [1.0 - 0.1 * min(epoch, 4) + 0.02 * max(epoch - 4, 0) for epoch in range(SCRIPT)]
    right = [1 - loss / 2 for loss in val]
    return {"loss": val, "val_loss": val, "accuracy": right, "val_accuracy": right,
            "sparsity": [0.9] * SCRIPT, "seconds": [1.0 + epoch for epoch in range(SCRIPT)],
            "steps": [13 * (1 + epoch) for epoch in range(SCRIPT)]}


def _pictures(data):
    """What a model sees of (x, y) or batches of them, a row each; None where the data have another form."""
    spec = getattr(data, "element_spec", None)  # of a tf.data pipeline, which may have no end
    if isinstance(spec, tuple) and hasattr(spec[0], "shape"):
        data = [np.concatenate([batch[0].numpy() for batch in itertools.islice(data, 100)])]
    x = data[0] if isinstance(data, (tuple, list)) and data else None
    x = None if x is None or isinstance(x, (tuple, list, dict)) else np.asarray(x)
    return None if x is None or x.ndim < 2 else x.reshape(len(x), -1).astype("float32")


def _in_both(some, others):
    """How many of some rows are among the others, but for rounding."""
    if some is None or others is None or some.shape[1] != others.shape[1]:
        return 0
    squares = (some**2).sum(1)[:, None], (others**2).sum(1)[None]
    apart = squares[0] + squares[1] - 2 * some @ others.T  # squared distances
    return int((apart.min(1) < 1e-3 * squares[0][:, 0]).sum())


def check_data(settings, unseen):
    """Wrong if a photo does two things: training, validation, or the test."""
    known, validation = (_pictures(settings.get(name)) for name in ("data", "validation_data"))
    rest = " Leave data=known and validation_data=validation as they stand in the cell."
    if count := _in_both(validation, known):
        raise Wrong(f"Nothing was trained: {count} of the validation photos are those that the model learns "
                    f"from, and their loss falls whatever becomes of new photos.{rest}")
    if known is not None and validation is not None and len(known) < len(validation):
        raise Wrong(f"Nothing was trained: your answer learns from {len(known)} photos and validates on "
                    f"{len(validation)}. Are the two swapped?{rest}")
    for what, own in (("trains on", known), ("validates on", validation)):
        if count := _in_both(own, _pictures((unseen, None))):
            raise Wrong(f"Nothing was trained: your answer {what} {count} of the 500 photos that it is "
                        f"tested with. They have to be new to it.{rest}")


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


def pruned(settings, least_zeros, unseen):
    """What prune_at_stop returns with these settings, or Wrong before anything is trained.

    Args:
        settings: what prune_at_stop is called with, a dict.
        least_zeros: the share of zeros that is asked for.
        unseen: what the model is tested with, an array; nothing of it may be in the settings.
    """
    from ...pruning import prune_at_stop
    from ...stopping import as_criterion

    known = inspect.signature(prune_at_stop).parameters
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise Wrong(f"prune_at_stop takes no {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
    needed = "model", "data", "first", "second", "target_sparsity"
    missing = [name for name in needed if name not in settings]
    if missing:
        raise Wrong(f"prune_at_stop needs {' and '.join(missing)}, too.")
    if not hasattr(settings["model"], "get_weights"):
        raise Wrong("Nothing was trained: leave model=model as it stands in the cell. This is "
                    f"{shown(settings['model'])}.")
    if settings["first"] is not None:
        raise Wrong("Nothing was trained: leave first=None as it stands in the cell. A first phase trains "
                    "`model` itself on, not a copy, and it is trained already.")
    target = one(settings["target_sparsity"], "target_sparsity is a share, such as 0.8")
    if not least_zeros - 1e-6 <= target < 1:  # 0.9 in float32 is a little less
        raise Wrong(f"target_sparsity is a share below 1, for {least_zeros:.0%} zeros at least "
                    f"{least_zeros:g}; this is {target:g}.")
    rate = settings.get("learning_rate")
    if rate is not None:
        rate = one(rate, asked := "learning_rate is a number above 0")
        if not 0 < rate < math.inf:
            raise Wrong(f"{asked}; this is {rate}.")
    second = as_criterion(settings["second"])
    epochs = min(one(settings.get("epochs", MOST_EPOCHS), "epochs is a whole number", whole), MOST_EPOCHS)
    asked = "ramp_epochs is a whole number of at least 1"
    ramp = one(settings.get("ramp_epochs", known["ramp_epochs"].default), asked, whole)
    if ramp < 1:
        raise Wrong(f"{asked}; this is {ramp}.")
    if ramp >= epochs:
        raise Wrong(f"The ramp takes {ramp:g} epochs, and {epochs} are trained at most: the masks would not "
                    "be full in time.")
    if second.first(_gets_no_better()) is None:
        raise Wrong(f"Nothing was trained: your `second` does not end a run of {SCRIPT} epochs that "
                    "gets no better after the fifth, so it may never end this one. Take some patience, or "
                    "join a budget: | Epochs(5).")
    check_data(settings, unseen)
    print(f"Pruning, at most {epochs} epochs of a second or two, after ten seconds of getting ready ...",
          flush=True)
    settings = {**settings, "target_sparsity": target, "learning_rate": rate, "epochs": epochs,
                "ramp_epochs": ramp, "verbose": 0}
    settings["callbacks"] = [*settings.get("callbacks", ()), _Progress(epochs)]
    return prune_at_stop(**settings)
