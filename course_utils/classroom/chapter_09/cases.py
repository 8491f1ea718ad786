"""What the checkers of 9.2, 9.3, 9.4 and 9b.1 try answers on."""

import numpy as np


def _case(seed, inputs, units, outputs, gone, reason, kernel=None):
    random = np.random.default_rng(seed)
    arrays = [random.normal(size=shape).round(4) for shape in ((inputs, units), (units,), (units, outputs))]
    if kernel is not None:
        arrays[0] = np.array(kernel, float)
    return (*arrays, gone, reason)


def _weighty(kernel, bias, after, reason):
    return (*map(np.array, (kernel, bias, after)), 1, reason)


CUTS = (  # kernel, bias, after, how many go, what to say
    _case(0, 4, 3, 4, 1, "The unit whose weights are smallest in size, in sum, goes: the second.",
          [[3, 0.5, -2], [1, -0.5, -2], [0, 0, 1], [0, 0, 0]]),
    _case(1, 2, 3, 4, 1, "Sizes count, not signs: -5 and 4 are large, though their sum is small.",
          [[-5, 1, 2], [4, 1, 2]]),
    _case(2, 3, 4, 2, 1, "What is summed are sizes; squares, or the largest alone, let another one go.",
          [[4, 1.5, 0, 3], [0, 1.5, 0, 3], [0, 1.5, 7, 3]]),
    _case(3, 3, 4, 3, 2, "The two smallest go.", [[1, 9, 3, 2], [1, -9, 3, 2], [1, 0, 3, 2]]),
    _case(4, 3, 3, 3, 1, "Where a kernel is square, rows and columns have one length, and still differ: "
                         "units are the kernel's columns.", [[6, 5, 1], [1, 1, 1], [5, 6, 1]]),
    _case(5, 2, 5, 2, 0, "None goes.", [[1, 2, 3, 4, 5], [5, 4, 3, 2, 2]]),
    _weighty([[1.0, 2, 3], [1, 2, 3]], [0.0, 0, 0], [[9.0, 9], [1, 1], [1, 1]],
             "What a unit feeds does not count, only its own kernel."),
    _weighty([[1.0, 2, 3], [1, 2, 3]], [9.0, 0, 0], [[1.0, 1], [1, 1], [1, 1]],
             "The bias does not count, only the kernel."),
    _weighty([[0.0, 0, 3], [0, 0, 3]], [0.5, 0.5, 1], [[1.0, 2], [1, 2], [3, 4]],
             "Two are alike, and one of them goes."),
    *(_case(seed, 5, 12, 3, gone, "The smallest in sum of sizes go, and no number is changed or rounded.")
      for seed, gone in ((6, 5), (7, 3), (8, 6), (9, 11))),
    _case(10, 2, 3, 2, 1, "The second is the smallest, if by little.", [[1.04, 1.01, 3], [1, 1, 3]]))

FRONTS = (  # name -> (bytes, accuracy), the names, what to say
    ({"a": (190, 97.5), "b": (55, 97.4), "c": (37, 96.9), "d": (20, 97.3)}, ["d", "b", "a"],
     "c is beaten by d, which is smaller and more accurate."),
    ({"a": (10, 95.0), "b": (10, 96.0)}, ["b"], "a is as large as b, and less accurate: beaten."),
    ({"a": (10, 95.0), "b": (12, 95.0)}, ["a"], "b is as accurate as a, and larger: beaten."),
    ({"one": (7, 96.0)}, ["one"], "With one model there is no other to beat it."),
    ({"big": (500, 100.0), "small": (5, 80.0)}, ["small", "big"],
     "Neither is beaten: the large one is more accurate, the small one smaller. The smallest comes first."),
    ({"w": (8, 96.0), "x": (9, 95.0), "y": (30, 96.5), "z": (31, 96.2)}, ["w", "y"],
     "x is beaten by w and z by y."),
    ({"none": (3, 0.0), "half": (4, 0.5)}, ["none", "half"],
     "One that is always wrong is not beaten either, as long as nothing smaller is there."),
    ({"p": (5, 96.0), "q": (7, 94.0), "r": (9, 95.0)}, ["p"],
     "r is better than its neighbour q, and p beats both."))


def some_models(seed):
    """A case of ten models: sizes within a kB, accuracies within a point, ties in either."""
    random = np.random.default_rng(seed)
    steps = random.integers(0, 9, 10)
    right = (9580 + steps + 10 * random.integers(0, 4, 10) + random.integers(0, 9, 10)) / 100
    pairs = dict.fromkeys(zip((20_000 + 100 * steps).tolist(), right.tolist()))  # no two equal in both
    models = dict(zip(random.permutation([*"klmnopqrst"]).tolist(), pairs))
    front = [name for name, (size, most) in models.items()
             if not any(other[0] <= size and other[1] >= most and other != (size, most) for other in pairs)]
    return (models, sorted(front, key=lambda name: models[name][0]),
            "A model that any other beats is out, wherever the two stand in the dict.")


PAIR = "One seed was not tried at 0.9. Compare each network with the uncut one of its own seed."
TOLERATED = (  # rows of (seed, share, accuracy), the share, {what else may be returned: what to say}
    ([(1, 0, 98.0), (2, 0, 96.0), (1, 0.5, 97.75), (2, 0.5, 95.75), (1, 0.9, 95.0), (2, 0.9, 94.0)], 0.5,
     {0.9: "What counts is the uncut accuracy minus that with zeros, and it may be 1 at most.",
      0: "Compare each network with the uncut one of its own seed, and take the largest share of those that "
         "lose at most 1."}),
    ([(1, 0, 60.0), (1, 0.8, 59.25)], 0.8,
     {0: "Points are percentage points, a difference; do not divide by the uncut accuracy."}),
    ([(1, 0, 97.0), (2, 0, 97.0), (1, 0.8, 96.25), (2, 0.8, 96.25)], 0.8,
     {0: "Take the mean over the seeds, not the sum."}),
    ([(1, 0, 97.0), (1, 0.5, 95.5), (1, 0.8, 95.0)], 0,
     {0.5: "At most one point, and no more.", 0.8: "At most one point, and no more."}),
    ([(1, 0, 60.0), (1, 0.8, 62.0), (1, 0.9, 55.0)], 0.8,
     {0: "At 0.8 accuracy rose by 2 points. That is no loss, so leave its sign."}),
    ([(1, 0, 97.0), (2, 0, 97.0), (1, 0.8, 96.0), (2, 0.8, 96.0)], 0.8,
     {0: "At most one point: exactly one is allowed."}),
    ([(1, 0, 94.0), (2, 0, 98.0), (1, 0.5, 93.75), (2, 0.5, 97.75), (1, 0.9, 93.5)], 0.9, {0.5: PAIR}),
    ([(1, 0, 94.0), (2, 0, 98.0), (1, 0.5, 93.75), (2, 0.5, 97.75), (2, 0.9, 96.0)], 0.5, {0.9: PAIR}),
    ([(1, 0, 97.0), (2, 0, 97.0), (1, 0.8, 94.5), (2, 0.8, 98.0)], 0.8,
     {0: "The mean over the seeds counts, not the worst, and a seed that gained has a loss below 0."}),
    ([(1, 0, 97.0), (2, 0, 97.0), (3, 0, 97.0), (1, 0.8, 97.0), (2, 0.8, 96.5), (3, 0.8, 93.0)], 0,
     {0.8: "The mean over the seeds counts: neither the best of them nor the one in the middle."}),
    ([(1, 0, 97.0), (1, 0.5, 96.75), (1, 0.8, 95.0), (1, 0.9, 96.5)], 0.9,
     {0.5: "The largest share is asked for, even if a smaller one loses more: look at all of them."}),
    ([(2, 0.8, 97.25), (1, 0.9, 96.75), (1, 0.8, 96.5), (2, 0, 98.0), (2, 0.9, 97.5), (1, 0, 97.0),
      (1, 0.5, 97.0), (2, 0.5, 97.0)], 0.9,
     {0.5: "The rows are in no order: the largest share is asked for, not the last.",
      0.8: "The rows are in no order: the largest share is asked for, not the first."}),
    ([(7, 0.75, 97.0), (3, 0.75, 95.5), (7, 0, 97.0), (3, 0, 96.0), (11, 0.75, 95.75), (11, 0, 98.0),
      (7, 0.96, 90.0)], 0.75,
     {0: "Seeds have any numbers, the rows are in no order, and every row of a share counts in its mean."}),
    ([(1, 0, 97.0), (2, 0, 97.0), (1, 0.5, 97.0), (1, 0.9, 96.5), (2, 0.9, 0.0)], 0.5,
     {0.9: "A network that reads nothing correctly, 0 %, counts in the mean, too."}),
    ([(5, 0, 97.0), (6, 0, 97.0), (8, 0, 97.0), (5, 0.5, 97.0), (6, 0.5, 97.0), (8, 0.5, 94.5),
      (5, 0.9, 95.96875)], 0.5,
     {0.9: "At most one point, and 1.03125 is more. Do not round.",
      0: "Of three losses, two of them equal, each counts once."}),
    ([(1, 0, 97.0), (1, 0.25, 97.0), (1, 0.99, 96.5)], 0.99,
     {0.25: "0.99 is a share like any other, and loses half a point."}))


def some_rows(seed):
    """A case of four seeds, 0 among them, and five shares; in quarters, in no order, with gaps."""
    random = np.random.default_rng(seed)
    seeds, shares = [0, *(1 + random.permutation(99)[:3]).tolist()], (1 + random.permutation(998)[:5]) / 1000
    uncut = {each: float(random.integers(380, 397)) / 4 for each in seeds}
    rows, right = [(each, 0, uncut[each]) for each in seeds], 0
    for share in shares.tolist():
        tried = random.permutation(seeds)[: random.integers(2, 5)].tolist()
        lost = (random.integers(-2, 9, len(tried)) / 4).tolist()
        rows += [(each, share, uncut[each] - points) for each, points in zip(tried, lost)]
        right = max(right, share) if sum(lost) <= len(lost) else right
    return [rows[place] for place in random.permutation(len(rows))], right, {}

TEACHER = np.array([[4.0, 0.0, -2.0], [0.0, 3.0, 1.0]])
STUDENT = np.array([[1.0, 1.0, -1.0], [0.5, 2.0, 2.5]])
LOSSES = (  # teacher, student, temperature; in the last but one the student is sure, and wrong
    (TEACHER.T, STUDENT.T, 1.0), (TEACHER.T, STUDENT.T, 2.0), (TEACHER, TEACHER, 2.0),
    (TEACHER, TEACHER + 7, 3.0), (TEACHER[:1], STUDENT[:1], 4.0),
    (np.array([[1.0, 0.0, 0.0]]), np.array([[9.0, 1.0, 0.0]]), 1.0), (TEACHER, STUDENT, 2.0))


def some_logits(temperature):
    """A case of five examples and six classes, some of them most improbable, at any temperature."""
    random = np.random.default_rng(9)
    teacher, student = (temperature * random.uniform(-6, 6, (2, 5, 6))).round(2)
    return teacher, student, temperature
