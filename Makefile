# Darkroom: everything a person or a machine does here is a target. `make` lists them.
#
# What `make test` runs, and about how long it takes on two cores:   (measured 2026-11-30)
#   mutants     every planted fault in the protocol and the picture work is killed            5 min
#   all tests   every suite: embedded cloud, journeys, faults, engine, images, browser, API   25 min
#   once        the environment, the Pulumi engine from its source                            5 min

SHELL := /bin/bash
.DEFAULT_GOAL := help
# compiled modules halve the start of everything; a machine that forbids them has not met this folder
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
BIN := .venv/bin
UV := VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv
PORT ?= 8000
DATA ?= .data
IMAGE ?=
URL ?=
CASE ?=
JOBS ?= 10000
FAULTS ?= 500
SEED ?=
SUITE ?= pictures
# pure as well, but too long for the inner loop
LEFT_TO_TEST := test_lifecycle_walk.py \
    test_hostile_headers.py test_mutated_headers.py test_fuzzed.py test_foreign_formats.py test_formats.py
ROOMS := adapters components services functions/transform client operations local tests benchmarks
# the function's own: what AWS runs it on (see `transform` in components/config.py)
FUNCTION_PYTHON ?= 3.13
FUNCTION_ARCH ?= x86_64
FUNCTION_LIBRARIES = build/function/$(FUNCTION_PYTHON)-$(FUNCTION_ARCH)
# plug-ins of the function, each a lock of its own: named by hand, or by the stack that is meant (`formats` in its file)
PLUGINS ?= $(if $(STACK),$(foreach plugin,heic imagequant,$(shell \
    grep -Eqs '^ *(formats: *\{.*)?\b$(plugin): *true' Pulumi.$(STACK).yaml && echo $(plugin))))
# the resizer has wheels for x86-64 alone: for arm64 it is built from its source, on arm64, by the function's own Python
FUNCTION_WHEELS = --python-version $(FUNCTION_PYTHON) --python-platform x86_64-manylinux_2_28
FUNCTION_CHECK = true
ifeq ($(FUNCTION_ARCH),arm64)
FUNCTION_WHEELS = --no-binary cykooz-resizer --python python$(FUNCTION_PYTHON)
FUNCTION_CHECK = [ "$$(uname -m)" = aarch64 ] || { echo "cykooz.resizer has no wheel for arm64: run make artifact FUNCTION_ARCH=arm64 on an arm64 machine with Python $(FUNCTION_PYTHON) and Rust, and bring build/function/$(FUNCTION_PYTHON)-arm64 here (docs/operations.md)" >&2; exit 1; }
endif
# a stack, and the images it shall run: the file that `make images` prints
STACK ?=
IMAGES ?=
# with the Pulumi CLI of `make pulumi`, or the one on PATH
ROLLOUT = PULUMI_SKIP_UPDATE_CHECK=true PATH="$(CURDIR)/build/pulumi:$$PATH" $(BIN)/python -m operations.rollout
NAMED = $(if $(STACK),,$(error name a stack: make $@ STACK=prod))

.PHONY: stack amis tunnel pulumi pulumi-pin running plan drift comment deploy smoke rollback bill gate changes lint-workflows restore
.PHONY: engine preview images image-test
.PHONY: help env run check test journeys mutants reached fault soak fuzz generated permissions calls bench artifact lock docs format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

env: .venv/made ## make the environment: every library, pinned by version and hash, in .venv

.venv/made: requirements.txt local/bootstrap.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Darkroom needs Python 3.11 or newer: set PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "making the environment in .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r local/bootstrap.txt
	@$(UV) pip sync --quiet --require-hashes requirements.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q -j 0 -x '(pulumi_aws|faker|playwright)/' .venv/lib contracts adapters components services functions client operations local || true
	@touch $@

run: env ## a picture through the whole pipeline on the embedded cloud: IMAGE=path PORT=8000 DATA=.data
	@exec $(BIN)/python -m local run $(if $(IMAGE),"$(IMAGE)") --port $(PORT) --data "$(DATA)"

check: env ## the inner loop, ten seconds: style, types, the pure language of the house, and its rules
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@# side by side: two plain runs are done before two workers of one run have begun
	@mkdir -p build; export HYPOTHESIS_PROFILE=check; \
	{ $(BIN)/pyrefly check --summary=none && $(BIN)/python -m pytest -q -m "not slow" tests/house; } > build/house.log 2>&1 & \
	house=$$!; \
	$(BIN)/python -m pytest -q -m "not slow" $(addprefix --ignore tests/contracts/,$(LEFT_TO_TEST)) tests/contracts; \
	contracts=$$?; wait $$house; house=$$?; cat build/house.log; exit $$((contracts + house))

test: env engine artifact build/tools build/score/made build/bin/actionlint ## everything that must hold, the real browser and the API collection included
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/pyrefly check --summary=none
	@$(BIN)/python -m tests.support.mutants
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests

mutants: env ## break every guard of the protocol, one at a time: a test must notice each
	@$(BIN)/python -m tests.support.mutants

reached: env ## every row of the transition table and every invariant, and how often walk and simulation came by
	@$(BIN)/python -m tests.support.reaching

fault: env ## a promise at full size, its figure on the last line: CASE=backlog|purge|rolling|inputs|webhook|fairness
	@$(if $(CASE),,$(error name a case: make fault CASE=backlog))$(BIN)/python -m tests.support.cases "$(CASE)"

soak: env ## jobs under faults of every kind, and nothing lost: JOBS=10000 FAULTS=500 SEED=1
	@$(BIN)/python -m tests.support.soak --jobs "$(JOBS)" --faults "$(FAULTS)" $(if $(SEED),--seed "$(SEED)")

fuzz: env ## a coverage-guided fuzzer on what reads strangers' bytes: TARGET=headers|options|messages SECONDS=60
	@$(BIN)/python -m tests.support.fuzzing "$(or $(TARGET),headers)" --seconds "$(or $(SECONDS),60)"

generated: env ## 10,000 bad inputs of each kind that is generated: bytes, forms, pictures, messages, requests; 20 minutes
	@HYPOTHESIS_PROFILE=generated $(BIN)/python -m pytest -q -n 2 -m generated tests

permissions: env ## what each role used and was granted, measured on the embedded cloud
	@$(BIN)/python -m local permissions

calls: env ## calls to AWS for one job of four variants, counted over 200 jobs
	@$(BIN)/python -m local calls

bench: env artifact build/tools build/judge/made ## SUITE=pictures|avif beside sharp's, SUITE=import: a cold start
	@$(BIN)/python -m benchmarks $(SUITE) --judge build/judge/bin/python

.PHONY: conformance
conformance: env build/tools build/judge/made ## pictures with known answers: our score, and beside it sharp's
	@$(BIN)/python -m benchmarks.conformance --judge build/judge/bin/python

.PHONY: inks
inks: env build/judge/made ## fit the profile of inks without one to its measurements, WRITE=1: into the function; how near it is
	@build/judge/bin/python -m benchmarks.inks $(if $(WRITE),--write)

build/judge/made: benchmarks/requirements.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/judge
	@VIRTUAL_ENV=$(CURDIR)/build/judge $(BIN)/uv pip sync --quiet --require-hashes benchmarks/requirements.txt
	@touch $@

.PHONY: score
score: env build/score/made ## SSIMULACRA2, for the pages of `presets diff` and `upgrade --what-changes`, in an environment of its own
	@:

build/score/made: operations/score.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/score
	@VIRTUAL_ENV=$(CURDIR)/build/score $(BIN)/uv pip sync --quiet --require-hashes operations/score.txt
	@touch $@

engine: ## the Pulumi CLI of the pinned version: from the PATH, or built from its Go module
	@local/engine/get

preview: artifact engine ## what a first deployment of a stack would make, and its price; needs no account: STACK=dev
	@$(BIN)/python -m local preview --stack $(or $(STACK),dev)

artifact: env $(FUNCTION_LIBRARIES)/.made $(PLUGINS:%=$(FUNCTION_LIBRARIES)-%/.made) ## the function's libraries: FUNCTION_PYTHON=3.13 FUNCTION_ARCH=x86_64 PLUGINS="heic imagequant"
	@:

$(FUNCTION_LIBRARIES)/.made: functions/transform/requirements.txt | env
	$(INSTALL)

$(FUNCTION_LIBRARIES)-%/.made: functions/transform/requirements-%.txt | env
	$(INSTALL)

define INSTALL
	@$(FUNCTION_CHECK)
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(UV) pip install --quiet --require-hashes --no-deps --only-binary :all: $(FUNCTION_WHEELS) --target $(@D) -r $<
	@touch $@
	@echo "libraries for Python $(FUNCTION_PYTHON) on $(FUNCTION_ARCH) are in $(@D)"
endef

pulumi: env ## the Pulumi CLI and its AWS provider, by version and digest, into build/pulumi
	@$(BIN)/python -m operations.toolchain install

pulumi-pin: env ## fetch both anew, write their digests down, and say where to compare them
	@$(BIN)/python -m operations.toolchain pin

running: env ## the images that a stack runs: STACK=prod
	@$(NAMED)$(ROLLOUT) running $(STACK)

plan: artifact ## what an `up` would change, with the images that run: STACK=prod
	@$(NAMED)$(ROLLOUT) plan $(STACK)

drift: artifact ## what AWS has otherwise than declared, into build/drift.md: STACK=prod
	@$(NAMED)mkdir -p build && $(ROLLOUT) drift $(STACK) > build/drift.txt
	@$(BIN)/python -m operations.comment drift build/drift.txt > build/drift.md && cat build/drift.md

comment: artifact ## the review and the plan of a stack, into build/comment.md: STACK=prod
	@$(NAMED)mkdir -p build && $(ROLLOUT) plan $(STACK) > build/plan.txt && cat build/plan.txt
	@$(BIN)/python -m operations.review --stack $(STACK) > build/review.md
	@$(BIN)/python -m operations.comment plan build/review.md build/plan.txt > build/comment.md

deploy: artifact ## one `up`, watched to its end, with the images that run or IMAGES=file: STACK=prod
	@$(NAMED)$(ROLLOUT) deploy $(STACK) $(if $(IMAGES),--images "$(IMAGES)")

smoke: env ## a picture through a deployed stack: STACK=prod, or URL=address; IMAGE=path
	@url="$(URL)"; [ -n "$$url" ] || url=$$($(ROLLOUT) url "$(STACK)") || exit 1; \
	$(BIN)/python -m operations.smoke "$$url" "$(or $(IMAGE),docs/page.png)"

rollback: artifact ## back to the images that were up before; IMAGES=file: only if those were tried last: STACK=prod
	@$(NAMED)$(ROLLOUT) rollback $(STACK) $(if $(IMAGES),--images "$(IMAGES)")

restore: env ## rows of a table from the copy FROM=name of a point in time: STACK=prod TABLE=jobs OVERWRITE=1
	@$(NAMED)$(BIN)/python -m operations.restoring $(STACK) "$(FROM)" $(if $(TABLE),--table $(TABLE)) $(if $(OVERWRITE),--overwrite)

stack: env ## a developer's own small stack, its file: NAME=alice
	@$(if $(NAME),,$(error name it: make stack NAME=alice))$(BIN)/python -m client stack "$(NAME)"

amis: env ## the current machine image of the hosts into a stack's file; CHECK=1: only say so: STACK=dev
	@$(NAMED)$(BIN)/python -m client amis --stack "$(STACK)" $(if $(CHECK),--check)

tunnel: env ## a way to a stack's service that has no open port: STACK=alice SERVICE=upload PORT=8000
	@$(NAMED)exec $(BIN)/python -m client tunnel --stack "$(STACK)" $(if $(SERVICE),--service "$(SERVICE)") \
	    $(if $(filter-out file,$(origin PORT)),--port "$(PORT)")

images: env ## both services' images, built, pushed, named in the stack's file and printed; DRY=1: only how: STACK=prod
	@$(NAMED)$(BIN)/python -m operations.images "$(STACK)" $(if $(DRY),--dry)

image-test: env ## build the images without a registry, run them hardened, and compose.yaml; as root on Linux
	@$(BIN)/python -m pytest -q -s tests/images

bill: env ## what images are made of (CycloneDX), into build/*.cdx.json: IMAGES=file
	@mkdir -p build && $(BIN)/python -m operations.supply bill "$(IMAGES)"

gate: env ## refuse images in which ECR's scan finds something critical: IMAGES=file
	@$(BIN)/python -m operations.supply gate "$(IMAGES)"

changes: ## what a push is for: application, infrastructure or nothing: BASE=commit
	@$(PYTHON) -m operations.changes "$(BASE)"

lint-workflows: env build/bin/actionlint ## the pipelines: actionlint, shellcheck and zizmor
	@PATH="$(CURDIR)/$(BIN):$$PATH" build/bin/actionlint -color=false
	@$(BIN)/zizmor --offline --no-progress --persona pedantic --quiet --config zizmor.yml .github

build/bin/actionlint: tests/workflows/go.mod tests/workflows/go.sum
	@cd tests/workflows && GOBIN=$(CURDIR)/build/bin GOFLAGS=-mod=readonly go install github.com/rhysd/actionlint/cmd/actionlint
	@touch $@

build/tools: tests/api/package-lock.json benchmarks/package-lock.json
	@cd tests/api && npm ci --silent --no-audit --no-fund
	@cd benchmarks && npm ci --silent --no-audit --no-fund
	@mkdir -p build && touch $@

lock: ## pin every requirements.in again by version and hash
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	@for room in $(ROOMS); do \
	    $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	        -c requirements.txt $$room/requirements.in -o $$room/requirements.txt || exit 1; \
	done
	@# of a plug-in what it needs beside the function's own libraries, and no more: its file says so itself
	@for plugin in functions/transform/requirements-*.in; do \
	    $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-deps \
	        -c requirements.txt $$plugin -o $${plugin%.in}.txt || exit 1; \
	done
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    -c requirements.txt operations/score.in -o operations/score.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    -c requirements.txt local/bootstrap.in -o local/bootstrap.txt

docs: env ## write what is generated in docs: the state diagram, the table of mutants, the tables and the chart of the benchmarks
	@$(BIN)/python -m tests.support.diagram
	@$(BIN)/python -m benchmarks.report
	@$(BIN)/python -m tests.support.mutant_table

format: env ## put the code in its form
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

clean: ## remove what was built; the data folder stays
	@rm -rf build .venv tests/api/node_modules benchmarks/node_modules
