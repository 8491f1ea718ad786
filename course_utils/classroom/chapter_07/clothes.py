"""The coloured clothes of appendix 07b as a picture, in the colours of data/make/modalities_colour.py."""

import colorsys

import matplotlib.pyplot as plt
import numpy as np

from ...stopping.plots import GREY, caption
from ..data import load_fashion_mnist

HUES = np.array([colorsys.hsv_to_rgb(i / 10, 1, 1) for i in range(10)])
SHOWN = {0: "T-shirt", 5: "sandal", 8: "bag"}
ALT = ("Two rows of T-shirts, sandals and bags. In training and validation T-shirts are red, sandals light "
       "blue and bags violet. In the test the colours are drawn at random: a green T-shirt, a red bag.")


def coloured(seed=1):
    """Two rows of clothes, each tinted with the colour that comes with it: in training, and in the test.

    Args:
        seed: draws the colours of the test, as they are drawn in the recording: any hue for any class.
    """
    rows = dict(zip(("training and\nvalidation", "test"), load_fashion_mnist()))
    drawn = np.random.default_rng(seed).integers(0, 10, 2 * len(SHOWN))
    figure, panels = plt.subplots(2, 2 * len(SHOWN), figsize=(7.2, 2.7), layout="constrained")
    for row, (said, (pictures, classes)) in enumerate(rows.items()):
        for place, panel in enumerate(panels[row]):
            kind = list(SHOWN)[place // 2]
            picture = pictures[np.flatnonzero(classes == kind)[place % 2]] / 255
            hue = HUES[drawn[place] if row else kind]
            panel.imshow(picture[..., np.newaxis] * hue)
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
            if not row:
                panel.set_title(SHOWN[kind], fontsize=9)
        panels[row, 0].set_ylabel(said, rotation=0, ha="right", va="center", fontsize=9, color=GREY)
    caption(figure, "two inputs, a grey picture and a colour; drawn here as one")
    return figure
