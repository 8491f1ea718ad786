"""The tables of chapter 04: its cells have what counts, and this module how it is set out."""

import numpy as np


def rises(problems):
    """A line for each problem: how often its loss is above the epoch before, and where it ends.

    Args:
        problems: name -> histories.
    """
    lines = ["           epochs with a rise, %             loss of the last epoch,",
             "           until the best     after it       % above the lowest (median)"]
    for name, runs in problems.items():
        losses = [np.array(run["val_loss"]) for run in runs]
        rose, best = [np.diff(loss) > 0 for loss in losses], [int(loss.argmin()) for loss in losses]
        until = np.concatenate([up[:epoch] for up, epoch in zip(rose, best)])
        after = np.concatenate([up[epoch:] for up, epoch in zip(rose, best)])
        end = np.median([100 * (loss[-1] / loss.min() - 1) for loss in losses])
        lines.append(f"{name:10} {100 * until.mean():14.0f} {100 * after.mean():12.0f} {end:15.0f}")
    return "\n".join(lines)


def against_patience(row, plain):
    """The patience whose cost is nearest, and the rule's regret minus its regret: (row, array (runs,)).

    Args:
        row: a row of compare.
        plain: rows of compare on the same runs, of Patience with many lengths.
    """
    equal = min(plain, key=lambda other: abs(other.share.mean() - row.share.mean()))
    return equal, row.regret - equal.regret


def runs_better(row, plain):
    """In how many runs a rule has less regret than the patience of nearest cost; see against_patience."""
    return int(np.sum(against_patience(row, plain)[1] < 0))


def at_equal_cost(rows, plain):
    """A line for each rule: its regret against that of the patience whose cost is nearest, run by run.

    Args:
        rows: rows of compare.
        plain: rows of compare on the same runs, of Patience with many lengths.
    """
    lines = [f"{'epochs trained, %:':>59}{'regret, in points:':>22}{f'of {len(plain[0].regret)} runs:':>17}",
             f"{'rule':27}{'against':14}{'rule / patience':>18}{'rule minus patience':>22}"
             f"{'better / worse':>17}"]
    for row in rows:
        equal, more = against_patience(row, plain)
        shares = f"{100 * row.share.mean():.1f} / {100 * equal.share.mean():.1f}"
        apart = f"{more.mean():+.1f} ± {more.std(ddof=1):4.1f}"
        lines.append(f"{row.name:27}{equal.name:14}{shares:>18}{apart:>22}"
                     f"{f'{np.sum(more < 0)} / {np.sum(more > 0)}':>17}")
    lines.append("a minus: the rule lost less; better: in so many runs; ±: standard deviation over the runs")
    return "\n".join(lines)
