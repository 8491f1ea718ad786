"""`make browser`: the notebooks as a learner meets them, in a real JupyterLab in a real Chromium.

    python tests/lanes/browser.py [00 02 ...]

Each is opened and run with Run All; no error, no stderr, "0 of N solved" as the score. Then what a hand does:
answers typed wrong and right, the lab's slider moved, the dark theme read. Pictures go to build/browser.
Needs playwright, and a Chromium that is on the PATH.
"""

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from shared import BUILD, ROOT, chosen, chromium, faults, verdict

SHOTS = BUILD / "browser"
PAGE = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
SECONDS = 900  # for Run All
SLOWEST = 100  # milliseconds, the median of a slider's moves
READABLE = 4.5  # WCAG 2.1, level AA, of text against its page
TYPED = {  # notebook -> what to find in its exercise, then what to put there: wrong, right
    "00_start_here": ("answer = ...", "answer = 10", "answer = 55"),
    "02_budgets_and_events": ("epoch, clause = ..., ...", 'epoch, clause = 3, "time"',
                              'epoch, clause = 2, "improvement"'),
    "03_validation_early_stopping": ("answer = ..., ...", "answer = 10, 6", "answer = 9, 6"),
}
LAB, LAB_CELL, SLIDER = "03_validation_early_stopping", "lab = stopping_lab(", "patience"


def settings(home):
    """Environment for a JupyterLab that has no settings but its own, and leaves none."""
    own = ("_CONFIG", "_DATA", "_RUNTIME", "LAB_SETTINGS", "LAB_WORKSPACES")
    return {**os.environ, "PYTHONPATH": str(ROOT), **{f"JUPYTER{name}_DIR": str(home / name) for name in own}}


@contextlib.contextmanager
def jupyterlab(home):
    """Address of a JupyterLab over copies of the notebooks, which are in home / "my"."""
    shutil.copytree(ROOT / "notebooks", home / "my")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
               f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
               f"--ServerApp.root_dir={home / 'my'}"]
    with subprocess.Popen(command, env=settings(home), stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(url, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api", timeout=1):
            return
        time.sleep(0.5)
    sys.exit(f"JupyterLab does not answer within {seconds} s.")


def call(page, name, *arguments):
    """Call a function of browser.js in the page."""
    return page.evaluate("([name, given]) => window.lane[name](...given)", [name, list(arguments)])


def shot(page, name):
    page.screenshot(path=SHOTS / f"{name}.png")


def opened(page, url, name):
    """Open the notebook `name` in a workspace of its own and run all of it."""
    page.goto(f"{url}/lab/tree/{name}.ipynb?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
    page.evaluate(f"() => {{ window.lane = {PAGE} }}")
    call(page, "runAll", SECONDS)
    shot(page, name)


def typed(page, name):
    """Type the exercise's answer wrong, then right; returns what is not said as it should be."""
    said, (blank, *answers) = [], TYPED[name]
    source = call(page, "open", blank)
    for answer, sign in zip(answers, "✗✓"):
        call(page, "open", source.splitlines()[-1])
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.insert_text(source.replace(blank, answer))
        verdict = call(page, "runCell")
        if not verdict.startswith(sign):
            said.append(f"typed {answer!r}, {sign} expected: {verdict[:200]}")
        shot(page, f"{name}_{'wrong' if sign == '✗' else 'right'}")
    return said


def moved(page):
    """Move the lab's slider; returns a sentence if the picture is slow to follow."""
    call(page, "open", LAB_CELL)
    times = call(page, "moveSlider", SLIDER, 20)
    shot(page, f"{LAB}_lab")
    median = statistics.median(times)
    print(f"the lab's slider: median {median:.0f} ms of {len(times)} moves, longest {max(times):.0f}")
    return [f"the picture follows the slider after {median:.0f} ms"] if median > SLOWEST else []


def read_in_the_dark(page, name):
    """Switch to the dark theme; returns the texts that cannot be read there."""
    call(page, "dark")
    shot(page, f"{name}_dark")
    found = call(page, "contrasts")
    print(f"{name} in the dark: {len(found)} texts, lowest contrast {found[0][0]:.1f}: {found[0][1]!r}")
    return [f"contrast {ratio:.1f} in the dark: {text!r}" for ratio, text in found if ratio < READABLE]


def lesson(browser, url, home, name):
    """All that is wrong with the notebook `name`, as sentences."""
    with contextlib.closing(browser.new_page(viewport={"width": 1300, "height": 900})) as page:
        opened(page, url, name)
        said = faults(home / "my" / f"{name}.ipynb")
        if page.locator(".jp-OutputArea-output img:not([alt])").count():
            said.append("a picture without an alternative text")
        if name in TYPED:
            said += typed(page, name)
        if name == LAB:
            said += moved(page)
        return said + read_in_the_dark(page, name)


def main(names):
    launch = chromium()
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    paths = chosen(names)
    with tempfile.TemporaryDirectory() as home, jupyterlab(Path(home)) as url, launch() as browser:
        failed = {path.stem: lesson(browser, url, Path(home), path.stem) for path in paths}
    verdict(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
