# Two commands on a machine with Python 3.11 and make: `make demo` and `make test`.
# Each creates .venv on its first call and installs again only after pyproject.toml or constraints.txt changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
OUT ?= out/face_demo
VOLUME_OUT ?= out/volume_demo
BIN := .venv/bin

.PHONY: demo test clean

demo: .venv/.installed
	$(BIN)/facies generate face_demo out=$(OUT)
	$(BIN)/facies verify $(OUT)
	$(BIN)/facies generate head_ct samples=1 render.views=1 volume.spacing_mm=1.5 volume.atlas_mm=1.5 out=$(VOLUME_OUT)
	@echo "Look first at $(OUT)/contact_sheet.png and $(VOLUME_OUT)/contact_sheet.png, then at $(OUT)/README.md"

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term --cov-fail-under=90

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf .venv build dist out
