PYTHON ?= python3
BIN := .venv/bin

.venv/ready: requirements.txt constraints/lock.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints/lock.txt --requirement requirements.txt --group dev
	touch $@
