"""The recording of chapter 02: pairs of trainings that part at one event, and nowhere else."""

import numpy as np
import pytest

from course_utils.classroom.data import DATA, load_curves
from course_utils.stopping import Patience

OPTIMIZERS = {"adam 0.005": 0.005, "sgd 0.3": 0.3, "adam 0.0005": 0.0005}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_pair_is_one_training_until_the_event_and_then_differs_in_its_rate(optimizer):
    curves = load_curves("events")
    pairs = [curves.select(optimizer=optimizer, action=action) for action in ("go on", "rate / 10")]
    assert [len(runs) for runs in pairs] == [10, 10]
    for same, lower in zip(*pairs):
        for column in (*same.values(), *lower.values()):
            assert len(column) == 40 and np.isfinite(column).all()
        event = Patience("val_loss", 3).first(same)
        assert event + 6 < 40, "six more epochs were recorded after each event"
        for name in same:
            assert same[name][: event + 1] == lower[name][: event + 1]
        assert same["val_loss"][event + 1] != lower["val_loss"][event + 1]
        rate = OPTIMIZERS[optimizer]
        np.testing.assert_allclose(same["learning_rate"], rate, rtol=1e-5)
        np.testing.assert_allclose(lower["learning_rate"][: event + 1], rate, rtol=1e-5)
        np.testing.assert_allclose(lower["learning_rate"][event + 1 :], rate / 10, rtol=1e-5)


@pytest.mark.rare
def test_the_script_still_trains_what_was_recorded(monkeypatch):
    monkeypatch.syspath_prepend(str(DATA / "make"))
    import curves_02

    again = curves_02.event_run("adam 0.005", "rate / 10", seed=1, epochs=1)
    recorded = load_curves("events").select(optimizer="adam 0.005", action="rate / 10", seed=1)[0]
    for name, values in again.items():
        np.testing.assert_allclose(values[0], recorded[name][0], rtol=0.02, err_msg=name)
