#!/usr/bin/env bash
# Compares VIPER with other engines and writes results, tables, plots and the README's table; `make bench` calls it.
#
#   bench/compare.sh [OPTION...]      options of bench/compare/run.py, such as --sets words-50k-100 --rounds 3
#
# VIPER_DATA, VIPER_BENCH_DIR, VIPER_BUILD_DIR, VIPER_PEERS    see bench/compare/run.py
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${VIPER_DATA:-}" ]; then
  echo "bench/compare.sh: left out: set VIPER_DATA to the folder with the sets of real vectors" >&2
  exit 0
fi
scratch=${VIPER_BENCH_DIR:-$PWD/build/bench}
out=bench/results/compare-$(date -u +%Y-%m-%d).jsonl
.venv/bin/python bench/compare/run.py --output "$out" "$@"
if [ ! -f "$out" ]; then
  echo "bench/compare.sh: nothing was measured" >&2
  exit 0
fi
# The environment of the engines has what the plots need; it is not there when only databases were asked for.
python=$scratch/venv/bin/python
[ -x "$python" ] || python=.venv/bin/python
"$python" bench/compare/report.py "$out"
.venv/bin/python bench/compare/readme_table.py
