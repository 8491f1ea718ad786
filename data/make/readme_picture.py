"""Draw the README's picture, data/batches_run.png, from the recorded runs.

    python data/make/readme_picture.py
"""

from pathlib import Path

from course_utils.figures import chapter_01 as figures
from course_utils.data import load_curves

run = load_curves("break").select(broken=True, seed=1)[0]
ax = figures.batches_run(run["batches_run"], full=81)
ax.set_title(f"This loop said “Stop training” {sum(run['messages']):.0f} times in {len(run['messages'])} epochs and never stopped.", fontsize=11)
ax.figure.savefig(Path(__file__).resolve().parents[1] / "batches_run.png", dpi=110, metadata={"Software": None})
