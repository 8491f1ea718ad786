"""What the report says when fit raised: of a lost process, in the words of the engines, and else."""

import contextlib

import pytest

from course_utils.scale import reporting
from course_utils.stopping import Epochs, StopWhen

GLOO = ("Gloo all-reduce failed: [external/gloo/gloo/transport/tcp/pair.cc:538] Read error [127.0.0.1]:9876: "
        "Connection reset by peer")
TENSORFLOW = """Graph execution error:

Detected at node CollectiveReduceV2 defined at (most recent call last):
  File "train.py", line 188, in <module>

Collective ops is aborted by: The following tasks are unhealthy (stopped sending heartbeats):
/job:worker/replica:0/task:1
The tasks have crashed."""
MISMATCH = """Graph execution error:

Detected at node CollectiveReduceV2 defined at (most recent call last):
  File "train.py", line 188, in <module>

Error received from peer {Collective instance 278 expected type 0 and data_type 1 but got data_type 9}"""


@pytest.mark.parametrize("error, reason", [
    (RuntimeError(GLOO), f"a process was lost in epoch 5: RuntimeError: {GLOO}"),
    (OSError(TENSORFLOW),
     "a process was lost in epoch 5: OSError: Collective ops is aborted by: The following"),
    (OSError(MISMATCH),
     "training failed in epoch 5: OSError: Error received from peer {Collective instance 278"),
    (OSError("Connection reset by peer"), "training failed in epoch 5: OSError: Connection reset by peer"),
    (KeyError(), "training failed in epoch 5: KeyError: ")])
def test_the_reason_is_what_the_engine_said(error, reason):
    stop = StopWhen(Epochs(30))
    stop.recorder.epoch, stop.recorder.step = 5, 23
    with pytest.raises(type(error)) as raised, reporting(stop):
        raise error
    assert raised.value is error  # it goes on
    report = stop.report
    assert report.reason.startswith(reason) and (report.epoch, report.step) == (5, 23)
    assert report.ended_by == type(error).__name__


def test_a_fit_that_ends_by_itself_says_what_it_said():
    stop = StopWhen(Epochs(30))
    with reporting(stop):
        pass
    assert stop.report.reason == "training has not begun"


def test_the_next_fit_knows_nothing_of_it():
    stop = StopWhen(Epochs(30))
    with contextlib.suppress(OSError), reporting(stop):
        raise OSError("no such picture")
    assert stop.report.ended_by == "OSError"
    stop._forget("running")
    assert stop.report.ended_by is None
