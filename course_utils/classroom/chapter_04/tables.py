"""The tables of chapter 04: its cells have what counts, and this module how it is set out."""

import numpy as np

from ...stopping import Patience, compare


def rises(problems):
    """A line for each problem: how often its loss is above the epoch before, and where it ends.

    Args:
        problems: name -> histories.
    """
    lines = ["           loss higher than one epoch earlier, %      loss at the end,",
             "           until the best epoch     after it          % above its lowest (median)"]
    for name, runs in problems.items():
        losses = [np.array(run["val_loss"]) for run in runs]
        rose, best = [np.diff(loss) > 0 for loss in losses], [int(loss.argmin()) for loss in losses]
        until = np.concatenate([up[:epoch] for up, epoch in zip(rose, best)])
        after = np.concatenate([up[epoch:] for up, epoch in zip(rose, best)])
        end = np.median([100 * (loss[-1] / loss.min() - 1) for loss in losses])
        lines.append(f"{name:10} {100 * until.mean():20.0f} {100 * after.mean():12.0f} {end:17.0f}")
    return "\n".join(lines)


def at_equal_cost(rows, plain):
    """A line for each rule: its regret against that of the patience whose cost is nearest, run by run.

    Args:
        rows: rows of compare.
        plain: rows of compare on the same runs, of Patience with many lengths.
    """
    runs = len(plain[0].regret)
    lines = [" " * 40 + f"regret minus patience's,      of {runs} runs:",
             "rule                      patience      in points                     better   worse   equal"]
    for row in rows:
        equal = min(plain, key=lambda other: abs(other.share.mean() - row.share.mean()))
        more = row.regret - equal.regret
        counts = [np.sum(more < 0), np.sum(more > 0), np.sum(more == 0)]
        lines.append(f"{row.name:25} {equal.name:13} {more.mean():+6.1f} ± {more.std(ddof=1):4.1f} "
                     f"{counts[0]:20} {counts[1]:7} {counts[2]:7}")
    return "\n".join(lines)


def kept_error(metric, runs, patience):
    """Test error, in percent, of the epoch that patience on a metric keeps: array (runs,)."""
    return 100 * _watching(metric, runs, patience).kept


def _watching(metric, runs, patience):
    rule = Patience(metric, patience, mode="min")
    return compare([rule], runs, metric, "min", measured="test_error", measured_mode="min")[0]


def loss_or_error(problems, patience, epochs=300):
    """A line for each problem: what is kept by the validation error against by the validation loss.

    Once with the same patience on both, and once with no stop: the lowest of all epochs.

    Args:
        problems: name -> histories.
    """
    when = (f"patience {patience}", f"no stop, {epochs} epochs")
    lines = ["           epochs trained, %   test error, error minus loss, in points (better, worse in runs)",
             "           loss    error       {:25} {}".format(*when)]
    for name, runs in problems.items():
        loss, error = (_watching(metric, runs, patience) for metric in ("val_loss", "val_error"))
        line = f"{name:10} {100 * loss.share.mean():4.0f} {100 * error.share.mean():8.0f}      "
        for length in (patience, epochs):
            gap = kept_error("val_error", runs, length) - kept_error("val_loss", runs, length)
            line += f" {gap.mean():+.2f} ± {gap.std(ddof=1):.2f} ({np.sum(gap < 0):2}, {np.sum(gap > 0):2})  "
        lines.append(line.rstrip())
    return "\n".join(lines)
