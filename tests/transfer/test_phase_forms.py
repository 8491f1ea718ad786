"""Data, metrics, optimizers and callbacks in every form; what a report promises; what is found before it
costs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.stopping import Epochs, MissingColumn, Patience, batches
from course_utils.transfer import Phase, fit_in_phases

L = keras.layers
RNG = np.random.default_rng(0)
A, B, Y = (RNG.normal(size=(24, n)).astype("float32") for n in (3, 2, 1))
WEIGHTS = np.linspace(0, 1, 24)


def one(name="b", **layer):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3,)), L.Dense(4, name="a", **layer), L.Dense(1, name=name)])


def two():
    keras.utils.set_random_seed(0)
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    z = L.Concatenate()([a, b])
    return keras.Model({"a": a, "b": b}, {"p": L.Dense(1, name="p")(z), "q": L.Dense(1, name="q")(z)})


def listed():
    a, b = keras.Input((3,)), keras.Input((2,))
    z = L.Concatenate()([a, b])
    return keras.Model([a, b], [L.Dense(1, name="p")(z), L.Dense(1, name="q")(z)])


ONE_EPOCH = Phase("a", Epochs(1))


def run(model, data, phases=ONE_EPOCH, **settings):
    given = {"loss": "mse", "restore_best": None, "verbose": 0, "run_eagerly": True, **settings}
    return fit_in_phases(model, phases, data, **given)


DICTS = ({"a": A, "b": B}, {"p": Y, "q": Y})
BOTH = {"loss": {"p": "mse", "q": "mae"}}
PIPE = tf.data.Dataset.from_tensor_slices(DICTS).batch(8)
FORMS = {
    "dicts": (two, DICTS, BOTH),
    "dicts, sample weights": (two, (*DICTS, {"p": WEIGHTS, "q": WEIGHTS}), BOTH),
    "lists": (listed, ([A, B], [Y, Y]), {"loss": ["mse", "mae"]}),
    "pipeline, metrics in a dict": (
        two,
        PIPE,
        {**BOTH, "metrics": {"p": ["mae"], "q": keras.metrics.MeanSquaredError()}},
    ),
    "dicts, validated": (two, DICTS, {**BOTH, "validation_data": DICTS, "restore_best": "val_loss"}),
    "sample weights": (one, (A, Y, WEIGHTS), {"weighted_metrics": ["mae"]}),
    "a list of numbers": (one, (A, Y[:, 0].tolist()), {}),
    "optimizer by name": (one, (A, Y), {"optimizer": "sgd"}),
    "optimizer's config": (one, (A, Y), {"optimizer": {"class_name": "adam", "config": {"beta_1": 0.5}}}),
    "an optimizer": (one, (A, Y), {"optimizer": keras.optimizers.SGD(0.7, momentum=0.9)}),
    "function of a rate": (
        one,
        (A, Y),
        {"optimizer": lambda learning_rate: keras.optimizers.SGD(learning_rate)},
    ),
    "metrics None": (one, (A, Y), {"metrics": None}),
    "one metric": (one, (A, Y), {"metrics": "mae"}),
    "one callback": (one, (A, Y), {"callbacks": keras.callbacks.TerminateOnNaN()}),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_fit_and_compile_take(form):
    model, data, settings = FORMS[form]
    history, report = run(model(), data, **settings)
    assert history.rows == 1 and np.isfinite(history["loss"]).all()
    if "metrics in" in form:
        assert {"p_mae", "q_mean_squared_error"} <= set(history)
    if form == "one metric":
        assert "mae" in history


def test_sample_weights_weigh_and_rows_stay_together():
    for x, y, w in batches(
        {"a": np.arange(10)}, (np.arange(10) * 2,), 4, seed=0, sample_weight=np.arange(10) * 3
    ):
        assert (y[0] == 2 * x["a"]).numpy().all() and (w == 3 * x["a"]).numpy().all()
    none = run(one(), (A, Y, np.zeros(24)))[0]["loss"]
    assert none == [0.0]


def test_each_phase_has_a_copy_of_the_optimizer_with_its_own_rate():
    seen, example = [], keras.optimizers.SGD(0.7, momentum=0.9)
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(model.optimizer))
    model = one()
    run(
        model,
        (A, Y),
        [Phase("x", Epochs(1), 0.25), Phase("y", Epochs(1), 0.5)],
        optimizer=example,
        callbacks=watch,
    )
    assert [float(each.learning_rate) for each in seen] == [0.25, 0.5] and seen[0] is not seen[1]
    assert all(each.momentum == 0.9 and each is not example for each in seen)
    assert float(example.learning_rate) == pytest.approx(0.7)


@pytest.mark.parametrize(
    "data, settings, error, message",
    [
        ((A, Y), {"optimizer": 3}, TypeError, "optimizer is a name"),
        ((A, Y), {"optimizer": lambda learning_rate: "sgd"}, TypeError, "made no Keras optimizer but a str"),
        (
            (A, Y),
            {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 9, 0.5))},
            ValueError,
            "has a schedule as its learning rate",
        ),
        (((A, Y) for _ in range(3)), {}, TypeError, "data is a generator, which is empty after one epoch"),
        (tf.data.Dataset.from_tensor_slices((A, Y)).batch(8).repeat(), {}, ValueError, "has no end"),
        (
            tf.data.Dataset.from_tensor_slices((A, Y)),
            {},
            ValueError,
            r"single examples, of shape \(3,\).*batch\(32\)",
        ),
        ((A, Y[:5]), {}, ValueError, "as many rows in x as in y"),
        ((A, Y, WEIGHTS, Y), {}, ValueError, "got 4 parts"),
        ((A, None, WEIGHTS), {}, TypeError, "sample weights are given without y"),
        (
            (A, Y),
            {"validation_data": (A[:, :2], Y)},
            ValueError,
            r"shape \(3,\), one a row; these are \(2,\)",
        ),
        ((A, Y), {"validation_data": iter([(A, Y)])}, TypeError, "validation_data is a generator"),
        ((A, Y), {"verbose": "line"}, ValueError, 'verbose is "auto", 0, 1 or 2'),
    ],
)
def test_forms_that_cannot_be_used_are_named(data, settings, error, message):
    model, began = one(), []
    watch = keras.callbacks.LambdaCallback(on_train_begin=began.append)
    with pytest.raises(error, match=message):
        run(model, data, callbacks=[watch], **settings)
    assert not began


def test_what_can_fail_is_tried_before_the_first_epoch():
    for phases, settings, error, message in (
        ([Phase("x", Epochs(1)), Phase("y", Epochs(1), unfreeze_from="aa")], {}, ValueError, 'no layer "aa"'),
        (
            [Phase("x", Epochs(1)), Phase("y", Patience("val_loss", 3))],
            {},
            MissingColumn,
            'no column "val_loss" in phase "y".*validation_data in fit',
        ),
        ([Phase("x", Epochs(1))], {"restore_best": "val_loss"}, MissingColumn, 'no column "val_loss"'),
        (
            [Phase("x", Epochs(1)), Phase("y", Patience("val_mae", 3, mode="min"))],
            {"metrics": ["mae"]},
            MissingColumn,
            'no column "val_mae"',
        ),
    ):
        began, model = [], one()
        watch = keras.callbacks.LambdaCallback(on_train_begin=began.append)
        with pytest.raises(error, match=message):
            run(model, (A, Y), phases, callbacks=[watch], **settings)
        assert not began and model.get_layer("a").trainable
    began = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: began.append(epoch))
    with pytest.raises(
        MissingColumn, match='"val_los" after epoch 0, and phase "y" reads it.*Did you mean "val_loss"'
    ):
        run(
            one(),
            (A, Y),
            [Phase("x", Epochs(4)), Phase("y", Patience("val_los", 3, mode="min"))],
            validation_data=(A, Y),
            callbacks=[watch],
        )
    assert began == [0], "a name that no phase before it reads costs one epoch, not a phase"


def test_metrics_begin_each_phase_at_nothing():
    model, mae = one(), keras.metrics.MeanAbsoluteError(name="mae")
    phases = [Phase("x", Epochs(2), 0.1), Phase("y", Epochs(2), 1e-9)]
    other = keras.metrics.MeanAbsoluteError(name="weighted")
    history, _ = run(
        model, (A, Y), phases, metrics=[mae], validation_data=(A + 4, Y), weighted_metrics=[other]
    )
    truth = float(np.abs(model.predict(A, verbose=0) - Y).mean())
    assert history["mae"][2:] == pytest.approx([truth] * 2, rel=1e-4)
    assert history["weighted"][2:] == pytest.approx([truth] * 2, rel=1e-4)
    history, _ = run(one(), (A, Y), phases, metrics=[mae])
    assert history["mae"] == pytest.approx(run(one(), (A, Y), phases, metrics=["mae"])[0]["mae"], rel=1e-5)


@pytest.mark.parametrize("metric, mode", [("val_loss", None), ("val_mae", "min")])
@pytest.mark.parametrize("second", [1e-3, 50.0])
def test_kept_is_what_evaluate_gives(metric, mode, second):
    """Also where regularizers of a layer count only once it is free."""
    model = one(kernel_regularizer=keras.regularizers.L2(0.5))
    model.get_layer("a").trainable = False
    phases = [Phase("head", Epochs(2), 0.01), Phase("all", Epochs(2), second, unfreeze_from="a")]
    history, report = run(
        model, (A, Y), phases, metrics=["mae"], validation_data=(A, Y), restore_best=metric, mode=mode
    )
    again = model.evaluate(A, Y, verbose=0, return_dict=True)
    assert report.kept == pytest.approx(again[metric.removeprefix("val_")], rel=1e-5)
    assert report.best_phase == ("all" if second < 1 else "head"), "the regularizer alone is no reason"


def test_a_line_a_phase_by_default(capsys):
    _, report = run(
        one(),
        (A, Y),
        [Phase("x", Epochs(1), unfreeze_from="b"), Phase("y", Epochs(2), unfreeze_from="a")],
        verbose="auto",
    )
    assert capsys.readouterr().out.splitlines() == [
        "x trains 5 of 21 weights: 1 epoch is done at epoch 0",
        "y trains 21 of 21 weights: 2 epochs are done at epoch 2",
    ]
    assert report.trained == {"x": 5, "y": 21}
    run(one(), (A, Y))
    assert capsys.readouterr().out == ""
