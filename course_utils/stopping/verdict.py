"""The verdict: what became of the run that a Follower follows, or what is known of it so far."""

from .remaining import remaining
from .report import Report
from .words import plural


def report_of(run):
    """The Report of a Follower, valid at any time."""
    reason, ended_by = _verdict(run)
    recorder, best = run.recorder, run.best
    after = None if best.epoch is None else recorder.epoch - best.epoch
    return Report(reason, ended_by, recorder.epoch, recorder.step, seconds=recorder.seconds,
                  epochs_after_best=after, notes=_notes(run), **best.said())


def _verdict(run):
    """(reason, ended_by) for the report."""
    if run.ended or run.interruption:
        why = run.ended or run.interruption
        return why.reason, why.ended_by
    if run.status == "not begun":
        return "training has not begun", None
    epoch, acted = run.recorder.epoch, ""
    if run.events:
        acted = f"acted {plural(len(run.events), 'time')}, the last because {run.events[-1].reason}"
    if run.status == "running":
        where = "before the first epoch" if epoch is None else f"in epoch {epoch}"
        so_far = acted or f"{run.criterion!r} is not met so far"
        left = remaining(run.criterion, run.history, (run.params or {}).get("epochs"))
        said = [f"training is running, or was interrupted, {where}", so_far, left]
        return "; ".join(filter(None, said)), None
    if run.status == "stopped":
        reason = f"another callback stopped training in epoch {epoch}"
        return f"{reason}; {acted}" if acted else reason, "another callback"
    return run.history.never_met(run.criterion, acted), "all epochs done"


def _notes(run):
    notes, recorder = [], run.recorder
    if recorder.began_at:
        notes.append(f"this fit began at epoch {recorder.began_at}: what came before is not known")
    if recorder.steps.unit == "batch":
        notes.append("steps are batches: no optimizer of the model was seen at work")
    if run.interrupted:
        notes.append("the job was interrupted, not the training: another one can go on"
                     + ("" if run.state is not None else ", if it has a state= and a backup"))
    return (*notes, *run.votes.said(run.best.metric), *run.said)
