"""Criteria over many finished runs at once: their scores, a row of all runs at a time.

For each criterion there is a function here like its `scores`, but on arrays with one value per run. A test
over curves of every kind holds what comes out equal to `criterion.first`. Two things keep that true to the
last digit: a run whose score comes within a rounding error of its limit, or in which the criterion would
raise, is asked again alone; and a criterion without such a function (your own, a plain function of the
history) is asked run by run.
"""

import numpy as np

from . import budgets, criteria, joins, peers, scores, wrappers
from .checks import direction
from .runs import in_parts

NEAR = 1e-9  # a score as near to its limit as that is computed again, by the criterion itself
TINY, HUGE = 1e-140, 1e140  # squares of less, or more, are 0 or infinite


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
    alone = np.zeros(len(runs), dtype=bool)
    try:
        with np.errstate(all="ignore"):  # NaN and infinity are values here
            met = _met(criterion, runs, alone)
    except _OneByOne:
        alone[:] = True
        met = np.zeros((0, len(runs)), dtype=bool)
    rows = np.where(met.any(0), met.argmax(0) if len(met) else 0, -1)
    for run in np.flatnonzero(alone):
        row = criterion.first(runs[run])
        rows[run] = -1 if row is None else row
    return rows


def _met(criterion, runs, alone):
    """Is it met? bool array (rows, runs). Runs that have to be asked alone are marked in `alone`."""
    kind = type(criterion)
    if kind in (joins.AnyOf, joins.AllOf):
        met = [_met(part, runs, alone) for part in criterion.criteria]
        return (np.any if kind is joins.AnyOf else np.all)(met, axis=0)
    if kind is wrappers.After:
        return _from(criterion.rows, criterion.criterion, runs, alone)
    if kind is wrappers.Armed:
        event = _met(criterion.event, runs, alone)
        starts = np.where(event.any(0), event.argmax(0) if len(event) else 0, runs.lengths)
        return _from(starts, criterion.criterion, runs, alone)
    if kind is wrappers.Lasting:
        met, new = _met(criterion.criterion, runs, alone), _measured(criterion.criterion, runs)
        count, counts = np.zeros(len(runs), int), []
        for is_met, is_new in zip(met, new):
            count = np.where(is_new, np.where(is_met, count + 1, 0), count)
            counts.append(count)
        return np.reshape(counts, met.shape) >= criterion.rows
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
        return np.any([_measured(part, runs) for part in criterion.criteria], axis=0)
    if kind is wrappers.Armed:
        return _measured(criterion.event, runs) | _measured(criterion.criterion, runs)
    if kind in (wrappers.After, wrappers.Lasting):
        return _measured(criterion.criterion, runs)
    return np.logical_and.reduce([runs.inside, *(runs.column(name)[1] for name in criterion.columns)])


def _simple(criterion, runs, alone):
    """One that reads columns: its verdict in every row, from the scores of the rows that were measured."""
    measured = _measured(criterion, runs)
    count = measured.sum(0)
    columns = [runs.column(name)[0] for name in criterion.columns] or [np.zeros(measured.shape)]
    whole = bool((measured == runs.inside).all())
    if not whole:  # the measured rows move together, to the top
        order = np.argsort(~measured, axis=0, kind="stable")[: count.max(initial=0)]
        columns = [np.take_along_axis(column, order, 0) for column in columns]
    there = np.arange(len(columns[0]))[:, None] < count
    met = _verdict(criterion, columns, there, alone)
    if whole:
        return met & there
    last = np.cumsum(measured, axis=0) - 1  # where the verdict of a row stands: a hole leaves it as it was
    if not len(met):
        return np.zeros(measured.shape, dtype=bool)
    return np.take_along_axis(met, np.maximum(last, 0), 0) & (last >= 0) & runs.inside


def _verdict(criterion, columns, there, alone):
    if type(criterion) is wrappers.Smoothed:
        means = [_means(column, criterion.window) for column in columns]
        return _verdict(criterion.criterion, means, there, alone)
    score_of = SCORES.get(type(criterion))
    if score_of is None:
        raise _OneByOne
    if type(criterion) is criteria.NotFinite:
        return ~np.isfinite(columns[0])
    score = score_of(criterion, *columns)
    if type(criterion) in POSITIVE:
        alone |= np.any([(column <= 0) & there for column in columns], axis=(0, 1))
    if type(criterion) in ROUNDED:
        size = np.abs(score) + abs(criterion.limit) + ROUNDED[type(criterion)]
        near = np.abs(score - criterion.limit) <= NEAR * size + TINY
        unsure = np.isnan(score) | (near & np.isfinite(score))
        alone |= (unsure & there).any(0)
    return criterion.is_met(score)


def _windows(values, window):
    """The last `window` values of each row that has so many: arrays (rows, runs), the oldest first."""
    return [values[begin : len(values) - window + 1 + begin] for begin in range(window)]


def _padded(score, window, fill):
    """A score that begins with row `window` - 1, with `fill` before."""
    return np.concatenate([np.full((window - 1, score.shape[1]), fill), score])


def _means(values, window):
    means = np.empty_like(values)
    for row in range(len(values)):
        begin = max(row - window + 1, 0)
        means[row] = _total(values[begin : row + 1]) / (row + 1 - begin)
    return means


def _total(values):
    """Added in their order, as scoring.total does."""
    total = 0.0
    for value in values:
        total = total + value
    return total


# ---- the scores: arrays (rows, runs) from such arrays; infinite where a criterion has NaN for "not yet" ----


def _newest(criterion, values):
    return values


def _epochs(criterion, values):
    return np.arange(1, len(values) + 1)[:, None] + np.zeros_like(values)


def _patience(criterion, values):
    values = direction(criterion.metric, criterion.mode) * values
    goal, wait, waits = np.full(values.shape[1], np.inf), np.zeros(values.shape[1]), np.empty_like(values)
    for row, value in enumerate(values):
        better = value < goal
        margin = criterion.min_delta * (np.abs(value) if criterion.relative else 1.0)
        goal = np.where(better, value - np.where(np.isinf(value), 0.0, margin), goal)
        wait = waits[row] = np.where(better, 0, wait + 1)
    return waits


def _improvement(criterion, values):
    window, sign = criterion.window, direction(criterion.metric, criterion.mode)
    score = np.full(values.shape, np.inf)
    before, value = values[:-window], values[window:]
    by = np.where(np.isfinite(before) & (before != 0), np.abs(before), 1.0) if criterion.relative else 1.0
    score[window:] = np.where(before == value, 0.0, sign * (before - value) / by)
    return score


def _generalization_loss(criterion, values, *_):
    return 100 * (values / np.fmin.accumulate(values) - 1)  # fmin: NaN is never the lowest


def _progress_quotient(criterion, values, train):
    strip, score = criterion.strip, np.full(values.shape, np.nan)
    ends = slice(strip - 1, len(values), strip)
    loss = _generalization_loss(criterion, values)[ends]
    strips = train[: len(loss) * strip].reshape(len(loss), strip, train.shape[1]).swapaxes(0, 1)
    lowest = strips.min(0)
    progress = 1000 * _total(rows - lowest for rows in strips) / (strip * lowest)
    score[ends] = np.where(progress == 0, np.where(loss > 0, np.inf, 0.0), loss / progress)
    return score


def _increases(criterion, values):
    score, rises = np.full(values.shape, np.nan), np.zeros(values.shape[1])
    before = np.full(values.shape[1], np.inf)
    for row in range(criterion.strip - 1, len(values), criterion.strip):
        rises = score[row] = np.where(values[row] > before, rises + 1, 0)
        before = values[row]
    return score


def _moves(values, window):
    """(differences from their mean in each window, their length): see Plateau and CorrelationBelow.

    The length is NaN where a square would leave the range of floats.
    """
    parts = _windows(values, window)
    moves = [part - parts[0] for part in parts]
    mean = _total(moves) / window
    moves = [move - mean for move in moves]
    length = np.sqrt(_total(move * move for move in moves))
    return moves, np.where((length > TINY) & (length < HUGE), length, np.nan)


def _plateau(criterion, values):
    if len(values) < criterion.window:
        return np.full(values.shape, np.inf)
    length = _moves(values, criterion.window)[1]
    return _padded(length / np.sqrt(criterion.window), criterion.window, np.inf)


def _correlation(criterion, *columns):
    if len(columns[0]) < criterion.window:
        return np.full(columns[0].shape, np.inf)
    one, other = ([move / length for move in moves]
                  for moves, length in (_moves(column, criterion.window) for column in columns))
    score = _total(a * b for a, b in zip(one, other))
    return _padded(np.clip(score, -1, 1), criterion.window, np.inf)


def _growing_patience(criterion, values):
    values = direction(criterion.metric, criterion.mode) * values
    patience = np.array([criterion.patience(row) for row in range(len(values))], dtype=float)
    goal, best = np.full(values.shape[1], np.inf), np.zeros(values.shape[1], int)
    score = np.empty_like(values)
    for row, value in enumerate(values):
        better = value < goal
        goal, best = np.where(better, value, goal), np.where(better, row, best)
        score[row] = (row - best) / patience[best]
    return score


def _inc_to_dec(criterion, values):
    values = -direction(criterion.metric, criterion.mode) * values
    forget = np.array([peers.FORGET ** age for age in range(min(len(values), peers.MEMORY))])[::-1, None]
    finite, score = np.isfinite(values), np.empty_like(values)
    starts = np.where(finite, values, np.inf)  # no rise begins where nothing was measured
    rise, since = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    highest = np.full(values.shape[1], -np.inf)
    for row, value in enumerate(values):
        rise, since = rise * peers.FORGET, since + 1
        since = np.where(finite[row] & (value > highest), 0, since)
        highest = np.where(finite[row], np.fmax(highest, value), highest)
        low = starts[max(row + 1 - peers.MEMORY, 0) : row + 1]
        rises = (forget[len(forget) - len(low):] * (value - low)).max(0)
        rise = np.where(finite[row], np.fmax(rise, rises), rise)
        fall = highest - value
        p = np.where(fall <= 0, 1.0, np.where(rise > 0, np.exp(-0.5 * fall / rise), 0.0))
        score[row] = np.where(finite[row], np.where(since > criterion.wait, p, 1.0), np.inf)
    return score


SCORES = {
    criteria.Below: _newest, criteria.Above: _newest, criteria.AtMost: _newest, criteria.AtLeast: _newest,
    criteria.NotFinite: _newest, budgets.TimeBudget: _newest, budgets.StepBudget: _newest,
    budgets.RateFloor: _newest, budgets.Epochs: _epochs, criteria.Patience: _patience,
    criteria.ImprovementBelow: _improvement, scores.GeneralizationLoss: _generalization_loss,
    scores.ProgressQuotient: _progress_quotient, scores.SuccessiveIncreases: _increases,
    scores.Plateau: _plateau, peers.CorrelationBelow: _correlation,
    peers.GrowingPatience: _growing_patience, peers.IncToDec: _inc_to_dec,
}
POSITIVE = {scores.GeneralizationLoss, scores.ProgressQuotient}  # they raise on a value of 0 or below

# Scores that are rounded otherwise here than in their criterion; where one is NaN it may be none there. A
# correlation is a sum of parts of up to 1, and rounded as they are, however near to 0 it comes.
ROUNDED = {scores.Plateau: 0, peers.CorrelationBelow: 1, peers.IncToDec: 0}
