"""Overfitting against generalisation between two epochs: OGR, and the weights of Gradient-Blending."""

from collections.abc import Mapping

from ..stopping.history import History


def overfitting_ratio(history, loss="loss", *, start=0, end=-1):
    """The overfitting-to-generalisation ratio (OGR) between two epochs.

        OGR = |dO / dG|,   O = validation loss - training loss,   dO = O(end) - O(start),
                           dG = validation loss(start) - validation loss(end)

    How much worse the gap has become for each bit that the validation loss has gained: near 0 is learning,
    large is learning by heart, infinite if the validation loss is where it was. Wang, Tran, Feiszli 2020,
    "What makes training multi-modal classification networks hard?", which takes the validation loss for the
    true one, as we do. Keras's training loss is the mean over an epoch in which the weights change, and the
    validation loss that of its end.

    Args:
        history: rows of one run: a History, a mapping of columns, or what `fit` returned.
        loss: the column of the training loss; the validation loss has `val_` before it.
        start, end: two rows, counted from 0, or from the end if negative. The paper's "from N to N + n".

    Raises:
        ValueError: the rows are one and the same, or not there, or not measured.

    >>> overfitting_ratio({"loss": [2.0, 1.0], "val_loss": [2.5, 2.0]})       # gap 0.5 -> 1.0, gain 0.5
    1.0
    >>> overfitting_ratio({"loss": [2.0, 1.5], "val_loss": [2.0, 1.625]})     # gap 0 -> 0.125, gain 0.375
    0.333...
    """
    overfitted, gained = _changes(history, loss, start, end)
    return abs(overfitted / gained) if gained else float("inf")


def blending_weights(histories, loss="loss", *, start=0, end=-1, total=1.0):
    """The weights of Gradient-Blending for the losses of several heads, from rehearsals of each.

        w(k) = dG(k) / dO(k)^2 / Z     (dG and dO as in `overfitting_ratio`; Z so that they sum to `total`)

    Wang, Tran, Feiszli 2020 (see `overfitting_ratio`): the blend of gradients whose squared
    OGR is least. Theirs sum to 1; with as many as there are heads, `compile(loss_weights=...)`
    leaves the sum of the losses about as large as it was. A head whose validation loss did not fall has
    nothing to give and gets 0, where the formula would have it unlearn.

    Args:
        histories: head -> the history of its rehearsal: each input alone, and the joint model. One history
            with the columns of several heads may stand for several.
        loss: the column of the training loss; or a dict, head -> column, as {"words": "words_loss"}.
        start, end: see `overfitting_ratio`.
        total: what the weights sum to, above 0.

    Returns:
        A dict, head -> weight.

    Raises:
        ValueError: no head gained anything, or one gained without overfitting at all (its weight would be
            infinite); or as `overfitting_ratio`.

    >>> weights = blending_weights({"pictures": {"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]},   # 0.5 / 0.5^2
    ...                             "words": {"loss": [2.0, 1.75], "val_loss": [2.0, 2.0 - 0.125]}})
    >>> weights                                                                     # 2 and 8, of 10
    {'pictures': 0.2, 'words': 0.8}
    """
    if not isinstance(histories, Mapping) or not histories:
        raise ValueError('histories is a dict, head -> history, as {"pictures": ..., "words": ...}.')
    if not total > 0:
        raise ValueError(f"total is what the weights sum to, above 0; got {total!r}.")
    raw = {}
    for head, history in histories.items():
        overfitted, gained = _changes(history, loss[head] if isinstance(loss, Mapping) else loss, start, end)
        if gained > 0 and not overfitted:
            raise ValueError(f'"{head}" gained {gained:.3g} and did not overfit at all between these rows: '
                             "its weight would be infinite. Take rows that are further apart.")
        raw[head] = gained / overfitted**2 if gained > 0 else 0.0
    whole = sum(raw.values())
    if not whole:
        raise ValueError(f"No validation loss fell from row {start} to row {end}: there is nothing to weigh.")
    return {head: total * weight / whole for head, weight in raw.items()}


def _changes(history, loss, start, end):
    """(dO, dG): by how much the gap grew, and how much the validation loss fell."""
    history = History.of(history)
    losses = [history[loss], history[f"val_{loss}"]]
    try:
        (train, valid), (train_end, valid_end) = ([column[row] for column in losses] for row in (start, end))
    except IndexError:
        raise ValueError(f"There are {history.rows} rows: start={start} or end={end} is not among them."
                         ) from None
    if start % history.rows == end % history.rows:
        raise ValueError(f"start={start} and end={end} are one row of {history.rows}: it takes two.")
    if None in (train, valid, train_end, valid_end):
        raise ValueError(f'"{loss}" or "val_{loss}" was not measured in row {start} or {end}.')
    return (valid_end - train_end) - (valid - train), valid - valid_end
