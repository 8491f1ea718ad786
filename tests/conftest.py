"""What holds for every test: no window opens, and hypothesis tries the same examples on every machine."""
import matplotlib
import pytest
from hypothesis import settings

import tiers

matplotlib.use("agg")
# No deadline: two workers on two cores stall each other. Always the same examples: a red run can be repeated.
settings.register_profile("course", deadline=None, derandomize=True)
settings.load_profile("course")

# Their cases for tf_keras are rare: what they hold for Keras 3 rests on the same lines.
TWICE = tuple(f"tests/stopping/test_{name}.py" for name in ("state", "probes", "every", "actions", "rate"))
LONGEST = ("tests/pruning/", "tests/transfer/", "tests/multimodal/", "tests/stopping/test_state.py",
           "tests/backends/", "notebooks/")


def pytest_collection_modifyitems(config, items):
    """The longest first: whoever of two workers gets one of them last would work on alone.

    The learner's notebooks are rare: all of their cells but the empty exercises are in the solved ones, too.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    exact = {pattern: False for pattern in tiers.patterns()}
    begin = {pattern[:-1]: pattern for pattern in exact if pattern.endswith("*")}
    for item in items:
        learners = item.nodeid.startswith("notebooks/") and not item.nodeid.startswith("notebooks/solutions/")
        if learners or item.nodeid.startswith(TWICE) and "tf_keras" in item.nodeid:
            item.add_marker(pytest.mark.rare)
        listed = [item.nodeid] if item.nodeid in exact else []
        listed += [pattern for start, pattern in begin.items() if item.nodeid.startswith(start)]
        if listed:
            item.add_marker(pytest.mark.slow)
            exact.update(dict.fromkeys(listed, True))
    # what a file skips as a whole, for want of a package, is not gone
    files = {item.nodeid.partition("::")[0] for item in items}
    gone = [pattern for pattern, found in exact.items() if not found and pattern.partition("::")[0] in files]
    gone += [pattern for pattern in exact if not (config.rootpath / pattern.partition("::")[0]).exists()]
    if gone and config.args == config.getini("testpaths"):
        raise pytest.UsageError("tests/slow.txt names tests that are not there: " + ", ".join(gone))
