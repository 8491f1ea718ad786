"""The figure of chapter 90. It takes data and returns a figure."""

import matplotlib.pyplot as plt
import numpy as np


def orders(seeded, mended, size=4):
    """In which order the rows were seen: two arrays (epochs, rows) of row numbers, one colour a row.

    A gap is where a batch of `size` rows ends.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9, 1.6), layout="constrained")
    titles = ("seeded fit(x, row): one order, three times", "batches(x, row, ...): three orders")
    for panel, order, title in zip(panels, (seeded, mended), titles):
        panel.imshow(order, cmap="cividis", aspect="auto")
        for (epoch, place), row in np.ndenumerate(order):
            shade = "white" if row < order.max() / 2 else "black"
            panel.text(place, epoch, int(row), ha="center", va="center", fontsize=8, color=shade)
        for place in range(size, order.shape[1], size):
            panel.axvline(place - 0.5, color="white", linewidth=4)
        panel.set(title=title, xlabel="place in the epoch (number: row of data; gap: next batch)",
                  ylabel="epoch", yticks=range(len(order)))
        panel.set_xticks([])
        panel.spines[:].set_visible(False)
    return figure
