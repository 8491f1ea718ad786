"""Batches: every row once an epoch, in a new order each epoch, and in the same orders again."""

import sys

import keras
import numpy as np
import pytest

from course_utils.stopping import batches


def seen(pipeline):
    """Rows in the order in which they come, one list for each batch."""
    return [y.numpy().tolist() for _, y in pipeline]


def test_batches_cover_every_row_once_and_reshuffle():
    rows = np.arange(50)
    pipeline = batches(rows * 2.0, rows, size=16, seed=0)
    epochs = [seen(pipeline) for _ in range(3)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [16, 16, 16, 2]
        assert sorted(sum(epoch, [])) == rows.tolist()
    assert len({str(epoch) for epoch in epochs}) == 3, "a new order each epoch"
    assert len(pipeline) == 4
    assert all((x.numpy() == 2 * y.numpy()).all() for x, y in pipeline), "x and y stay together"


def test_batches_depend_on_their_seed_alone():

    rows = np.arange(40)
    orders = []
    for global_seed, seed in ((0, 7), (1, 7), (1, 8)):
        keras.utils.set_random_seed(global_seed)
        pipeline = batches(rows, rows, size=8, seed=seed)
        orders.append([seen(pipeline), seen(pipeline)])
    assert orders[0] == orders[1] != orders[2]


def test_batches_of_two_inputs():
    rows = np.arange(20)
    pictures, words = np.broadcast_to(rows[:, None, None], (20, 3, 3)), rows * 10
    for (picture, word), y in batches((pictures, words), rows, size=6, seed=0):
        assert picture.shape[1:] == (3, 3)
        assert (picture[:, 0, 0] == y).numpy().all() and (word == y * 10).numpy().all()


def test_batches_left_early_still_give_whole_epochs_afterwards():
    rows = np.arange(30)
    pipeline = batches(rows, rows, size=10, seed=0)
    next(iter(pipeline))
    assert sorted(sum(seen(pipeline), [])) == rows.tolist()


@pytest.mark.parametrize(
    "x, y, size",
    [(range(3), range(4), 2), ((range(4), range(3)), range(4), 2), (range(4), range(4), 0), ([], [], 2)],
)
def test_batches_refuse_what_does_not_fit(x, y, size):
    x = tuple(map(np.array, x)) if isinstance(x, tuple) else np.array(x)
    with pytest.raises(ValueError, match="as many rows in x as in y.*and a size of 1 or more"):
        batches(x, np.array(y), size, seed=0)


def test_without_tensorflow_the_orders_are_the_same(monkeypatch):
    rows = np.arange(20)
    pipeline = batches(rows * 2, rows, size=6, seed=0)
    wanted = [seen(pipeline) for _ in range(2)]
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    data = batches(rows * 2, rows, size=6, seed=0)
    assert [[y.tolist() for _, y in data] for _ in range(2)] == wanted and len(data) == 4
    assert all((x == 2 * y).all() for x, y in data)
