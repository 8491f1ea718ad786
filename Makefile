# The course in a few words: make lab | test | slow | rare | notebooks | figures | lint | bench | study | site | browser | phone | colab | offline.
# Needs git, make and Python 3.11, 3.12 or 3.13.
PYTHON ?= python3
# What pip may install: exact versions. Another file, or /dev/null for the newest releases, is for trying things.
LOCK ?= constraints/lock.txt
UV ?= uv
BIN := .venv/bin

# With this set, every new kernel would compile TensorFlow's and Keras's thousands of files anew: 10 s for 3.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: lab my test slow rare notebooks figures lint bench study lock package backends scale site gettext links browser phone colab offline

# A learner's own copies, never overwritten: solving an exercise does not change what `make test` tests.
lab: my
	$(BIN)/jupyter lab my

my: .venv/ready
	@mkdir -p my
	@for notebook in notebooks/*.ipynb; do \
	  [ -e "my/$${notebook##*/}" ] || cp "$$notebook" my/; done

PYTEST = $(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder

# Most of the tests, and the short notebooks, in minutes.
test: .venv/ready
	@$(PYTEST) -m "not slow and not rare"

# The long notebooks, and each test of more than 1.2 s: a pushed change passes these, too.
slow: .venv/ready
	@$(PYTEST) -m "slow and not rare"

# What takes very long and seldom breaks: recordings made anew, many kills, the learner's notebooks. Weekly.
rare: .venv/ready
	@$(PYTEST) -m rare

notebooks: .venv/ready
	@$(BIN)/python lessons/build.py
	@$(BIN)/python lessons/citation.py
	@$(BIN)/python docs/wrong_answers.py
	@$(BIN)/python docs/claims.py
	@$(BIN)/python docs/study_page.py

# All figures of the built notebooks on one page, also as a deuteranope sees them and on a dark page.
figures: .venv/ready
	@$(BIN)/python lessons/figures.py

lint: .venv/ready
	@$(BIN)/ruff check .

bench: .venv/ready
	@$(BIN)/python benchmarks/bench.py

# Chapter 08's 2,610 trainings, anew: an hour of two cores, from the tables that data/make/study_problems.py wrote.
study: .venv/ready
	@$(BIN)/python data/make/study.py

# The engine on JAX and on PyTorch. JAX is part of `make slow`; PyTorch is large, and installed here alone.
backends: .venv/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch>=2.5"
	@$(BIN)/pytest -q tests/backends

# Several processes that train one model, and sweeps with Ray Tune, Optuna and KerasTuner: Ray is half a gigabyte, PyTorch
# more, and it takes some minutes. Part of `make slow` are two processes on JAX, of `make rare` what else needs JAX or TensorFlow.
scale: .venv/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) \
	  "ray[tune]>=2.44" "optuna>=4" keras-tuner tensorboard "torch>=2.5"
	@$(BIN)/pytest -q tests/scale tests/docs/test_recipes.py

# What pip installs from here, each extra alone in an empty environment: minutes, and not part of `make test`.
package: .venv/ready
	@$(BIN)/python tests/package.py

# Where people open the notebooks; a few of them: make browser NOTEBOOKS="00 02". None is part of `make test`.
NOTEBOOKS =

# A real JupyterLab in a real Chromium, which has to be there; pictures of it are left in build/browser.
browser: .venv/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check playwright
	@$(BIN)/python tests/lanes/browser.py $(NOTEBOOKS)

# The site on a phone: is no page wider than its screen? Pictures are left in build/phone.
phone: site .venv/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check playwright
	@$(BIN)/python tests/lanes/phone.py

# Colab's runtime in build/colab: its versions, on its Python where there is one, and none of requirements.txt.
COLAB_PYTHONS = python3.13 $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python) python3.12
COLAB_PYTHON = $(firstword $(foreach python,$(COLAB_PYTHONS),$(shell $(python) -c "print('$(python)')" 2>/dev/null)) $(PYTHON))
colab:
	@$(COLAB_PYTHON) tests/lanes/colab.py $(NOTEBOOKS)

# No network at all (Linux).
offline: .venv/ready
	@$(BIN)/python tests/lanes/offline.py $(NOTEBOOKS)

# Exact versions for one set that holds on Python 3.11 to 3.13 and on every platform.
COMPILE = $(UV) pip compile --universal --upgrade --fork-strategy fewest --python-version 3.11 --no-annotate --no-header \
  --no-emit-find-links --no-emit-index-url --no-emit-package when-to-stop
lock:
	$(COMPILE) --group dev --group data --output-file constraints/lock.txt requirements.txt
	$(COMPILE) --group site --output-file constraints/site.txt

# The site, in docs/_build/html, with an environment of its own: Sphinx, and no TensorFlow. A warning is an error.
# All pages are written each time: each has the contents on its side.
# Another language stands in a folder below it: make site LANGUAGE=zh_CN. (Set here, as shells have a LANGUAGE, too.)
LANGUAGE = en
SITE := docs/_build/html$(if $(filter-out en,$(LANGUAGE)),/$(LANGUAGE))
SPHINX = .venv-site/bin/sphinx-build --fail-on-warning --keep-going --quiet --conf-dir docs \
  --doctree-dir docs/_build/doctrees/$(LANGUAGE) --define language=$(LANGUAGE)

site: .venv-site/ready
	@$(SPHINX) --builder html --write-all . $(SITE)
	@.venv-site/bin/python docs/check_links.py $(SITE)

# Links that leave the site; those within it are checked whenever it is built.
links: .venv-site/ready
	@$(SPHINX) --builder linkcheck . docs/_build/links

# What there is to translate: a catalogue for each page, docs/locales/LANGUAGE/LC_MESSAGES/PAGE.po.
gettext: .venv-site/ready
	@$(SPHINX) --builder gettext --doctree-dir docs/_build/doctrees/gettext . docs/_build/gettext
	@.venv-site/bin/sphinx-intl update --pot-dir docs/_build/gettext --locale-dir docs/locales \
	  --language $(if $(filter-out en,$(LANGUAGE)),$(LANGUAGE),zh_CN)

.venv-site/ready: constraints/site.txt
	@$(PYTHON) -m venv .venv-site
	@echo "Installing what builds the site into .venv-site (a minute the first time)"
	@.venv-site/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@.venv-site/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints/site.txt --group site
	@touch $@

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
