"""The scripted runs of exercise 7.4, and what is wrong with one of the three criteria of an answer.

A run has 120 epochs, longer than training may take. A criterion is told by where it stops in all of them: a
wrong one that is known by its stops is called by its name. Then everything that it should not look at is
changed, and it has to stop where it did.
"""

import functools

from ...stopping import Above, Armed, Epochs, MissingColumn, Patience

ROWS, LAST = 120, 50
NAMES = "pictures", "words"
HEADS = (*NAMES, "both")
KEEPS = ("stops elsewhere when it is asked again about the same run: it keeps something from one run to the "
         "next. Work out what you need from the history each time, or begin anew where it has one row.")
UPWARDS = "with mode=\"max\" the highest loss is the best one. Leave it out."


def valley(low, start=3.0, fall=0.01, rise=0.01):
    """A loss that falls until epoch `low` and rises from then on."""
    lowest = start - fall * low
    return [start - fall * epoch if epoch < low else lowest + rise * (epoch - low) for epoch in range(ROWS)]


def column(*values):
    """These values, the last of them until the end."""
    return [*values, *(ROWS - len(values)) * [values[-1]]]


def run(frozen=(ROWS, ROWS), loss=None, **losses):
    """A run; `frozen`: the first epochs in which pictures and words are, 120 for never.

    The losses of the three heads, and the training loss. A head's that is not given falls for ever.
    """
    history = {f"val_{head}_loss": losses.get(head, valley(ROWS, 5.0, 0.03)) for head in HEADS}
    history["val_loss"] = [sum(row) for row in zip(*history.values())]
    history["loss"] = loss or valley(70, 8.0, 0.05)
    frozen = {f"{name}_frozen": at * [0.0] + (ROWS - at) * [1.0] for name, at in zip(NAMES, frozen)}
    return history | frozen


# ---- the rule for one input: losses, where the stop is due, what is special in them ----

TWO_VALLEYS = column(1.9, 1.5, 1.6, 1.7, 1.4, 1.4, 1.45, 1.39, 1.5, 1.6, 1.3999, 2.0)
OF_ONE = [
    (TWO_VALLEYS, 10, "is lowest at epoch 7, and higher in 8, 9 and 10"),
    (valley(13), 16, "falls until epoch 13 and then rises"),
    (column(1.2, 1.1, 1.0, 1.05, 1.0, 1.0, 0.9), 5, "is lowest at epoch 2 and no lower in 3, 4 and 5, though "
                                                   "4 and 5 are equal to it"),
    (valley(8, 1.0, 1e-6, 1.0), 11, "is lower by 0.000001 in each epoch until 8, every time a new lowest"),
    (valley(0), 3, "is lowest at epoch 0"),
    (valley(ROWS), None, "falls for ever")]


def of_one(name, other_frozen=5):
    """The runs for the rule of one input: the other input and the joint head are lowest elsewhere.

    The input is frozen from the epoch after the stop on, as its FreezeWhen would freeze it.
    """
    other, runs = _other(name), []
    for losses, stop, _ in OF_ONE:
        frozen = {name: ROWS if stop is None else stop + 1, other: other_frozen}
        runs.append(run([frozen[each] for each in NAMES],
                        **{name: losses, other: valley(22, 4.0, 0.05, 0.2), "both": valley(31, 4.0, 0.05)}))
    return runs


def fault_of_one(rule, name):
    """What is wrong with the rule that freezes `name`, a sentence, or None."""
    runs, own, other = of_one(name), f"val_{name}_loss", _other(name)
    stops, due = _stops(rule, runs), [stop for _, stop, _ in OF_ONE]
    beside = [*((f"the {other} are {'never frozen' if at == ROWS else 'frozen from the first epoch on'}",
                 of_one(name, at)) for at in (ROWS, 0)), *_beside(runs, name)]
    alone = f"Only {own} counts, and whether it is lower than before."
    if _before_the_end(stops) == due:
        told = _noticed(rule, beside, due, _before_the_end)
        return told and f"The rule for {name}: right in plain runs, but {told} {alone}"
    known = [
        (Patience(f"val_{other}_loss", 3), f"it watches the loss of the {other}. Each input has a clock of "
                                           "its own: the order is pictures, words, both."),
        (Patience("val_both_loss", 3), f"it watches the joint head. {own} is the loss of the head that sees "
                                       f"the {name} alone."),
        (Patience("val_loss", 3), f"val_loss is the sum of all heads. {own} is that of the {name}."),
        (Patience(own, 3) & Epochs(LAST), "& wants both, and after 50 epochs training is over."),
        (Patience("loss", 3), f"it watches the training loss, which goes on falling. Take {own}."),
        (Armed(Above(f"{other}_frozen", 0.5), Patience(own, 3)),
         f"it waits until the {other} are frozen. Each input has a clock of its own.")]
    known += [(Patience(own, n), f"that is patience {n}, and 3 is asked for.") for n in (1, 2, 4, 5, 6)]
    known += [(Patience(own, 3, margin), "a new lowest counts, by however little it is lower: no min_delta.")
              for margin in (1e-4, 0.001, 0.01)]
    known += [(Patience(own, 3, mode="max"), UPWARDS)]
    later = of_one(name, 9)  # an answer that only looks as if it waited for the other one is none of these
    for wrong, reason in known:
        for like in (wrong, wrong | Epochs(LAST)):
            if stops == _stops(like, runs) and _stops(rule, later) == _stops(like, later):
                return f"The rule for {name}: {reason}"
    if stops != _stops(rule, runs):
        return f"The rule for {name} {KEEPS}"
    for (_, _, told), stop, right in zip(OF_ONE, stops, due):
        if stop != right and _before_the_end([stop]) != [right]:
            more = f" {alone}" if _noticed(rule, beside, stops) else ""
            return (f"The rule for {name}: in a run in which {own} {told}, the freeze is {_due(right)}; "
                    f"yours {_at(stop)}.{more}")


# ---- the rule for the end of training: (run, where the stop is due, what is special in it) ----

EARLY_AND_LATE = [1.4, 1.3, 1.2, *(1.25 + 0.01 * epoch for epoch in range(15)),  # lowest at 2, of all
                  1.4, 1.35, 1.3, 1.25, 1.25, 1.26, *(96 * [1.27])]  # and at 21, from 18 on


def joint(both, pictures, words):
    """A run with this joint loss, and when pictures and words are frozen, four rows after they were best.

    Their heads learn on: the losses rise.
    """
    inputs = {name: valley(at - 4 if at < ROWS else ROWS) for name, at in zip(NAMES, (pictures, words))}
    return run((pictures, words), both=both, **inputs)


BOTH = [
    (joint(EARLY_AND_LATE, 6, 18), 24, "pictures are frozen from epoch 6 on, words from 18 on, and from then "
                                       "on val_both_loss is lowest at 21:"),
    (joint(valley(3), 20, 6), 23, "words are frozen from epoch 6 on, pictures from 20 on, and val_both_loss "
                                  "rises from epoch 3 on:"),
    (joint(valley(30), 9, 9), 33, "both are frozen from epoch 9 on, and val_both_loss falls until 30:"),
    (joint(column(2.0, 1.5, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.5, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.5),
           5, 13), 18, "words are frozen in epoch 13, while val_both_loss falls, until 15:"),
    (joint(column(2.0, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.5999999, 1.7), 4, 7), 11,
     "both are frozen from epoch 7 on, and from then on val_both_loss is lowest at 8, if by little:"),
    (joint(valley(0), 4, 4), 7, "both are frozen from epoch 4 on, and val_both_loss rises from epoch 0 on:"),
    (joint(column(2.0, 1.9, 1.8, 1.7, 1.6, 1.0, 1.1, 0.9, 1.0, 0.8, 0.9, 0.7, 0.8, 0.75, 0.9), 5, 5), 14,
     "both are frozen from epoch 5 on, and val_both_loss goes up and down until its lowest, at 11:"),
    (joint(valley(ROWS, 4.0, 0.03), 4, 7), LAST - 1, "both are frozen early, and val_both_loss falls for "
                                                     "ever, 50 epochs have to end it:"),
    (joint(valley(12), 4, ROWS), LAST - 1, "words are never frozen, 50 epochs have to end it:"),
    (joint(valley(12), ROWS, 4), LAST - 1, "pictures are never frozen, 50 epochs have to end it:"),
    (joint(valley(0), ROWS, ROWS), LAST - 1, "nothing is ever frozen, and val_both_loss rises from the first "
                                             "epoch on, 50 epochs have to end it:")]


def fault_of_both(rule):
    """What is wrong with the rule that ends training, a sentence, or None."""
    runs, due = [history for history, *_ in BOTH], [stop for _, stop, _ in BOTH]
    stops = _stops(rule, runs)
    alone = "Only val_both_loss, the two columns of freezing and the 50 epochs count."
    if stops == due:
        told = _noticed(rule, _beside(runs, "both"), due)
        return told and f"The end of training: right in plain runs, but {told} {alone}"
    for known, reason in _known_stops():
        if stops in known:
            return f"The end of training: {reason}"
    if stops != _stops(rule, runs):
        return f"The rule for the end {KEEPS}"
    for (_, right, told), stop in zip(BOTH, stops):
        if stop != right:
            more = f" {alone}" if _noticed(rule, _beside(runs, "both"), stops) else ""
            return f"The end of training: where {told} the stop is {_due(right)}; yours {_at(stop)}.{more}"


@functools.cache
def _known_stops():
    """(stops of a wrong rule without and with the budget, what is wrong with it)."""
    runs = [history for history, *_ in BOTH]
    return [((_stops(wrong, runs), _stops(wrong | Epochs(LAST), runs)), reason) for wrong, reason in _known()]


def _known():
    """(wrong rule for the end of training, what is wrong with it)."""
    pictures, words = (Above(f"{name}_frozen", 0.5) for name in NAMES)
    three, frozen, end = Patience("val_both_loss", 3), pictures & words, Epochs(LAST)
    return [
        (Armed(frozen, three), "where an input is never frozen, it never ends. Join a budget to the whole: "
                               "... | Epochs(50)."),
        (Armed(frozen, three | end), "its budget stands inside Armed and begins to count there: where an "
                                     "input is never frozen, nothing ends. | Epochs(50) belongs outside."),
        (end, "it ends every run after 50 epochs, whatever the joint head does."),
        (Armed(frozen, three) & end, "& wants both: the patience has to speak after 50 epochs. With | the "
                                     "budget ends what the patience does not."),
        (three, "it asks from epoch 0 on, and stops before anything is frozen. Armed(...) waits."),
        (Armed(pictures | words, three), "| means either: it is armed when the first input is frozen, while "
                                         "the other one still learns. Join them with &."),
        (Armed(pictures, three), "it waits for the pictures alone. Join both columns with &."),
        (Armed(words, three), "it waits for the words alone. Join both columns with &."),
        (frozen & three, "& asks for both in one epoch, but the patience has counted from epoch 0 on. "
                         "Armed(..., Patience(...)) begins to count where both are frozen."),
        ((pictures | words) & three, "the patience has counted from epoch 0 on, and | means either. Take "
                                     "Armed, and join the two columns with &."),
        (frozen, "it ends training in the first epoch in which both are frozen. Give the joint head its "
                 "patience from there on."),
        (Armed(three, frozen), "Armed takes the event first, then the rule that waits for it."),
        (Armed(frozen, Patience("val_loss", 3)), "val_loss is the sum of all heads, and a head that learns "
                                                 "on above a frozen branch moves it. The joint head's is "
                                                 "val_both_loss."),
        (Armed(frozen, Patience("val_pictures_loss", 3)),  # that of the words is as good, or as bad
         "it ends training three epochs after both are frozen, whatever the joint head does. Is it "
         "val_both_loss that it watches?"),
        *((Armed(frozen, Patience("val_both_loss", n)), f"that is patience {n}, and 3 is asked for.")
          for n in (1, 2, 4, 5, 6)),
        *((Armed(frozen, Patience("val_both_loss", 3, margin)),
           "a new lowest counts, by however little it is lower: no min_delta.")
          for margin in (1e-4, 0.001, 0.01)),
        (Armed(frozen, Patience("val_both_loss", 3, mode="max")), UPWARDS)]


# ---- what a rule should not notice ----

FACTORS = (1e4, "10,000 times as large"), (1e-4, "10,000 times as small")
JUMPS = 1e-6, 1e6


def _beside(runs, own):
    """(what is changed, the runs with it) for what is no matter to a rule on the head `own`."""
    losses = "loss", "val_loss", *(f"val_{head}_loss" for head in HEADS)
    for factor, told in FACTORS:
        yield f"all losses are {told}", [
            history | {name: [factor * value for value in history[name]] for name in losses}
            for history in runs]
    for first in (0, 1):
        jumping = [JUMPS[(epoch + first) % 2] for epoch in range(ROWS)]
        heads = {head: jumping for head in HEADS if head != own}
        other = [run(loss=jumping, **heads | {own: history[f"val_{own}_loss"]}) for history in runs]
        yield "the other losses jump up and down", [
            jumps | {f"{name}_frozen": history[f"{name}_frozen"] for name in NAMES}
            for jumps, history in zip(other, runs)]


def _noticed(rule, changes, due, seen=lambda stops: stops):
    """A sentence if the rule stops elsewhere where something else is changed, or None."""
    for told, runs in changes:
        for stop, right in zip(seen(_stops(rule, runs)), due):
            if stop != right:
                return f"where {told} a stop is {_due(right)}, and yours {_at(stop)}."


def _stops(rule, runs):
    return [rule.first(history) for history in runs]


def _before_the_end(stops):
    return [None if stop is not None and stop >= LAST - 1 else stop for stop in stops]


def _other(name):
    return NAMES[1 - NAMES.index(name)]


def _due(stop):
    return "never due" if stop is None else f"due at epoch {stop}"


def _at(stop):
    return "never stops" if stop is None else f"stops at epoch {stop}"


def fault(rules):
    """What is wrong with (rule for pictures, rule for words, rule for the end), a sentence, or None."""
    try:
        for rule, name in zip(rules, NAMES):
            if said := fault_of_one(rule, name):
                return said
        return fault_of_both(rules[2])
    except MissingColumn as error:
        return str(error).split(" If a callback")[0]
