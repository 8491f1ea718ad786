"""Runs in Parquet files: what comes back is what was written, in every digit, whole or in parts."""

import gc
import re
import sys
import weakref

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any_curve import NESTED, histories
from course_utils.stopping import Epochs, MissingColumn, Patience, Row, Runs, compare, first_rows

PLAIN = np.random.default_rng(0).uniform(0.2, 1, (2, 30, 20)).tolist()
PLAIN = [{"loss": loss[:rows], "val_loss": val_loss[:rows], "frozen": [rows > 10] * rows}
         for rows, loss, val_loss in zip([9, 12, 10, 17, 13] * 6, *PLAIN)]
CRITERIA = [Patience("val_loss", 2), Patience("val_loss", 4, min_delta=0.1), lambda history: history.rows > 5]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("parquet") / "runs.parquet"


def outcomes(ask):
    try:
        return ask()
    except Exception as error:
        return type(error), str(error)


def digits(outcome):
    """A comparison, or an error, in all its digits."""
    return repr([[np.array(value).tolist() for value in vars(row).values()] if isinstance(row, Row) else row
                 for row in outcome])


def written(path, runs, **options):
    Runs(runs).to_parquet(path)
    return Runs.from_parquet(path, **options)


@st.composite
def any_runs(draw):
    """Of any length, none too; some without a column."""
    runs = draw(st.lists(histories(), max_size=4))
    for run in runs:
        for name in draw(st.sets(st.sampled_from(["loss", "val_loss", "error", "steps"]), max_size=2)):
            del run[name]
    return runs


@settings(max_examples=100)
@given(runs=any_runs(), criterion=NESTED)
def test_what_was_written_comes_back(path, runs, criterion):
    back = written(path, runs)
    assert repr([sorted(back[run].items()) for run in range(len(back))]) == repr(
        [sorted(run.items()) for run in runs])  # repr: NaN is NaN
    assert not runs or list(back[0]) == list(runs[0])
    assert outcomes(lambda: first_rows(criterion, back).tolist()) == outcomes(
        lambda: first_rows(criterion, runs).tolist())
    assert digits(outcomes(lambda: compare([criterion], back, regret="difference"))) == digits(
        outcomes(lambda: compare([criterion], runs, regret="difference")))


@pytest.mark.parametrize("size", [1, 3, 7, 30, 10**6])
@pytest.mark.parametrize("long", [False, True])
def test_a_file_in_parts_gives_what_the_list_gives(path, size, long):
    if long:
        write_long(path, PLAIN)
    else:
        Runs(PLAIN).to_parquet(path)
    run = "run" if long else None
    parts = list(Runs.parts_of_parquet(path, run, size=size))
    assert len(parts) > 1 or size >= 30
    assert np.concatenate([part.labels["run"] for part in parts]).tolist() == list(range(len(PLAIN)))
    for criterion in CRITERIA:
        assert first_rows(criterion, iter(parts)).tolist() == first_rows(criterion, PLAIN).tolist()
    streamed = compare(CRITERIA, Runs.parts_of_parquet(path, run, size=size))
    assert digits(streamed) == digits(compare(CRITERIA, PLAIN))


def write_long(path, runs, **labels):
    """As another tool would: a row for each row of a run."""
    lengths = [len(run["loss"]) for run in runs]
    table = {name: np.repeat(values, lengths) for name, values in {"run": range(len(runs)), **labels}.items()}
    for name in runs[0]:
        table[name] = [value for run in runs for value in run[name]]
    pyarrow.parquet.write_table(pyarrow.table(table), path)


def test_an_iterator_is_asked_in_parts(monkeypatch):
    monkeypatch.setattr("course_utils.stopping.runs.PART", 7)
    taken, asked = [], []
    compare([lambda history: asked.append(len(taken)) or True], (taken.append(1) or run for run in PLAIN))
    assert sorted({*asked}) == [7, 14, 21, 28, 30]
    assert digits(compare(CRITERIA, iter(PLAIN))) == digits(compare(CRITERIA, PLAIN))
    assert first_rows(CRITERIA[0], iter(PLAIN)).tolist() == first_rows(CRITERIA[0], PLAIN).tolist()
    with pytest.raises(ValueError, match="Run 9 has no rows"):
        compare(CRITERIA, iter([*PLAIN[:9], {"val_loss": []}]))
    for nothing in ([], iter([]), iter([Runs([])])):
        with pytest.raises(ValueError, match="at least one criterion and one history"):
            compare(CRITERIA, nothing)


def test_a_file_in_parts_leaves_memory_flat(path):
    """Neither pyarrow nor a circle of references keeps what has been asked."""
    lists = np.random.default_rng(0).uniform(0.2, 1, (20_000, 50))
    table = pyarrow.table({"val_loss": pyarrow.array(list(lists))})
    pyarrow.parquet.write_table(table, path, row_group_size=1000)
    del table
    begin, held, before, gone = pyarrow.total_allocated_bytes(), [], None, []
    gc.collect()
    gc.disable()
    try:
        for part in Runs.parts_of_parquet(path, size=1000):
            compare([Patience("val_loss", 3), Epochs(4)], part)
            gone.append(before is None or before() is None)
            held.append(pyarrow.total_allocated_bytes() - begin)
            before = weakref.ref(part)
    finally:
        gc.enable()
    assert len(held) == 20 and all(gone)
    assert max(held) < 4_000_000 < lists.nbytes, held


def test_labels_are_kept_and_choose_runs(path):
    problems, seeds = ["gene"] * 20 + ["glass"] * 10, [*range(20), *range(10)]
    Runs(PLAIN, {"problem": problems, "seed": seeds, "rate": [0.1, None] * 15}).to_parquet(path)
    runs = Runs.from_parquet(path)
    assert {name: values.tolist() for name, values in runs.labels.items()} == {
        "run": list(range(30)), "problem": problems, "seed": seeds, "rate": [0.1, None] * 15}
    some = runs.select(problem="glass", seed=[0, 3])
    assert some.labels["run"].tolist() == [20, 23] and len(some) == 2
    assert [some[0], some[1]] == [PLAIN[20], PLAIN[23]]
    assert runs.tail(2).select(seed=3)[1] == runs.tail(2)[23]
    assert first_rows(Epochs(8), runs.tail(2).select(seed=3)).tolist() == [7, 7]
    assert runs.select(rate=[0.1]).labels["run"].tolist() == list(range(0, 30, 2))
    empty = runs.select(seed=99)
    empty.to_parquet(path)
    assert len(Runs.from_parquet(path).select(problem="gene")) == len(empty) == 0
    with pytest.raises(ValueError, match='no label "sed". Labels: run, problem, seed, rate'):
        runs.select(sed=1)
    with pytest.raises(ValueError, match='"seed" should have one value for each of 30 runs'):
        Runs(PLAIN, {"seed": [1, 2]})
    write_long(path, PLAIN, problem=problems, seed=seeds)
    runs = Runs.from_parquet(path, run="run", labels=["problem", "seed"])
    assert runs.labels["problem"].tolist() == problems and runs[3] == PLAIN[3]


def test_none_nan_and_kinds_of_values(path):
    run = {"epoch": [0, 1, 2], "val_loss": [0.5, None, float("nan")], "frozen": [True, None, False],
           "count": [2**60 + 1, None, 3], "note": ["a", None, "b"], "never": [None] * 3}
    array = {"val_loss": np.array([0.5, 0.25], "float32"), "frozen": np.array([True, False])}
    masked = {"val_loss": np.ma.array([9.0, 0.0, 8.0, 7.0], mask=[0, 1, 0, 0])}
    back = written(path, [run, array, masked])
    assert repr(back[0]) == repr(run) and list(back[0]) == list(run)
    assert back[1] == {"val_loss": [0.5, 0.25], "frozen": [True, False]}
    assert back[2] == {"val_loss": [9.0, None, 8.0, 7.0]}
    values, measured = back.column("val_loss")
    assert measured.T.tolist() == [[True, False, True, False], [True, True, False, False],
                                   [True, False, True, True]]
    assert np.isnan(values[~measured]).all() and np.isnan(values[2, 0])
    tail = Runs([run, array]).tail([1, 0])
    tail.to_parquet(path)
    assert repr(Runs.from_parquet(path)[0]) == repr(tail[0])


def test_masked_arrays_have_holes():
    masked = {"val_loss": np.ma.array([0.9, 0.1, 0.5, 0.6], mask=[0, 1, 0, 0])}
    assert first_rows(Patience("val_loss", 1), [masked]).tolist() == [3]


def test_files_of_others(path):
    """Categories, a text as key, an index, single columns, float32, lists of one length."""
    table = pyarrow.table({
        "run_id": pyarrow.array(["b", "b", "b", "a", "a"]).dictionary_encode(),
        "net": pyarrow.array(["x", "x", "x", None, None]).dictionary_encode(),
        "val_loss": pyarrow.array([0.9, None, 0.5, 0.25, 0.5], "float32"), "other": ["?"] * 5,
        "__index_level_0__": range(5)})
    pyarrow.parquet.write_table(table, path, row_group_size=2)
    for size in (1, 2, 4, 9):
        parts = list(Runs.parts_of_parquet(path, "run_id", ["net"], ["val_loss"], size))
        runs = [part[run] for part in parts for run in range(len(part))]
        assert runs == [{"val_loss": [float(np.float32(0.9)), None, 0.5]}, {"val_loss": [0.25, 0.5]}]
        assert [key for part in parts for key in part.labels["run_id"]] == ["b", "a"]
        assert [net for part in parts for net in part.labels["net"]] == ["x", None]
    assert list(Runs.from_parquet(path, "run_id")[0]) == ["net", "val_loss", "other"]
    fixed = pyarrow.array([[0.9, 0.5], [0.5, 0.9]], pyarrow.list_(pyarrow.float64(), 2))
    pyarrow.parquet.write_table(pyarrow.table({"name": ["a", "b"], "val_loss": fixed}), path)
    assert Runs.from_parquet(path)[1] == {"val_loss": [0.5, 0.9]}
    assert [part.labels["run"].tolist() for part in Runs.parts_of_parquet(path, size=1)] == [[0], [1]]


def test_what_is_wrong_with_a_file_is_said(path, monkeypatch):
    name = re.escape(str(path))

    def wrong(error, words, rows=("a", "b"), losses=None, **options):
        table = {"id": [*rows], "val_loss": losses or [0.5] * len(rows)}
        pyarrow.parquet.write_table(pyarrow.table(table), path)
        with pytest.raises(error, match=words):
            Runs.from_parquet(path, **options)

    wrong(ValueError, f"In {name} a row is no whole run.*id, val_loss")
    wrong(ValueError, f'In {name} a row is a whole run, as "val_loss"', losses=[[1], [2]], run="id")
    wrong(ValueError, f"In {name} \"id\" is 'a' again after other runs", rows="aba", run="id")
    wrong(ValueError, f'In {name} "id" is null', rows=["a", None], run="id")
    wrong(ValueError, f'In {name} "val_loss" is no label: it changes within the run \'b\'', rows="aabb",
          losses=[1, 1, 2, 1], run="id", labels=["val_loss"])
    wrong(MissingColumn, f'no column "val_los" in {name}. Columns: id, val_loss. Did you mean', run="id",
          columns=["val_los"])
    wrong(MissingColumn, f'no column "run" in {name}', run="run")
    path.write_text("loss\n0.5\n")
    with pytest.raises(ValueError, match=f"{name} cannot be read as Parquet"):
        Runs.from_parquet(path)
    with pytest.raises(ValueError, match=f'"note" cannot be written to {name}, where all values'):
        Runs([{"note": ["a"]}, {"note": [1.0]}]).to_parquet(path)
    with pytest.raises(ValueError, match='"seed" is a column and a label'):
        Runs([{"seed": [1]}], {"seed": [1]}).to_parquet(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for ask in (Runs([]).to_parquet, Runs.from_parquet):
        with pytest.raises(ImportError, match="Parquet files need pyarrow: pip install pyarrow"):
            ask(path)
