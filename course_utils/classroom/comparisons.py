"""In how many runs one way is ahead of another, in words."""

import numpy as np


def counted(gain, units="seeds"):
    """In how many runs a gain is one, as a text; ties, equal but for rounding, are told.

    >>> counted(np.array([98.0, 97.0, 96.0]) - np.array([97.0, 97.0, 95.0]), "splits")
    '2 of 3 splits (1 tie)'
    """
    tied = np.isclose(gain, 0)
    said = f" ({tied.sum()} tie{'s' if tied.sum() > 1 else ''})" if tied.any() else ""
    return f"{((gain > 0) & ~tied).sum()} of {len(gain)} {units}{said}"
