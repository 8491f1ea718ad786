"""What it takes to prune to nine zeros in ten: rows for bench.py, from chapter 09's recorded trainings.

Two controls, both of tfmot's guide and of its 84 epochs: the guide as it stands, and the guide with three
times the learning rate while it prunes. Without the second, what the rate does would be put down to the rule.
"""

from course_utils.classroom.chapter_09.outcomes import begun
from course_utils.classroom.data import load_curves

NETWORKS = {"mlp": "MLP", "cnn": "CNN"}
CONTROLS = {"guide": "the guide", "guide x3": "the guide at this rate"}


def rows():
    """What, measured, limit, remark: the share of the guide's steps, and points of accuracy against both."""
    curves, found = load_curves("small_when"), []
    for network, name in NETWORKS.items():
        ours = begun(curves, network, "patience x3")
        against = "; ".join(points(ours.accuracy - begun(curves, network, way).accuracy, control)
                            for way, control in CONTROLS.items())
        spread = f"{len(ours.share)} seeds, {ours.share.min():.2f} to {ours.share.max():.2f}"
        found.append((f"steps to 0.9 zeros, {name}: patience and rate x 3 / tfmot's guide",
                      float(ours.share.mean()), None, f"{spread}; {against}"))
    return found


def points(gained, control):
    above, below = int((gained > 1e-6).sum()), int((gained < -1e-6).sum())
    return f"{gained.mean():+.1f} points against {control} (better in {above} seeds, worse in {below})"
