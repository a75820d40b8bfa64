# Needs only make, git and a Python from 3.11 to 3.14. `make` alone shows the help.

.DEFAULT_GOAL := help
.PHONY: help run stop status logs backup restore test check lint format bench chaos soak fuzz limits \
	conformance schemas lock clean

PYTHON ?= python3
# pytest processes, each with its own PostgreSQL and Valkey. One more than two cores, because half of
# the time of a test is waiting: 380 s instead of 500 s.
WORKERS ?= 3

# Tools run as modules: the scripts in .venv/bin hold the checkout's absolute path, which a moved
# checkout or a path with a space breaks.
python := .venv/bin/python
for_running := @$(PYTHON) deploy/embedded/environment.py embedded
for_development := @$(PYTHON) deploy/embedded/environment.py dev
services := $(patsubst services/%/__main__.py,%,$(wildcard services/*/__main__.py))
compile := $(python) -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

help: ## Show this help.
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Run

run: ## Start everything; Ctrl-C stops it. REPLICAS="persistence=3 gateway=2"
	$(for_running)
	@exec $(python) -m deploy.embedded run

stop: ## Stop a run from another terminal, and wait until it is over.
	$(for_running)
	@exec $(python) -m deploy.embedded stop

status: ## Show the processes and the sources of the run.
	$(for_running)
	@exec $(python) -m deploy.embedded status

logs: ## Show the newest log lines. SERVICE=gateway picks one, FOLLOW=1 goes on.
	$(for_running)
	@exec $(python) -m deploy.embedded logs $(SERVICE) $(if $(FOLLOW),--follow)

backup: ## Back up the database, while it runs or not. KEEP=7 keeps the newest.
	$(for_running)
	@$(if $(KEEP),export CASSIOPEIA_BACKUP_KEEP=$(KEEP);) exec $(python) -m deploy.embedded backup

restore: ## Put the backup FILE=... into an empty database. FORCE=1 drops what is there.
	$(if $(FILE),,$(error name the backup: make restore FILE=.cassiopeia/backups/NAME.tar.gz))
	$(for_running)
	@exec $(python) -m deploy.embedded restore "$(FILE)" $(if $(FORCE),--replace)

##@ Check

test: ## Run the tests on real servers. T=tests/unit picks some.
	$(for_development)
	@exec $(python) -m pytest --numprocesses $(WORKERS) --dist loadfile $(T)

lint: ## Check style, types and which package may import which.
	$(for_development)
	@$(python) -m ruff check
	@$(python) -m ruff format --check
	@$(python) -m mypy
	@$(python) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

check: lint test ## Lint, then test.

chaos: ## Break everything under load; count what arrived. EVENTS=n KILLS=n JOBS=n SEED=n ONLY=name,name
	$(for_development)
	@exec $(python) -m tests.chaos $(if $(EVENTS),--events $(EVENTS)) $(if $(KILLS),--kills $(KILLS)) \
		$(if $(POLL_SECONDS),--poll-seconds $(POLL_SECONDS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(JOBS),--jobs $(JOBS)) $(if $(ONLY),--only "$(ONLY)")

soak: ## Run the suite under load for an hour; nothing may grow. SECONDS=n
	$(for_development)
	@exec $(python) -m tests.soak $(if $(SECONDS),--seconds $(SECONDS))

fuzz: ## Send the gateway what nobody should; count faults and leaks. INPUTS=n
	$(for_development)
	@exec $(python) -m tests.fuzz $(if $(INPUTS),--inputs $(INPUTS))

limits: ## Ask three gateways for ten times the limit; count what they give. SECONDS=n
	$(for_development)
	@exec $(python) -m tests.limits $(if $(SECONDS),--seconds $(SECONDS))

conformance: ## Hold the API to its own description with schemathesis. EXAMPLES=n SEED=n
	$(for_development)
	@exec $(python) -m tests.conformance $(if $(EXAMPLES),--examples $(EXAMPLES)) \
		$(if $(SEED),--seed $(SEED))

bench: ## Measure speed and size. ONLY=name,name picks some.
	$(for_development)
	@exec $(python) -m bench $(if $(ONLY),--only $(ONLY))

##@ Maintain

format: ## Format the code and mend what ruff can mend.
	$(for_development)
	@$(python) -m ruff check --fix-only
	@$(python) -m ruff format

schemas: ## Write the JSON Schemas, and the AsyncAPI and OpenAPI documents.
	$(for_development)
	@$(python) -m libs.common.schemas
	@exec $(python) -m services.gateway.docs

# dev.txt holds every package; the others follow it, so that all locks agree.
lock: ## Resolve the dependencies into requirements/. UPGRADE=1 takes newer versions.
	$(for_development)
	@$(compile) $(if $(UPGRADE),--upgrade) --extra dev --output-file requirements/dev.txt
	@for extra in embedded $(services); do \
		rm -f requirements/$$extra.txt && $(compile) --constraint requirements/dev.txt \
			--extra $$extra --output-file requirements/$$extra.txt || exit 1; \
	done

clean: ## Remove the environment and the caches; the data stays.
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
