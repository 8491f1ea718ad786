"""What exercise 5.5 is scored on, recorded runs and scripted ones, and what is wrong with an answer."""

import functools

import numpy as np

from ...pruning import at_target
from ...stopping import Armed, Epochs, Patience, replay
from ..data import load_curves

SEEN = ("loss", "val_loss", "val_accuracy", "sparsity")  # a rule must not see the test
TARGET = 0.9
FULL = at_target(TARGET).value  # as the lesson: 0.899
MOST_EPOCHS, MOST_LOST = 20, 0.5
LEAST, ENOUGH = 8, 6  # epochs with full masks: of fine-tuning, and to see that it gets no better


@functools.cache
def runs():
    """(what a rule sees, test accuracy in percent) of 20 MLPs, from the epoch on in which pruning began."""
    curves, runs = load_curves("pruning_when"), []
    for labels in ("true", "shuffled"):
        for run in curves.select(labels=labels, moment="stop", target=TARGET):
            begin = int(np.argmax(np.array(run["sparsity"]) > 0))
            seen = {name: run[name][begin:] for name in SEEN}
            runs.append((seen, 100 * np.array(run["test_accuracy"][begin:])))
    return runs


# masks that take their time: for 45 epochs nearly full, at last at the border itself; full from epoch 60 on
GENTLE_FULL = 60
GENTLE = {
    "loss": [0.1 * 0.99 ** epoch for epoch in range(90)],
    "val_loss": [0.1] * 60 + [0.5 - 0.01 * epoch for epoch in range(30)],
    "val_accuracy": [0.9] * 60 + [0.6 + 0.005 * epoch for epoch in range(30)],
    "sparsity": [0.055 * (epoch + 1) for epoch in range(15)] + [0.86] * 12 + [0.893] * 20 + [0.899] * 13
    + [0.8999] * 30}


def after_the_masks(way, begin=8):
    """A run with full masks from epoch `begin` on; from there the validation loss goes one of the ways."""
    change = {"falls": [-0.002 * epoch for epoch in range(192)],
              "falls by little": [-1e-9 * epoch for epoch in range(192)],
              "stays": 192 * [0.0],
              "rises": [0.002 * epoch for epoch in range(192)],
              "swings": [0, *(191 * [0.04, 0.02])[:191]]}[way]
    return {"loss": [0.5 * 0.99 ** epoch for epoch in range(begin + 192)],
            "val_loss": [0.3] * begin + [0.5 + each for each in change],
            "val_accuracy": [0.9] * begin + [0.6 - each / 2 for each in change],
            "sparsity": [0.88 * (epoch + 1) / begin for epoch in range(begin)] + [0.9] * 192}


def score(rule, counted):
    """(mean epochs until the stop, sparsities kept, mean points of accuracy lost, how many runs never end).

    Points are lost against the epoch of lowest val_loss of all with full masks. A run that keeps no epoch
    has sparsity and accuracy 0.
    """
    epochs, shares, lost, endless = [], [], [], 0
    for seen, accuracy in runs():
        report = replay(rule, seen, best="val_loss", best_when=counted)
        endless += rule.first(seen) is None
        finest = np.argmin(np.where(np.array(seen["sparsity"]) > FULL, seen["val_loss"], np.inf))
        kept = report.best_epoch
        epochs.append(report.epoch + 1)
        shares.append(0.0 if kept is None else seen["sparsity"][kept])
        lost.append(accuracy[finest] - (0.0 if kept is None else accuracy[kept]))
    return float(np.mean(epochs)), np.array(shares), float(np.mean(lost)), endless


@functools.cache
def line():
    """Length of patience -> (epochs, points lost), armed, with full masks to choose from."""
    full = at_target(TARGET)
    scores = {n: score(Armed(full, Patience("val_loss", n)), full) for n in (1, 2, 3, 5, 10)}
    return {str(n): (epochs, lost) for n, (epochs, _, lost, _) in scores.items()}


def fault_in_score(rule, counted, epochs, shares, lost, endless):
    """What is wrong with the score on the recorded runs, or None."""
    falls = after_the_masks("falls")
    all_zeros = {**after_the_masks("falls", 0), "sparsity": 192 * [1.0]}
    if endless and rule.first(falls) is None and rule.first(all_zeros) is not None:
        most = max(max(seen["sparsity"]) for seen, _ in runs())
        return (f"{endless} of {len(shares)} runs never end: your rule waits for more zeros than there are. "
                f"Their sparsity gets to {most:.4g} at most; at_target({TARGET:g}) is met above {FULL:g}.")
    if endless and rule.first(falls) is None:
        return (f"{endless} of {len(shares)} runs never {'ends' if endless == 1 else 'end'}. Join a budget "
                "to the patience: Armed(full, Patience(...) | Epochs(n)).")
    if endless:
        lengths = sorted(len(seen["loss"]) for seen, _ in runs())
        return (f"{endless} of {len(shares)} recordings are over before your rule is met; they have "
                f"{lengths[0]} to {lengths[-1]} epochs. Stop sooner.")
    if not shares.all():
        return f"{np.sum(shares == 0)} of {len(shares)} runs keep nothing: {_why_nothing(rule, counted)}"
    if not (shares > FULL).all():
        why = ("Your rule stays for long; the choice of the best epoch has to wait, too."
               if epochs > 8 else "Has your rule waited for the masks?")
        return (f"{np.sum(shares <= FULL)} of {len(shares)} runs keep less than {TARGET:g}, the least sparse "
                f"{shares.min():.2f}. {why}")
    said = f"All keep {TARGET:g}, after {epochs:.1f} epochs and for {lost:z.2f} points."
    if epochs > MOST_EPOCHS:
        return f"{said} That is too long: at most {MOST_EPOCHS} epochs on average. The last points are dear."
    if lost > MOST_LOST and rule.first(falls) == 8:
        return (f"{said} That is too much, at most {MOST_LOST:g} points: your rule stops in the first epoch "
                "with full masks. Training after that wins back what the cut broke.")
    if lost > MOST_LOST:
        return f"{said} That is too much: at most {MOST_LOST:g} points. Fine-tune for a little longer."
    return None


def _why_nothing(rule, counted):
    """Why runs keep nothing: the choice of the best epoch is never met, or later than the stop."""
    if all(counted.first(seen) is None for seen, _ in runs()):
        return ("the second of your two criteria is met in none of their epochs. "
                f"at_target({TARGET:g}) is met above {FULL:g}.")
    if any(seen["sparsity"][rule.first(seen)] <= FULL for seen, _ in runs()):
        return "they end before an epoch may be best. Let the rule wait for the masks as well."
    return ("your rule ends them before the second criterion, which epochs may be best, is met for the first "
            "time. Are the two the other way round?")


def fault_in_scripts(rule, counted):
    """What is wrong on runs that differ from the recorded ones, or None."""
    report, stop = replay(rule, GENTLE, best="val_loss", best_when=counted), rule.first(GENTLE)
    slow = f"But these runs all fill their masks in eight epochs. On a run that takes {GENTLE_FULL}"
    whole = (f"its sparsity gets to {GENTLE['sparsity'][-1]}, never to 0.9, for weights are whole. "
             "at_target(0.9) leaves room for that.")
    if stop is None:
        return f"{slow}, your rule never ends: {whole}"
    share = GENTLE["sparsity"][stop]
    if stop < GENTLE_FULL:
        return (f"{slow}, your rule stops at epoch {stop}, with sparsity {share:.4g}. Let it wait for the "
                "measured sparsity, not for the usual number of epochs.")
    if stop + 1 < GENTLE_FULL + LEAST:
        full = stop + 1 - GENTLE_FULL
        return (f"{slow}, your rule stops at epoch {stop}, after {full} epoch{'s' if full > 1 else ''} with "
                f"full masks, while the loss falls. Wait for {LEAST}, and count them from the first full "
                "mask on.")
    if report.best_epoch is None and counted is not None and counted.first(GENTLE) is None:
        return f"{slow}, no epoch may be best for you: {whole}"
    if report.best_epoch is None or report.best_epoch < GENTLE_FULL:
        kept = GENTLE["sparsity"][report.best_epoch] if report.best_epoch is not None else 0
        return (f"{slow}, and is nearly full for long, your choice of the best epoch keeps {kept:.4g}. Only "
                f"epochs with full masks, above {FULL:g}, may be best.")
    stops = {way: rule.first(after_the_masks(way))
             for way in ("falls", "falls by little", "rises", "swings", "stays")}
    for way, does in (("rises", "only rises from then on"), ("swings", "swings above its value there"),
                      ("stays", "stays as it is there")):
        said = (f"But take two runs with full masks from epoch 8 on. Where the validation loss {does}, your "
                f"rule stops {_at(stops[way])}; where it falls on, {_at(stops['falls'])}.")
        if stops[way] is None or (stops["falls"] is not None and stops["falls"] <= stops[way]):
            return (f"{said} A run that gets no better should be left sooner than one that does: that is "
                    "what patience is for.")
        if stops[way] + 1 > 8 + ENOUGH:
            return (f"{said} That is a difference, but {stops[way] - 7} epochs with full masks are a long "
                    f"wait for a run that gets no better: at most {ENOUGH}. Shorten the patience.")
    little = stops["falls by little"]
    if little is not None and little + 1 < 8 + LEAST:
        return (f"But take a run with full masks from epoch 8 on, whose validation loss falls by 1e-9 in "
                f"each epoch. It keeps falling, and your rule stops {_at(little)}: {little - 7} epochs with "
                f"full masks, not {LEAST}. Leave no margin.")
    for way, due in (("rises", 8), ("swings", 8), ("falls", stops["falls"])):
        kept = replay(rule, after_the_masks(way), best="val_loss", best_when=counted).best_epoch
        if due is not None and kept != due:
            what = "nothing" if kept is None else f"epoch {kept}"
            return (f"But take a run with full masks from epoch 8 on, whose validation loss then {way}: of "
                    f"those epochs {due} has the lowest, and your choice keeps {what}. All epochs with full "
                    "masks may be best, not some of them.")
    return _fault_where_masks_fill_soon(rule, counted)


def _fault_where_masks_fill_soon(rule, counted, begin=2):
    """What is wrong where the ramp is short and the first full epoch is the best, or None."""
    run = after_the_masks("rises", begin)
    kept, stop = replay(rule, run, best="val_loss", best_when=counted).best_epoch, rule.first(run)
    said = f"But take a short ramp: full masks from epoch {begin} on, and a loss that only rises from there."
    if stop is None or stop + 1 > begin + ENOUGH:
        return (f"{said} Your rule stops {_at(stop)}; at most {ENOUGH} epochs with full masks are allowed. "
                "Wait for the masks, not for an epoch.")
    if kept != begin:
        what = "nothing" if kept is None else f"epoch {kept}"
        return (f"{said} Epoch {begin} is then the best of those with full masks; your choice keeps {what}. "
                "Ask for the sparsity, not for an epoch.")
    return _fault_where_zeros_are_lost(counted)


def _fault_where_zeros_are_lost(counted, lost=12):
    """What is wrong with the choice where full masks lose zeros, for one epoch of low loss, or None."""
    run = after_the_masks("rises")
    run["val_loss"][lost], run["sparsity"][lost] = 0.1, 0.7
    if replay(Epochs(20), run, best="val_loss", best_when=counted).best_epoch == lost:
        return (f"But take a run with full masks from epoch 8 on that loses zeros in epoch {lost}: sparsity "
                "0.7, and the lowest loss of all. Your choice keeps that epoch, and has to be met in full "
                "epochs only. Ask for the sparsity of the epoch itself, not whether it ever was enough.")
    return None


def _at(stop):
    return "not at all" if stop is None else f"at epoch {stop}"
