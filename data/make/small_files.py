"""How long LiteRT files take, each in turn with the others: for the recordings of chapter 09."""

import small  # noqa: F401  before TensorFlow


def race(lites, rounds=200, budget=0.001):
    """Key -> the fastest of `rounds` rounds, in which all take turns, in seconds for one run.

    Rounds are short and many: should something else run for a moment, most of them are left alone.

    Args:
        lites: key -> `course_utils.small.Lite`.
        rounds, budget: how many, and how many seconds each takes.
    """
    runs = {key: max(1, int(budget / lite.seconds(20))) for key, lite in lites.items()}
    taken = [{key: lite.seconds(runs[key]) for key, lite in lites.items()} for _ in range(rounds)]
    return {key: min(each[key] for each in taken) for key in lites}
