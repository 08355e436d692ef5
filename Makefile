# Needs make and Python 3.11 or newer; everything else is put into .venv. `make help` lists the targets.
PYTHON ?= python3
# The tested versions, with a CPU build of torch where pip finds one. With a GPU: make demo CONSTRAINTS=
CONSTRAINTS ?= -c constraints-cpu.txt
# More options for pip, such as --extra-index-url for an index that holds the CPU build of torch.
PIP_OPTIONS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet $(PIP_OPTIONS)
DEMO_TEXT := a person walks forward and then waves with the right hand

.PHONY: help demo open test lint integ integ-tools integ-page bench clean

help:  ## This list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

demo: .venv/.core  ## From a sentence to out/demo.glb, .bvh and .png with the packaged weights.
	@mkdir -p out
	$(BIN)/dimo generate "$(DEMO_TEXT)" -o out/demo.glb -o out/demo.bvh -o out/demo.png --seed 0
	@echo "Open out/demo.glb in Blender or any glTF viewer, out/demo.bvh in any animation tool; out/demo.png is a contact sheet."

open: .venv/.core  ## Install the weights for any use, commercial use included (dimo ... --model open).
	$(PIP) ./weights-open

test: .venv/.dev  ## All tests (no network, no GPU), then lint.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2
	@$(MAKE) --no-print-directory lint

lint: .venv/.dev  ## Style, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

integ: .venv/.dev  ## Train codec and model on synthetic motion, generate, caption, reload; kill a training and a batch; actors of Ray.
	$(PIP) $(CONSTRAINTS) -e '.[scale]'
	$(BIN)/pytest -m integ

integ-tools: .venv/.dev  ## Our files in Blender (which it downloads, 850 MB, unless one is there) and its rigs in ours; ufbx and, under Node, three.js, three-vrm and the Khronos validator; the HTTP interface by schemathesis.
	$(BIN)/dimo setup blender
	$(PIP) ufbx==0.0.5 schemathesis==4.32.5
	npm install --no-audit --no-fund --silent --prefix .venv/node three@0.187.0 @pixiv/three-vrm@3.5.5 @pixiv/three-vrm-animation@3.5.5 gltf-validator@2.0.0-dev.3.10
	DIMO_THREE=.venv/node/node_modules/three $(BIN)/pytest -m tools

integ-page: .venv/.dev  ## Click through the pages of dimo serve and dimo study in a real Chromium (of the system, or else Playwright's).
	$(PIP) playwright
	command -v chromium chromium-browser google-chrome >/dev/null || $(BIN)/playwright install --with-deps chromium
	DIMO_PICTURES=docs/serve $(BIN)/pytest -m page tests/test_page.py tests/test_study_page.py

bench: .venv/.dev  ## Run every script of benchmarks/; each writes its JSON beside itself.
	for script in benchmarks/*.py; do echo "$$script" && $(BIN)/python "$$script" || exit 1; done

clean:  ## Remove the environment and what the targets wrote.
	rm -rf .venv out .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dimo needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; name another with make PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/.core: .venv/bin/python pyproject.toml constraints-cpu.txt
	@echo "Setting up .venv (the first time this takes a minute and 1 GB, most of it torch) ..."
	$(PIP) $(CONSTRAINTS) -e .
	@touch $@

.venv/.dev: .venv/.core requirements-train.txt
	$(PIP) $(CONSTRAINTS) -e '.[render,train,dev]'
	$(PIP) --no-deps -r requirements-train.txt
	@touch $@
