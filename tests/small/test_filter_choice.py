"""prune_filters: which filters go, what the copy is, and what is refused."""
import keras
import numpy as np
import pytest
from keras import layers

from course_utils.small import FiltersReport, prune_filters


def two(kernel, *behind):
    """A Dense of two units with this kernel, of one column a unit, and what comes behind it."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="two"), *behind,
                              layers.Dense(1, name="out")])
    model.get_layer("two").set_weights([np.array(kernel, "float32").T, np.zeros(2)])
    return model


def left(model, score="l1", name="two"):
    """What is left of the kernel's one unit."""
    small, _ = prune_filters(model, 0.5, score)
    return small.get_layer(name).get_weights()[0][:, 0].tolist()


# ---- which go ----


def test_l1_counts_magnitudes_and_l2_squares():
    model = two([[3, -3], [0, 5]])  # 6 and 5; 4.24 and 5
    assert left(model) == [3, -3] and left(model, "l2") == [0, 5]
    assert left(model, lambda layer, weights: weights["kernel"].sum(0)) == [0, 5]  # 0 and 5
    assert left(model, lambda layer, weights: [1, 0] if layer.name == "two" else [0]) == [3, -3]


def test_gamma_is_that_of_the_normalization_behind():
    model = two([[9, 9], [1, 1]], layers.BatchNormalization(name="norm"), layers.Dense(4, name="four"))
    norm = model.get_layer("norm")
    norm.set_weights([np.array([0.1, -2.0]), *norm.get_weights()[1:]])
    assert left(model) == [9, 9] and left(model, "gamma") == [1, 1]
    small, report = prune_filters(model, 0.5, "gamma")
    assert report.cut == {"two": (2, 1)} and small.get_layer("norm").gamma.numpy().tolist() == [-2]
    assert report.whole == {"four": "no BatchNormalization behind it", "out": "gives an output"}
    with pytest.raises(ValueError, match=r"nothing to cut .*two \(no BatchNormalization behind it\), out \("):
        prune_filters(two([[3, 3], [0, 5]], layers.BatchNormalization(scale=False)), 0.5, "gamma")


@pytest.mark.parametrize(("other", "stays"), [([12, 10], 1), ([12, 3], 0)])
def test_scores_of_coupled_layers_are_added_each_as_a_share_of_its_mean(other, stays):
    """1 and 3 are 0.5 and 1.5. 12 and 10 are 1.09 and 0.91: the second has more; 12 and 3: the first."""
    inputs = keras.Input((1,))
    a, b = (layers.Dense(2, name=name)(inputs) for name in "ab")
    model = keras.Model(inputs, layers.Dense(1)(layers.Add()([a, b])))
    for name, kernel in {"a": [1, 3], "b": other}.items():
        model.get_layer(name).set_weights([np.array([kernel], "float32"), np.zeros(2)])
    small, _ = prune_filters(model, 0.5)
    assert [small.get_layer(name).get_weights()[0].tolist() for name in "ab"] == [
        [[[1, 3][stays]]], [[other[stays]]]]


def test_all_gates_and_both_kernels_of_a_recurrent_unit_count():
    model = keras.Sequential([keras.Input((2, 1)), layers.LSTM(2, name="lstm"), layers.Dense(1)])
    zeros = [np.zeros(w.shape) for w in model.get_layer("lstm").get_weights()]
    zeros[0][0, 5], zeros[1][1, 6] = 1, -2  # unit 1 by its third gate's kernel, unit 0 by a recurrent weight
    model.get_layer("lstm").set_weights(zeros)
    small, _ = prune_filters(model, 0.5)
    kernel, recurrent, _ = small.get_layer("lstm").get_weights()
    assert kernel.tolist() == [[0] * 4] and recurrent.shape == (1, 4)  # unit 0 stayed, from 1 to 0 is gone
    zeros[1][1, 6], zeros[1][1, 7] = 0, 0.5
    model.get_layer("lstm").set_weights(zeros)
    assert prune_filters(model, 0.5)[0].get_layer("lstm").get_weights()[0].tolist() == [[0, 0, 1, 0]]


def test_a_share_is_rounded_and_one_filter_stays():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(7, name="seven"), layers.Dense(2, name="two"),
                              layers.Dense(1)])
    sizes = {share: prune_filters(model, share)[1].cut for share in (0, 0.05, 0.3, 0.99)}
    assert sizes == {0: {"seven": (7, 7), "two": (2, 2)}, 0.05: {"seven": (7, 7), "two": (2, 2)},
                     0.3: {"seven": (7, 5), "two": (2, 1)}, 0.99: {"seven": (7, 1), "two": (2, 1)}}
    x = np.ones((1, 2))
    assert np.array_equal(prune_filters(model, 0)[0](x), model(x))


# ---- what the copy is ----


def half(x):
    return x / 2


def with_own_functions():
    """A dict of inputs, a lambda, one's own activation, a model in the model that two branches share."""
    parts = [keras.Input((3,)), layers.Lambda(lambda x: x + 1), layers.Dense(3)]
    shared = keras.Sequential(parts, name="inner")
    inputs = {name: keras.Input((3,), name=name) for name in ("one", "two")}
    x = layers.Concatenate()([layers.Dense(8, "relu", name=f"wide_{name}")(shared(each))
                              for name, each in inputs.items()])
    x = layers.Dropout(0.2)(layers.Dense(6, half, name="own")(x))
    return keras.Model(inputs, {"out": layers.Dense(2, trainable=False, name="out")(x)}, name="mine")


def test_the_copy_has_names_functions_and_a_fresh_start(tmp_path):
    model = with_own_functions()
    model.compile("adam", "mse", metrics=["mae"])
    before = model.get_weights()
    small, report = prune_filters(model, 0.5)
    assert report.cut == {"wide_one": (8, 4), "wide_two": (8, 4)}
    assert report.whole["own"] == "its activation may look at all channels"
    assert report.whole["inner"].startswith("a model in the model; build on its output")
    assert (small.name, [*small.input], [*small.output]) == ("mine", ["one", "two"], ["out"])
    assert not small.compiled and model.compiled
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert not small.get_layer("out").trainable and small.get_layer("own").activation is half
    x = {name: np.ones((4, 3), "float32") for name in ("one", "two")}
    small.compile("adam", "mse")
    small.fit(x, {"out": np.ones((4, 2))}, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))  # nothing is shared
    small.save(tmp_path / "small.keras")
    again = keras.saving.load_model(tmp_path / "small.keras", safe_mode=False, custom_objects={"half": half})
    np.testing.assert_allclose(again(x)["out"], small(x)["out"], rtol=1e-6)


def test_a_sequential_stays_one_and_learns():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(200, 6)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = keras.Sequential([layers.Dense(32, "relu"), layers.BatchNormalization(), layers.Dense(16, "relu"),
                              layers.Dense(2)])  # of a shape that comes with its first data
    model(x)
    small, report = prune_filters(model, 0.5)
    names = [layer.name for layer in model.layers]
    assert isinstance(small, keras.Sequential) and [layer.name for layer in small.layers] == names
    small.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    learnt = small.fit(x, y, epochs=20, verbose=0).history["accuracy"]
    assert learnt[-1] > max(learnt[0], 0.9)
    again, second = prune_filters(small, 0.5)  # step by step
    assert [*second.cut.values()] == [(16, 8), (8, 4)] and report.weights[1] == second.weights[0]


def test_mixed_precision_and_frozen_layers_stay_so():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, dtype="mixed_float16", trainable=False),
                              layers.BatchNormalization(), layers.Dense(1, dtype="float32")])
    small, _ = prune_filters(model, 0.5)
    assert [layer.compute_dtype for layer in small.layers] == ["float16", "float32", "float32"]
    assert [layer.trainable for layer in small.layers] == [False, True, True]


def test_a_report_can_be_read():
    report = FiltersReport({f"conv{i}": (8, 4) for i in range(20)}, {"out": "gives an output"}, (1000, 400))
    assert str(report).splitlines()[1:] == ["whole:    out (gives an output)",
                                            "weights:  1,000 -> 400, 2.5 times fewer"]
    assert "conv10 8 -> 4, and 9 more" in str(report) and "conv11" not in str(report)


# ---- what is refused ----


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


class OwnCall(keras.Model):
    """Functional to look at, and something else when it is called."""

    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training=training, mask=mask)


def subclassed():
    model = Subclassed()
    model(np.ones((1, 2)))
    return model


def own_call():
    inputs = keras.Input((2,))
    return OwnCall(inputs, layers.Dense(1)(layers.Dense(3)(inputs)))


@pytest.mark.parametrize(("make", "error", "words"), [
    (subclassed, ValueError, "neither functional nor sequential"),
    (own_call, ValueError, "neither functional nor sequential"),
    (lambda: keras.Sequential([layers.Dense(2)]), ValueError, "not built yet"),
    (lambda: keras.Sequential([keras.Input((2,)), layers.Dense(2, name="out")]), ValueError,
     r"nothing to cut .*: out \(gives an output\)\.$"),
    (lambda: keras.Sequential([keras.Input((2,)), layers.Flatten()]), ValueError, "it has no filters"),
    (lambda: layers.Dense(2), TypeError, "takes a model of Keras 3; got Dense"),
])
def test_models_that_cannot_be_cut(make, error, words):
    with pytest.raises(error, match=words):
        prune_filters(make(), 0.5)


def test_a_model_of_tf_keras_is_told_the_way():
    tf_keras = pytest.importorskip("tf_keras")
    with pytest.raises(TypeError, match="course_utils.pruning has to_keras"):
        prune_filters(tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(2,))]), 0.5)


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, float("nan"), True, "half", None])
def test_a_share_is_between_0_and_1(share):
    with pytest.raises(ValueError, match="share is how much of each layer's filters goes, from 0 to below 1"):
        prune_filters(two([[1, 2], [3, 4]]), share)


@pytest.mark.parametrize(("score", "words"), [
    ("l3", 'score is "l1", "l2", "gamma" or a function'),
    (None, 'score is "l1", "l2", "gamma" or a function'),
    (lambda layer, weights: np.ones(3), r'should give "two" one number .* array of shape \(2,\).*\(3,\)'),
    (lambda layer, weights: weights["kernel"], r'should give "two" one number for each of its 2'),
    (lambda layer, weights: ["a", "b"], r'should give "two" one number for each of its 2'),
    (lambda layer, weights: np.array([1, np.nan]), 'gave "two" a number that is not finite'),
])
def test_a_score_gives_each_filter_a_finite_number(score, words):
    with pytest.raises(ValueError, match=words):
        prune_filters(two([[1, 2], [3, 4]]), 0.5, score)
