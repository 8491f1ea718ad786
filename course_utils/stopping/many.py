"""Criteria over many finished runs at once: in which row is each met?

For each criterion many_scores.py has a function like its `scores`, but on arrays with one value per run. A
test over curves of every kind holds what comes out equal to `criterion.first`. Two things keep that true to
the last digit: a run whose score comes within a rounding error of its limit, or in which the criterion would
raise, is asked again alone; and a criterion without such a function (your own, a plain function of the
history) is asked run by run.
"""

from functools import reduce

import numpy as np

from . import criteria, joins, wrappers
from .many_scores import POSITIVE, ROUNDED, SCORES, TINY, means
from .runs import in_parts

NEAR = 1e-9  # a score as near to its limit as that is computed again, by the criterion itself


class _OneByOne(Exception):
    """A criterion that no function here computes."""


def first_rows(criterion, runs):
    """The first row in which each run meets the criterion: int array (runs,), -1 where it never does.

    The same rows as `criterion.first` gives, run by run, in a fraction of the time.

    Args:
        criterion: a criterion, or a function of the history so far.
        runs: Runs, a list of histories, or an iterator of either, which is asked in parts: see `compare`.

    >>> from course_utils.stopping import Patience
    >>> first_rows(Patience("val_loss", 2), [{"val_loss": [0.9, 0.5, 0.6, 0.7]}, {"val_loss": [0.9, 0.8]}])
    array([ 3, -1])
    """
    criterion = joins.as_criterion(criterion)
    return np.concatenate([np.zeros(0, int), *(_first_rows(criterion, part) for part in in_parts(runs))])


def _first_rows(criterion, runs):
    rows, alone = np.full(len(runs), -1), np.zeros(len(runs), bool)
    try:
        for numbers, group in runs.alike():
            ask_alone = np.zeros(len(group), bool)
            with np.errstate(all="ignore"):  # NaN and infinity are values here
                met = _met(criterion, group, ask_alone)
            alone[numbers] = ask_alone
            if len(met):
                rows[numbers] = np.where(met.any(0), met.argmax(0), -1)
    except _OneByOne:
        alone[:] = True
    for run in np.flatnonzero(alone):
        row = criterion.first(runs[run])
        rows[run] = -1 if row is None else row
    return rows


def _met(criterion, runs, alone):
    """Is it met? bool array (rows, runs). Runs that have to be asked alone are marked in `alone`."""
    kind = type(criterion)
    if kind in (joins.AnyOf, joins.AllOf):
        met = [_met(part, runs, alone) for part in criterion.criteria]
        return reduce(np.logical_or if kind is joins.AnyOf else np.logical_and, met)
    if kind is wrappers.After:
        met = _met(criterion.criterion, runs.tail(criterion.rows), alone)
        return np.concatenate([np.zeros((runs.rows - len(met), len(runs)), bool), met])
    if kind is wrappers.Armed:
        event = _met(criterion.event, runs, alone)
        starts = np.where(event.any(0), event.argmax(0) if len(event) else 0, runs.lengths)
        return _from(starts, criterion.criterion, runs, alone)
    if kind is wrappers.Lasting:
        met, new = _met(criterion.criterion, runs, alone), _measured(criterion.criterion, runs)
        count = np.cumsum(new, axis=0)
        return count - np.maximum.accumulate(count * (new & ~met)) >= criterion.rows
    return _simple(criterion, runs, alone)


def _from(starts, criterion, runs, alone):
    """A criterion that sees the rows from `starts` on, back in the rows of the runs."""
    rest = runs.tail(starts)
    met, place = _met(criterion, rest, alone), np.arange(runs.rows)[:, None] - rest.starts + runs.starts
    if not len(met):
        return np.zeros((runs.rows, len(runs)), dtype=bool)
    return (place >= 0) & np.take_along_axis(met, np.clip(place, 0, len(met) - 1), 0)


def _measured(criterion, runs):
    """Was there something new for it? bool array (rows, runs)."""
    kind = type(criterion)
    if kind in (joins.AnyOf, joins.AllOf):
        return reduce(np.logical_or, [_measured(part, runs) for part in criterion.criteria])
    if kind is wrappers.Armed:
        return _measured(criterion.event, runs) | _measured(criterion.criterion, runs)
    if kind in (wrappers.After, wrappers.Lasting):
        return _measured(criterion.criterion, runs)
    parts = [runs.column(name)[1] for name in criterion.columns]
    return reduce(np.logical_and, [part for part in parts if part is not runs.inside] or [runs.inside])


def _simple(criterion, runs, alone):
    """One that reads columns: its verdict in every row, from the scores of the rows that were measured."""
    measured = _measured(criterion, runs)
    columns = [runs.column(name)[0] for name in criterion.columns] or [np.zeros(measured.shape)]
    if measured is runs.inside:
        return _verdict(criterion, columns, measured, alone) & measured
    # the measured rows move together, to the top
    count = measured.sum(0)
    order = np.argsort(~measured, axis=0, kind="stable")[: count.max(initial=0)]
    columns = [np.take_along_axis(column, order, 0) for column in columns]
    met = _verdict(criterion, columns, np.arange(len(order))[:, None] < count, alone)
    last = np.cumsum(measured, axis=0) - 1  # where the verdict of a row stands: a hole leaves it as it was
    if not len(met):
        return np.zeros(measured.shape, dtype=bool)
    return np.take_along_axis(met, np.maximum(last, 0), 0) & (last >= 0) & runs.inside


def _verdict(criterion, columns, there, alone):
    if type(criterion) is wrappers.Smoothed:
        smooth = [means(column, criterion.window) for column in columns]
        return _verdict(criterion.criterion, smooth, there, alone)
    score_of = SCORES.get(type(criterion))
    if score_of is None:
        raise _OneByOne
    if type(criterion) is criteria.NotFinite:
        return ~np.isfinite(columns[0])
    score = score_of(criterion, *columns)
    if type(criterion) in POSITIVE:
        for column in columns:
            alone |= ((column <= 0) & there).any(0)
    if type(criterion) in ROUNDED:
        size = np.abs(score) + abs(criterion.limit) + ROUNDED[type(criterion)]
        far = np.abs(score - criterion.limit) > NEAR * size + TINY  # NaN is not
        alone |= (~far & ~np.isinf(score) & there).any(0)
    return criterion.is_met(score)
