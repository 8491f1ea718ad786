"""Actions for When: the floor of a rate, a rate that somebody sets back, a cooldown, an error to raise."""

import copy
import pickle
import warnings

import keras
import pytest

from course_utils.stopping import (
    After,
    Epochs,
    NotFinite,
    Patience,
    TimeBudget,
    When,
    raise_error,
    scale_learning_rate,
)
from course_utils.stopping.rate import rate_of
from fits import NAN, Clock, Probe, Script, both, fit, shared, tiny


class Afterwards(Probe):
    """Calls an action's `after` at the end of every epoch after the first in which it acted."""

    def __init__(self, action, acted):
        super().__init__("afterwards")
        self.action, self.acted, self.said, self.rates = action, acted, {}, []

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(rate_of(self.model))
        if epoch > self.acted:
            said = self.action.after(self.model)
            if said:
                self.said[epoch] = said


def messages(caught):
    return [str(warning.message) for warning in caught if warning.category is UserWarning]


@both
def test_a_rate_is_not_lowered_below_its_floor(K):
    model = tiny(K, rate=1.0)
    for factor, floor, rate in ((0.5, 0.2, 0.5), (0.5, 0.4, 0.4), (0.5, 0.4, 0.4), (0.5, 0.9, 0.4),
                                (0.5, 0, 0.2), (3, 0, 0.6)):
        scale_learning_rate(factor, floor)(model)
        assert rate_of(model) == pytest.approx(rate)


@both
def test_a_rate_that_is_set_back_is_told_once(K):
    """LearningRateScheduler sets it at every epoch's beginning: the action lasts to the end of its epoch."""
    model, action = tiny(K, rate=0.1), scale_learning_rate(0.1)
    every_epoch, after = K.callbacks.LearningRateScheduler(lambda epoch: 0.1), Afterwards(action, acted=1)
    with pytest.warns(UserWarning, match="as LearningRateScheduler does in every epoch") as caught:
        when = When(Epochs(2), action)
        fit(model, every_epoch, when, after, epochs=5)
    assert after.rates == pytest.approx([0.1, 0.01, 0.1, 0.1, 0.1])
    said = ("the learning rate is 0.1, not the 0.01 that scale_learning_rate(0.1) set: another callback sets "
            "it anew, as LearningRateScheduler does in every epoch; change the rate in that callback")
    assert when.report.notes == (said,) and messages(caught) == [said]


@both
def test_a_rate_that_stays_or_falls_further_is_not_set_back(K):
    others = (None, K.callbacks.ReduceLROnPlateau("flat", factor=0.5, patience=1, mode="min"))
    for other in others:
        action = scale_learning_rate(0.1)
        callbacks = [Script(flat=[1.0] * 5), When(Epochs(2), action), Afterwards(action, acted=1)]
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            fit(tiny(K, rate=0.1), *callbacks, *([other] if other else []), epochs=5)
        assert callbacks[-1].said == {}
    up = scale_learning_rate(2)
    model = tiny(K, rate=0.1)
    up(model)
    model.optimizer.learning_rate = 0.3
    assert up.after(model) is None
    model.optimizer.learning_rate = 0.1
    with pytest.warns(UserWarning, match=r"is 0.1, not the 0.2 that scale_learning_rate\(2\) set"):
        assert up.after(model)


def test_it_is_told_when_it_acts_again_too():
    model, action = tiny(keras, rate=0.1), scale_learning_rate(0.1)
    every_epoch = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    with pytest.warns(UserWarning) as caught:
        fit(model, every_epoch, When(Epochs(2), action, times=3), epochs=6)
    assert len(messages(caught)) == 2  # at the second and the third time, of the time before


def test_a_new_fit_and_a_resumed_one():
    model, action = tiny(keras, rate=0.1), scale_learning_rate(0.1)
    action(model)
    model.optimizer.learning_rate = 0.1
    action.before(model)  # a new fit begins, and the rate is its own
    assert action.after(model) is None
    model.optimizer.learning_rate = 0.01
    action.resume(model)  # a killed one goes on, in which it had acted
    model.optimizer.learning_rate = 0.1
    with pytest.warns(UserWarning):
        assert action.after(model).startswith("the learning rate is 0.1, not the 0.01")


@both
def test_a_schedule_is_refused_before_training_too(K):
    schedule = K.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = tiny(K, optimizer=K.optimizers.SGD(schedule))
    for refuse in (scale_learning_rate(0.5).before, scale_learning_rate(0.5)):
        with pytest.raises(TypeError, match="is a schedule, which sets the rate itself"):
            refuse(model)


@both
def test_a_schedule_costs_no_epoch(K):
    schedule = K.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = tiny(K, optimizer=K.optimizers.SGD(schedule))
    with pytest.raises(TypeError, match="is a schedule, which sets the rate itself"):
        fit(model, When(Epochs(2), scale_learning_rate(0.5)))
    assert int(model.optimizer.iterations) == 0


def test_actions_are_values():
    for action in (scale_learning_rate(0.1), scale_learning_rate(0.5, floor=1e-5), raise_error(),
                   raise_error(ValueError)):
        assert action.__name__ == repr(action)
        twins = copy.deepcopy(action), pickle.loads(pickle.dumps(action)), eval(repr(action))
        assert all(twin == action and repr(twin) == repr(action) for twin in twins)
    assert scale_learning_rate(0.1) != scale_learning_rate(0.1, floor=1e-5)
    assert repr(scale_learning_rate(0.5, floor=1e-5)) == "scale_learning_rate(0.5, floor=1e-05)"
    assert repr(raise_error(ValueError)) == "raise_error(ValueError)"


# ---- a cooldown is After, which hides rows after every event ----

# row:   0    1    2    3    4    5    6    7    8    9    10   11
CURVE = [1.0, 2.0, 2.0, 2.0, 9.0, 8.0, 7.0, 6.0, 7.0, 7.0, 7.0, 7.0]


@both
@pytest.mark.parametrize(("cooldown", "epochs"), [(0, [2, 5, 9]), (1, [3, 9]), (3, [5, 11])])
def test_rows_after_an_event_do_not_count(K, cooldown, epochs):
    """Patience 2. Without: best in 0, met in 2; afresh best in 3, met in 5; afresh best in 7, met in 9.

    A row hidden each time: best in 1, met in 3; 4 hidden, best in 7, met in 9. Three: best in 3, met in 5;
    6, 7 and 8 hidden, best in 9, met in 11.
    """
    when = When(After(cooldown, Patience("val_loss", 2)), scale_learning_rate(0.5), times=9)
    fit(tiny(K, rate=1.0), Script(val_loss=CURVE), when, epochs=12)
    assert [event.epoch for event in when.events] == epochs


def test_a_cooldown_of_a_budget():
    clock, seconds = Clock(validation=0.0), []
    budget = After(2, TimeBudget(1))
    when = When(budget, lambda model: seconds.append(clock.now - 1000), times=9, clock=clock)
    fit(shared(keras), clock, when, epochs=7)  # three seconds an epoch
    assert seconds == [7, 13, 19]  # two whole rows are hidden, the rest of this epoch is the first of them


# ---- an error ----


def test_an_error_is_raised_with_the_reason():
    assert raise_error().takes_reason
    with pytest.raises(ArithmeticError, match="^loss is nan at epoch 3$"):
        raise_error()(None, "loss is nan at epoch 3")
    with pytest.raises(RuntimeError, match="^loss is nan"):
        raise_error(RuntimeError)(None, "loss is nan at epoch 3")


def test_an_error_ends_a_fit():
    """As a follower will call it: with the reason that the criterion gives."""
    action, script = raise_error(FloatingPointError), Script(loss_of=[1.0, NAN, 1.0])
    when = When(NotFinite("loss_of"), lambda model: action(model, when.events[-1].reason))
    with pytest.raises(FloatingPointError, match="loss_of is nan at epoch 1"):
        fit(shared(keras), script, when)
    assert when.history.rows == 2


def test_when_hands_it_the_reason():
    script = Script(loss_of=[1.0, NAN, 1.0])
    with pytest.raises(FloatingPointError, match="^loss_of is nan at epoch 1$"):
        fit(shared(keras), script, When(NotFinite("loss_of"), raise_error(FloatingPointError)))


class NeedsTwo(Exception):
    def __init__(self, one, other):
        super().__init__(one, other)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: raise_error("nan"), TypeError, "kind is a kind of Exception, such as ValueError; got 'nan'"),
        (lambda: raise_error(ValueError("no")), TypeError, "kind is a kind of Exception"),
        (lambda: raise_error(KeyboardInterrupt), TypeError, "kind is a kind of Exception"),
        (lambda: raise_error(NeedsTwo), TypeError, "NeedsTwo cannot be made of one sentence, as Value"),
        (lambda: scale_learning_rate(0.5, floor=-1), ValueError, "floor should be a finite number"),
        (lambda: scale_learning_rate(0.5, NAN), ValueError, "floor should be a finite number"),
        (lambda: scale_learning_rate(2, 0.1), ValueError, "A floor of 0.1 is for a factor below 1"),
    ],
)
def test_what_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


