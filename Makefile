# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ETL := $(BIN)/etl
# Twice as many processes as cores: tests wait for servers and for what they started.
SPREAD := -n $(shell echo $$((2 * $$(nproc)))) --dist worksteal

.PHONY: demo pictures test quick lint docs bench bench-checks bench-dags bench-lint bench-lsp bench-many bench-meaning \
        bench-memory bench-mistakes bench-report chaos corpus airflow fuzz fuzz-guided test-airflow test-bundle \
        test-infra test-versions clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo  ## Sample data, a real PostgreSQL, the music pipeline, its KPIs
	@$(BIN)/python sample_data/generate.py
	@$(ETL) run music_streaming
	@echo; echo '$$ etl show kpis_genre --order-by -listen_count --limit 5'
	@$(ETL) show kpis_genre --order-by -listen_count --limit 5
	@echo; echo '$$ etl show kpis_hourly --limit 5'
	@$(ETL) show kpis_hourly --limit 5
	@echo; echo '$$ etl run music_daily --from 2024-06-25 --to 2024-07-01   # the same a day at a time'
	@$(ETL) run music_daily --from 2024-06-25 --to 2024-07-01
	@echo; echo '$$ etl status music_daily --to 2024-07-01'
	@$(ETL) status music_daily --to 2024-07-01
	@echo; echo '$$ etl show listeners_daily'
	@$(ETL) show listeners_daily
	@echo; echo 'Next: `. $(BIN)/activate`, then'
	@echo '  etl report --explain --to 2024-07-01    pages about all this: open report/index.html'
	@echo '  etl quarantine show streams --limit 5   the rows that were rejected, and why'
	@echo '  etl explain kpis_genre --where track_genre=Pop   what this number is made of'
	@echo '  etl plan music_streaming                what a run does, with the SQL'
	@echo '  etl lint                                what is wrong with the files (nothing yet)'
	@echo '  and add a KPI: README.md, "Add a KPI"'

pictures: demo  ## What `etl report` shows of the demo, for README; needs Chromium
	@$(ETL) report --to 2024-07-01 --last 14
	@mkdir -p docs/pictures
	@for page in index:wall:700 kpis/music_daily.listeners_daily:kpi:520; do \
	    set -- $$(echo $$page | tr : ' '); \
	    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1100,$$3 \
	        --screenshot=docs/pictures/$$2.png file://$(CURDIR)/report/$$1.html 2> /dev/null; done

test: $(VENV)/.dev  ## Every test
	@$(BIN)/python -m pytest -q $(SPREAD)

quick: $(VENV)/.dev  ## The tests that take less than a minute together
	@$(BIN)/python -m pytest -q $(SPREAD) -m 'not slow'

lint: $(VENV)/.dev  ## The code, its types, its layers, and the project's own files
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(ETL) lint

docs: $(VENV)/.dev  ## What is made from the models: JSON Schemas, README's tables
	@$(ETL) schema
	@$(BIN)/python -m etl_framework.authoring.reference README.md docs/policies.md

bench: $(VENV)/.dev  ## 10 million events against pandas and against DuckDB by hand
	@$(BIN)/python benchmarks/music_streaming.py

bench-checks: $(VENV)/.dev  ## Twenty checks over 10 million rows, and three peers with the same
	@$(BIN)/python benchmarks/checks.py

bench-lint: $(VENV)/.dev  ## 1,000 pipelines linted by us, by dbt and by SQLMesh
	@$(BIN)/python benchmarks/lint.py

bench-many: $(VENV)/.dev  ## 1,000 pipelines in 50 folders with defaults, templates, policies
	@$(BIN)/python benchmarks/many.py

bench-lsp: $(VENV)/.dev  ## A key pressed in an editor on 1,000 pipelines, against a look at all
	@$(BIN)/python benchmarks/lint_lsp.py

bench-mistakes: $(VENV)/.dev  ## Thirty typical mistakes, and what dbt, SQLMesh, dag-factory say of theirs
	@$(BIN)/python benchmarks/mistakes.py

bench-report: $(VENV)/.dev  ## The pages of `etl report` for a thousand runs of fifty pipelines
	@$(BIN)/python benchmarks/report.py

bench-meaning: $(VENV)/.dev  ## TPC-H and TPC-DS as KPIs, compared row by row with plain DuckDB
	@$(BIN)/python benchmarks/meaning

fuzz: $(VENV)/.dev  ## Mutated files, values, queries, states, secrets: nothing breaks, differs or shows
	@$(BIN)/python -m tests.fuzz
	@$(BIN)/python -m tests.fuzz.shaped 2000
	@$(BIN)/python -m tests.fuzz.values 20000
	@$(BIN)/python -m tests.fuzz.sql 20000
	@$(BIN)/python -m tests.fuzz.state 2000
	@$(BIN)/python -m tests.fuzz.messages 60

fuzz-guided: $(VENV)/.dev  ## Ten minutes of files that atheris changes towards code not reached yet
	@$(BIN)/uv pip install --quiet --python $(BIN)/python atheris
	@$(BIN)/python -m tests.fuzz.guided -max_total_time=600

airflow: $(VENV)/.dev  ## A whole Airflow in a browser, beside stand-ins for RDS, S3 and Redshift
	@test -d sample_data/rds || $(BIN)/python sample_data/generate.py
	@$(ETL) dev up
	@trap : INT TERM HUP; $(ETL) dev airflow; $(ETL) dev down

test-airflow: $(VENV)/.dev  ## The tests of tests/airflow on every version of MWAA
	@$(BIN)/python -m tests.airflow.matrix

test-versions: $(VENV)/.dev  ## What SQL, checks and files mean, on the lowest and highest versions
	@$(BIN)/python -m tests.versions

test-bundle: $(VENV)/.dev  ## A bundle for every version of MWAA, its DAGs imported as there
	@$(BIN)/python -m tests.mwaa.matrix

test-infra: $(VENV)/.dev  ## Terraform's validate and test over infra/, with a mocked provider
	@$(BIN)/python -m tests.infra

bench-dags: $(VENV)/.dev  ## Parsing 1, 100 and 500 DAGs against dag-factory and plain Python
	@$(BIN)/python benchmarks/dag_parse.py

bench-memory: $(VENV)/.dev  ## Each step of 10 million events in a process with Airflow
	@$(BIN)/python benchmarks/step_memory.py

chaos: $(VENV)/.dev  ## Hundreds of faults, each in a run of its own, and a rerun after each
	@$(BIN)/python -m tests.chaos
	@$(BIN)/python -m tests.targets.model 2000
	@ETL_THOROUGH=1 $(BIN)/python -m pytest -q tests/targets/test_kill.py \
		tests/sources/csv/test_runs.py tests/sources/csv/test_thousand.py

corpus: $(VENV)/.dev  ## CSV files of any folder, imported, run and compared: make corpus FILES=folder
	@$(BIN)/python -m tests.corpus $(FILES)

clean:
	rm -rf $(VENV) .venv-airflow .etl sample_data/rds sample_data/lake sample_data/.generated

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 2; }
	@echo 'making $(VENV), a Python of its own' >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.demo: $(BIN)/uv setup.cfg pyproject.toml
	@echo 'installing the framework, DuckDB, PostgreSQL and what else the demo needs' >&2
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(BIN)/uv setup.cfg pyproject.toml
	@echo 'installing the framework, Airflow and the tools that test it' >&2
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]'
	@touch $@
