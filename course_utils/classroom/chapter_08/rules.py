"""The rules of the study: families of one idea each, with the settings among which one is chosen."""

from dataclasses import dataclass

from ...stopping import (
    CorrelationBelow,
    Criterion,
    Epochs,
    GeneralizationLoss,
    GrowingPatience,
    ImprovementBelow,
    IncToDec,
    Lasting,
    Patience,
    Plateau,
    ProgressQuotient,
    Smoothed,
    SuccessiveIncreases,
)


@dataclass(frozen=True)
class GapPatience(Criterion):
    """Patience that is shorter where a network memorises: its training loss is below its validation loss.

    It waits since val_loss was last better by 0.2 %, for patience * (L / lowest val_loss) ** 0.5 epochs,
    where L is an exponential mean of the training loss and the quotient is held between 0.1 and 1.5. Both
    losses have to be measured alike: with dropout they are not.

    >>> GapPatience(2).first({"loss": [1.0, 0.8, 0.6, 0.5], "val_loss": [1.0, 0.9, 0.95, 0.97]})
    3
    """

    patience: float

    columns = ("val_loss", "loss")
    limit = 1.0

    def scores(self, values):
        goal = lowest = float("inf")
        wait, mean = 0, None
        for val_loss, loss in values:
            mean = loss if mean is None else (mean + loss) / 2
            lowest = min(lowest, val_loss)
            wait = 0 if val_loss < goal else wait + 1
            goal = val_loss * (1 - 0.002) if val_loss < goal else goal
            quotient = min(max(mean / lowest, 0.1), 1.5)
            yield wait / max(1.0, self.patience * quotient**0.5)

    def is_met(self, score):
        return score >= 1


def _waits(rule, lengths):
    return [rule(n) for n in lengths]


# A family's name -> its settings. Patience is what all others are compared with.
FAMILIES = {
    "Patience": _waits(lambda n: Patience("val_loss", n), (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20)),
    "Patience, by a margin": [Patience("val_loss", n, min_delta=d, relative=True)
                              for d in (0.002, 0.005, 0.01, 0.02) for n in (3, 5, 6, 8, 10, 14)],
    "Patience that grows": [GrowingPatience("val_loss", share=share, plus=plus, least=1)
                            for share in (0.1, 0.2, 0.4) for plus in (1, 3, 5)],
    "Patience by the gap": _waits(GapPatience, (4, 5, 6, 7, 9, 12)),
    "Smoothed patience": [Smoothed(w, Patience("val_loss", n)) for w in (3, 5, 10) for n in (2, 3, 4, 6, 8)],
    "Improvement below": [ImprovementBelow("val_loss", d, w, relative=True)
                          for d in (0, 0.005, 0.01, 0.02) for w in (5, 8, 12, 20)],
    "UP": [SuccessiveIncreases(n, strip=strip) for strip in (1, 3, 5) for n in (1, 2, 3)],
    "GL": _waits(GeneralizationLoss, (1, 2, 3, 5, 8, 12, 20)),
    "GL in a row": [Lasting(n, GeneralizationLoss(a)) for n in (3, 5) for a in (0.5, 1, 2, 5)],
    "PQ": _waits(ProgressQuotient, (0.02, 0.05, 0.1, 0.2, 0.5, 1)),
    "Plateau": [Plateau("val_loss", d, w) for w in (10, 20) for d in (0.001, 0.003, 0.01)],
    "Correlation below": [CorrelationBelow(r, w) for w in (5, 10) for r in (-0.5, 0, 0.3)],
    "IncToDec": [IncToDec(p, wait=w) for w in (3, 10) for p in (0.3, 0.6, 0.9)],
    "A fixed number": _waits(Epochs, (10, 20, 40, 60, 100, 130, 160, 200, 250)),
}

# What each of them stops at, in a line.
ABOUT = {
    "Patience": "no new lowest validation loss for several epochs: the rule to beat",
    "Patience, by a margin": "patience for which a tiny improvement does not count",
    "Patience that grows": "the later the best epoch came, the longer the patience",
    "Patience by the gap": "the further loss lies below val_loss, the shorter the patience",
    "Smoothed patience": "patience on the mean of the last validation losses",
    "Improvement below": "the validation loss improved by too little over the last few epochs",
    "UP": "the validation loss has risen several times in a row",
    "GL": "generalization loss: the validation loss is too far above its lowest so far",
    "GL in a row": "the same as GL, but for several epochs in a row",
    "PQ": "progress quotient: GL is too large for the progress that training makes",
    "Plateau": "the last validation losses are all about the same",
    "Correlation below": "training and validation loss no longer fall together",
    "IncToDec": "the validation loss has risen by much more than it had lately been falling",
    "A fixed number": "after so many epochs, whatever happens",
}

# Four kinds of rule -> setting -> criterion, from the least patient setting to the most patient one.
KINDS = {
    "Patience": {n: Patience("val_loss", n) for n in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)},
    "GL": {a: GeneralizationLoss(a) for a in (0.1, 0.3, 1, 2, 3, 4, 6, 8, 12, 15, 20, 30, 60, 100)},
    "Plateau": {d: Plateau("val_loss", d, 20) for d in (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001,
                                                        0.0005, 0.0002, 0.0001)},
    "A fixed number": {n: Epochs(n) for n in (10, 20, 30, 40, 60, 80, 100, 120, *range(150, 301, 30))},
}
