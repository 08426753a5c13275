# Two commands: `make demo` and `make test`. Each sets up what it needs by itself.

PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/ready

# Python compiles what is imported when it is, which takes less than compiling all that is
# installed; where it may not keep that, every job would compile it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check pytest lock clean place

## Answer a first task, run the whole workflow on the sandbox, show the honest table.
demo: $(READY)
	$(BIN)/snakemake --cores $(CORES) --profile profiles/demo -- first_answer all
	@cat results/report/honest_table.txt
	@echo "Report:  results/report/index.html"
	@echo "Figures: results/figures/"

## Check style, types and the workflow, then run the tests; with --jobs=2 both at once.
test: check pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

## A file's tests stay together. There are two workers more than cores: many tests wait,
## for Slurm, for a server's rate, or for the run that all share.
pytest: $(READY)
	$(BIN)/pytest --numprocesses=$$(($(CORES) + 2)) --dist=loadfile --no-loadscope-reorder

## Snakemake cannot start jobs with a Python whose path has a space.
place:
	@$(if $(word 2,$(abspath $(VENV))),$(error the path $(abspath $(VENV)) has a space, and jobs would not start; name another, as in make VENV=/tmp/venv demo))

$(READY): requirements.lock pyproject.toml | place
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed, PYTHON=... names it")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-compile --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

## Pin what a fresh environment of the project resolves to (torch stays at its pin).
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --editable '.[dev,peers,slurm,storage]' torch==2.13.0
	$(VENV)-lock/bin/python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu//' > requirements.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) results .snakemake
