"""Probes: the gradient norm against a GradientTape, the weight change against numpy, and what they leave."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from course_utils.stopping import Above, Below, GradientNorm, Memory, Probe, StopWhen, WeightChange

SAMPLES, BATCH = 10, 4  # three batches an epoch, the last one smaller
X = np.random.default_rng(1).normal(size=(SAMPLES, 3)).astype("float32")
Y = X[:, :1] * X[:, 1:2]

both = pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])


def tiny(K, rate=0.05, **compiled):
    K.utils.set_random_seed(3)
    model = K.Sequential([K.Input((3,)), K.layers.Dense(4, activation="tanh"), K.layers.Dense(1)])
    optimizer = compiled.pop("optimizer", None) or K.optimizers.SGD(rate)
    model.compile(**{"optimizer": optimizer, "loss": "mse", **compiled})
    return model


def fit(model, *callbacks, **options):
    options = {"epochs": 2, "batch_size": BATCH, "verbose": 0, "shuffle": False, **options}
    return model.fit(X, Y, callbacks=list(callbacks), **options)


def norms(model, rate=0.05, epochs=2, x=X, y=Y):
    """The gradient norm of every update, by a GradientTape and plain SGD on the same batches, by epoch."""
    weights = [tf.Variable(np.array(weight)) for weight in model.get_weights()]
    taped = []
    for _ in range(epochs):
        taped.append([])
        for at in range(0, len(x), BATCH):
            with tf.GradientTape() as tape:
                hidden = tf.tanh(x[at : at + BATCH] @ weights[0] + weights[1])
                loss = tf.reduce_mean((hidden @ weights[2] + weights[3] - y[at : at + BATCH]) ** 2)
            gradients = tape.gradient(loss, weights)
            taped[-1].append(float(np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients))))
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.assign_sub(rate * gradient)
    return taped


def means(taped):
    return pytest.approx([np.mean(epoch) for epoch in taped], rel=1e-4)


class InEachBatch(Probe):
    """Calls a function in every batch of an epoch."""

    def __init__(self, action):
        super().__init__("in each batch")
        self.action = action

    def _implements_train_batch_hooks(self):
        return True

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.action(self.model, self.epoch, batch)


def ctrl_c(model, epoch, batch):
    if (epoch, batch) == (1, 1):
        raise KeyboardInterrupt


def is_bare(model):
    """Is the optimizer itself again?"""
    return not {"apply", "apply_gradients"} & set(vars(model.optimizer))


@both
def test_gradient_norm_is_the_tape_s_mean_in_every_fit(K):
    model, probe = tiny(K), GradientNorm()
    for _ in range(2):
        expected = norms(model)
        assert fit(model, probe).history["gradient_norm"] == means(expected)
        assert is_bare(model)
    loss = fit(model).history["loss"]  # without the probe nothing is measured, and training works
    assert len(loss) == 2 and float(probe._cells[1]) == 0


@both
@pytest.mark.parametrize(
    "compiled", [dict(steps_per_execution=2), dict(jit_compile=True), dict(run_eagerly=True)], ids=str
)
def test_gradient_norm_however_the_step_runs(K, compiled):
    model = tiny(K, **compiled)
    expected = norms(model)
    assert fit(model, GradientNorm()).history["gradient_norm"] == means(expected)


@both
def test_gradient_norm_of_every_batch(K):
    model = tiny(K)
    expected = norms(model)
    stop = StopWhen(Below("gradient_norm", 0), check="batch")
    history = fit(model, GradientNorm(per_batch=True), stop).history
    assert stop.history["gradient_norm"] == pytest.approx(
        [norm for epoch in expected for norm in epoch], rel=1e-4
    )
    assert history["gradient_norm"] == means(expected)  # the epoch's own column, too


@both
def test_two_probes_on_one_optimizer(K):
    model = tiny(K)
    expected = norms(model)
    history = fit(model, GradientNorm(), GradientNorm("every", per_batch=True)).history
    assert history["gradient_norm"] == means(expected) and history["every"] == means(expected)
    assert is_bare(model)


@both
def test_gradient_norm_after_ctrl_c(K):
    model, probe = tiny(K), GradientNorm()
    for fresh in (probe, GradientNorm(), probe):  # the same object again, a new one, and the first once more
        with pytest.raises(KeyboardInterrupt):
            fit(model, fresh, InEachBatch(ctrl_c))
    expected, counted = norms(model), []
    count = InEachBatch(lambda model, epoch, batch: counted.append(float(probe._cells[1])))
    assert fit(model, probe, count).history["gradient_norm"] == means(expected)
    assert counted == [1, 2, 3, 1, 2, 3]  # it listens once, not once for each time it was interrupted
    assert is_bare(model)


@both
def test_gradient_norm_is_taken_before_clipping(K):
    model = tiny(K, optimizer=K.optimizers.SGD(0.0, global_clipnorm=1e-3))
    expected = norms(model, rate=0.0)
    assert fit(model, GradientNorm()).history["gradient_norm"] == means(expected)


def test_gradient_norm_without_the_loss_scale_of_an_optimizer():
    model = tiny(keras, optimizer=keras.optimizers.SGD(0.05, loss_scale_factor=64.0))
    expected = norms(model)
    assert fit(model, GradientNorm()).history["gradient_norm"] == means(expected)


def subset_means(values):
    """The mean of every choice of some of them."""
    choices = itertools.product([False, True], repeat=len(values))
    return [np.mean(np.array(values)[list(choice)]) for choice in choices if any(choice)]


def with_loss_scaling(K, scale, target):
    """Gradient norms by epoch, and a tape's; at rate 0 all epochs are alike, whatever is skipped."""
    model = tiny(
        K, optimizer=K.mixed_precision.LossScaleOptimizer(K.optimizers.SGD(0.0), initial_scale=scale)
    )
    (expected,) = norms(model, rate=0.0, epochs=1, y=target)
    options = dict(epochs=6, batch_size=BATCH, verbose=0, shuffle=False)
    return model.fit(X, target, callbacks=[GradientNorm()], **options).history["gradient_norm"], expected


@both
def test_gradient_norm_with_loss_scaling(K):
    found, expected = with_loss_scaling(K, 2.0**10, Y)
    assert found == means(6 * [expected])


@both
def test_updates_that_are_skipped_do_not_count(K):
    found, expected = with_loss_scaling(
        K, 2.0**126, 100 * Y
    )  # it overflows, and the scale is halved, and again
    assert math.isnan(found[0]) or found[0] != means([expected])
    for norm in found:
        assert math.isnan(norm) or min(abs(norm / mean - 1) for mean in subset_means(expected)) < 1e-4
    assert found[-1] == pytest.approx(np.mean(expected), rel=1e-4)


@both
def test_mixed_precision(K):
    K.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = tiny(K, rate=0.0)
    finally:
        K.mixed_precision.set_global_policy("float32")
    assert "LossScale" in type(model.optimizer).__name__
    (expected,) = norms(model, rate=0.0, epochs=1)
    found = fit(model, GradientNorm(), epochs=8).history["gradient_norm"]
    for norm in found:  # float16 has three digits
        assert math.isnan(norm) or min(abs(norm / mean - 1) for mean in subset_means(expected)) < 0.02
    assert found[-1] == pytest.approx(np.mean(expected), rel=0.02) and is_bare(model)


@both
def test_gradient_norm_of_an_embedding(K):
    """Its gradient is sparse, and a word may come twice in a batch."""
    model = K.Sequential(
        [K.Input((2,), dtype="int32"), K.layers.Embedding(3, 1), K.layers.Flatten(), K.layers.Dense(1)]
    )
    model.compile(K.optimizers.SGD(0.0), "mse")
    words, target = np.array([[0, 1], [1, 1], [2, 0], [0, 0]]), np.ones((4, 1), "float32")
    table, kernel, bias = (tf.Variable(np.array(weight)) for weight in model.get_weights())
    with tf.GradientTape() as tape:
        found = tf.reshape(tf.one_hot(words, 3) @ table, (4, 2)) @ kernel + bias
        loss = tf.reduce_mean((found - target) ** 2)
    gradients = tape.gradient(loss, [table, kernel, bias])
    expected = np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients))
    history = model.fit(words, target, batch_size=4, epochs=1, verbose=0, callbacks=[GradientNorm()]).history
    assert history["gradient_norm"] == [pytest.approx(expected, rel=1e-4)]


@both
def test_models_saved_during_and_after_training_load_without_us(K, tmp_path):
    paths = [tmp_path / "during.keras", tmp_path / "after.keras"]

    def save(model, epoch, batch):
        if (epoch, batch) == (1, 2):
            model.save(paths[0])

    model = tiny(K, optimizer=K.optimizers.Adam(0.05))
    fit(
        model,
        GradientNorm(),
        InEachBatch(save),
        K.callbacks.ModelCheckpoint(str(tmp_path / "checkpoint.keras")),
    )
    model.save(paths[1])
    for path in [*paths, tmp_path / "checkpoint.keras"]:
        loaded = K.models.load_model(path)
        assert int(loaded.optimizer.iterations) == 6
        assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))
    assert "gradient_norm" not in fit(loaded, epochs=1).history


@both
def test_weight_change_is_numpy_s(K):
    class Weights(Probe):
        def on_epoch_begin(self, epoch, logs=None):
            self.begin = [np.asarray(weight) + 0 for weight in self.model.trainable_weights]

        def on_epoch_end(self, epoch, logs=None):
            pairs = zip(self.model.trainable_weights, self.begin, strict=True)
            moved = sum(np.sum((np.asarray(weight) - begin) ** 2) for weight, begin in pairs)
            logs["expected"] = math.sqrt(moved / sum(np.sum(begin**2) for begin in self.begin))

    model = K.Sequential([K.Input((3,)), K.layers.Dense(2), K.layers.BatchNormalization(), K.layers.Dense(1)])
    model.compile("sgd", "mse")  # the moving averages of the normalization are no trainable weights
    history = fit(model, Weights("expected"), WeightChange(), WeightChange("again")).history
    assert history["weight_change"] == pytest.approx(history["expected"], rel=1e-5)
    assert history["again"] == history["weight_change"] and min(history["again"]) > 0


@both
def test_weight_change_at_its_limits(K):
    model = K.Sequential([K.Input((3,)), K.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    assert fit(model, WeightChange()).history["weight_change"][0] == math.inf  # from nothing
    model = tiny(K, rate=0.0)
    assert fit(model, WeightChange()).history["weight_change"] == [0.0, 0.0]
    model.trainable = False
    model.compile("sgd", "mse")
    assert fit(model, WeightChange(), epochs=1).history["weight_change"] == [math.inf]


@both
def test_training_is_the_same_with_probes(K):
    plain, watched = tiny(K), tiny(K)
    watched.set_weights(plain.get_weights())
    one, other = fit(plain), fit(watched, GradientNorm(), WeightChange())
    assert one.history["loss"] == pytest.approx(other.history["loss"], rel=1e-6)
    for weight, same in zip(plain.get_weights(), watched.get_weights(), strict=True):
        assert np.allclose(weight, same, atol=1e-6)


@both
def test_memory_is_what_the_process_holds(K):
    ballast, stop = None, StopWhen(Above("memory", 0))

    class Hoarder(Probe):
        def on_epoch_begin(self, epoch, logs=None):
            nonlocal ballast
            if epoch == 1:
                ballast = np.ones(30 * 2**20 // 8)  # 30 MiB that were not there in epoch 0

    history = fit(tiny(K), Hoarder("hoarder"), Memory()).history["memory"]
    assert 20 < history[1] - history[0] < 200, (history, ballast.nbytes)
    fit(tiny(K), Memory(), stop)
    assert stop.report.reason.startswith("memory ") and stop.report.epoch == 0
