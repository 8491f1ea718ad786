"""Record data/curves/pruning_traps.npz: three ways to get less sparsity than was asked for, for chapter 05.

    python data/make/pruning_traps.py

The MLP, from its first weights, tfmot's masks to 0.90, trained by `model.fit`; one row each, the column
sparsity is counted in what `strip_pruning` gives. Labels trap, case and seed (0 to 2).
order      EarlyStopping that watches the loss and restores the weights of epoch 8, in the list of callbacks
           "before" or "after" UpdatePruningStep, which applies the masks at an epoch's end. With validation
           data ("before, validated") the pass over it applies them sooner.
interrupt  Ctrl-C at step 305, 65 steps after the masks were complete and in the middle of an epoch:
           "stripped", and "masked, stripped" where `layer.pruning_obj.weight_mask_op()` was called for every
           wrapped layer before.
frequency  11 epochs (330 steps) with PolynomialDecay of these: "end_step / frequency".

On one machine a second run writes the same bytes.
"""

import argparse

from curves_01 import record

import pruning
from course_utils.stopping import batches

# isort: split
import tf_keras

SEEDS = range(3)
TARGET, EPOCHS, END = 0.9, 11, 240
CASES = {
    "order": ("before", "after", "before, validated", "after, validated"),
    "interrupt": ("stripped", "masked, stripped"),
    "frequency": ("240 / 10", "240 / 100", "199 / 100", "99 / 100"),
}


class CtrlC(tf_keras.callbacks.Callback):
    """Does what Ctrl-C does."""

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == END + 65:
            raise KeyboardInterrupt


def run(trap, case, seed):
    """History of one row."""
    end, frequency = map(int, case.split("/")) if trap == "frequency" else (END, pruning.FREQUENCY)
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    schedule = pruning.masks.PolynomialDecay(0.0, TARGET, 0, end, frequency=frequency)
    model = pruning.compiled(pruning.masks.prune_low_magnitude(pruning.network("mlp"), schedule))
    callbacks = [pruning.masks.UpdatePruningStep()]
    if trap == "order":
        stop = tf_keras.callbacks.EarlyStopping(
            "loss", min_delta=10, patience=1, restore_best_weights=True, start_from_epoch=8
        )  # nothing improves by 10: it keeps epoch 8, stops at epoch 9 and restores
        callbacks.insert(0 if case.startswith("before") else 1, stop)
    if trap == "interrupt":
        callbacks.append(CtrlC())
    data = pruning.digits(seed)
    validation = data.validation if "validated" in case else None
    try:
        model.fit(batches(*data.train, pruning.BATCH, seed), validation_data=validation, epochs=EPOCHS,
                  callbacks=callbacks, verbose=0)
    except KeyboardInterrupt:
        for layer in model.layers:
            if case.startswith("masked") and hasattr(layer, "pruning_obj"):
                layer.pruning_obj.weight_mask_op()
    return {"sparsity": [pruning.sparsity(pruning.masks.strip_pruning(model))]}


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    pruning.one_thread()
    kinds = [(trap, case) for trap, cases in CASES.items() for case in cases]
    settings = [{"trap": trap, "case": case, "seed": seed} for trap, case in kinds for seed in SEEDS]
    record("pruning_traps", run, settings)


if __name__ == "__main__":
    main()
