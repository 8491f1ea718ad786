"""Rows of trials in files: the same after a kill at any byte, and after a trial that was begun again."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.scale.rows import TrialRows

NAN = float("nan")


def row(number, loss):
    return {"training_iteration": number, "loss": loss}


def lines(folder, trial="a"):
    return [json.loads(line) for line in (folder / f"{trial}.jsonl").read_text().splitlines()]


def filled(folder, *losses):
    rows = TrialRows(folder)
    for number, loss in enumerate(losses, 1):
        rows.add("a", row(number, loss))
    return rows


def test_a_file_has_a_line_for_each_row(tmp_path):
    rows = filled(tmp_path / "new" / "rows", 0.1 + 0.2, None, NAN)
    assert (tmp_path / "new" / "rows" / "a.jsonl").read_text() == (
        '{"training_iteration": 1, "loss": 0.30000000000000004}\n'
        '{"training_iteration": 2, "loss": null}\n{"training_iteration": 3, "loss": NaN}\n')
    again = TrialRows(tmp_path / "new" / "rows")
    assert repr(again.history("a")) == repr(rows.history("a")) and again.trials() == ["a"]


@settings(max_examples=60)
@given(killed_at=st.integers(0, 200), again_at=st.integers(1, 5))
def test_a_kill_at_any_byte_of_the_file(tmp_path_factory, killed_at, again_at):
    folder = tmp_path_factory.mktemp("rows")
    filled(folder, 0.5, 0.4, 0.3, 0.2)
    whole = (folder / "a.jsonl").read_bytes()
    (folder / "a.jsonl").write_bytes(whole[:killed_at])
    there = TrialRows(folder).history("a").rows
    assert there == sum(killed_at >= end for end in ends(whole))  # a line without its newline is a whole one
    again_at = min(again_at, there + 1)  # it goes on from a checkpoint, not from later ones
    rows = TrialRows(folder)
    for number in range(again_at, 6):
        rows.add("a", row(number, 10.0 + number))
    expected = [0.5, 0.4, 0.3, 0.2][: again_at - 1] + [10.0 + number for number in range(again_at, 6)]
    assert rows.history("a")["loss"] == expected == [line["loss"] for line in lines(folder)]
    assert TrialRows(folder).history("a") == rows.history("a")


def ends(whole):
    """Where each line is complete: before its newline."""
    return [place for place, byte in enumerate(whole) if byte == ord("\n")]


def test_a_trial_begun_again_takes_back_what_it_said(tmp_path):
    rows = filled(tmp_path, 0.5, 0.4, 0.3)
    rows.add("b", row(1, 7.0))
    rows.add("a", row(2, 0.9))
    assert rows.history("a")["loss"] == [0.5, 0.9] == [line["loss"] for line in lines(tmp_path)]
    rows.add("a", row(1, 0.8))  # without a checkpoint
    assert rows.history("a")["loss"] == [0.8] and rows.history("b")["loss"] == [7.0]


def test_a_gap_is_said(tmp_path):
    with pytest.warns(UserWarning, match=r"from result 2 to result 5\. .* Rows in a folder outlive"):
        filled(None, 0.5, 0.4).add("a", row(5, 0.3))
    rows = filled(tmp_path, 0.5, 0.4)
    with pytest.warns(UserWarning, match="from result 2 to result 5") as caught:
        rows.add("a", row(5, 0.3))
    assert "folder" not in str(caught[0].message)
    with pytest.warns(UserWarning, match="from result 2 to result 4"):
        rows.add("a", row(4, 0.6))  # by their numbers, not by how many there are
    assert rows.history("a")["loss"] == [0.5, 0.4, 0.6]


def test_a_damaged_file_is_no_history(tmp_path):
    filled(tmp_path, 0.5, 0.4)
    text = (tmp_path / "a.jsonl").read_text()
    (tmp_path / "a.jsonl").write_text(text.replace('{"training_iteration": 1', '{"training'))
    with pytest.raises(ValueError, match=r"Line 1 of .*a\.jsonl is damaged"):
        TrialRows(tmp_path).history("a")


def test_a_disk_that_fails_is_a_warning(tmp_path):
    rows = filled(tmp_path / "rows", 0.5)
    (tmp_path / "rows").rename(tmp_path / "away")
    with pytest.warns(UserWarning, match=r"trial a could not be written to .* They are still known here"):
        rows.add("a", row(2, 0.4))
    (tmp_path / "away").rename(tmp_path / "rows")
    rows.add("a", row(3, 0.3))
    assert [line["loss"] for line in lines(tmp_path / "rows")] == [0.5, 0.4, 0.3]


def test_a_folder_is_a_path():
    with pytest.raises(TypeError, match="a file each; got 3"):
        TrialRows(3)
