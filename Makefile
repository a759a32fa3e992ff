# The commands that people and CI both run. Each installs what it lacks (see tools/setup).

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build demo test test-postgresql soak check fuzz bench clean

PROGRAMS := $(or $(CARGO_TARGET_DIR),target)/debug
RELEASED := $(or $(CARGO_TARGET_DIR),target)/release
# The AWS CLI that tools/setup installs comes before any other.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Tests wait for programs more than they compute.
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# The documentation is for those who read the code: private items are in it, and may be linked to.
RUSTDOC_RULES := -D warnings -A rustdoc::private_intra_doc_links

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

# Always the whole workspace: one crate alone would choose other features for what crates share,
# and build those again.
build: ## Build the three programs (debug profile)
	@tools/setup build
	cargo build --workspace

demo: ## Deploy a web application in two versions to three hosts on this machine; KEEP=1 leaves it running until Ctrl-C
	@tools/setup demo
	@echo "building (several minutes the first time) ..."
	@cargo build --workspace --quiet
	@$(PROGRAMS)/longshore demo --dir demo/.run $(if $(KEEP),--keep)

test: ## Run all tests: rules, contracts, simulation, a minute of faults, and journeys with the real programs, the AWS CLI and SDKs
	@tools/setup test
	cargo build --workspace
	cargo test --workspace

# The whole workspace, as `build` says. `journey` is the engine's own.
JOURNEYS := --test journey $(patsubst tests/journey/tests/%.rs,--test %,$(wildcard tests/journey/tests/*.rs))

test-postgresql: ## Run the journeys again on PostgreSQL, with one server and with two behind an HAProxy
	@tools/setup test
	cargo build --workspace
	LONGSHORE_JOURNEY_DATABASE=postgresql LONGSHORE_JOURNEY_SERVERS=1 cargo test --workspace $(JOURNEYS)
	LONGSHORE_JOURNEY_DATABASE=postgresql LONGSHORE_JOURNEY_SERVERS=2 cargo test --workspace $(JOURNEYS)

soak: ## A night: 100,000 seeds of the simulation, RUNS=1000 for fewer, FIRST=100000 for others; then ten minutes of faults: servers, PostgreSQL, networks, disks, agents (networks and disks need root), SECONDS=60
	@tools/setup test
	cargo build --workspace --release
	$(RELEASED)/longshore-simulation --first $(or $(FIRST),0) --runs $(or $(RUNS),100000)
	cargo build --workspace
	LONGSHORE_FAULTS_SECONDS=$(or $(SECONDS),600) cargo test --workspace --test faults

check: ## Format, lints, documentation, generated code, and the walls between crates
	@tools/setup build
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="$(RUSTDOC_RULES)" cargo doc --workspace --no-deps --document-private-items
	tools/check-walls
	tools/check-checklist --complete
	cargo build --workspace
	$(PROGRAMS)/generate-wire --check

fuzz: ## Feed the parsers of what comes from outside, each for a minute; SECONDS=3600 for longer
	@tools/setup fuzz
	@echo "building (several minutes the first time) ..."
	@tools/fuzz $(or $(SECONDS),60)

deb: ## Build the agent's Debian package, in target/debian/
	@tools/setup deb
	@packaging/build-deb

test-deb: ## Install, use, upgrade, remove and purge the package in a fresh Debian (needs root)
	@tools/setup build
	@tools/setup deb
	cargo build --workspace
	packaging/test-deb

bench: ## Measure what we promise, each figure beside its floor on this machine (release build: about twenty minutes); OUTPUT=json
	@tools/setup bench
	cargo build --workspace --release
	cargo build --profile agent -p longshore-agent --examples
	cargo build --profile agent -p longshore-agent --bins # as it is shipped: without what the example needs
	@$(RELEASED)/longshore-bench --output $(or $(OUTPUT),text)

clean: ## Remove what the build and the demo made
	cargo clean
	rm -rf fuzz/target fuzz/new
	rm -rf demo/.run .venv .prometheus tests/clients/javascript/node_modules
