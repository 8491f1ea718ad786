"""Backbones are stock networks, preprocessing inside; features are kept; phases end at their events."""

import socket
import types

import keras
import numpy as np
import pytest

from course_utils.classroom import data
from course_utils.classroom.data import mobilenetv2_weights
from course_utils.stopping import Above, Below, Epochs, MissingColumn, Patience, batches
from course_utils.transfer import (
    Phase,
    backbone,
    backbones,
    cached_features,
    features,
    features_key,
    fit_in_phases,
    h_score,
    leep,
    logme,
    split_at,
    unfreeze,
)
from course_utils.transfer.backbones import check_inputs, expected_range

APPLICATIONS = [
    name for name, entry in vars(keras.applications).items()
    if isinstance(entry, types.ModuleType) and hasattr(entry, "preprocess_input") and name != "imagenet_utils"
]


@pytest.fixture(scope="module")
def photos():
    return data.load_cifar10()[1][0][:6]


def small(seed=1, activation="relu"):
    """A network with what matters here: convolutions, BatchNormalization, a residual connection."""
    keras.utils.set_random_seed(seed)
    pictures = keras.Input((8, 8, 3))
    x = start = keras.layers.Conv2D(4, 3, padding="same", name="first")(pictures)
    x = keras.layers.Conv2D(4, 3, padding="same", name="inside", activation=activation)(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Add(name="join")([start, x])
    x = keras.layers.Conv2D(5, 3, name="last")(x)
    x = keras.layers.BatchNormalization(name="last_norm")(x)
    return keras.Model(pictures, keras.layers.GlobalAveragePooling2D()(x))


def noise(n=10, side=8, seed=0):
    return np.random.default_rng(seed).random((n, side, side, 3), "float32")


# ---- backbone ----


def test_shipped_backbone_gives_pytorchs_features_of_pictures_as_they_are():
    with np.load(data.DATA / "mobilenetv2_reference.npz") as file:
        pictures, reference = file["pictures"], file["features_grey_frame"].astype("float32")
    source = backbone(weights=mobilenetv2_weights())
    ours = source.predict(pictures, verbose=0)  # uint8: nothing was done to them
    cosine = (ours * reference).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(reference, axis=1)
    assert cosine.min() > 0.9995 and source.output_shape == (None, 1280)
    assert source.trainable_weights == [] and source.name == "mobilenetv2"
    assert source.get_layer("block_13_expand"), "flat: its layers can be named from outside"


@pytest.mark.parametrize("network", ["VGG16", pytest.param(keras.applications.VGG16, marks=pytest.mark.rare)])
def test_backbone_of_another_network_is_the_stock_one(network, photos):
    source = backbone(network, side=48, weights=None, from_side=32)
    stock = keras.applications.VGG16(input_shape=(48, 48, 3), include_top=False, pooling="avg", weights=None)
    stock.set_weights(source.get_weights())
    large = keras.ops.image.resize(photos.astype("float32"), (48, 48), interpolation="bicubic")
    wanted = stock.predict(keras.applications.vgg16.preprocess_input(np.array(large)), verbose=0)
    np.testing.assert_allclose(source.predict(photos, verbose=0), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("module", APPLICATIONS)
def test_preprocessing_inside_is_that_of_the_module(module, photos):
    preprocess = getattr(keras.applications, module).preprocess_input
    x = keras.Input((32, 32, 3))
    model = keras.Model(x, keras.layers.Identity()(backbones._preprocessed(x, preprocess)))
    wanted = preprocess(photos.astype("float32"))
    np.testing.assert_allclose(model.predict(photos, verbose=0), wanted, atol=1e-4)
    again = keras.Model.from_config(model.get_config())  # it can be saved
    np.testing.assert_allclose(again.predict(photos, verbose=0), wanted, atol=1e-4)


def test_there_are_applications_to_test():
    assert {"mobilenet_v2", "resnet", "densenet", "efficientnet"} <= set(APPLICATIONS)


@pytest.mark.parametrize(
    "network, settings, message",
    [
        ("MobilNetV2", {}, "Did you mean MobileNetV2"),
        ("preprocess_input", {}, "takes the name of a network"),
        (keras.layers.Dense, {}, "takes the name of a network"),
        (None, {}, "takes the name of a network"),
        ("MobileNetV2", {"side": 97.0}, "side is a number of pixels"),
        ("MobileNetV2", {"from_side": 0}, "from_side is a number of pixels"),
        ("MobileNetV2", {"include_top": True}, "include_top is settled by backbone"),
        ("InceptionV3", {"side": 33, "weights": None}, "at least 75x75"),
    ],
)
def test_backbone_refuses(network, settings, message):
    with pytest.raises(ValueError, match=message):
        backbone(network, **settings)


def test_a_download_that_fails_names_the_shipped_file(monkeypatch, tmp_path):
    def no_network(*_, **__):
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    get_file = keras.utils.get_file
    monkeypatch.setattr(  # not from the cache of whoever runs this
        "keras.src.utils.file_utils.get_file", lambda *a, **k: get_file(*a, **{**k, "cache_dir": tmp_path}))
    with pytest.raises(ConnectionError, match="weights of MobileNetV2.*classroom.data.mobilenetv2_weights"):
        backbone(side=96 + 1, weights="imagenet", alpha=0.35)


@pytest.mark.parametrize(
    "name, limits",
    [
        ("mobilenetv2_1.00_224", (-1, 1)),
        ("mobilenet_0.50_128", (-1, 1)),
        ("MobileNetV3Small", (0, 255)),
        ("resnet50", (-123.68, 151.061)),
        ("resnet50v2", (-1, 1)),
        ("densenet121", (-2.1179, 2.64)),
        ("efficientnetb3", (0, 255)),
        ("convnext_tiny", (0, 255)),
        ("nasnet_mobile", (-1, 1)),
        ("model_7", None),
    ],
)
def test_expected_range_is_that_of_the_networks_preprocessing(name, limits):
    scaling = [keras.layers.Rescaling(1 / 255)] if limits == (0, 255) else []  # such networks begin with it
    model = keras.Sequential([keras.Input((4, 4, 3)), *scaling, keras.layers.Flatten()], name=name)
    assert expected_range(model) == (limits and pytest.approx(limits, abs=1e-3))


def test_values_outside_the_range_are_refused(photos):
    source = backbone(side=32, weights=None, alpha=0.35)
    scaled = photos.astype("float32") / 255
    part = keras.Model(source.input, source.get_layer("block_1_project").output)
    for model in (source, part):
        check_inputs(model, photos)
        check_inputs(model, np.zeros_like(photos))  # a black picture
        check_inputs(model, photos * 1.1 - 8)  # overshoots, as bicubic enlarging does
        for wrong in (scaled, scaled * 2 - 1, scaled * 300 - 120):
            with pytest.raises(ValueError, match="this model takes 0 to 255.*model scales them itself"):
                check_inputs(model, wrong)
    stock = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()], name="mobilenetv2_1.00_32")
    check_inputs(stock, scaled * 2 - 1)
    with pytest.raises(ValueError, match=r"from \d+ to 255; this model takes -1 to 1.*preprocess_input"):
        check_inputs(stock, photos)


@pytest.mark.parametrize(
    "shape, message",
    [
        ((4, 8, 8), r"np.repeat\(x\[..., None\], 3, axis=-1\)"),
        ((4, 8, 8, 1), r"np.repeat\(x, 3, axis=-1\)"),
        ((4, 3, 8, 8), r"np.moveaxis\(x, 1, -1\)"),
        ((4, 9, 9, 3), r"from_side=9"),
        ((8, 8, 3), r"shape \(8, 8, 3\), one a row; these are \(8, 3\)"),
        ((0, 8, 8, 3), "no pictures"),
    ],
)
def test_shapes_that_do_not_fit(shape, message):
    with pytest.raises(ValueError, match=message):
        check_inputs(small(), np.zeros(shape))


def test_nan_is_refused():
    x = noise()
    x[3, 2, 1, 0] = np.nan
    with pytest.raises(ValueError, match="not numbers"):
        check_inputs(small(), x)


# ---- features ----


@pytest.fixture
def predictions(monkeypatch):
    """Counts how often a model is asked."""
    counted, predict = [], keras.Model.predict

    def counting(self, *args, **kwargs):
        counted.append(self)
        return predict(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "predict", counting)
    return counted


def test_features_are_computed_once_and_keyed_by_content(tmp_path, predictions, capsys):
    def get(model, x):
        return cached_features(model, x, folder=tmp_path, verbose=0)

    x, model = noise(), small()
    first = get(model, x)
    assert len(predictions) == 1 and first.dtype == np.float32 and first.shape == (10, 5)
    np.testing.assert_allclose(first, model(x, training=False).numpy(), atol=1e-6)
    twin = small()  # built again: Keras gives its layers other names
    model.trainable = False
    for same in (model, twin):
        assert np.array_equal(get(same, x.copy()), first)
    assert len(predictions) == 1
    other = x.copy()
    other[9, 7, 7, 2] += 1e-3
    get(model, other)
    assert len(predictions) == 2, "another picture"
    get(model, x[:9])
    assert len(predictions) == 3, "fewer pictures"
    weights = twin.get_weights()
    weights[-1][0] *= 1.01  # a moving variance
    twin.set_weights(weights)
    assert not np.array_equal(get(twin, x), first) and len(predictions) == 4, "another weight"
    tanh = small(activation="tanh")
    assert not np.array_equal(get(tanh, x), first) and len(predictions) == 5, "another layer"
    part = keras.Model(model.input, model.get_layer("join").output)
    assert get(part, x).shape == (10, 8, 8, 4) and len(predictions) == 6, "a part of the model"
    assert len(list(tmp_path.iterdir())) == 6 and not list(tmp_path.glob("*.part"))
    assert capsys.readouterr().out == ""


def test_a_models_precision_is_part_of_the_key(tmp_path):
    keys = set()
    for dtype in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        layers = [keras.Input((3,)), keras.layers.Dense(2, dtype=keras.DTypePolicy(dtype))]
        keys.add(features_key.key_of(keras.Sequential(layers), np.ones((2, 3))))
    assert len(keys) == 2


@pytest.mark.parametrize("damage", ["flipped", "cut short", "empty", "another array"])
def test_a_damaged_file_is_computed_anew(tmp_path, predictions, damage):
    model, x = small(), noise()
    first = cached_features(model, x, folder=tmp_path, verbose=0)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    path.write_bytes({"cut short": content[:100], "empty": b""}.get(damage, content))
    if damage == "another array":
        np.savez(path, features=first[:3])
    for _ in range(2):
        assert np.array_equal(cached_features(model, x, folder=tmp_path, verbose=0), first)
    assert len(predictions) == 2, "once more, and then kept again"


def test_features_say_what_they_do_and_keep_to_the_users_cache(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = small()
    cached_features(model, noise())
    said = capsys.readouterr().out
    assert f"10 pictures, kept in {tmp_path / 'when-to-stop'}" in said and "1/1" in said
    cached_features(model, noise())
    assert capsys.readouterr().out == ""
    assert len(list((tmp_path / "when-to-stop").glob("*.npz"))) == 1


def test_a_folder_that_cannot_be_written_to_costs_only_time(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.warns(UserWarning, match="could not be kept"):
        got = cached_features(small(), noise(), folder=tmp_path / "file", verbose=0)
    assert got.shape == (10, 5)


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def full(file, features):
        file.write(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(features.np, "savez", full)
    with pytest.warns(UserWarning, match="could not be kept.*No space left"):
        cached_features(small(), noise(), folder=tmp_path, verbose=0)
    assert list(tmp_path.iterdir()) == []


def test_cached_features_refuses(tmp_path):
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="functional or sequential Keras model"):
        cached_features("MobileNetV2", noise(), folder=tmp_path)
    own = Own()
    own(noise())
    with pytest.raises(ValueError, match="functional or sequential Keras model"):
        cached_features(own, noise(), folder=tmp_path)
    model = small()
    both = keras.Model(model.input, [model.output, model.get_layer("join").output])
    with pytest.raises(ValueError, match="has 2 outputs"):
        cached_features(both, noise(), folder=tmp_path)
    with pytest.raises(ValueError, match="np.repeat"):
        cached_features(model, noise()[..., :1], folder=tmp_path)


# ---- frozen and free ----


def with_head(source, seed=2):
    keras.utils.set_random_seed(seed)
    return keras.Model(source.input, keras.layers.Dense(2, name="head")(source.output))


def moved(model, before):
    """Names of the layers of which some weight is not what it was."""
    return {
        layer.name for layer in model.layers
        for old, new in zip(before[layer.name], layer.get_weights()) if not np.array_equal(old, new)
    }


def weights_of(model):
    return {layer.name: layer.get_weights() for layer in model.layers}


SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    "start, trained", [("inside", {"inside", "last", "head"}), ("last", {"last", "head"}), ("head", {"head"})]
)
def test_unfreeze_trains_from_there_on_and_leaves_batchnormalization(start, trained):
    model = with_head(small())
    count = unfreeze(model, start)
    assert count == sum(
        int(np.prod(w.shape)) for layer in model.layers if layer.name in trained for w in layer.weights)
    before = weights_of(model)
    model.compile("sgd", SPARSE)
    model.fit(noise(), np.arange(10) % 2, verbose=0)
    assert moved(model, before) == trained, "in particular, no mean or variance of a BatchNormalization"


def test_unfreeze_looks_through_models_in_models():
    source = small()
    source.trainable = False
    model = keras.Sequential([source, keras.layers.Dense(2, name="head")])
    model.build((None, 8, 8, 3))
    assert unfreeze(model, "last") == 3 * 3 * 4 * 5 + 5 + 5 * 2 + 2
    names = {layer.name for layer in source.layers if layer.trainable_weights}
    assert names == {"last"}
    assert unfreeze(model, "head") == 12 and source.trainable_weights == []
    model.trainable = False
    assert unfreeze(model, "head") == 12, "of a model that was frozen as a whole"


def test_unknown_layers_get_near_names():
    model = small()
    for function in (unfreeze, split_at):
        with pytest.raises(ValueError, match='no layer "last_nrom".* Near it: last_norm'):
            function(model, "last_nrom")
        with pytest.raises(ValueError, match='no layer "zzz".* Layers: .*first.*summary'):
            function(model, "zzz")


@pytest.mark.parametrize("at", ["last", "head"])
def test_bottom_and_top_are_the_whole(at):
    model, x = with_head(small()), noise()
    bottom, top = split_at(model, at)
    again, top_again = split_at(model, at)  # a second cut is as good as the first
    whole = model.predict(x, verbose=0)
    assert np.array_equal(top.predict(bottom.predict(x, verbose=0), verbose=0), whole)
    assert np.array_equal(top_again.predict(again.predict(x, verbose=0), verbose=0), whole)
    names = [layer.name for layer in model.layers]
    assert [layer.name for layer in top.layers][1:] == names[names.index(at):]


def test_training_the_top_on_kept_activations_trains_the_model(tmp_path):
    x, y = noise(), np.arange(10) % 2
    results = []
    for split in (False, True):
        model = with_head(small())
        inputs, trained = x, model
        if split:
            bottom, trained = split_at(model, "last")
            inputs = cached_features(bottom, x, folder=tmp_path, verbose=0)
        unfreeze(trained, "last")
        trained.compile(keras.optimizers.SGD(0.5), SPARSE)
        trained.fit(inputs, y, batch_size=10, epochs=3, verbose=0)
        results.append(model.predict(x, verbose=0))
    np.testing.assert_allclose(*results, atol=1e-5)
    assert not np.allclose(results[0], with_head(small()).predict(x, verbose=0), atol=1e-3)


def test_a_cut_that_a_connection_passes_by_is_refused():
    with pytest.raises(ValueError, match='cannot be cut before "norm".*connection passes by'):
        split_at(small(), "norm")
    with pytest.raises(ValueError, match='"join" joins 2 branches'):
        split_at(small(), "join")


# ---- phases ----


class Watch(keras.callbacks.Callback):
    """Notes, after each epoch, the learning rate and the weights; interrupts where asked."""

    def __init__(self, interrupt=None):
        super().__init__()
        self.rates, self.weights, self.interrupt = [], [], interrupt

    def on_train_batch_end(self, batch, logs=None):
        if self.interrupt == (len(self.rates), batch):
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(round(float(self.model.optimizer.learning_rate), 6))
        self.weights.append(self.model.get_weights())


def points(n=60, seed=0):
    """Two classes that a line parts."""
    x = np.random.default_rng(seed).normal(size=(n, 4)).astype("float32")
    return x, (x[:, 0] > x[:, 1]).astype(int)


def two_layers():
    keras.utils.set_random_seed(5)
    model = keras.Sequential([
        keras.Input((4,)), keras.layers.Dense(6, "relu", name="body"),
        keras.layers.BatchNormalization(name="norm"), keras.layers.Dense(2, name="head"),
    ])
    model.get_layer("body").trainable = model.get_layer("norm").trainable = False
    return model


def run(model, phases, **settings):
    given = {"validation_data": points(40, seed=1), "loss": SPARSE, "metrics": ["accuracy"],
             "optimizer": keras.optimizers.SGD, "batch_size": 20, "verbose": 0, **settings}
    return fit_in_phases(model, phases, given.pop("data", points()), **given)


def test_each_phase_has_its_rate_its_layers_and_its_end():
    model, watch = two_layers(), Watch()
    start = model.get_weights()
    history, report = run(model, [
        Phase("head", Epochs(2), learning_rate=0.1),
        Phase("all", Below("val_loss", 1e-9) | Epochs(3), learning_rate=0.02, unfreeze_from="body"),
        Phase("last", Below("val_loss", 1e-9), learning_rate=0.01, epochs=2),
    ], callbacks=[watch])
    assert history["phase"] == ["head"] * 2 + ["all"] * 3 + ["last"] * 2
    assert watch.rates == [0.1] * 2 + [0.02] * 3 + [0.01] * 2
    assert history["epoch"] == list(range(7)) and history["steps"] == [3, 6, 9, 12, 15, 18, 21]
    assert all(np.diff(history["seconds"]) > 0)
    assert {len(column) for column in history.values()} == {7}
    body, norm_mean, head = 0, 4, 6
    for weights in watch.weights[:2]:
        assert np.array_equal(weights[body], start[body]) and not np.array_equal(weights[head], start[head])
    assert not np.array_equal(watch.weights[2][body], start[body])
    assert all(np.array_equal(weights[norm_mean], start[norm_mean]) for weights in watch.weights)
    assert list(report.phases) == ["head", "all", "last"] and not report.interrupted
    assert report.phases["head"].reason == "2 epochs are done at epoch 1"
    assert report.phases["all"].ended_by == "Epochs(3)" and report.phases["all"].epoch == 4
    assert report.phases["last"].ended_by == "all epochs done"
    assert (report.epochs, report.steps) == (7, 21)
    assert report.seconds == pytest.approx(sum(r.seconds for r in report.phases.values()))
    lines = str(report).splitlines()
    assert lines[0] == "head trains 14 of 68 weights: 2 epochs are done at epoch 1"
    assert lines[1].startswith("all trains 44 of 68 weights: 3 epochs are done")
    assert report.trained == {"head": 14, "all": 44, "last": 44} and report.weights == 68
    assert all(each.notes == () for each in report.phases.values()), "what came before is known"
    assert lines[3].startswith(f"best val_loss {report.kept:.3g} at epoch {report.best_epoch}, in phase ")
    assert lines[4].startswith("7 epochs, 21 steps in ")


def test_the_best_weights_of_all_phases_are_kept_and_a_bad_phase_undone():
    model, watch = two_layers(), Watch()
    history, report = run(model, [
        Phase("head", Epochs(4), learning_rate=0.3),
        Phase("wild", Epochs(2), learning_rate=300.0, unfreeze_from="body"),
        Phase("still", Epochs(1), learning_rate=1e-12),
    ], callbacks=[watch])
    best = int(np.argmin([np.inf if np.isnan(v) else v for v in history["val_loss"]]))
    assert min(history["val_loss"][4:6]) > 2 * history["val_loss"][3], "the phase did harm"
    assert history["val_loss"][6] == pytest.approx(report.kept, rel=1e-4), "the next began with the best"
    assert report.best_epoch == best and report.best_phase == history["phase"][best] != "wild"
    assert model.evaluate(*points(40, seed=1), verbose=0)[0] == pytest.approx(report.kept, rel=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), watch.weights[best]))


def test_what_is_best_may_be_large_and_nothing_need_be_kept():
    model, watch = two_layers(), Watch()
    phases = [Phase("head", Epochs(3), 0.5), Phase("all", Epochs(3), 0.1, unfreeze_from="body")]
    history, report = run(model, phases, restore_best="val_accuracy", mode="max", callbacks=[watch])
    best = int(np.argmax(history["val_accuracy"]))
    assert report.best_epoch == best and report.kept == max(history["val_accuracy"])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), watch.weights[best]))
    model, watch = two_layers(), Watch()
    history, report = run(model, phases, restore_best=None, callbacks=[watch])
    assert report.best_epoch is None and "best" not in str(report)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), watch.weights[-1]))


def test_ctrl_c_keeps_what_was_learnt():
    phases = [Phase("head", Epochs(3), 0.3), Phase("all", Epochs(3), 300.0, unfreeze_from="body"),
              Phase("never", Epochs(3))]
    model, watch = two_layers(), Watch(interrupt=(4, 1))
    history, report = run(model, phases, callbacks=[watch])
    assert report.interrupted and list(report.phases) == ["head", "all"]
    assert history["phase"] == ["head"] * 3 + ["all"] and str(report).endswith(", interrupted")
    assert report.phases["all"].reason.startswith("training is running, or was interrupted, in epoch 4")
    assert report.steps == 9 + 3, "whole epochs"
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), watch.weights[report.best_epoch]))
    assert report.best_phase == "head"
    # within a phase the best epoch so far, and before the first epoch's end what there is
    model, watch = two_layers(), Watch(interrupt=(2, 0))
    _, report = run(model, phases, callbacks=[watch])
    assert report.best_phase == "head" and all(
        np.array_equal(a, b) for a, b in zip(model.get_weights(), watch.weights[report.best_epoch]))
    model = two_layers()
    start = model.get_weights()
    history, report = run(model, phases, callbacks=[Watch(interrupt=(0, 1))])
    assert report.interrupted and report.epochs == history.rows == 0 and report.best_epoch is None
    assert not np.array_equal(model.get_weights()[6], start[6]), "two batches were learnt from"


def test_other_errors_are_not_taken_for_ctrl_c():
    with pytest.raises(MissingColumn, match='no column "val_los"'):
        run(two_layers(), [Phase("head", Patience("val_los", 2, mode="min"))])
    with pytest.raises(MissingColumn, match='no column "val_loss"'):
        run(two_layers(), [Phase("head", Epochs(2))], validation_data=None)


def test_phases_take_pipelines_and_repeat_with_their_seed():
    phases = [Phase("head", Epochs(2), 0.1)]
    losses = [run(two_layers(), phases, seed=seed)[0]["loss"] for seed in (3, 3, 4)]
    assert losses[0] == losses[1] != losses[2]
    pipeline = batches(*points(), size=20, seed=3)
    assert run(two_layers(), phases, data=pipeline)[0]["loss"] == losses[0]


def test_nothing_to_train_is_said():
    model = two_layers()
    model.trainable = False
    with pytest.raises(ValueError, match='nothing to train in phase "head": all layers are frozen'):
        run(model, [Phase("head", Epochs(2))])
    unbuilt = keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="not built"):
        run(unbuilt, [Phase("head", Epochs(2))])


def test_phases_refuse():
    phase = Phase("head", Epochs(1))
    for phases, error, message in (
        ([], TypeError, "phases are such as"),
        ([phase, Patience("val_loss", 3)], TypeError, "got Patience"),
        ([phase, phase], ValueError, 'Two phases are called "head"'),
        ([Phase("top", Epochs(1), unfreeze_from="hed")], ValueError, 'no layer "hed".* Near it: head'),
    ):
        with pytest.raises(error, match=message):
            run(two_layers(), phases)
    with pytest.raises(ValueError, match='Is a small or a large "val_accuracy" better'):
        run(two_layers(), [phase], restore_best="val_accuracy")
    with pytest.raises(ValueError, match=r"shape \(4,\), one a row; these are \(3,\)"):
        run(two_layers(), [phase], data=(points()[0][:, :3], points()[1]))
    for settings, error, message in (
        ({"name": ""}, TypeError, "A phase has a name"),
        ({"criterion": "val_loss"}, TypeError, "A criterion is such as"),
        ({"learning_rate": 0}, ValueError, "learning_rate should be a finite number above 0"),
        ({"epochs": 0}, ValueError, "epochs should be a whole number of at least 1"),
    ):
        with pytest.raises(error, match=message):
            Phase(**{"name": "a", "criterion": Above("accuracy", 0.9), **settings})


# ---- scores ----


def test_leep_by_hand():
    theta, labels = [[0.6, 0.4], [0.2, 0.8], [0.5, 0.5]], ["cat", "dog", "cat"]
    # sums over cats (1.1, 0.9), over dogs (0.2, 0.8), over both (1.3, 1.7)
    cat, dog = (1.1 / 1.3, 0.9 / 1.7), (0.2 / 1.3, 0.8 / 1.7)
    terms = [0.6 * cat[0] + 0.4 * cat[1], 0.2 * dog[0] + 0.8 * dog[1], 0.5 * cat[0] + 0.5 * cat[1]]
    assert leep(theta, labels) == pytest.approx(np.log(terms).mean(), abs=1e-12)
    unused = np.insert(theta, 1, 0.0, axis=1)  # a source class that is never thought of
    assert leep(unused, labels) == pytest.approx(leep(theta, labels), abs=1e-12)
    assert leep([[0.3, 0.7]] * 4, [0, 0, 0, 1]) == pytest.approx(0.75 * np.log(0.75) + 0.25 * np.log(0.25))


def mixture(n=80, d=5, classes=3, apart=1.0, seed=0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return random.normal(size=(n, d)) + apart * random.normal(size=(classes, d))[y], y


def h_by_loops(f, y):
    """As the paper has it: covariances summed up picture by picture, then the trace."""
    d, mean = f.shape[1], f.mean(0)
    all_, between = np.zeros((d, d)), np.zeros((d, d))
    for row, label in zip(f, y):
        class_mean = f[y == label].mean(0)
        all_ += np.outer(row - mean, row - mean) / len(f)
        between += np.outer(class_mean - mean, class_mean - mean) / len(f)
    return np.trace(np.linalg.pinv(all_, rcond=1e-12) @ between)


def test_h_score_is_the_trace_of_its_formula():
    f, y = mixture()
    assert h_score(f, y) == pytest.approx(h_by_loops(f, y), abs=1e-10)
    flat = np.hstack([f, f[:, :2] * 3, np.zeros((80, 1))])  # three features that say nothing new
    assert h_score(flat, y) == pytest.approx(h_by_loops(f, y), abs=1e-8)
    assert h_score(f @ np.random.default_rng(1).normal(size=(5, 5)) + 7, y) == pytest.approx(h_score(f, y))
    assert h_score(*mixture(apart=3)) > h_score(*mixture(apart=0.3)) > 0


def test_h_score_warns_where_it_says_nothing():
    f, y = mixture(n=12, d=20)
    with pytest.warns(UserWarning, match="20 features for 12 pictures the H-score is 2 whatever"):
        assert h_score(f, y) == pytest.approx(2)


def evidence_by_search(f, y):
    """The largest evidence over alpha and beta: a target is normal, covariance I / beta + F F' / alpha."""
    from scipy.optimize import minimize
    from scipy.stats import multivariate_normal

    def value(target):
        def loss(logs):
            alpha, beta = np.exp(logs)
            covariance = np.eye(len(f)) / beta + f @ f.T / alpha
            return -multivariate_normal.logpdf(target, np.zeros(len(f)), covariance, allow_singular=True)

        starts = [(0, 0), (3, 3), (-2, 2)]
        return max(-minimize(loss, start, method="Nelder-Mead", tol=1e-10).fun for start in starts)

    return np.mean([value((y == label).astype(float)) for label in np.unique(y)]) / len(f)


@pytest.mark.parametrize("n, d", [(40, 4), (24, 30)])
def test_logme_is_the_largest_evidence(n, d):
    f, y = mixture(n, d)
    assert logme(f, y) == pytest.approx(evidence_by_search(f, y), abs=1e-6)
    if n > d:  # a feature that says nothing new still costs log alpha: the formula has d of them
        same_twice = np.hstack([f, f[:, :1]])
        assert logme(same_twice, y) == pytest.approx(evidence_by_search(same_twice, y), abs=1e-6)


def test_logme_orders_sources():
    scores = [logme(*mixture(apart=apart)) for apart in (3, 1, 0)]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 3
    f, y = mixture()
    assert logme(f, np.array(["a", "b", "c"])[y]) == logme(f, y)
    assert logme(f.astype("float32") * 100, y) == pytest.approx(logme(f, y), abs=1e-5), "units do not matter"


@pytest.mark.parametrize("score", [leep, h_score, logme])
def test_scores_refuse(score):
    good = np.full((4, 2), 0.5)
    for values, labels, message in (
        (good, [0, 1, 0], "4 rows of .* and 3 labels"),
        (good, [1, 1, 1, 1], r"two different labels; got \[1\]"),
        (good * np.nan, [0, 1, 0, 1], "not numbers"),
        (good[0], [0, 1], r"should be \(n, d\)"),
        (good, np.eye(4), r"labels \(n,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            score(values, labels)


def test_leep_wants_probabilities():
    for logits in ([[2.0, -1.0], [0.0, 3.0]], [[0.5, 0.1], [0.9, 0.1]], [[1.5, -0.5], [0.5, 0.5]]):
        with pytest.raises(ValueError, match="sum to 1.*Is a softmax missing"):
            leep(logits, [0, 1])
