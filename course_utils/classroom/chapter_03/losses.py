"""Scripted losses for exercise 3.4, what typical mistakes make of them, and what to say of each."""

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
    (0.2, "That is a share: multiply by 100 for percent."),
    (0.15, "That is the difference; in percent of the best epoch's loss it is 20."),
    (100 * (1 - 0.75 / 0.9), "You divide by the loss that was kept. Divide by that of the best epoch."),
    (-20.0, "The sign: to lose is positive."),
    (0.0, "You look at the whole run only: epoch 3 comes after the stop at epoch 2."))

PLACES = (  # val_loss, test_loss, stop, the regret, what to say: the best first, last, before and at the stop
    ([0.9, 0.4, 0.6, 0.7], [0.8, 0.6, 0.9, 0.75], 2, 0.0,
     "the best epoch of the whole run, 1, comes before the stop: it is kept, and nothing is lost. The whole "
     "run is all of val_loss, not what comes after the stop."),
    ([0.9, 0.4, 0.6, 0.7], [0.8, 0.6, 0.9, 0.75], 3, 0.0,
     "the run ends at the stop. Epoch 1 is kept, and it is the best of all."),
    ([0.5, 0.6, 0.4], [0.6, 0.9, 0.5], 1, 20.0, "epoch 0 is kept: it has the lowest val_loss until then."),
    ([0.3, 0.5, 0.4], [0.5, 0.6, 0.4], 1, 0.0, "epoch 0 is the one kept and the best of the whole run."),
    ([0.9, 0.8, 0.4, 0.7], [0.8, 0.7, 0.5, 0.6], 2, 0.0, "the epoch of the stop is the best of all."))
