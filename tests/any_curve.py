"""Any curve and any criterion, as hypothesis draws them. A new criterion must be added to CRITERIA."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

import course_utils.stopping.criteria as criteria_module
from course_utils.stopping import (
    Above,
    After,
    AllOf,
    AnyOf,
    Armed,
    Asked,
    AtLeast,
    AtMost,
    Below,
    Combined,
    CorrelationBelow,
    Criterion,
    Epochs,
    GeneralizationLoss,
    GrowingPatience,
    History,
    ImprovementBelow,
    IncToDec,
    Lasting,
    MissingColumn,
    NotFinite,
    Patience,
    Plateau,
    ProgressQuotient,
    RateFloor,
    Smoothed,
    StepBudget,
    SuccessiveIncreases,
    TimeBudget,
    as_criterion,
)

# a few round values, so that ties, thresholds met exactly and constant curves are common
VALUES = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 1.5, -1.0, math.nan, math.inf, -math.inf]), st.none(), st.floats()
)
ERRORS = st.one_of(  # above 0, as GeneralizationLoss and ProgressQuotient ask for
    st.sampled_from([0.5, 1.0, 1.5, math.nan, math.inf]), st.none(), st.floats(0, exclude_min=True)
)
LIMITS = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(allow_nan=False, allow_infinity=False))
COLUMNS = st.sampled_from(["loss", "val_loss"])


@st.composite
def histories(draw):
    rows = draw(st.integers(0, 12))

    def column(values):
        return draw(st.lists(values, min_size=rows, max_size=rows))

    return History(
        loss=column(VALUES),
        val_loss=column(VALUES),
        error=column(ERRORS),
        val_error=column(ERRORS),
        steps=sorted(column(st.integers(0, 20))),
        seconds=sorted(column(st.floats(0, 20))),
        job_seconds=column(st.floats(0, 20)),
        learning_rate=column(st.sampled_from([1e-2, 1e-3, 0.0, math.nan, None])),
    )


def has_fallen(history):
    losses = [loss for loss in history["loss"] if loss is not None]
    return len(losses) > 1 and losses[-1] < losses[0]


def is_long(history):
    return np.bool_(history.rows >= 3)


def last_is_worst(history):
    return history["val_loss"][-1] == max((v for v in history["val_loss"] if v is not None), default=None)


SIMPLE = {
    Below: st.builds(Below, COLUMNS, LIMITS),
    Above: st.builds(Above, COLUMNS, LIMITS),
    AtLeast: st.builds(AtLeast, COLUMNS, LIMITS),
    AtMost: st.builds(AtMost, COLUMNS, LIMITS),
    NotFinite: st.builds(NotFinite, COLUMNS),
    RateFloor: st.builds(RateFloor, st.sampled_from([0.0, 1e-3, 0.5])),
    TimeBudget: st.one_of(
        st.builds(TimeBudget, st.floats(0.1, 20)),
        st.builds(TimeBudget, minutes=st.floats(0.01, 0.3)),
        st.builds(TimeBudget, hours=st.floats(0.001, 0.005), of=st.sampled_from(["run", "job"])),
        st.builds(
            TimeBudget,
            st.one_of(
                st.sampled_from(["10s", "0.2 min", "0.001h 5 s"]),
                st.timedeltas(timedelta(microseconds=1), timedelta(seconds=20)),
            ),
            of=st.sampled_from(["run", "job"]),
        ),
    ),
    StepBudget: st.builds(StepBudget, st.integers(1, 20)),
    Epochs: st.builds(Epochs, st.integers(1, 12)),
    Patience: st.builds(
        Patience,
        COLUMNS,
        st.integers(1, 4),
        st.sampled_from([0.0, 0.25, 0.5, 3.0]),
        st.booleans(),
        st.sampled_from([None, "min", "max"]),
    ),
    ImprovementBelow: st.builds(
        ImprovementBelow,
        COLUMNS,
        st.sampled_from([-0.5, 0.0, 0.1, 1.0]),
        st.integers(1, 4),
        st.booleans(),
        st.sampled_from(["min", "max"]),
    ),
    GeneralizationLoss: st.builds(
        GeneralizationLoss, st.sampled_from([0.0, 5.0, 50.0]), st.sampled_from(["error", "val_error"])
    ),
    ProgressQuotient: st.builds(
        ProgressQuotient,
        st.sampled_from([0.0, 0.1, 1.0]),
        st.integers(2, 4),
        st.just("val_error"),
        st.just("error"),
    ),
    SuccessiveIncreases: st.builds(SuccessiveIncreases, st.integers(1, 2), st.integers(1, 4), COLUMNS),
    GrowingPatience: st.builds(
        GrowingPatience,
        COLUMNS,
        st.sampled_from([0.0, 0.3, 1.0]),
        st.sampled_from([0, 1, 2.5]),
        st.integers(1, 3),
        st.integers(3, 5),
        st.sampled_from(["min", "max"]),
    ),
    IncToDec: st.builds(
        IncToDec,
        st.sampled_from([1e-10, 0.5, 1.0]),
        COLUMNS,
        st.integers(0, 3),
        st.sampled_from(["min", "max"]),
    ),
    CorrelationBelow: st.builds(
        CorrelationBelow, st.sampled_from([-1.0, 0.0, 0.5, 1.0]), st.integers(3, 5), st.just("error"), COLUMNS
    ),
    Plateau: st.builds(Plateau, COLUMNS, st.sampled_from([0.0, 0.25, 1.0]), st.integers(2, 4)),
    Asked: st.builds(Asked, st.sampled_from([has_fallen, is_long, last_is_worst])),
}
BUDGETS = (TimeBudget, StepBudget)
SIMPLE[Smoothed] = st.builds(
    Smoothed,
    st.integers(1, 4),
    st.one_of(*(rules for kind, rules in SIMPLE.items() if kind not in {*BUDGETS, Epochs, Asked})),
)


def lasting(criteria):
    speaks_in_every_row = criteria.filter(lambda rule: getattr(rule, "strip", 1) == 1)
    return st.builds(Lasting, st.integers(1, 3), speaks_in_every_row)


NESTED = st.recursive(
    st.one_of(*SIMPLE.values()),
    lambda inner: st.one_of(
        st.builds(After, st.integers(0, 4), inner),
        st.builds(Armed, inner, inner),
        lasting(inner),
        st.builds(lambda parts: AnyOf(*parts), st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda parts: AllOf(*parts), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=5,
)
CRITERIA = SIMPLE | {
    After: st.builds(After, st.integers(0, 4), NESTED),
    Armed: st.builds(Armed, NESTED, NESTED),
    Lasting: lasting(NESTED),
    AnyOf: st.builds(lambda a, b: a | b, NESTED, NESTED),
    AllOf: st.builds(lambda a, b: a & b, NESTED, NESTED),
}


def every_criterion(test):
    each = pytest.mark.parametrize("kind", CRITERIA, ids=lambda kind: kind.__name__)
    return each(settings(max_examples=25)(test))
