# The front door: every target sets up what it needs first. `make` alone lists the targets.
# VIPER_JOBS=2 limits the parallel compilers (default: all cores).

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

JOBS := $(or $(VIPER_JOBS),$(shell nproc 2>/dev/null || echo 2))
PREFIX ?= /usr/local
export VIPER_JOBS := $(JOBS)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## Install the packages and the Python environment that are missing (seconds when nothing is)
	@tools/setup

.PHONY: build-setup
build-setup:
	@tools/setup --build

.PHONY: build
build: build-setup ## Build the library and the programs for release, in build/release
	@tools/build release

.PHONY: test
test: setup ## Style check, warnings-as-errors build, unit tests, tests of the whole
	@tools/run_tests

.PHONY: demo
demo: build-setup ## Build the program for release and run the demonstration
	@tools/build release viper_cli
	@VIPER_BUILD_DIR=$(CURDIR)/build/release demo/run.sh

.PHONY: bench
bench: build ## Run the benchmarks on the release build, and with VIPER_DATA the comparison with other engines
	@VIPER_BUILD_DIR=$(CURDIR)/build/release bench/run.sh
	@VIPER_BUILD_DIR=$(CURDIR)/build/release bench/compare.sh

.PHONY: claims
claims: build ## Print each claim beside what was measured for it; with VIPER_DATA some of it is measured anew
	@VIPER_BUILD_DIR=$(CURDIR)/build/release bench/claims.sh

.PHONY: bench-lifecycle
bench-lifecycle: build ## Ten minutes of mixed reads and writes, overwriting, deleting, compaction; then compression
	@VIPER_BUILD_DIR=$(CURDIR)/build/release VIPER_BENCH_LIFECYCLE_SECONDS=600 bench/run.sh lifecycle
	@VIPER_BUILD_DIR=$(CURDIR)/build/release .venv/bin/python bench/compression.py

.PHONY: format
format: setup ## Rewrite all C++ sources with clang-format
	@tools/format

.PHONY: check
check: setup ## Check layers, sizes, banned words and formatting (seconds)
	@tools/check
	@tools/format --check

.PHONY: reliability
reliability: setup ## Power losses, kills, flipped bits, failing files: the tests that break things, for longer
	@tools/build dev
	@tools/reliability

.PHONY: soak
soak: setup ## Kill a process that writes and compacts SOAK_ROUNDS times (default 2000), hours; for the nightly run
	@tools/build dev
	@VIPER_SOAK_ROUNDS=$(or $(SOAK_ROUNDS),2000) .venv/bin/python -m pytest -q -s tests/python/test_soak.py

.PHONY: spark
spark: setup ## Fetch Spark and read our tables with it
	@tools/build dev
	@tools/spark

.PHONY: neon
neon: ## Compile the kernels and the index for 64-bit ARM and run their tests under qemu
	@tools/neon

.PHONY: tidy
tidy: setup ## Run clang-tidy on the files changed since TIDY_SINCE (default: main; `all` for every file)
	@tools/run_tidy --since $(or $(TIDY_SINCE),main)

.PHONY: asan
asan: setup ## Build and test with the address and undefined behaviour sanitizers
	@tools/run_tests asan

.PHONY: optimized
optimized: setup ## Build and test filters, kernels, index and the model of the engine as what ships is compiled
	@tools/run_tests optimized

.PHONY: tsan
tsan: setup ## Build and test what is labelled concurrent with the thread sanitizer
	@tools/run_tests tsan

.PHONY: fuzz
fuzz: setup ## Run every fuzz target for FUZZ_SECONDS (default 30) each
	@FUZZ_PRESET=$(or $(FUZZ_PRESET),fuzz) tools/run_fuzz $(or $(FUZZ_SECONDS),30)

.PHONY: install
install: build ## Install the release build under PREFIX (default /usr/local)
	@cmake --install build/release --prefix "$(PREFIX)"

.PHONY: wheel
wheel: build-setup ## Build the Python wheel in build/wheel and test it in a fresh environment
	@tools/wheel

.PHONY: clean
clean: ## Remove the build trees
	@rm -rf build

.PHONY: dist-clean
dist-clean: clean ## Remove the build trees and the Python environment
	@rm -rf .venv
