"""Which source fits the target? Three scores from one pass over the pictures, before any training.

Higher is better, and only for the same pictures and labels: then the scores of two sources can be compared.
NumPy alone. Imported through course_utils.transfer.
"""

import warnings

import numpy as np


def leep(probabilities, labels):
    """Log expected empirical prediction: how well the source's own classes foretell the target's labels.

    With theta(x)_z the source's probability of its class z for a picture x, and P(y, z) the sum of theta(x)_z
    over the pictures with label y, divided by n, the number of all pictures:

        LEEP = 1/n sum_i log( sum_z P(y_i | z) theta(x_i)_z ),   P(y | z) = P(y, z) / sum_y P(y, z)

    At most 0. Source: Nguyen, Hassner, Seeger, Archambeau, "LEEP: A New Measure to Evaluate Transferability
    of Learned Representations", ICML 2020.

    Args:
        probabilities: (n, source classes), each row sums to 1: the source's softmax on the target's pictures.
        labels: (n,), the target's labels.

    Raises:
        ValueError: the rows are no probabilities; lengths differ; there are fewer than two labels.

    >>> leep([[1, 0], [1, 0], [0, 1], [0, 1]], [0, 0, 1, 1])  # the source's classes are the target's
    0.0
    >>> round(leep([[0.5, 0.5]] * 4, [0, 0, 1, 1]), 4)  # they say nothing: log 1/2
    -0.6931
    """
    theta, y, classes = _checked(probabilities, labels, "probabilities")
    if theta.min() < 0 or np.abs(theta.sum(1) - 1).max() > 1e-2:
        low, sums = theta.min(), theta.sum(1)
        raise ValueError(
            "Each row of the probabilities should sum to 1, with none below 0; here the lowest is "
            f"{low:.3g} and the rows sum to {sums.min():.3g} to {sums.max():.3g}. Is a softmax missing?"
        )
    joint = np.stack([theta[y == label].sum(0) for label in range(classes)])  # n P(y, z)
    total = joint.sum(0)
    conditional = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return float(np.log((conditional[y] * theta).sum(1)).mean())


def h_score(features, labels):
    """How much of the features' spread lies between the classes.

        H = tr( cov(f)^-1 cov(E[f | y]) )

    with the pseudo-inverse. From 0 (all class means the same) to the number of classes less 1. Units do not
    matter, each feature may have its own; a feature that never changes adds nothing. With as many features as
    pictures it is at that maximum whatever the features are, and a warning says so; with nearly as many it is
    close. Source: Bao, Li, Huang, Zhang, Zheng, Zamir, Guibas, "An Information-Theoretic
    Approach to Transferability in Task Transfer Learning", ICIP 2019.

    Args:
        features: (n, d).
        labels: (n,).

    Raises:
        ValueError: lengths differ, a value is not finite, there are fewer than two labels.

    >>> h_score([[0.0], [0.0], [1.0], [1.0]], [0, 0, 1, 1])
    1.0
    """
    f, y, classes = _checked(features, labels, "features")
    n, d = f.shape
    f, noise = _standardised(f, _precision(features))
    u, s = _axes(f)
    u = u[:, s > noise]
    if u.shape[1] >= n - 1:
        warnings.warn(
            f"With {d} features for {n} pictures the H-score is {classes - 1} whatever the features are: "
            "take more pictures, or fewer features (scikit-learn's PCA).",
            stacklevel=2,
        )
    # Centred, f = u s v', so that cov(f)^-1 cancels s and v: what is left are the class means of u.
    means = np.stack([u[y == label].mean(0) for label in range(classes)])
    return float((np.bincount(y) * (means**2).sum(1)).sum())


def logme(features, labels):
    """Log of maximum evidence, a row: how well a Bayesian linear model on the features explains the labels.

    For each class, its 0/1 targets y (n,) are F w plus noise, with w ~ N(0, I / alpha) and noise of precision
    beta. Alpha and beta maximise the evidence

        log p(y) = n/2 log beta + d/2 log alpha - n/2 log 2 pi - 1/2 log |alpha I + beta F'F|
                   - beta/2 |F m - y|^2 - alpha/2 |m|^2,       m = beta (alpha I + beta F'F)^-1 F'y

    The score is the mean over classes of log p(y) / n. One unit for all features does not matter: alpha takes
    it up, and the largest evidence stays. A unit for each does, since all weights share one alpha.
    Source: You, Liu, Wang, Long, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning",
    ICML 2021.

    Args:
        features: (n, d).
        labels: (n,).

    Raises:
        ValueError: lengths differ, a value is not finite, there are fewer than two labels.

    >>> good = logme([[1.0, 0.0], [1.1, 0.1], [0.0, 1.0], [0.1, 1.1]], [0, 0, 1, 1])
    >>> good > logme([[1.0, 0.0], [0.0, 1.0], [1.1, 0.1], [0.1, 1.1]], [0, 0, 1, 1])
    True
    """
    f, y, classes = _checked(features, labels, "features")
    largest = np.abs(f).max(0)
    u, s = _axes(f / (largest.max(initial=0) or 1), exact=_range(largest) > 1e3)
    targets = (y[:, None] == np.arange(classes)).astype(float)
    return float(np.mean([_evidence(s**2, u.T @ t, t @ t, len(y)) for t in targets.T]) / len(y))


def _axes(f, exact=False):
    """u and s of f = u s v', without the axes that are 0.

    The eigenvectors of f f' come several times faster than numpy's svd, but what is below 1e-7 of the largest
    s is lost: `exact` is for features of very different size.
    """
    n, d = f.shape
    least = max(n, d) * np.finfo(float).eps
    if exact:
        u, s, _ = np.linalg.svd(f, full_matrices=False)
        there = s > s.max(initial=0) * least
        return u[:, there], s[there]
    squares, axes = np.linalg.eigh(f @ f.T if n < d else f.T @ f)
    there = squares > squares.max(initial=0) * least
    s, axes = np.sqrt(squares[there]), axes[:, there]
    return axes if n < d else f @ axes / s, s


def _range(sizes):
    sizes = sizes[sizes > 0]
    return sizes.max() / sizes.min() if len(sizes) else 1.0


def _standardised(f, precision):
    """(f with columns of mean 0 and variance 1, the largest singular value that rounding alone would give
    it).

    A column that is constant as far as its precision tells is 0.
    """
    n, d = f.shape
    largest = np.abs(f).max(0)
    f = f / np.where(largest > 0, largest, 1)
    f = f - f[0]  # of a constant column exactly nothing is left
    f = f - f.mean(0)
    spread = f.std(0)
    rounding = np.divide(precision, spread, out=np.zeros(d), where=spread > precision)
    f = np.where(spread > precision, f, 0) / np.where(spread > precision, spread, 1)
    # values rounded to a grid of e are off by e / sqrt(12); a random matrix stretches by sqrt(n) + sqrt(d)
    return f, (np.sqrt(n) + np.sqrt(d)) * np.sqrt((rounding**2).mean() / 3)


def _precision(features):
    """The relative distance of neighbouring numbers in what the features were computed in."""
    kind = getattr(features, "dtype", None)
    name = str(getattr(kind, "name", kind)).rpartition(".")[2]
    known = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}
    return known.get(name, 2.0**-52)


def _evidence(squares, projected, length, n):
    """A target's largest log evidence, from F's squared singular values and the target along F's axes.

    With the ratio r = alpha / beta fixed, the best beta is n / E(r), and what is left to maximise is

        n/2 log(n / E(r)) + 1/2 sum log(r / (s^2 + r)) - n/2 log 2 pi - n/2,
        E(r) = sum of r along^2 / (s^2 + r) + what no weights can reach.

    It may have several maxima: all scales of r are tried before the best is refined. A target that the
    features
    reach exactly would have infinite evidence; an error of 1e-10 of its length is assumed.
    """
    along = projected**2
    rest = max(length - along.sum(), 1e-10 * length)

    def value(log_ratio):
        shares = 1 / (1 + squares / np.exp(log_ratio)[:, None])  # r / (s^2 + r)
        error = shares @ along + rest
        return (n * np.log(n / error) + np.log(shares).sum(1) - n * np.log(2 * np.pi) - n) / 2

    if not len(squares):
        return value(np.zeros(1))[0]
    low, high = np.log(squares.min()) - 40, np.log(squares.max()) + 40
    for _ in range(8):  # a grid around the best of a coarser one
        grid = np.linspace(low, high, 161)
        values = value(grid)
        best, step = grid[values.argmax()], grid[1] - grid[0]
        low, high = best - 2 * step, best + 2 * step
    return values.max()


def _checked(values, labels, what):
    """(float64 (n, d), labels as 0, 1, ..., how many there are). ValueError for what makes no sense."""
    values, labels = np.asarray(values, np.float64), np.asarray(labels)
    if values.ndim != 2 or labels.ndim != 1:
        raise ValueError(
            f"The {what} should be (n, d) and the labels (n,); got {values.shape} and {labels.shape}."
        )
    if len(values) != len(labels):
        raise ValueError(f"There are {len(values)} rows of {what} and {len(labels)} labels.")
    if not np.isfinite(values).all():
        raise ValueError(f"Some of the {what} are not numbers (NaN) or infinite.")
    names, y = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"A score needs at least two different labels; got {names.tolist()}.")
    return values, y, len(names)
