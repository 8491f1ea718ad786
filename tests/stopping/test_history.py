"""Histories and reports: what a table accepts, how it grows, and what the errors and the sentences say."""

import dataclasses
import json
import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.stopping import History, Patience, Report, replay
from course_utils.stopping.checks import check_best, direction
from course_utils.stopping.history import missing_column
from course_utils.stopping.words import number


class Fitted:
    """What `model.fit` returns: an object with a dict called `history`."""

    def __init__(self, history):
        self.history = history


class Frame:
    """What a pandas table is to us: keys and columns, no Mapping, and pandas' own class."""

    __module__ = "pandas.core.frame"

    def __init__(self, columns):
        self.columns = columns

    def keys(self):
        return self.columns.keys()

    def __getitem__(self, name):
        return self.columns[name]


def test_reads_lists_arrays_tables_and_what_fit_returned():
    table = {"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]}
    arrays = {name: np.array(values) for name, values in table.items()}
    for source in (table, arrays, Frame(arrays), Fitted(table), Fitted(History(table))):
        history = History.of(source)
        assert isinstance(history, History) and dict(history) == table and history.rows == 2
        assert all(type(value) is float for value in history["loss"])
    assert History.of(History(table)) == table and History.of({}).rows == 0


@pytest.mark.parametrize(
    "source, message",
    [
        (3, "A history maps column names to lists"),
        ([0.9, 0.5], "got list"),
        ({"loss": 0.9}, 'Column "loss" should hold one value per row; got 0.9'),
        ({"loss": "0.9"}, 'Column "loss" should hold one value per row'),
        ({"loss": np.zeros((3, 2))}, 'Column "loss" should hold one value per row'),
        ({"loss": np.float64(3)}, 'Column "loss" should hold one value per row'),
    ],
)
def test_what_is_no_table_is_refused(source, message):
    with pytest.raises(TypeError, match=message):
        History.of(source)


def test_columns_of_different_length_are_refused_with_the_likely_cause():
    with pytest.raises(ValueError, match=r"'loss': 3, 'val_loss': 1.*validation_freq"):
        History.of({"loss": [3, 2, 1], "val_loss": [2]})


def test_add_fills_the_gaps_with_none():
    history = History()
    for row in ({"loss": 3.0}, {"loss": 2.0, "val_loss": 2.5}, {"loss": 1.0}, {}):
        history.add(row)
    assert (
        history == {"loss": [3.0, 2.0, 1.0, None], "val_loss": [None, 2.5, None, None]} and history.rows == 4
    )


def test_head_and_tail_are_copies_that_keep_their_epochs():
    history = History.of({"loss": [3, 2, 1]})
    head, rest = history.head(2), history.tail(1)
    assert head == {"loss": [3, 2]} and rest == {"loss": [2, 1], "epoch": [1, 2]}
    assert [rest.epoch(row) for row in range(2)] == [1, 2] and [head.epoch(row) for row in range(2)] == [0, 1]
    assert rest.tail(1) == {"loss": [1], "epoch": [2]} and history.tail(9).rows == 0
    head["loss"].append(0)
    assert history["loss"] == [3, 2, 1]


@pytest.mark.parametrize(
    "name, columns, hint",
    [
        ("val_accurracy", ["loss", "val_accuracy"], 'Did you mean "val_accuracy"?'),
        ("val_acc", ["loss", "val_loss", "val_accuracy"], 'Did you mean "val_accuracy"?'),
        ("acc", ["accuracy", "loss"], 'Did you mean "accuracy"?'),
        ("val_loss", ["loss", "accuracy"], "need validation_data in fit; with validation_freq=n"),
        ("val_auc", ["loss", "val_loss"], "If a callback writes it, put that callback before this one."),
        ("gradient_norm", ["loss"], "The probe GradientNorm() writes it: put it before this callback"),
        ("gradient_norm", ["batch", "loss"], "The probe GradientNorm(per_batch=True) writes it"),
        ("weight_change", ["loss"], "The probe WeightChange() writes it"),
        ("batch_loss", ["loss", "val_loss"], 'Only check="batch" makes it'),
        ("learning_rate", ["loss"], "The probe LearningRate() writes it"),
        ("sparsity", ["loss"], "put that callback before this one."),
    ],
)
def test_a_missing_column_names_those_there_are_and_the_mend(name, columns, hint):
    said = str(missing_column(name, columns, " after epoch 0"))
    assert said.startswith(
        f'There is no column "{name}" after epoch 0. Columns: {", ".join(sorted(columns))}.'
    )
    assert hint in said
    assert (
        sum(
            phrase in said
            for phrase in ("Did you mean", "The probe", "need validation_data", "Only check", "If a callback")
        )
        == 1
    )  # one mend, not a choice of them
    with pytest.raises(KeyError) as caught:
        History({column: [1.0] for column in columns})[name]
    assert str(caught.value).startswith(f'There is no column "{name}". Columns: ')


@pytest.mark.parametrize(
    "metric, mode, sign",
    [
        ("loss", None, 1),
        ("val_loss", None, 1),
        ("head_a_loss", None, 1),
        ("accuracy", "max", -1),
        ("val_loss", "max", -1),
        ("gradient_norm", "min", 1),
    ],
)
def test_direction(metric, mode, sign):
    assert direction(metric, mode) == sign


@pytest.mark.parametrize(
    "metric, mode",
    [
        ("accuracy", None),
        ("lossy", None),
        ("val_mae", None),
        ("val_loss", "auto"),
        ("loss", "Min"),
        ("loss", 1),
    ],
)
def test_direction_is_never_guessed(metric, mode):
    with pytest.raises(ValueError, match='Say mode="min" or mode="max"'):
        direction(metric, mode)


def test_which_epoch_is_best_needs_a_column_that_is_a_name():
    assert (
        check_best(None, None) is None
        and check_best("val_loss", None) == 1
        and check_best("auc", "max") == -1
    )
    with pytest.raises(TypeError, match='is a name, as "val_loss"; got True'):
        check_best(True, None)  # restore_best_weights=True is what Keras calls it
    with pytest.raises(ValueError, match="mode='max' belongs to the column"):
        check_best(None, "max")


@given(st.floats(), st.floats())
def test_numbers_that_differ_look_different(a, b):
    one, other = number(a, b), number(b, a)
    if a == b or (math.isnan(a) and math.isnan(b)):
        assert one == other
    else:
        assert float(one) != float(other) or math.isnan(a) or math.isnan(b)


@given(st.floats(-1e300, 1e300))
def test_a_number_is_close_to_its_value(value):
    assert math.isclose(float(number(value)), value, rel_tol=0.006, abs_tol=1e-300)


@pytest.mark.parametrize(
    "value, text",
    [
        (0.412345, "0.412"),
        (1200, "1200"),
        (1.5e7, "15000000"),
        (-0.5, "-0.5"),
        (0, "0"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (3e-9, "3e-09"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_a_report_reads_as_sentences():
    report = Report("loss 0.1 < 0.2 at epoch 4", "Below('loss', 0.2)", 4, 400, "val_loss", 3, 0.31, 12.34, 1)
    assert str(report).split("\n") == [
        "loss 0.1 < 0.2 at epoch 4",
        "best val_loss 0.31 at epoch 3, 1 epoch before the end",
        "400 steps in 12.3 s",
    ]
    assert (
        str(
            Report(
                "over", "all epochs done", 4, metric="val_loss", best_epoch=4, kept=1.0, epochs_after_best=0
            )
        )
        == "over\nbest val_loss 1 at epoch 4, the last"
    )
    assert "val_loss was never a finite number" in str(
        Report("over", "all epochs done", 4, metric="val_loss")
    )
    assert str(Report("training has not begun", metric="val_loss")) == "training has not begun"


def test_a_report_as_json():
    report = Report("why", "Epochs(3)", 2, 30, "val_loss", 1, 0.1 + 0.2, float("inf"), 1)
    known = json.loads(report.to_json())
    assert known.pop("seconds") is None and "Infinity" not in report.to_json()
    assert known.pop("notes") == list(report.notes)
    others = dataclasses.asdict(report).items()
    assert known == {name: value for name, value in others if name not in ("seconds", "notes")}


def test_a_history_as_csv(tmp_path):
    path = tmp_path / "history.csv"
    history = History({"loss": [0.1 + 0.2, math.nan], "a, b": [None, 1e-300], "epoch": [0, 1]})
    history.to_csv(path)
    assert path.read_bytes() == b'loss,"a, b",epoch\r\n0.30000000000000004,,0\r\nnan,1e-300,1\r\n'
    History().to_csv(path)
    assert path.read_bytes().strip() == b""


# ---- what is not measured stays so, outside too ----

LIVE = {
    "loss": [9.0, 8, 7, 6, 5, 4, 3, 2, 1],
    "val_loss": [None, None, 0.9, None, None, 0.5, None, None, 0.6],
}


def test_a_file_comes_back_as_it_was(tmp_path):
    path = tmp_path / "history.csv"
    history = History({
        "loss": [0.1 + 0.2, math.nan, math.inf, -math.inf, 5e-324],
        'a "name", with\nall': [None, 1e-300, None, math.nan, -0.0],
        "epoch": [0, 1, 2, 10**30, -4],
        "": [None] * 5,
        "é": [1.0, 2, 3.5, None, None],
    })
    history.to_csv(path)
    again = History.from_csv(path)
    assert repr(again) == repr(history)  # NaN equals nothing, and 1 is not 1.0
    for table in (History(), History(loss=[]), History(loss=[None, None]), History(a=[], b=[])):
        table.to_csv(path)
        assert History.from_csv(path) == table


@given(st.lists(st.tuples(*[st.one_of(st.none(), st.floats(), st.integers())] * 2), max_size=5))
def test_any_table_comes_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("any") / "history.csv"
    history = History(zip("ab", map(list, zip(*rows) if rows else [[], []])))
    history.to_csv(path)
    assert repr(History.from_csv(path)) == repr(history)


def test_the_same_stop_after_a_round_trip(tmp_path):
    path, rule = tmp_path / "history.csv", Patience("val_loss", 2)
    live = History(LIVE)
    live.to_csv(path)
    said = replay(rule, live, best="val_loss")
    assert said.reason == "all 9 epochs are done; Patience('val_loss', patience=2) was never met"
    assert replay(rule, History.from_csv(path), best="val_loss") == said
    as_pandas = {name: np.array([math.nan if v is None else v for v in LIVE[name]]) for name in LIVE}
    assert replay(rule, as_pandas, best="val_loss").reason != said.reason  # each NaN is a measured failure
    assert replay(rule, History.of(as_pandas, nan="not measured"), best="val_loss") == said
    assert replay(rule, Frame(as_pandas), best="val_loss") == said  # in pandas NaN is what is not there
    assert History.of(Frame({"loss": [1.0, math.nan]}), nan="measured")["loss"][1] is not None
    assert History.of(History(loss=[1.0, math.nan]), nan="not measured") == {"loss": [1.0, None]}
    with pytest.raises(ValueError, match="""nan should be "measured" or "not measured"; got 'None'"""):
        History.of(as_pandas, nan="None")


def test_what_keras_csv_logger_writes(tmp_path):
    path = tmp_path / "log.csv"
    x = np.ones((4, 1))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    for separator in (",", ";"):
        fitted = model.fit(x, x, validation_data=(x, x), validation_freq=2, epochs=4, verbose=0,
                           callbacks=[keras.callbacks.CSVLogger(path, separator=separator)])
        history = History.from_csv(path, separator=separator)
        assert history["epoch"] == [0, 1, 2, 3] and history["loss"] == fitted.history["loss"]
        measured = fitted.history["val_loss"]
        assert history["val_loss"] == [None, measured[0], None, measured[1]]
    with pytest.raises(KeyError, match='no column "loss"'):
        History.from_csv(path)["loss"]  # read with the wrong separator there is one column, of text


def test_files_of_others(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes("\ufeffepoch,loss,when,val_loss\n0,0.5,monday,NA\n\n1,nan,,0.25\n".encode())
    assert repr(History.from_csv(path)) == (
        "{'epoch': [0, 1], 'loss': [0.5, nan], 'when': ['monday', None], 'val_loss': [None, 0.25]}"
    )
    path.write_text("a,b\n1,2\n3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="Line 3 of .*log.csv has 1 fields, but the first line names 2"):
        History.from_csv(path)
    path.write_text("a,b,a\n1,2,3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="two columns of one name: a."):
        History.from_csv(path)


class NAType:
    """What pandas' NA is to us: a name."""


def test_values_in_every_form():
    import tensorflow as tf

    for values in ([np.float32(0.5), np.float64(2), np.int64(3)], (0.5, 2.0, 3),
                   [np.array([0.5]), [2.0], (3,)], np.array([[0.5], [2.0], [3.0]]),
                   [np.array(0.5), np.array([[2.0]]), 3],
                   [tf.constant(0.5), tf.constant([2.0]), tf.Variable(3.0)]):
        history = History.of({"loss": values})
        assert history["loss"] == [0.5, 2, 3]
        assert all(type(value) in (int, float) for value in history["loss"])
    masked = np.ma.masked_array([0.5, 9.0], mask=[False, True])
    assert History.of({"loss": masked, "acc": [NAType(), None]}) == {"loss": [0.5, None], "acc": [None, None]}
    assert History.of({"loss": [0.5, None], "note": ["a", "b"]})["note"] == ["a", "b"]


@pytest.mark.parametrize("values", [[1.0, [1.0, 2.0]], [np.zeros(2), 1.0], [()], [np.zeros(0)], {"a": 1.0}])
def test_a_value_that_is_several_is_refused(values):
    with pytest.raises(TypeError, match='Column "loss" should hold one value per row'):
        History.of({"loss": values})
