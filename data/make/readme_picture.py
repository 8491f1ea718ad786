"""Draw the README's picture, data/batches_run.png, from the recorded runs.

    python data/make/readme_picture.py
"""

from pathlib import Path

from course_utils.classroom.chapter_01 import figures as figures
from course_utils.classroom.data import load_curves

run = load_curves("break").select(broken=True, seed=1)[0]
ax = figures.batches_run(run["batches_run"], full=81)
times, epochs = sum(run["messages"]), len(run["messages"])
said = f"This loop said “Stop training” {times:.0f} times in {epochs} epochs and never stopped."
ax.set_title(said, fontsize=11)
picture = Path(__file__).resolve().parents[1] / "batches_run.png"
ax.figure.savefig(picture, dpi=110, metadata={"Software": None})
