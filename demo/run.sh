#!/usr/bin/env bash
# The demonstration; `make demo` calls it after a release build. Output and cache: build/demo.
#
# VIPER_BUILD_DIR   build tree with bin/viper (default build/release)
# VIPER_BIN         the program itself, if it is elsewhere
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec .venv/bin/python demo/run.py "$@"
