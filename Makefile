# Every target sets up what it needs; on Debian as root this includes system packages.

BIN := .venv/bin
RUN := $(BIN)/python -m

.PHONY: demo test check fast slow bench sample web format lock clean

demo: ## run the whole way on the bundled sample
	@scripts/setup.sh requirements/demo.txt
	@$(BIN)/edgekit demo -o build/demo

test: check fast slow ## everything that CI runs

check: dev ## format, lint, types, import floors, generated docs
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) pytest -q tests/repository
	@scripts/web.sh run check

fast: dev ## tests without TensorFlow
	@$(RUN) pytest -q -m "not slow" -n 2 --ignore tests/repository
	@scripts/web.sh test

slow: dev web ## tests with real TensorFlow, a real browser and the judges
	@tests/judges/setup.sh
	@$(RUN) pytest -q -m slow

bench: dev web ## the benchmark suites: ratios taken side by side
	@$(RUN) benchmarks

sample: dev ## draw and train the bundled sample anew, which takes half an hour
	@scripts/sample.sh

web: ## build the page that runs TensorFlow.js models
	@scripts/web.sh build

format: dev ## rewrite the sources as check wants them
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .
	@scripts/web.sh run format

lock: ## resolve the dependencies of pyproject.toml anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --extra all --group dev -o requirements/dev.txt
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --extra convert --extra browser --group build -c requirements/dev.txt -o requirements/demo.txt

.PHONY: dev
dev:
	@scripts/setup.sh requirements/dev.txt

clean:
	rm -rf build dist .venv .venv-* web_demo/node_modules edgekit/_apps
