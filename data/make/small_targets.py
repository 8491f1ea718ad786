"""How many zeros a network bears, by the rules of pruning_sparsity.npz: for recordings of chapter 09.

dense: until `Patience("val_loss", 5)`. Every other run goes on from the best epoch of it: `PruneWhen` with a
ramp of 8 epochs, then `Patience("val_loss", 3)`, armed by full masks, 25 epochs at most.

Columns, one value a run: `test_accuracy`, `sparsity` (of the network that is kept), `epochs`, `weights`.
"""

import functools

import small
from course_utils.pruning import PruneWhen, at_target, sparsity
from course_utils.stopping import Armed, Epochs, Patience, StopWhen

TARGETS = (0.5, 0.8, 0.9, 0.95, 0.98)


def record(name, data, network, batch, seeds):
    """Train to all targets, and save.

    Args:
        data: seed -> (train, validation, test).
        network: seed -> a compiled model, its first weights drawn.
        batch: examples a step.
        seeds: for the split, the weights and the batch orders.
    """

    def row(model, stop, seed):
        accuracy = float(small.scores(model, *data(seed)[2])[1])
        return {"test_accuracy": [accuracy], "sparsity": [sparsity(model).total],
                "epochs": [stop.report.epoch + 1], "weights": [model.count_params()]}

    @functools.lru_cache(1)
    def dense(seed):
        model, stop = network(seed), StopWhen(Patience("val_loss", 5), restore_best="val_loss")
        small.fit(model, data(seed), seed, 100, [stop], batch)
        return model.get_weights(), row(model, stop, seed)

    def run(target, seed):
        weights, found = dense(seed)
        if target == 0:
            return found
        model, full = network(seed), at_target(target)
        model.set_weights(weights)
        rule = Armed(full, Patience("val_loss", 3)) | Epochs(25)
        stop = StopWhen(rule, restore_best="val_loss", best_when=full)
        small.fit(model, data(seed), 100 + seed, 25, [PruneWhen(Epochs(1), target), stop], batch)
        return row(model, stop, seed)

    settings = [{"target": target, "seed": seed} for seed in seeds for target in (0.0, *TARGETS)]
    small.record(name, run, settings)
