"""The engine on the backend that KERAS_BACKEND names. `test_backends.py` runs this file in its own process.

    KERAS_BACKEND=jax python -m pytest -q tests/backends/engine.py
"""

import copy

import keras
import numpy as np
import pytest
from keras import layers

from course_utils.multimodal import FreezeWhen
from course_utils.pruning import PruneWhen, pruner, sparsity
from course_utils.pruning.masks import mask_of
from course_utils.stopping import (
    Below,
    Epochs,
    Every,
    GradientNorm,
    NotFinite,
    Patience,
    StepBudget,
    StopWhen,
    TimeBudget,
    WeightChange,
    When,
    scale_learning_rate,
)

chance = np.random.default_rng(5)
X = chance.normal(size=(60, 6)).astype("float32")
Y = (X @ chance.normal(size=(6, 1)) + 0.3 * chance.normal(size=(60, 1))).astype("float32")
TRAIN, VALIDATION = (X[:40], Y[:40]), (X[40:], Y[40:])


def network(optimizer=None, **compiled):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "tanh"), layers.Dense(1)])
    model.compile(optimizer or keras.optimizers.Adam(0.05), "mse", **compiled)
    return model


def fit(model, *callbacks, epochs=40, data=TRAIN, **options):
    model.fit(*data, batch_size=10, shuffle=False, validation_data=VALIDATION, verbose=0, epochs=epochs,
              callbacks=list(callbacks), **options)
    return model


def test_the_best_weights_come_back():
    stop = StopWhen(Patience("val_loss", 4) | NotFinite() | TimeBudget(minutes=9), "val_loss")
    model = fit(network(), stop)
    assert stop.report.epochs_after_best == 4
    evaluated = model.evaluate(*VALIDATION, batch_size=10, verbose=0)
    assert evaluated == pytest.approx(stop.report.kept, rel=1e-5)


def test_a_step_budget_ends_in_its_batch():
    stop = StopWhen(StepBudget(13))
    model = fit(network(), stop)
    assert stop.report.step == int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 13
    assert stop.report.reason == "13 steps are done in batch 0 of epoch 3"
    assert stop.history["steps"][:3] == [4, 8, 12]


def test_the_batch_loss_is_the_batch_s_own():
    model, stop = network(keras.optimizers.SGD(0.0)), StopWhen(Below("batch_loss", 0), check="batch")
    fit(model, stop, epochs=1)
    errors = (model.predict(X[:40], verbose=0) - Y[:40]) ** 2
    own = errors.reshape(4, 10).mean(axis=1)
    np.testing.assert_allclose(stop.history["batch_loss"], own, rtol=1e-4)


def test_evaluations_are_rows_between_two_batches():
    stop = StopWhen(Patience("val_loss", 3), "val_loss", check=Every(3, VALIDATION))
    model = fit(network(), stop)
    assert stop.history["steps"][:3] == [3, 6, 9] and stop.report.reason.endswith("for 3 evaluations")
    evaluated = model.evaluate(*VALIDATION, verbose=0)
    assert evaluated == pytest.approx(stop.report.kept, rel=1e-5)


def test_a_loss_that_is_no_number_ends_training_in_its_batch():
    x = X[:40].copy()
    x[25] = np.nan
    stop = StopWhen(NotFinite())
    fit(network(), stop, data=(x, Y[:40]))
    assert stop.report.step == 3


@pytest.mark.parametrize("every", [1, 2])
def test_the_gradient_norm_is_that_of_finite_differences(every):
    optimizer = keras.optimizers.SGD(0.0, gradient_accumulation_steps=every if every > 1 else None)
    model, stop = network(optimizer), StopWhen(Epochs(2))
    weights = model.get_weights()
    fit(model, GradientNorm(), stop, epochs=2)
    squares = np.zeros(4 // every)

    def losses(values):
        model.set_weights(values)
        errors = (model.predict(X[:40], verbose=0) - Y[:40]) ** 2
        return errors.reshape(4 // every, -1).mean(axis=1)

    for k, weight in enumerate(weights):
        for place in np.ndindex(weight.shape):
            up, down = copy.deepcopy(weights), copy.deepcopy(weights)
            up[k][place] += 1e-2
            down[k][place] -= 1e-2
            squares += ((losses(up) - losses(down)) / 2e-2) ** 2
    assert stop.history["gradient_norm"][-1] == pytest.approx(np.sqrt(squares).mean(), rel=1e-2)


def test_the_gradient_norm_leaves_no_trace(tmp_path):
    model = network()
    fit(model, epochs=1)
    before = len(model.optimizer.variables)
    stop = StopWhen(Below("gradient_norm", 0.5), check="batch")
    fit(model, GradientNorm(per_batch=True), WeightChange(), stop, epochs=20)
    assert stop.report.reason.startswith("gradient_norm 0.")
    assert len(model.optimizer.variables) == before
    model.save(tmp_path / "model.keras")
    fit(keras.models.load_model(tmp_path / "model.keras"), epochs=1)


def test_an_action_in_the_middle_of_an_epoch_holds():
    model = network(keras.optimizers.SGD(0.1))
    when = When(StepBudget(6), scale_learning_rate(0.5))
    fit(model, when, epochs=3)
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.05)
    assert when.events[0].step == 6


def test_a_resumed_training_is_the_one_that_would_have_been(tmp_path):
    class Dies(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 5:
                raise KeyboardInterrupt

    def run(folder, *more):
        stop = StopWhen(Patience("val_loss", 4), "val_loss", state=folder / "state")
        prune = PruneWhen(Epochs(2), 0.5, epochs=4, frequency=2, state=folder / "state")
        backup = keras.callbacks.BackupAndRestore(folder / "backup")
        return fit(network(), prune, stop, backup, *more, epochs=12), stop

    whole, undisturbed = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Dies())
    model, stop = run(tmp_path)
    assert stop.report.reason == undisturbed.report.reason and stop.report.kept == undisturbed.report.kept
    for one, other in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_pruning_reaches_its_target_and_the_zeros_stay():
    model, prune = network(), PruneWhen(Epochs(1), 0.75, epochs=3, frequency=2)
    fit(model, prune, epochs=8)
    assert prune.history["sparsity"][0] == 0 and prune.history["sparsity"][-1] == prune.sparsity
    assert sparsity(model).total == pytest.approx(prune.sparsity) and prune.sparsity > 0.7
    weights = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in weights)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
@pytest.mark.parametrize("zeros", [0, 0.95, 1])
def test_a_mask_made_where_the_kernel_lies_is_that_of_the_host(zeros, share):
    kernel = np.round(chance.normal(size=(40, 30)), 1).astype("float32")  # rounded: many are equal
    kernel[chance.random(kernel.shape) < zeros] = 0
    there = pruner._mask_where_it_lies(keras.Variable(kernel), share)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(there), mask_of(kernel, share).ravel())


def test_pruning_with_masks_made_where_the_kernels_lie_is_the_same(monkeypatch):
    def pruned(on_host):
        monkeypatch.setattr(pruner, "_is_on_host", lambda kernel: on_host)
        prune = PruneWhen(Epochs(1), 0.75, epochs=3, frequency=2)
        return fit(network(), prune, epochs=6).get_weights(), prune.sparsity

    (here, share), (there, same) = pruned(True), pruned(False)
    assert share == same > 0.7
    for a, b in zip(here, there):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_part_is_frozen_exactly_or_refused_before_the_first_step():
    model, seen = network(keras.optimizers.AdamW(0.05, weight_decay=0.1)), []
    before, (body, head) = model.get_weights(), model.layers
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(
        [body.get_weights()[0], head.get_weights()[0]]))
    freeze = FreezeWhen(Epochs(2), body.name)
    if keras.backend.backend() == "jax":
        with pytest.raises(RuntimeError, match="FreezeWhen needs TensorFlow or PyTorch. On JAX"):
            fit(model, freeze, note)
        assert all(map(np.array_equal, before, model.get_weights()))
        return
    fit(model, freeze, note, epochs=5)
    (_, first, *frozen), heads = zip(*seen)
    assert not np.array_equal(before[0], first) and all(np.array_equal(first, each) for each in frozen)
    assert not any(map(np.array_equal, heads, heads[1:])) and body.trainable


def test_a_budget_that_is_asked_every_batch_copies_no_state():
    """On JAX the numbers of a step lie in the trainer; to bring all of them back costs more than the step."""
    model, stop, copies, in_a_batch = network(), StopWhen(StepBudget(30)), [], []
    bring_back = getattr(model, "jax_state_sync", None)
    if bring_back is None:
        pytest.skip("only JAX keeps a training's state apart")

    def counted():
        copies.append(bool(in_a_batch))
        bring_back()

    object.__setattr__(model, "jax_state_sync", counted)
    before = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: in_a_batch.append(batch))
    after = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: in_a_batch.clear())
    fit(model, before, stop, after)
    assert stop.report.step == 30 and len(copies) > 8 and sum(copies) == 1  # where it stops
