"""The scripted runs of exercise 2.4: batches and validations take time on a clock turned by hand."""

import itertools
import random

from ..stage import Clock, Model, Wrong, run

# budget, seconds of the validations, of a batch, batches of an epoch, what to say
CASES = [
    (100, (2,), 1, 20, "Is the budget self.seconds, and is what you keep back one validation, measured: no "
                       "fixed number, no share of the budget, not all validations so far together?"),
    (10, (3,), 1, 20, "Before the first validation nothing is kept back, and all the same every batch may be "
                      "the last."),
    (190, (12,), 1, 90, "Keep back what one validation takes: not a share of the budget, and not all "
                        "validations so far together."),
    (76, (5,), 2, 20, "A batch takes 2 s here. Time is not a number of batches: ask self.clock(), after "
                      "each."),
    (67, (2, 6.5), 1, 20, "The first validation took 2 s, all later ones 6.5. Keep back what the last one "
                          "took, unrounded."),
    (67, (6, 2), 1, 20, "The first validation took 6 s, all later ones 2. Keep back what the last one took, "
                        "not the longest."),
    (28, (3,), 1, 20, "At 23 s an epoch is over, and one more pass would end at 26: there is room for more. "
                      "Keep back one pass in on_epoch_end, and no more than that."),
    (30.5, (3,), 0.5, 20, "Times need not be whole: round nothing, and add nothing to the validation."),
    (21, (3,), 1, 20, "The first epoch, with its validation, ends at 23 s, and time is up: look at the end "
                      "of that epoch, too, with >=, not ==."),
    (27, (3,), 1, 20, "At 24 s there was just room for the validation: look after the first batch of an "
                      "epoch, too."),
    (47, (3,), 1, 20, "At 46 s an epoch is over, and validated. The next would train at least one batch, and "
                      "be validated, too: ask in on_epoch_end as well, with one more pass kept back."),
    (49, (3,), 1, 20, "At 46 s an epoch is over. With one more pass that is just 49: >=, not >, in "
                      "on_epoch_end, too."),
    (240, (1,), 1, 3, "A run may have many epochs: it is the time alone that ends it.")]


def other_budgets(answer):
    """Raise Wrong unless it keeps its word with other budgets, validations and batches, and another clock."""
    for case in CASES:
        _keeps_its_word(answer, *case)
    clock = Clock()
    _, parts = lifetime(answer(100, clock), clock, another_stops_at=10)
    if parts[-1][2] > 13:
        raise Wrong("Another callback asked to stop at 10 s, and yours switched that off. "
                    "Set stop_training to True when time is up, never to False.")
    clock = Clock()
    callback, _ = answer(30, clock), answer(50, Clock())
    model, parts = lifetime(callback, clock)
    if parts[-1][2] != 30 or not model.stop_training:
        raise Wrong("Two callbacks were built, with 30 and with 50 s, each with a clock of its own, and the "
                    "first followed what the second was given. Keep it in self, not in the class or a global "
                    "variable.")
    draw = random.Random(0)
    for _ in range(30):
        passes = tuple(draw.choice((0.5, 2, 2.5, 4, 7)) for _ in range(9))
        batch, batches = draw.choice((0.25, 1, 1.5)), draw.randint(2, 8)
        budget = draw.randint(2, int(8 * batch * batches)) + draw.choice((0, 0.5))
        _keeps_its_word(answer, budget, passes, batch, batches,
                        "Keep back as much as the last validation took, look after every batch and every "
                        "epoch, and round nothing.")


def _keeps_its_word(answer, budget, passes, batch, batches, why):
    clock, due = Clock(), _due(budget, passes, batch, batches)
    callback = answer(budget, clock)
    for again in ("", ", in a second fit with the same callback,"):
        model, parts = lifetime(callback, clock, batches, passes, epochs=70, batch=batch)
        ended = parts[-1][2]
        if ended != due or not model.stop_training:
            far = f"you ended at {ended:g} s" if model.stop_training else f"at {ended:g} s training still ran"
            why = "Begin afresh in on_train_begin, with the last validation, too." if again else why
            raise Wrong(f"With a budget of {budget} s, {batches} batches of {batch} s and validations of "
                        f"{', '.join(map(str, passes))} s{again} {far}; {due:g} s is due. {why}")


def _due(budget, passes, batch, batches):
    """The second at which a run ends whose callback does what the exercise's text says."""
    now, last, passes = 0.0, 0.0, itertools.chain(passes, itertools.repeat(passes[-1]))
    while now + last < budget:
        for _ in range(batches):
            now += batch
            if now + last >= budget:
                break
        last, over = next(passes), now + last >= budget
        now += last
        if over:
            break
    return now


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
