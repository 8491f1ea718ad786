"""The recorded curves of chapters 02 to 04: what the lessons rely on, and that the recorder is honest."""

import numpy as np
import pytest

from course_utils.classroom.data import DATA, load_curves
from course_utils.stopping import Patience, replay

PROBLEMS = ("building", "diabetes", "gene", "soybean", "thyroid")
COLUMNS = {"loss", "val_loss", "test_loss", "error", "val_error", "test_error"}
SIZES = (25, 50, 100, 200, 500, 2000)


@pytest.fixture(scope="module")
def make():
    """The folder of the recorder, importable."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DATA / "make"))
        yield


def test_the_three_files_are_small():
    files = [DATA / "curves" / f"{name}.npz" for name in ("proben1", "fashion", "validation_sets")]
    assert sum(file.stat().st_size for file in files) < 3e6


def test_proben1_has_every_run_once_and_every_value():
    curves = load_curves("proben1")
    assert len(curves) >= 400 and set(curves.columns) == COLUMNS
    runs = set(zip(*(curves.labels[name].tolist() for name in ("problem", "units", "seed")), strict=True))
    units = sorted(set(curves.labels["units"].tolist()))
    assert runs == {(problem, u, seed) for problem in PROBLEMS for u in units for seed in range(20)}
    assert len(runs) == len(curves) and len(units) >= 2 and 64 in units
    for values in curves.columns.values():
        assert values.shape == (len(curves), 300) and values.dtype == np.float32
        assert np.isfinite(values).all() and (values >= 0).all()


def test_the_columns_of_proben1_are_what_their_names_say():
    curves = load_curves("proben1")
    regression = curves.labels["problem"] == "building"
    for part in ("", "val_", "test_"):
        loss, error = curves.columns[f"{part}loss"], curves.columns[f"{part}error"]
        np.testing.assert_allclose(error[regression], np.sqrt(loss[regression]), rtol=1e-5)
        assert (error[~regression] <= 1).all()
    # 768 patients: 384 train, 192 validate, 192 test, so an error is a whole number of patients
    for column, patients in (("error", 384), ("val_error", 192), ("test_error", 192)):
        wrong = curves.columns[column][curves.labels["problem"] == "diabetes"] * patients
        np.testing.assert_allclose(wrong, np.round(wrong), atol=1e-3)
    # every training learns: the loss that is minimised falls below its first value in all of them
    assert (curves.columns["loss"].min(1) < curves.columns["loss"][:, 0]).all()


def test_one_patience_has_five_fates():
    curves = load_curves("proben1")
    stops, best = {}, {}
    for problem in PROBLEMS:
        runs = curves.select(problem=problem, units=64)
        stops[problem] = np.median([replay(Patience("val_loss", 5), run).epoch for run in runs])
        best[problem] = np.median([np.argmin(run["val_loss"]) for run in runs])
    assert best["gene"] < best["diabetes"] < best["thyroid"] < min(best["soybean"], best["building"])
    assert stops["gene"] > best["gene"] and stops["building"] < best["building"] / 5


def test_fashion_pairs_true_and_shuffled_labels():
    curves = load_curves("fashion")
    assert set(curves.columns) == COLUMNS and all(v.shape == (40, 60) for v in curves.columns.values())
    assert all(np.isfinite(values).all() for values in curves.columns.values())
    for share, at_least, at_most in ((0.0, -1.5, 1.5), (0.3, 4, 10)):
        assert curves.labels["seed"][curves.labels["shuffled"] == share].tolist() == list(range(20))
        saved = []  # points of test accuracy that stopping at the best val_loss saves
        for run in curves.select(shuffled=share):
            error = run["test_error"]
            saved.append(100 * (error[-1] - error[int(np.argmin(run["val_loss"]))]))
        assert at_least < np.mean(saved) < at_most


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_validation_sets_look_at_one_training(share):
    curves = load_curves("validation_sets")
    assert all(v.shape == (2402, 60) and np.isfinite(v).all() for v in curves.columns.values())
    chosen = curves.labels["shuffled"] == share
    for name, values in curves.columns.items():
        assert (len(np.unique(values[chosen], axis=0)) == 1) == (name != "val_loss")
    whole = np.array(curves.select(shuffled=share, size=9000)[0]["val_loss"])
    spread = []
    for size in SIZES:
        seen = np.array([run["val_loss"] for run in curves.select(shuffled=share, size=size)])
        assert seen.shape == (200, 60) and len(np.unique(seen, axis=0)) == 200
        spread.append(seen[:, 10].std())
        # every set is a sample of the pool: the mean of 200 estimates is within four standard errors
        assert (np.abs(seen.mean(0) - whole) < 4 * seen.std(0) / np.sqrt(200)).all()
    assert spread == sorted(spread, reverse=True)


# ---- the recorder ---------------------------------------------------------------------------


def made_up(classes, examples=90, inputs=5):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(examples, inputs)).astype("float32")
    targets = x @ rng.normal(size=(inputs, 3)).astype("float32")
    return x, targets.argmax(1).astype("int32") if classes else targets


@pytest.mark.parametrize("classes", [True, False])
def test_a_recording_can_be_repeated(make, classes):
    from curves_proben1 import record_problem

    x, y = made_up(classes)
    first, again = (record_problem(x, y, units=4, seeds=[0, 1], epochs=3) for _ in range(2))
    assert set(first) == COLUMNS
    for name, values in first.items():
        assert values.shape == (2, 3) and values.dtype == np.float32 and np.isfinite(values).all()
        np.testing.assert_array_equal(values, again[name])
        assert name.endswith("error") or (values[0] != values[1]).all()  # the seeds differ


def test_a_run_does_not_feel_its_neighbours(make):
    from curves_proben1 import record_problem

    x, y = made_up(classes=True)
    together = record_problem(x, y, units=4, seeds=[0, 1, 2], epochs=3)
    alone = record_problem(x, y, units=4, seeds=[2], epochs=3)
    for name in COLUMNS:
        np.testing.assert_allclose(alone[name][0], together[name][2], atol=1e-5)


def test_every_epoch_has_a_new_order_and_every_row_once(make):
    from recording import Networks

    orders = []

    class Spy(Networks):
        def _train_epoch(self, x, y, order, batch_size):
            orders.append(np.asarray(order))
            return super()._train_epoch(x, y, order, batch_size)

    x, y = made_up(classes=True)
    rows = np.stack([np.arange(40), np.arange(50, 90)])
    spy = Spy([0, 0], 5, 4, 3, 0.01)
    for _ in range(3):
        spy.train_epoch(x, np.stack([y, y]), rows, 16)
    for order in orders:
        np.testing.assert_array_equal(np.sort(order, 1), rows)
        np.testing.assert_array_equal(order[0], order[1] - 50)  # equal seeds, equal places: paired runs
    assert all((a != b).any() for a, b in zip(orders, orders[1:], strict=False))


def test_first_weights_are_those_of_a_dense_layer_and_depend_on_the_seed(make):
    from recording import Networks

    kernel, bias, *_ = (np.asarray(weight) for weight in Networks([0, 1, 0], 50, 30, 3, 0.01).weights)
    assert kernel.shape == (3, 50, 30) and not bias.any()
    np.testing.assert_allclose(np.abs(kernel).max(), np.sqrt(6 / (50 + 30)), rtol=0.01)  # Glorot uniform
    assert (kernel[0] == kernel[2]).all() and (kernel[0] != kernel[1]).all()


@pytest.mark.parametrize("classes", [True, False])
def test_a_recording_is_what_keras_would_have_reported(make, classes):
    import keras
    from curves_proben1 import BATCH_SIZE, LEARNING_RATE, record_problem, split
    from recording import Networks

    x, y = made_up(classes)
    recorded = record_problem(x, y, units=4, seeds=[7], epochs=3)

    start = Networks([7], 5, 4, 3, LEARNING_RATE, classes)  # for its first weights and its orders
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(3)])
    pairs = zip(start.weights, model.weights, strict=True)
    model.set_weights([np.asarray(stacked)[0].reshape(own.shape) for stacked, own in pairs])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
    metric = keras.metrics.SparseCategoricalAccuracy if classes else keras.metrics.RootMeanSquaredError
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, metrics=[metric(name="m")])
    train, validation, test = split(len(x), 7)
    assert (len(train), len(validation), len(test)) == (45, 22, 23)
    for epoch in range(3):
        order = start.generators[0].permutation(train)
        kept = model.fit(x[order], y[order], batch_size=BATCH_SIZE, shuffle=False, verbose=0,
                         validation_data=(x[validation], y[validation])).history
        tested = model.evaluate(x[test], y[test], verbose=0)
        losses = {"loss": kept["loss"][0], "val_loss": kept["val_loss"][0], "test_loss": tested[0]}
        metrics = {"error": kept["m"][0], "val_error": kept["val_m"][0], "test_error": tested[1]}
        errors = {name: 1 - accuracy for name, accuracy in metrics.items()} if classes else metrics
        for name, value in (losses | errors).items():
            np.testing.assert_allclose(recorded[name][0, epoch], value, atol=1e-5)


def test_a_recording_that_blows_up_is_refused(make):
    from recording import Networks, record

    x, y = made_up(classes=False)
    parts = [np.arange(0, 40)[None], np.arange(40, 60)[None], np.arange(60, 90)[None]]
    with pytest.raises(FloatingPointError, match="not finite"):
        record(Networks([0], 5, 4, 3, 1e30, classes=False), x, y[None], parts, 8, 3)


def test_a_damaged_problem_file_is_refused(make, tmp_path):
    from curves_proben1 import read_fann

    file = tmp_path / "toy.train"
    file.write_text("2 3 1\n0 1 2\n1\n3 4 5\n0\n")
    x, y = read_fann(file)
    np.testing.assert_array_equal(x, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(y, [[1], [0]])
    file.write_text("2 3 1\n0 1 2\n1\n3 4 5\n")
    with pytest.raises(ValueError, match="holds 7"):
        read_fann(file)


def test_shuffled_labels_are_the_same_labels_elsewhere(make):
    from curves_fashion import SHUFFLED, TRAIN, experiment, shuffle

    labels = np.random.default_rng(0).integers(0, 10, 4000).astype("int32")
    mixed = shuffle(labels, 0.3, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(mixed), np.sort(labels))
    assert 0.25 < (mixed != labels).mean() < 0.29
    np.testing.assert_array_equal(shuffle(labels, 0.0, np.random.default_rng(1)), labels)

    given, (train, validation, test) = experiment(labels, [0, 1], 3000, 500)
    assert given.shape == (4, 4000) and train.shape == (4, TRAIN) and validation.shape == (4, 500)
    np.testing.assert_array_equal(train[:2], train[2:])  # the same images with both kinds of label
    assert (given[:, test[0]] == labels[test[0]]).all()
    for run, share in enumerate(np.repeat(SHUFFLED, 2)):
        assert not np.intersect1d(train[run], validation[run]).size
        for part in (train[run], validation[run]):
            assert abs((given[run, part] != labels[part]).mean() - 0.9 * share) < 0.05


def test_a_validation_set_is_drawn_from_the_pool(make, monkeypatch):
    import curves_fashion

    monkeypatch.setattr(curves_fashion, "TRAIN", 40)
    monkeypatch.setattr(curves_fashion, "SIZES", (5, 60))
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(120, 6)).astype("float32"), np.arange(120, dtype="int32") % 4
    families = curves_fashion.record_validation_sets(x, labels, pool=100, epochs=2, draws=3)
    again = curves_fashion.record_validation_sets(x, labels, pool=100, epochs=2, draws=3)
    assert [(n["shuffled"], n["size"], len(n["draw"])) for n, _ in families] == [
        (share, *size) for share in (0.0, 0.3) for size in ((5, 3), (60, 3), (60, 1))]
    for (_, columns), (_, same) in zip(families, again, strict=True):
        assert all(np.isfinite(values).all() for values in columns.values())
        np.testing.assert_array_equal(columns["val_loss"], same["val_loss"])
    few, all_of_it, pool = (columns["val_loss"] for _, columns in families[:3])
    assert len(np.unique(few[:, 0])) == 3
    # a set as large as the pool is the pool
    np.testing.assert_allclose(all_of_it, np.repeat(pool, 3, axis=0), rtol=1e-5)
