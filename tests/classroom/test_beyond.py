"""What notebook 92 uses: threads that play workers, recorded sweeps and workers, its figure."""

import threading

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_92 import figures, sweeps, workers
from course_utils.classroom.data import load_two_workers
from course_utils.stopping import Epochs, NotFinite, Patience, plots

RULE = Patience("val_loss", 5) | NotFinite("val_loss")


def test_a_meeting_gives_each_the_arrays_of_all():
    meeting = workers.Meeting(3)

    def work(worker):
        gather = meeting.gather_of(worker)
        return [gather(np.full(2, 10 * worker + turn)).tolist() for turn in range(50)]

    right = [[[10 * worker + turn] * 2 for worker in range(3)] for turn in range(50)]
    assert workers.at_once(work, 3) == [right] * 3


def test_who_waits_alone_gives_up():
    meeting = workers.Meeting(patience=0.2)
    with pytest.raises(threading.BrokenBarrierError):
        workers.at_once(lambda worker: meeting.gather_of(worker)(np.zeros(1)) if worker == 0 else None)


def test_a_worker_s_error_is_raised():
    with pytest.raises(ZeroDivisionError):
        workers.at_once(lambda worker: 1 / worker)


def test_workers_who_meet_can_vote():
    def work(worker, together):
        return together.every, together.gather(np.full(1, worker)).tolist()

    met = workers.meet(work, every=8)
    assert met == [(8, [[0], [1]])] * 2


def test_the_sweeps_are_twelve_trials_of_sixty_epochs():
    five = sweeps.recorded()
    assert len(five) == 5 and {len(sweep.runs) for sweep in five} == {12}
    for sweep in five:
        assert {len(values) for run in sweep.runs for values in run.values()} == {60} and sweep.epochs == 720
        assert sweep.by_rule(Epochs(7)) == [7] * 12 and sweep.by_rule(NotFinite("val_loss")) == [60] * 12
        best = min(min(run["val_loss"]) for run in sweep.runs)
        assert sweep.best() == best == sweep.best([60] * 12) <= sweep.best([1] * 12)
        assert best in sweep.runs[sweep.names.index(sweep.winner())]["val_loss"]
        assert len(set(sweep.names)) == 12
        assert sweep.percent([60] * 12) == 100 and sweep.percent([6] * 12) == 10
        only_fair = [0 if name.endswith("rate 3") else 30 for name in sweep.names]  # a quarter is at rate 3
        assert sweep.percent(only_fair) == 38 and sweep.percent(only_fair, without="rate 3") == 50
        assert sweep.rise([60] * 12) == 0 and sweep.rise([1] * 12) > 100


def test_what_the_hopeless_rate_saves():
    for sweep in sweeps.recorded():
        ended = sweep.by_rule(RULE)
        assert sweep.share([59 if name.endswith("rate 3") else 60 for name in sweep.names], "rate 3") == 100
        assert sweep.share([30] * 12, "rate 3") == 25 and 47 <= sweep.share(ended, "rate 3") <= 56
        for name, run, epochs in zip(sweep.names, sweep.runs, ended):
            losses = run["val_loss"]
            assert not name.endswith("rate 3") or min(losses) > np.log(10)  # a blind guess among ten digits
            if name.endswith("rate 0.0003"):
                assert epochs == 60 and min(losses) == losses[-1] and name != sweep.winner()


def test_five_sweeps_together():
    five = sweeps.recorded()
    found = sweeps.together(five, [[60] * 12] * 4 + [[30] * 12], "rate 3")
    assert found.needed == found.serious == 90 and found.rise == five[-1].rise([30] * 12)
    ended = [[6 if name.endswith("rate 3") else 30 for name in sweep.names] for sweep in five]
    found = sweeps.together(five, ended, "rate 3")
    assert (found.needed, found.serious) == (40, 50)


def test_with_both_a_trial_ends_at_whichever_comes_first():
    for sweep in sweeps.recorded():
        assert sweep.both.tolist() == np.minimum(sweep.rule, sweep.asha).tolist()


def test_ray_ended_the_trials_where_the_replay_does():
    """as_stopper and the replay are one rule, and Ray's trials told the recorded curves."""
    for sweep in sweeps.recorded():
        assert sweep.by_rule(RULE) == sweep.rule.tolist()


@pytest.mark.parametrize("engine", ["jax", "torch", "tf_keras"])
def test_what_the_notebook_says_of_real_workers(engine):
    alone, together = load_two_workers()[engine].values()
    assert alone["batches"][0] == 22 and not alone["over"][0] and len(alone["stack"]) >= 5
    assert together["batches"][0] == together["batches"][1] and len(set(together["weights"])) == 1
    assert set(together["reason"]) == {"process 1: 60 seconds are up in batch 3 of epoch 3"}
    of_worker_1 = {"jax": "still in its fit", "tf_keras": "its fit has ended (InternalError)",
                   "torch": "its fit has ended (60 seconds are up in batch 3 of epoch 3)"}[engine]
    assert workers.ends(alone) == ["still in its fit", of_worker_1]


def test_the_figure_can_be_read():
    first = sweeps.recorded()[0]
    ended = first.by_rule(RULE)
    drawn, said = figures.sweep(first, ended, "rate 3")
    assert plots.unreadable(drawn.figure) == []
    hopeless = [epochs for epochs, name in zip(ended, first.names) if name.endswith("rate 3")]
    assert f"The 3 at rate 3 are ended after {min(hopeless)} to {max(hopeless)} of 60 epochs" in said
    assert f"{ended.count(60)} trials are not ended" in said and first.winner().strip() in said
    plt.close("all")


def test_the_figure_of_the_workers_can_be_read():
    drawn, said = figures.two_workers(load_two_workers()["torch"])
    assert plots.unreadable(drawn.figure) == []
    assert "votes after batches 5, 6, 10, 12, 15, 18, 20, 24 both stop after 24." in said
    plt.close("all")
