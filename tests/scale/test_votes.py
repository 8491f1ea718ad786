"""How processes vote, with threads for processes: the wishes, the rule, what is best. No engine."""

import copy
import json
import math
import pickle
import threading
import types

import pytest

from course_utils.classroom.chapter_92.workers import Meeting
from course_utils.scale import Together
from course_utils.stopping import Epochs, StopWhen
from course_utils.stopping.best import Best
from course_utils.stopping.watch import Event

BUDGET, PATIENCE = Event("3 steps are done", "StepBudget(3)"), Event("no better", "Patience('val_loss', 2)")
SIGNAL = Event("SIGTERM came", "Signal('SIGTERM')", interrupts=True)


def together(*processes, **settings):
    """Each process is a function of its Votes, which have begun. Returns what each returns, or its error."""
    meeting, results = Meeting(len(processes), patience=20), [None] * len(processes)

    def process(number, script):
        own = {name: value[number] if isinstance(value, tuple) else value for name, value in settings.items()}
        votes = Together(gather=meeting.gather_of(number), **own).votes()
        watch = types.SimpleNamespace(times=1)
        try:
            votes.begin(types.SimpleNamespace(model=None, check="epoch", watch=watch, best=Best("val_loss")))
            results[number] = script(votes)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=process, args=each, daemon=True) for each in enumerate(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def wishing(*events):
    """A process with these events, one a batch. Returns what is agreed upon, batch by batch."""
    return lambda votes: [votes.agreed(event, whole_epoch=False) for event in events]


def is_agreed(results):
    assert all(result == results[0] for result in results), results
    return results[0]


def test_a_wish_waits_for_the_vote_and_is_said_with_its_process():
    results = together(wishing(None, None, None, None), wishing(None, BUDGET, None, None), every=3)
    event = Event("process 1: 3 steps are done", "StepBudget(3)")
    assert is_agreed(results) == [None, None, event, None]


def test_without_every_only_epochs_have_votes():
    def process(votes):
        return [votes.agreed(BUDGET, whole_epoch=False), votes.agreed(None, whole_epoch=True), votes.count]

    assert is_agreed(together(process, process)) == [None, Event("3 steps are done", "StepBudget(3)"), 1]


def test_all_wait_for_the_last_one():
    results = together(wishing(BUDGET, None, None), wishing(None, None, PATIENCE), every=1, rule=all)
    reason = "process 0: 3 steps are done; process 1: no better"
    assert is_agreed(results) == [None, None, Event(reason, "StepBudget(3); Patience('val_loss', 2)")]


def most(wishes):
    return sum(wishes) > len(wishes) / 2


def test_a_rule_may_be_the_majority():
    three = wishing(PATIENCE, None), wishing(None, PATIENCE), wishing(None, None)
    reason = "process 0: no better; process 1: no better"
    assert is_agreed(together(*three, every=1, rule=most)) == [None, Event(reason, "Patience('val_loss', 2)")]


@pytest.mark.parametrize("rule", [any, all])
def test_an_interruption_of_one_is_one_of_all(rule):
    (event,) = is_agreed(together(wishing(SIGNAL), wishing(None), every=1, rule=rule))
    assert event == Event("process 0: SIGTERM came", "Signal('SIGTERM')", interrupts=True)


def test_an_end_that_is_agreed_upon_is_no_interruption():
    (event,) = is_agreed(together(wishing(SIGNAL), wishing(BUDGET), every=1))
    assert event == Event("process 1: 3 steps are done", "StepBudget(3)")


def test_under_all_an_interruption_leaves_the_wish_to_end_for_the_next_job():
    def ending(votes):
        votes.agreed(BUDGET, whole_epoch=False)
        return json.loads(json.dumps(votes.facts()))

    _, facts = together(lambda votes: votes.agreed(SIGNAL, False) and None, ending, every=1, rule=all)
    assert facts["wish"] == ["3 steps are done", "StepBudget(3)", False]
    resumed = Together().votes()
    resumed.resume(facts, None, None)
    assert resumed.wish == BUDGET


def test_processes_with_other_settings_are_refused_before_training():
    errors = together(wishing(None), wishing(None), every=(5, 10))
    said = [str(error) for error in errors]
    assert all(each.startswith("All processes need the same") and "process 1: " in each for each in said)


def test_processes_at_different_batches_are_an_error():
    def one_too_many(votes):
        votes._batches += 1
        return votes.agreed(None, whole_epoch=True)

    errors = together(lambda votes: votes.agreed(None, whole_epoch=True), one_too_many)
    assert [str(error) for error in errors] == [
        "The processes are not at the same batch: 0 in process 0, 1 in process 1 are done."] * 2


@pytest.mark.parametrize("values, mean, notes", [
    ((0.1, 0.1, 0.1), 0.1, 0), ((1.0, 2.0, 4.5), 2.5, 1), ((1.0, math.nan, 1.0), None, 0),
    ((None, 1.0, 1.0), None, 0), ((math.inf, 1.0, 1.0), None, 0)])
def test_what_is_best_is_decided_by_the_mean(values, mean, notes):
    def process(value):
        return lambda votes: (votes.mean(value), len(votes.said("val_loss")))

    for own, said in together(*map(process, values)):
        assert (math.isnan(own) if mean is None else own == mean) and said == notes


def test_a_callback_that_votes_can_be_copied_and_pickled():
    stop = StopWhen(Epochs(3), "val_loss", together=Together(every=3))
    stop.votes.gather = lambda mine: mine[None]  # of the fit that it is in
    for copied in (copy.deepcopy(stop), pickle.loads(pickle.dumps(stop))):
        assert copied.votes.together == stop.votes.together and copied.votes.each_batch


def test_settings_are_checked_where_they_are_given():
    for wrong in ({"every": 0}, {"every": 1.5}):
        with pytest.raises((ValueError, TypeError), match="every"):
            Together(**wrong)
    for wrong in ({"rule": "any"}, {"gather": 3}):
        with pytest.raises(TypeError, match="is a function, see Together"):
            Together(**wrong)
    follower = types.SimpleNamespace(check="epoch", watch=types.SimpleNamespace(times=1), best=Best())
    with pytest.raises(ValueError, match=r"gather was given 8 bytes, and returned an array of shape \(8,\)"):
        Together(gather=lambda mine: mine).votes().begin(follower)
