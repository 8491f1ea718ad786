"""Losses for exercise 3.4, what typical mistakes make of them, and what to say of each."""

import random

VAL, TEST = [1.0, 0.8, 0.9, 0.6, 0.9, 0.95], [0.87, 0.9, 0.96, 0.75, 0.7, 0.8]  # a stop at 2 loses 20 %
MISTAKES = (
    (100 * (0.96 / 0.75 - 1), "28 is the regret of the weights at the stop. What is kept are the best by "
                              "val_loss until then: epoch 1."),
    (100 * (0.87 / 0.75 - 1), "You chose the epoch with the lowest test loss. The test may only measure: "
                              "val_loss chooses, for both epochs."),
    (100 * (0.87 / 0.7 - 1), "You took the lowest test losses. The test may only measure: val_loss "
                             "chooses, for both epochs."),
    (100 * (0.9 / 0.7 - 1), "You compare with the lowest test loss of all. Nobody could have chosen that "
                            "epoch: val_loss chooses, and its best is epoch 3."),
    (100 * (0.8 / 0.6 - 1), "33.3 is what is lost in val_loss. Choose epochs by val_loss, and measure "
                            "in test_loss."),
    (100 * (0.9 / 0.8 - 1), "You compare with the last epoch's test loss, 0.8. Compare with that of the "
                            "epoch with the lowest val_loss, 3."),
    (100 * (1.0 / 0.9 - 1), "Are the two lists swapped? val_loss comes first: it chooses, and test_loss "
                            "measures."),
    (0.2, "That is a share: multiply by 100 for percent."),
    (0.15, "That is the difference; in percent of the best epoch's loss it is 20."),
    (100 * (1 - 0.75 / 0.9), "You divide by the loss that was kept. Divide by that of the best epoch."),
    (-20.0, "The sign: to lose is positive."),
    (0.0, "0 would say that epoch 3 is kept, too. It comes after the stop at epoch 2: val_loss[: stop + 1] "
          "ends with the stop. And 0.9 / 0.75 is 1.2, where // makes 1 of it."))

PLACES = (  # val_loss, test_loss, stop, the regret, what to say: the best first, last, before and at the stop
    ([0.9, 0.4, 0.6, 0.7], [0.8, 0.6, 0.9, 0.75], 2, 0.0,
     "the best epoch of the whole run, 1, comes before the stop: it is kept, and nothing is lost. The whole "
     "run is all of val_loss, not what comes after the stop."),
    ([0.9, 0.4, 0.6, 0.7], [0.8, 0.6, 0.9, 0.75], 3, 0.0,
     "the run ends at the stop. Epoch 1 is kept, and it is the best of all."),
    ([0.5, 0.6, 0.4], [0.6, 0.9, 0.5], 1, 20.0, "epoch 0 is kept: it has the lowest val_loss until then."),
    ([0.3, 0.5, 0.4], [0.5, 0.6, 0.4], 1, 0.0, "epoch 0 is the one kept and the best of the whole run."),
    ([0.9, 0.8, 0.4, 0.7], [0.8, 0.7, 0.5, 0.6], 2, 0.0, "the epoch of the stop is the best of all."),
    ([3e30, 2e30, 2.5e30, 1e30], [0.9, 0.6, 0.7, 0.5], 2, 20.0,
     "epoch 1 is kept. Losses may be larger than any number that a search begins with: take infinity."),
    ([0.9, 0.6, 0.7, 0.5, 0.8, 0.4], [0.9, 0.6, 0.8, 0.75, 0.7, 0.5], 4, 50.0,
     "epoch 3 is kept: what has risen may fall lower again, so look at all epochs until the stop."),
    ([0.5, 0.4999999999, 0.4999999998, 0.4999999997], [0.8, 0.5, 0.6, 0.4], 2, 50.0,
     "epoch 2 is kept: lower by however little is lower."))


def drawn_losses(count=40):
    """Cases as in PLACES, always the same: short and long runs, with ties, small losses and large ones."""
    draw = random.Random(34)
    for _ in range(count):
        epochs, scale = draw.randint(1, 14), draw.choice((1, 1000, 1_000_000))
        val = [scale * draw.randint(1, 12) / 8 for _ in range(epochs)]
        test = [draw.randint(20, 99) / 64 for _ in range(epochs)]
        stop = draw.randrange(epochs)
        kept, best = val.index(min(val[: stop + 1])), val.index(min(val))
        yield (val, test, stop, 100 * (test[kept] / test[best] - 1),
               f"epoch {kept} is kept, and {best} is the best of the whole run; their test losses are "
               f"{test[kept]} and {test[best]}.")
