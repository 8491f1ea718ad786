"""The scripted runs of exercise 2.4: batches and validations take time on a clock turned by hand."""

import itertools

from ..stage import Clock, Model, Wrong, run


def other_budgets(answer):
    """Raise Wrong unless it keeps its word with other budgets, validations and batches, and another clock."""
    for budget, validation, batch, least, most, why in (
            (100, 2, 1, 99, 100, "Keep back what one validation takes: not a share of the budget, and not "
                                 "all validations so far together."),
            (45, 6, 1, 44, 45, "Is a number fixed? Measure how long validation takes."),
            (190, 12, 1, 189, 190, "Keep back what one validation takes: not a share of the budget, and not "
                                   "all validations so far together."),
            (76, 5, 2, 74, 76, "A batch takes 2 s here. Time is not a number of batches: ask self.clock()."),
            (67, (2, 6.5), 1, 66, 67, "The first validation took 2 s, all later ones 6.5. Keep back what the "
                                      "last one took, unrounded."),
            (21, 3, 1, 23, 27, "It cannot be kept to the second: the first epoch, with its validation, ends "
                               "at 23 s. Time is up when the budget is reached or passed: >=, not ==."),
            (47, 3, 1, 46, 46, "At 46 s an epoch is over, and validated. The next would train at least one "
                               "batch, and be validated, too: ask in on_epoch_end as well, with one more "
                               "pass kept back."),
            (49, 3, 1, 46, 46, "At 46 s an epoch is over. With one more pass that is just 49: >=, not >, in "
                               "on_epoch_end, too.")):
        clock = Clock()
        model, parts = lifetime(answer(budget, clock), clock, validation=validation, batch=batch)
        ended = parts[-1][2]
        if not least <= ended <= most or not model.stop_training:
            far = f"you ended at {ended:g} s" if model.stop_training else f"at {ended:g} s training still ran"
            each = "other validations" if isinstance(validation, tuple) else f"validations of {validation} s"
            raise Wrong(f"With a budget of {budget} s and {each} {far}. {why}")
    clock = Clock()
    _, parts = lifetime(answer(100, clock), clock, another_stops_at=10)
    if parts[-1][2] > 13:
        raise Wrong("Another callback asked to stop at 10 s, and yours switched that off. "
                    "Set stop_training to True when time is up, never to False.")


def lifetime(callback, clock, batches=20, validation=3, epochs=9, batch=1, another_stops_at=None):
    """(model, [(what, begin, end)]) of a run on a clock turned by hand; nobody waits for it.

    Args:
        validation: seconds of a validation pass; of several the last holds for all later ones.
        batch: seconds of a batch.
        another_stops_at: second at which another callback, called first, asks for the end.
    """
    clock.seconds += 100  # between building a callback and training, time passes
    start, parts, model = clock.seconds, [], Model()
    validations = validation if isinstance(validation, tuple) else (validation,)
    passes = itertools.chain(validations, itertools.repeat(validations[-1]))

    def passed(what):
        begin = clock.seconds - start
        clock.seconds += batch if what == "batch" else next(passes)
        if what == "batch" and parts and parts[-1][0] == "train":
            begin = parts.pop()[1]  # one bar for all batches of an epoch
        parts.append(("train" if what == "batch" else "validate", begin, clock.seconds - start))
        if clock.seconds - start == another_stops_at:
            model.stop_training = True

    run(callback, [{}] * epochs, model, batches=batches, passed=passed)
    return model, parts
