"""In how many splits one way is ahead of another, in words."""

import numpy as np


def higher_in(ours, theirs, of="seeds"):
    """In how many places one array is above another, as words; ties, equal but for rounding, are told.

    >>> higher_in(np.array([98.0, 97.0, 96.0]), np.array([97.0, 97.0, 95.0]), of="splits")
    '2 of 3 splits (1 tie)'
    """
    gain = ours - theirs
    equal = np.isclose(gain, 0)
    ties = int(equal.sum())
    said = f" ({ties} tie{'s' if ties > 1 else ''})" if ties else ""
    return f"{int(((gain > 0) & ~equal).sum())} of {len(gain)} {of}{said}"
