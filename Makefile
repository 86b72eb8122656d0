# Assumes python3 (3.11 to 3.13) and make; everything else comes from uv.lock into .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.synced
UV_VERSION := $(shell sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV
# Where it is set, as in many containers, every process compiles what it imports: half a minute for the tests alone.
unexport PYTHONDONTWRITEBYTECODE

# One line for what takes a while: `$(call step,title); command $(quiet); $(done)`; what a command says is shown when it fails.
step = printf '  %s ... ' '$(1)'; began=$$(date +%s)
done = echo "$$(($$(date +%s) - began)) s"
quiet = > .venv/.said 2>&1 || { echo; cat .venv/.said; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help setup check format test up down status demo new train import bench serve lock clean proof proof-tables bench-drift five-tasks openapi docs dashboards sam-local

help: ## Print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv from uv.lock (every other target does this by itself)

$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	  || { echo "tabserve needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Say which: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/uv || { $(call step,.venv with uv $(UV_VERSION)); $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION) && $(done); }
	@$(call step,Packages of uv.lock into .venv); $(BIN)/uv sync -q --frozen --python $(BIN)/python && $(done)
	@touch $@

check: $(STAMP) ## Lint, types, import rules, dashboards, template, compose file, layer requirements
	@$(call step,Lint); $(BIN)/ruff check $(quiet); $(done)
	@$(call step,Format); $(BIN)/ruff format --check $(quiet); $(done)
	@$(call step,Types); $(BIN)/mypy $(quiet); $(done)
	@$(call step,Import rules); $(BIN)/lint-imports $(quiet); $(done)
	@$(call step,Dashboards); PYTHONPATH=. $(BIN)/python scripts/check_dashboards.py $(quiet); $(done)
	@$(call step,Template); $(BIN)/cfn-lint infra/template.yaml $(quiet); $(done)
	@$(call step,Compose file and workflow); $(BIN)/check-jsonschema -q --builtin-schema vendor.compose-spec docker-compose.yml $(quiet); \
	  $(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml $(quiet); $(done)
	@$(call step,Layer requirements); $(BIN)/python scripts/layer_requirements.py --check $(quiet); $(done)

format: $(STAMP) ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test: $(STAMP) ## Run the tests; ARGS="tests/unit -k name" narrows them; STACK_ENV_FILE=.local/stack.env on that stack
	@STACK_ENV_FILE=$(STACK_ENV_FILE) $(BIN)/pytest -q --numprocesses=auto --no-loadscope-reorder $(ARGS)

STACK := $(BIN)/python scripts/stack.py
ON := $(if $(CLOUD),--cloud=$(CLOUD))
STATE := $(if $(STATE_DIR),--state=$(STATE_DIR))
PORTS := $(if $(EMULATOR_PORT),--emulator-port=$(EMULATOR_PORT)) $(if $(POSTGRES_PORT),--postgres-port=$(POSTGRES_PORT)) \
  $(if $(UI_PORT),--ui-port=$(UI_PORT))

up: $(STAMP) ## Start everything on this machine; DETACH=1 returns when it is ready; CLOUD=localstack
	@$(STACK) up $(STATE) $(PORTS) $(ON) $(if $(DETACH),--detach)

demo: $(STAMP) ## Upload raw files with every defect to a stack of its own and prove that no row is lost; USE_CASE=titanic CLOUD=localstack
	@$(BIN)/python scripts/demo.py --use-case $(or $(USE_CASE),titanic) $(ON) $(ARGS)

down: $(STAMP) ## Stop everything; PURGE=1 also forgets the data
	@$(STACK) down $(STATE) $(if $(PURGE),--purge)

status: $(STAMP) ## Say what runs where, healthy or not
	@$(STACK) status $(STATE)

sam-local: $(STAMP) ## Write .local/sam-local.json for `sam local` from the running stack, and print the lines to copy; ARGS="--host 172.17.0.1"
	@$(BIN)/python scripts/sam_local.py $(if $(STATE_DIR),--env $(STATE_DIR)/stack.env) $(ARGS)

dashboards: $(STAMP) ## Write the Grafana dashboards and alert rules from the code
	PYTHONPATH=. $(BIN)/python -m grafana.write

proof: $(STAMP) ## Run the proofs at full size (minutes): every kill point, false alarms and power of the drift method, the API under load
	@$(BIN)/pytest -m proof -s $(ARGS)

proof-tables: $(STAMP) .local/peers/tables ## Take twenty public tables from their files to predictions on one running stack (minutes)
	@$(BIN)/pytest -m proof -s tests/proof/test_any_table.py

bench: $(STAMP) .local/peers/mlflow .local/peers/mlserver .local/peers/bentoml .local/peers/validators ## The benchmarks beside their peers; ARGS="http storage" narrows them
	PYTHONPATH=. $(BIN)/python scripts/bench.py $(ARGS)

five-tasks: $(STAMP) ## The five main tasks of the web page, done in a browser on the running stack: clicks and seconds, beside the old ones
	@PYTHONPATH=scripts:. $(BIN)/python -m benchmarks.five_tasks $(ARGS)

bench-drift: $(STAMP) .local/peers/evidently .local/peers/nannyml ## False drift alarms beside Evidently's and NannyML's defaults
	$(BIN)/python -m benchmarks.drift $(ARGS)

# What the peers' pinned versions need is as of this day; empty for a package index that gives no upload dates.
PEERS_NOT_AFTER ?= 2026-11-21
.local/peers/%: benchmarks/peers/%.txt
	@$(call step,$(@F) as a peer of the benchmarks); $(BIN)/uv venv -q --clear --python $(BIN)/python $@ \
	  && $(BIN)/uv pip install -q --python $@/bin/python $(if $(PEERS_NOT_AFTER),--exclude-newer $(PEERS_NOT_AFTER)) -r $< && $(done) \
	  || { echo "Does this package index give no upload dates? Then say: make $(MAKECMDGOALS) PEERS_NOT_AFTER=" >&2; exit 2; }
	@touch $@

new: $(STAMP) ## Draft the definition of a use case from a table: DATA=my.csv TARGET=column; NAME=… ID=column FORCE=1
	@$(BIN)/python scripts/new.py $(if $(DATA),--data "$(DATA)") $(if $(TARGET),--target "$(TARGET)") $(if $(NAME),--name "$(NAME)") $(if $(ID),--id "$(ID)") $(if $(FORCE),--force)

train: $(STAMP) ## Train, compare, measure and register a model: USE_CASE=titanic; DATA=rows.csv, PROMOTE=1
	@$(BIN)/python scripts/train.py --use-case $(or $(USE_CASE),titanic) $(if $(DATA),--data $(DATA)) $(if $(PROMOTE),--promote)

import: $(STAMP) ## Import a model made elsewhere: MODEL=model.joblib (or .pkl, .skops, .onnx, models:/…) USE_CASE=… DATA=holdout.csv; PROMOTE=1
	@$(BIN)/python scripts/import_model.py "$(MODEL)" --use-case "$(USE_CASE)" --data "$(DATA)" $(if $(PROMOTE),--promote)

serve: $(STAMP) ## Serve the API with uvicorn, with the settings of .local/stack.env; PORT=8000
	@test -f .local/stack.env || { echo "Nothing is running; start it with make up." >&2; exit 2; }
	@$(BIN)/uvicorn functions.predict.app:app --env-file .local/stack.env --port $(or $(PORT),8000)

openapi: $(STAMP) ## Write docs/openapi.json, the API's document for the definitions of the tests
	@USE_CASES_DIR=tests/use_cases PYTHONPATH=. $(BIN)/python scripts/openapi.py --default-use-case titanic

docs: $(STAMP) ## Write docs/commands.md, docs/settings.md and use_cases/use-case.schema.json from the code
	@$(BIN)/python scripts/document.py

lock: $(STAMP) ## Renew uv.lock and the layer requirements exported from it
	$(BIN)/uv lock
	$(BIN)/python scripts/layer_requirements.py
