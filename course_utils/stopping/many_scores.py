"""The scores of criteria, of many runs at once: a function for each criterion, like its `scores`.

They take and give arrays (rows, runs), and are infinite where a criterion has NaN for "not yet". Here a loop
over the rows is what takes time, so there are few: "rows since" and "lowest so far" are one call for a table.
Sums are added in the order in which the criterion adds them, so that they round as its own do.
"""

import numpy as np

from . import budgets, criteria, peers, scores
from .checks import direction

TINY, HUGE = 1e-140, 1e140  # squares of less, or more, are 0 or infinite


def rows_since(event):
    """How many rows have passed since the last one with an event; all of them if there was none."""
    number = np.arange(1, len(event) + 1)[:, None]
    return number - np.maximum.accumulate(event * number)


def means(values, window):
    """The mean of the last `window` values of each row, of those there are at the beginning."""
    some = np.arange(1, min(window, len(values) + 1))[:, None]
    begin = np.add.accumulate(values[: window - 1]) / some
    return np.concatenate([begin, _total(_windows(values, window)) / window])


def _records(values):
    """Is a value lower than all before it? NaN never is."""
    values = np.fmin(values, np.inf)
    lowest, record = np.minimum.accumulate(values), values < np.inf
    np.less(values[1:], lowest[:-1], out=record[1:])
    return record


def _windows(values, window):
    """The last `window` values of each row that has so many: arrays (rows, runs), the oldest first."""
    rows = max(len(values) - window + 1, 0)
    return [values[begin : begin + rows] for begin in range(window)]


def _total(values):
    """Added in their order, as scoring.total does."""
    values = iter(values)
    total = 0.0 + next(values)
    for value in values:
        total += value
    return total


def _padded(score, like, fill=np.inf):
    """A score of the last rows alone, with `fill` before."""
    return np.concatenate([np.full((len(like) - len(score), like.shape[1]), fill), score])


def _newest(criterion, values):
    return values


def _epochs(criterion, values):
    return np.broadcast_to(np.arange(1, len(values) + 1)[:, None], values.shape)


def _patience(criterion, values):
    values = direction(criterion.metric, criterion.mode) * values
    if not criterion.min_delta:
        return rows_since(_records(values))
    margin = criterion.min_delta * (np.abs(values) if criterion.relative else 1.0)
    goals = values - margin  # -inf less a margin is -inf, and inf is never better
    goal, better = np.full(values.shape[1], np.inf), np.empty(values.shape, bool)
    for row, value in enumerate(values):
        np.less(value, goal, out=better[row])
        np.copyto(goal, goals[row], where=better[row])
    return rows_since(better)


def _improvement(criterion, values):
    sign = direction(criterion.metric, criterion.mode)
    before, value = values[: -criterion.window], values[criterion.window :]
    score = sign * (before - value)
    if criterion.relative:
        score /= np.where(np.isfinite(before) & (before != 0), np.abs(before), 1.0)
    np.copyto(score, 0.0, where=before == value)  # also of two infinities
    return _padded(score, values)


def _generalization_loss(criterion, values, rows=slice(None)):
    loss = values[rows] / np.fmin.accumulate(values)[rows]  # fmin: NaN is never the lowest
    loss -= 1
    loss *= 100
    return loss


def _progress_quotient(criterion, values, train):
    strip, score = criterion.strip, np.full(values.shape, np.nan)
    ends = slice(strip - 1, len(values), strip)
    loss = _generalization_loss(criterion, values, ends)
    strips = train[: len(loss) * strip].reshape(len(loss), strip, train.shape[1]).swapaxes(0, 1)
    lowest = strips.min(0)
    progress = 1000 * _total(rows - lowest for rows in strips) / (strip * lowest)
    score[ends] = np.where(progress == 0, np.where(loss > 0, np.inf, 0.0), loss / progress)
    return score


def _increases(criterion, values):
    score = np.full(values.shape, np.nan)
    ends = values[criterion.strip - 1 :: criterion.strip]
    rose = np.zeros(ends.shape, bool)  # nothing rises above what was before the first: infinity
    np.greater(ends[1:], ends[:-1], out=rose[1:])
    score[criterion.strip - 1 :: criterion.strip] = rows_since(~rose)
    return score


def _moves(values, window):
    """(differences from their mean in each window, their length): see Plateau and CorrelationBelow.

    The length is NaN where a square would leave the range of floats.
    """
    parts = _windows(values, window)
    moves = [part - parts[0] for part in parts]
    mean = _total(moves) / window
    for move in moves:
        move -= mean
    length = np.sqrt(_total(move * move for move in moves))
    return moves, np.where((length > TINY) & (length < HUGE), length, np.nan)


def _plateau(criterion, values):
    return _padded(_moves(values, criterion.window)[1] / np.sqrt(criterion.window), values)


def _correlation(criterion, *columns):
    one, other = ([move / length for move in moves]
                  for moves, length in (_moves(column, criterion.window) for column in columns))
    score = _total(a * b for a, b in zip(one, other))
    return _padded(np.clip(score, -1, 1), columns[0])


def _growing_patience(criterion, values):
    values = direction(criterion.metric, criterion.mode) * values
    patience = np.array([criterion.patience(row) for row in range(len(values))], dtype=float)
    row = np.arange(len(values))[:, None]
    best = np.maximum.accumulate(_records(values) * row)
    return (row - best) / patience[best]


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
