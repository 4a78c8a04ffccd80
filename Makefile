# Every developer command. CI calls the same targets, so whatever it does a person can do.

PYTHON ?= python3
BIN := .venv/bin
SOURCES := server repository tokenizer deploy loadtests tests protos/opencif
# Of so many files tests run at once, each on servers of its process's own.
AT_ONCE ?= 2
# The published branch if there is one, else the local one, else what is checked out.
GIT := git -c safe.directory=$(CURDIR)
PUBLISHED = $(shell $(GIT) rev-parse --quiet --verify origin/main || \
	$(GIT) rev-parse --quiet --verify main || $(GIT) rev-parse HEAD)

.DEFAULT_GOAL := help
.PHONY: help demo serve test check bench sizes file profile kernels format proto lock clean venv

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

venv:
	@PYTHON=$(PYTHON) requirements/install

demo: venv ## Resolve a sample NACHA file against a sample bank, and leave nothing running
	@$(BIN)/python -m deploy.demo

serve: venv ## Keep the demo's stack up and say how to call it
	@$(BIN)/python -m deploy.serve

test: venv ## Run all tests on a real PostgreSQL and a real Valkey
	@$(BIN)/python -m pytest -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder

check: venv ## Lint, types, import rules, contract, generated code
	@echo "ruff check" && $(BIN)/ruff check --quiet
	@echo "ruff format" && $(BIN)/ruff format --quiet --check
	@echo "mypy --strict" && $(BIN)/mypy --no-error-summary $(SOURCES)
	@echo "lint-imports" && seen=$$($(BIN)/lint-imports) || { echo "$$seen"; exit 1; }
	@echo "buf lint" && $(BIN)/buf lint
	@echo "buf format" && $(BIN)/buf format --diff --exit-code
	@echo "buf breaking" && $(MAKE) --no-print-directory breaking
	@echo "generated code" && $(BIN)/python protos/generate.py --check

.PHONY: breaking
breaking:
	@published=$$(mktemp -d) && trap 'rm -rf "$$published"' EXIT && \
	if $(GIT) cat-file -e $(PUBLISHED):buf.yaml 2>/dev/null; then \
		$(GIT) archive $(PUBLISHED) buf.yaml protos | tar -x -C "$$published" && \
		$(BIN)/buf breaking --against "$$published"; \
	else \
		echo "no published contract to compare with"; \
	fi

bench: venv ## Measure OpenCIF beside the parts it stands on, for about twelve minutes
	@$(BIN)/python -m deploy.bench
	@$(BIN)/python -m loadtests.bench_quotes

sizes: venv ## Measure lookups in banks of 10,000, a million and ten million accounts
	@$(BIN)/python -m deploy.bench_sizes
	@$(BIN)/python -m loadtests.bench_quotes

file: venv ## Resolve a NACHA file of five million entries, for about five minutes
	@$(BIN)/python -m deploy.bench_file
	@$(BIN)/python -m loadtests.bench_quotes

profile: venv ## Say where the CPU of a lookup goes; needs py-spy
	@$(BIN)/python -m deploy.bench_profile
	@$(BIN)/python -m loadtests.bench_quotes

kernels: venv ## Count the instructions of the four kernels; needs valgrind
	@$(BIN)/python -m deploy.kernels

.PHONY: cluster cluster-status cluster-stop switchover kill-primary heal faults
cluster: venv ## Keep a whole cluster up: three PostgreSQL nodes, Valkey pair, two servers; needs etcd
	@$(BIN)/python -m deploy.cluster_command up

cluster-status: venv ## What every part of the cluster says of itself
	@$(BIN)/python -m deploy.cluster_command status

switchover: venv ## Have the cluster's primary hand over to a standby
	@$(BIN)/python -m deploy.cluster_command switchover

kill-primary: venv ## Kill the cluster's primary and wait for the next
	@$(BIN)/python -m deploy.cluster_command kill-primary

heal: venv ## Start again what the cluster lacks
	@$(BIN)/python -m deploy.cluster_command heal

cluster-stop: venv ## End the cluster
	@$(BIN)/python -m deploy.cluster_command stop

faults: venv ## Make faults on a cluster of their own, under load, and hold it to its promises
	@$(BIN)/python -m deploy.faults

.PHONY: seeds
seeds: venv ## Run random workloads with random faults, each replayable by its seed
	@$(BIN)/python -m deploy.seeds

.PHONY: restore-drill
restore-drill: venv ## Lose a database, restore it to a moment, and check what is served then
	@$(BIN)/python -m deploy.restore_drill

.PHONY: alerts
alerts: ## Check the alert rules and run their tests; needs promtool
	@command -v promtool >/dev/null || \
		{ echo "make alerts needs promtool (on Debian and Ubuntu: apt-get install prometheus)"; exit 1; }
	@promtool check rules deploy/configuration/alerts.yml
	@promtool test rules deploy/configuration/alerts_test.yml

format: venv ## Format Python and proto files
	@$(BIN)/ruff check --quiet --fix --exit-zero
	@$(BIN)/ruff format
	@$(BIN)/buf format --write

proto: venv ## Generate the code of opencif.v1
	@$(BIN)/python protos/generate.py

lock: venv ## Resolve the dependencies anew, within their bounds
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-package opencif --custom-compile-command "make lock" \
		--extra demo --extra cluster --group dev pyproject.toml protos/pyproject.toml --upgrade \
		--output-file requirements/dev.lock

clean: ## Remove the environment, the demo's data and all caches
	@rm -rf "$$(readlink -f .opencif)" .opencif .venv .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache *.egg-info protos/*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
