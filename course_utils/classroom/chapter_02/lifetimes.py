"""The scripted runs of exercise 2.4: batches and validations take time on a clock turned by hand."""

from ..stage import Clock, Wrong, run


def other_budgets(answer):
    """Raise Wrong unless it keeps its word with other budgets, other validations and another clock, too."""
    for budget, validation, least, most, why in (
            (60, 6, 59, 60, "Is a number fixed? Measure how long validation takes."),
            (100, 2, 99, 100, "Keep back what one validation takes: not a share of the budget, and not all "
                              "validations so far together."),
            (190, 12, 189, 190, "Keep back what one validation takes: not a share of the budget, and not all "
                                "validations so far together."),
            (25, 3, 23, 27, "It cannot be kept to the second: the first epoch ends at 23 s. Then one batch "
                            "is one too many, so stop at the first that is: >=, not ==.")):
        clock = Clock()
        model, parts = lifetime(answer(budget, clock), clock, validation=validation)
        ended = parts[-1][2]
        if not least <= ended <= most or not model.stop_training:
            far = f"you ended at {ended:g} s" if model.stop_training else f"at {ended:g} s training still ran"
            raise Wrong(f"With a budget of {budget} s and validations of {validation} s {far}. {why}")


def lifetime(callback, clock, batches=20, validation=3, epochs=9):
    """(model, [(what, begin, end)]) of a run in which a batch takes one second; nobody waits for it."""
    clock.seconds += 100  # between building a callback and training, time passes
    start, parts = clock.seconds, []

    def passed(what):
        begin = clock.seconds - start
        clock.seconds += 1 if what == "batch" else validation
        if what == "batch" and parts and parts[-1][0] == "train":
            begin = parts.pop()[1]  # one bar for all batches of an epoch
        parts.append(("train" if what == "batch" else "validate", begin, clock.seconds - start))

    _, model = run(callback, [{}] * epochs, batches=batches, passed=passed)
    return model, parts
