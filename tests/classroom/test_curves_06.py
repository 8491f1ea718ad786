"""The recordings of chapter 06: what is in them, and that the script still trains what was recorded."""

import numpy as np
import pytest

from course_utils.classroom.data import DATA, load_curves
from course_utils.stopping import Patience

EPOCHS = {"scratch": 40, "features": 60, "long head": 70, "at once": 20}


@pytest.mark.parametrize("way", EPOCHS)
def test_every_run_is_whole_and_its_seconds_go_on(way):
    runs = load_curves("transfer").select(way=way)
    assert len(runs) == (5 if way in ("scratch", "features") else 3)
    for run in runs:
        for column in run.values():
            assert len(column) == EPOCHS[way] and np.isfinite(column).all()
        assert (np.diff(run["seconds"]) > 0).all()
        assert run["phase"] == sorted(run["phase"])


def test_a_fine_tuned_run_begins_as_the_head_on_features_until_its_patience_ends_it():
    curves = load_curves("transfer")
    pairs = list(zip(curves.select(way="features"), curves.select(way="fine-tuned")))
    assert len(pairs) == 5
    for head, tuned in pairs:
        stop = Patience("val_loss", 5).first(head)
        assert tuned["phase"] == [0] * (stop + 1) + [1] * 10
        for name in ("loss", "val_loss", "test_accuracy"):
            np.testing.assert_allclose(tuned[name][: stop + 1], head[name][: stop + 1], rtol=1e-4)


def test_a_long_head_is_the_whole_run_on_features_and_goes_on_from_its_last_epoch():
    curves = load_curves("transfer")
    for head, tuned in zip(curves.select(way="features"), curves.select(way="long head")):
        np.testing.assert_allclose(tuned["val_loss"][:60], head["val_loss"], rtol=1e-4)
        assert tuned["phase"] == [0] * 60 + [1] * 10


def test_the_sizes_and_the_sources_are_all_there():
    sizes, sources = load_curves("transfer_sizes"), load_curves("transfer_sources")
    assert len(sizes) == 3 * (3 * 3 + 2 * 4) and len(sources) == 2 * 5 * 5
    for curves in (sizes, sources):
        accuracy = curves.columns["test_accuracy"]
        assert accuracy.shape[1] == 1 and (accuracy > 0.05).all() and (accuracy < 1).all()
    without_classes = np.isin(sources.labels["source"], ["ImageNet", "random MobileNetV2"])
    assert (np.isnan(sources.columns["leep"][:, 0]) == without_classes).all()


def test_the_script_still_trains_what_was_recorded(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # what the script sets must not stay for other tests
    monkeypatch.syspath_prepend(str(DATA / "make"))
    import transfer

    again = transfer.from_scratch(transfer.Photos(), seed=1, epochs=1)
    recorded = load_curves("transfer").select(way="scratch", seed=1)[0]
    for name in ("loss", "val_loss", "test_loss"):
        np.testing.assert_allclose(again[name][0], recorded[name][0], rtol=0.03, err_msg=name)
