"""The data files are those that README and checksums speak of; loaders say what to do when they are not."""

import hashlib
import re
import shutil

import numpy as np
import pytest

from course_utils.classroom import data
from course_utils.classroom.data import Curves, DataError

README = (data.DATA / "README.md").read_text(encoding="utf-8")
SUMS = dict(reversed(line.split("  ", 1)) for line in (data.DATA / "SHA256SUMS").read_text().splitlines())
CURVES = [name[len("curves/") : -len(".npz")] for name in SUMS if name.startswith("curves/")]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The loaders look at a copy of one small file and the checksums; returns the folder."""
    (tmp_path / "curves").mkdir()
    shutil.copy(data.DATA / "SHA256SUMS", tmp_path)
    shutil.copy(data.DATA / "curves/break.npz", tmp_path / "curves")
    monkeypatch.setattr(data, "DATA", tmp_path)
    return tmp_path


def test_every_file_has_a_checksum_and_no_checksum_lacks_its_file():
    files = [path for kind in ("*.npz", "*.h5", "*.json") for path in data.DATA.rglob(kind)]
    assert {path.relative_to(data.DATA).as_posix() for path in files} == set(SUMS)


@pytest.mark.parametrize("name", SUMS)
def test_checksum_of_file_and_of_readme(name):
    assert hashlib.sha256((data.DATA / name).read_bytes()).hexdigest() == SUMS[name]
    section = README.partition(f"## {name}\n")[2].partition("\n## ")[0]
    assert re.findall(r"\b[0-9a-f]{64}\b", section) == [SUMS[name]]


def test_small_enough_to_clone():
    # a fifth of it is chapter 08's study: 2,610 trainings, to be replayed and asked by anybody
    assert sum(path.stat().st_size for path in data.DATA.rglob("*") if path.is_file()) < 33e6


@pytest.mark.parametrize("name", [name for name in SUMS if name.endswith(".npz")])
def test_nothing_is_pickled(name):
    with np.load(data.DATA / name, allow_pickle=False) as file:  # raises when it reads a pickled member
        assert all(file[key].dtype.kind in "fiubU" for key in file.files)


def test_openmoji():
    emoji = data.load_openmoji()
    assert emoji.pictures.shape == (1644, 48, 48, 3) and emoji.pictures.dtype == np.uint8
    assert emoji.names.shape == emoji.groups.shape == emoji.hexcodes.shape == (1644,)
    groups, counts = np.unique(emoji.groups, return_counts=True)
    assert len(groups) == 8 and counts.min() == 85 and counts.max() == 388
    assert len(set(emoji.hexcodes)) == 1644
    circle = emoji.pictures[emoji.names.tolist().index("red circle")]
    assert circle[0, 0].tolist() == [255, 255, 255], "the background is white"
    assert circle[24, 24, 0] > 180 > 80 > circle[24, 24, 1:].max(), "its middle is red: RGB, not BGR"


def test_emoji_features_are_those_of_the_emoji_in_their_order():
    features = data.load_emoji_features()
    assert features.shape == (1644, 1280) and features.dtype == np.float32
    assert features.min() == 0 and 1 < features.max() <= 6
    with np.load(data.DATA / "mobilenetv2_reference.npz") as file:  # of four emoji, straight from PyTorch
        known = file["features_grey_frame"][4:].astype("float32")
    cosine = known @ features.T / np.linalg.norm(known, axis=1)[:, None] / np.linalg.norm(features, axis=1)
    for own, row in zip(cosine, (0, 400, 800, 1200)):  # those were enlarged in another way: alike, not equal
        assert row in np.argsort(own)[-2:], "of 1644, the features that are most alike"


@pytest.mark.rare
def test_emoji_features_are_what_the_shipped_weights_give():
    from course_utils.transfer import backbone

    rows = np.arange(3, 1644, 200)
    source = backbone("MobileNetV2", side=97, from_side=48, weights=data.mobilenetv2_weights())
    given = source.predict(data.load_openmoji().pictures[rows].astype("float32"), verbose=0)
    np.testing.assert_allclose(data.load_emoji_features()[rows], given, atol=0.03)


def test_multiple_features():
    views, digits = data.load_multiple_features()
    assert {name: x.shape for name, x in views.items()} == {
        "profiles": (2000, 216), "fourier": (2000, 76), "karhunen_loeve": (2000, 64), "morphology": (2000, 6),
        "pixels": (2000, 240), "zernike": (2000, 47)} and tuple(views) == data.VIEWS
    assert digits.tolist() == np.repeat(range(10), 200).tolist()
    assert set(np.unique(views["pixels"])) == set(range(7))
    for name, x in views.items():  # what is described is the digit: the nearest mean of another half knows it
        assert x.dtype == np.float32
        x = (x - x.mean(0)) / x.std(0)
        means = np.stack([x[:-1:2][digits[:-1:2] == digit].mean(0) for digit in range(10)])
        nearest = np.square(x[1::2, None] - means).sum(-1).argmin(1)
        assert (nearest == digits[1::2]).mean() > 0.6, name


def test_fashion_mnist():
    (x_train, y_train), (x_test, y_test) = data.load_fashion_mnist()
    assert x_train.shape == (10_000, 28, 28) and x_test.shape == (2_000, 28, 28)
    assert y_train.shape == (10_000,) and y_test.shape == (2_000,)
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert np.bincount(y_train).min() > 900 and len(np.bincount(y_train)) == len(np.bincount(y_test)) == 10
    assert y_train[:5].tolist() == [9, 0, 0, 3, 0]  # an ankle boot, two tops, a dress: as in every tutorial


def test_cifar10():
    (x_train, y_train), (x_test, y_test) = data.load_cifar10()
    assert x_train.shape == (2_500, 32, 32, 3) and x_test.shape == (1_500, 32, 32, 3)
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert np.bincount(y_train).tolist() == [250] * 10 and np.bincount(y_test).tolist() == [150] * 10
    # a frog, two trucks, a deer, two cars, as in every tutorial; a cat, two ships, a plane in the test
    assert y_train[:6].tolist() == [6, 9, 9, 4, 1, 1] and y_test[:4].tolist() == [3, 8, 8, 0]
    assert data.CIFAR10[y_train[0]] == "frog" and data.CIFAR10[y_test[3]] == "airplane"
    # the frog's first pixels and a ship's last, as keras.datasets has them
    assert x_train[0, 0, :2].tolist() == [[59, 62, 63], [43, 46, 45]]
    assert x_test[1, 0, 0].tolist() == [235, 235, 235]
    # Real pictures: neighbours are alike, and so are the two parts
    for pictures in (x_train.astype(float), x_test.astype(float)):
        assert np.abs(pictures[:, 1:] - pictures[:, :-1]).mean() < 18
        assert np.abs(pictures[:, :, 1:] - pictures[:, :, :-1]).mean() < 18
        assert np.abs(pictures.mean((0, 1, 2)) - [125, 123, 114]).max() < 3, "red, green, blue"
    blue = [x_test[y_test == c].mean((0, 1, 2)) @ [-1, 0, 1] for c in range(10)]
    assert {data.CIFAR10[c] for c in np.argsort(blue)[-2:]} == {"airplane", "ship"}, "sky and sea"


def test_mobilenetv2_gives_the_features_that_pytorch_gives():
    """As a learner would use it: stock Keras, stock preprocessing. The reference comes with the data."""
    import keras

    with np.load(data.DATA / "mobilenetv2_reference.npz") as file:
        pictures, there, grey = (
            file[key].astype("float32") for key in ("pictures", "features", "features_grey_frame")
        )
    model = keras.applications.MobileNetV2(
        input_shape=(97, 97, 3), include_top=False, pooling="avg", weights=data.mobilenetv2_weights()
    )
    ours = model.predict(keras.applications.mobilenet_v2.preprocess_input(pictures), verbose=0)

    def cosine(theirs):
        return (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)

    assert cosine(there).mean() > 0.998 and cosine(there).min() > 0.997
    assert cosine(grey).min() > 0.9995, "but for the frame around a picture they agree to half precision"
    np.testing.assert_allclose(ours, grey, atol=0.06 * grey.max(), err_msg="in size as well as direction")


def test_emoji_split():
    split = data.emoji_split(seed=3)
    (pictures, words), labels = split.train
    (val_pictures, val_words), val_labels = split.validation
    assert pictures.shape == (1294, 48, 48, 3) and val_pictures.shape == (350, 48, 48, 3)
    assert words.shape == (1294, len(split.vocabulary)) and val_words.shape == (350, len(split.vocabulary))
    assert pictures.dtype == words.dtype == np.float32 and np.issubdtype(labels.dtype, np.integer)
    assert pictures.min() == 0 and pictures.max() == 1 and set(np.unique(words)) == {0, 1}
    assert words.any(axis=0).all(), "each word is met in training"
    assert not val_words.any(axis=1).all(), "some name has no word that was met in training"
    shares = np.bincount(labels) / 1294, np.bincount(val_labels) / 350
    assert len(shares[0]) == len(split.groups) == 8 and np.abs(shares[0] - shares[1]).max() < 0.003
    emoji = data.load_openmoji()
    i = split.vocabulary.index("cat")
    found = [*labels[words[:, i] == 1], *val_labels[val_words[:, i] == 1]]
    cats = [g for g, name in zip(emoji.groups, emoji.names, strict=True) if re.search(r"\bcat\b", name)]
    assert len(cats) > 5 and sorted(split.groups[k] for k in found) == sorted(cats)


def test_emoji_split_is_settled_by_its_seed():
    a, b, other = data.emoji_split(seed=1), data.emoji_split(seed=1), data.emoji_split(seed=2)
    assert a.vocabulary == b.vocabulary != other.vocabulary
    assert np.array_equal(a.train[1], b.train[1]) and np.array_equal(a.train[0][0], b.train[0][0])
    assert not np.array_equal(a.validation[1], other.validation[1])


@pytest.mark.parametrize("name", CURVES)
def test_curves(name):
    curves = data.load_curves(name)
    assert all(array.shape == (len(curves),) for array in curves.labels.values())
    assert len({array.shape for array in curves.columns.values()}) == 1
    assert {array.dtype for array in curves.columns.values()} == {np.dtype("float32")}
    settings = list(zip(*curves.labels.values(), strict=True))
    assert len(set(settings)) == len(settings), "no two runs have the same labels"
    for i in range(len(curves)):
        columns = curves.at(i).values()
        assert any(column and np.isfinite(column).all() for column in columns), f"run {i} holds nothing"


def test_curves_of_chapter_01():
    threshold, broken = data.load_curves("threshold"), data.load_curves("break")
    assert {name for name in threshold.labels} == {"input", "units", "seed"}
    for kind, runs, epochs in (("both", 5, 45), ("pictures", 5, 45), ("words", 20, 80)):
        histories = threshold.select(input=kind)
        assert len(histories) == runs
        assert {len(column) for history in histories for column in history.values()} == {epochs}
    for history in broken.select(broken=True):
        rows = zip(history["batches_run"], history["messages"], history["smallest_loss"], strict=True)
        for run, message, smallest in rows:
            assert message == (smallest < 0.01) and (run == 81 or message)
    for history in broken.select(broken=False):
        assert set(history["batches_run"]) == {81}


def test_curves_select_and_padding():
    nan = np.nan
    curves = Curves(
        {"kind": np.array(["a", "b", "b"]), "seed": np.array([0, 0, 1])},
        {
            "loss": np.array([[3, 2, 1], [3, 2, nan], [3, nan, 1]]),
            "val_loss": np.array([[3, 2, nan], [3, nan, nan], [3, 2, 1]]),
        },
    )
    assert [len(h["loss"]) for h in curves.select(kind="b")] == [2, 3]
    assert np.isnan(curves.at(0)["val_loss"][2]), "kept: the loss has a value in this epoch"
    assert curves.select(kind="b", seed=0)[0]["loss"] == [3, 2]
    assert type(curves.at(0)["loss"][0]) is float
    with pytest.raises(ValueError, match='There is no label "sed". Labels: kind, seed.'):
        curves.select(sed=0)
    with pytest.raises(ValueError, match="No run has kind='c'. There are kind: a, b."):
        curves.select(kind="c")


def test_damaged_file(copy):
    path = copy / "curves/break.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"break.npz is damaged.*git checkout -- data/curves/break.npz"):
        data.load_curves("break")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="damaged"):
        data.load_curves("break")


def test_missing_file(copy):
    with pytest.raises(DataError, match=r"openmoji_48.npz is missing.*git checkout -- data/openm.*README"):
        data.load_openmoji()
    with pytest.raises(DataError, match=r"curves/brake.npz is missing. Files there: .*curves/break.npz"):
        data.load_curves("brake")


def test_weights_are_checked_before_keras_reads_them(copy):
    with pytest.raises(DataError, match=r"notop.weights.h5 is missing.*git checkout -- data/mobilenetv2"):
        data.mobilenetv2_weights()
    (copy / "mobilenetv2_notop.weights.h5").write_bytes(b"an hour of download, cut short")
    with pytest.raises(DataError, match=r"notop.weights.h5 is damaged.*git checkout -- data/mobilenetv2"):
        data.mobilenetv2_weights()
    with pytest.raises(DataError, match=r"cifar10_4k.npz is missing.*git checkout -- data/cifar10_4k.npz"):
        data.load_cifar10()


def test_an_installed_copy_says_where_the_data_is(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "DATA", tmp_path / "nowhere")
    with pytest.raises(DataError, match="in its repository, not in an installed copy: clone it"):
        data.load_curves("break")


def test_file_without_a_checksum(copy):
    shutil.copy(copy / "curves/break.npz", copy / "curves/mine.npz")
    with pytest.raises(DataError, match="sha256sum curves/mine.npz >> SHA256SUMS"):
        data.load_curves("mine")
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match="SHA256SUMS is missing"):
        data.load_curves("break")


def test_a_file_is_checked_once(copy, monkeypatch):
    data.load_curves("break")
    monkeypatch.setattr(data.hashlib, "sha256", None)  # would raise if called
    assert len(data.load_curves("break")) == 10


def test_two_input_model_takes_the_pair_in_any_case_and_leaves_the_global_seed_alone():
    import keras

    from course_utils.classroom.models import two_input_model

    pair = np.random.default_rng(0).random((6, 48, 48, 3), "float32"), np.eye(6, dtype="float32")
    other = 1 - pair[0], 1 - pair[1]
    for inputs, looks_at in (("both", (0, 1)), ("pictures", (0,)), ("words", (1,))):
        keras.utils.set_random_seed(1)
        model = two_input_model(words=6, classes=3, units=5, inputs=inputs, seed=4)
        keras.utils.set_random_seed(2)
        again = two_input_model(words=6, classes=3, units=5, inputs=inputs, seed=4)
        out = model.predict(pair, verbose=0)
        assert np.array_equal(out, again.predict(pair, verbose=0)) and out.shape == (6, 3)
        assert not np.array_equal(out, two_input_model(6, 3, 5, inputs, seed=5).predict(pair, verbose=0))
        for i in (0, 1):
            changed = model.predict(tuple(other[k] if k == i else pair[k] for k in (0, 1)), verbose=0)
            assert np.allclose(out, changed) == (i not in looks_at)
    weights = two_input_model(words=64, classes=3, units=64, inputs="words").get_weights()
    kernels = [weight for weight in weights if weight.shape == (64, 64)]
    assert len(kernels) == 2 and not np.array_equal(*kernels), "layers of one shape start differently"
    with pytest.raises(ValueError, match="not 'word'"):
        two_input_model(6, 3, inputs="word")


@pytest.mark.parametrize("side, near", [(96, 97), (120, 129), (20, 33), (1, 33)])
def test_weights_are_for_some_sides_only(side, near):
    with pytest.raises(ValueError, match=rf"32 k \+ 1, such as {near}; got {side}.*right and the bottom"):
        data.mobilenetv2_weights(side)
