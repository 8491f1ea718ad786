"""What is said of a model without some of its filters."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FiltersReport:
    """What `prune_filters` did; print it to read it.

    Attributes:
        cut: layer's name -> (filters or units before, after).
        whole: name of a layer that keeps all of them -> why.
        weights: how many numbers the model has (before, after).
    """

    cut: dict
    whole: dict
    weights: tuple

    def __str__(self):
        cut = [f"{name} {before} -> {after}" for name, (before, after) in self.cut.items()]
        whole = [f"{name} ({why})" for name, why in self.whole.items()]
        before, after = self.weights
        lines = [f"cut:      {_some(cut)}"]
        lines += [f"whole:    {_some(whole)}"] if whole else []
        return "\n".join([*lines, f"weights:  {before:,} -> {after:,}, {before / after:.1f} times fewer"])


def _some(parts, shown=12):
    more = [f"and {len(parts) - shown + 1} more"] if len(parts) > shown else []
    return ", ".join([*parts[: shown - 1], *more] if more else parts)
