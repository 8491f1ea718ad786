# The course in a few words: make lab | test | notebooks | figures | lint | bench. Needs git, make and Python 3.11, 3.12 or 3.13.
PYTHON ?= python3
# What pip may install: exact versions. Another file, or /dev/null for the newest releases, is for trying things.
LOCK ?= constraints/lock.txt
UV ?= uv
BIN := .venv/bin

# With this set, every new kernel would compile TensorFlow's and Keras's thousands of files anew: 10 s for 3.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: lab my test notebooks figures lint bench lock package backends

# A learner's own copies, never overwritten: solving an exercise does not change what `make test` tests.
lab: my
	$(BIN)/jupyter lab my

my: .venv/ready
	@mkdir -p my
	@for notebook in notebooks/*.ipynb; do \
	  [ -e "my/$${notebook##*/}" ] || cp "$$notebook" my/; done

test: .venv/ready
	@$(BIN)/pytest -n 2 --dist loadscope

notebooks: .venv/ready
	@$(BIN)/python lessons/build.py

# All figures of the built notebooks on one page, also as a deuteranope sees them and on a dark page.
figures: .venv/ready
	@$(BIN)/python lessons/figures.py

lint: .venv/ready
	@$(BIN)/ruff check .

bench: .venv/ready
	@$(BIN)/python benchmarks/bench.py

# The engine on JAX and on PyTorch. JAX is part of `make test`; PyTorch is large, and installed here alone.
backends: .venv/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch>=2.5"
	@$(BIN)/pytest -q tests/backends

# What pip installs from here, each extra alone in an empty environment: minutes, and not part of `make test`.
package: .venv/ready
	@$(BIN)/python tests/package.py

# Exact versions for one set that holds on Python 3.11 to 3.13 and on every platform.
lock:
	$(UV) pip compile --universal --upgrade --fork-strategy fewest --python-version 3.11 --no-annotate --no-header \
	  --no-emit-find-links --no-emit-index-url --no-emit-package when-to-stop --group dev --group data \
	  --output-file constraints/lock.txt requirements.txt

.venv/ready: requirements.txt pyproject.toml $(LOCK)
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null || \
	  { echo "This course needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	         "Name another: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing into .venv (a minute or two the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile \
	  --constraint $(LOCK) --requirement requirements.txt --group dev
	@touch $@
