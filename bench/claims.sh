#!/usr/bin/env bash
# Prints the table of claims; `make claims` calls it after a release build.
#
#   bench/claims.sh
#
# With VIPER_DATA, the folder with the sets of real vectors, the ablations and the compression are measured anew first; the
# comparison with other engines takes hours and is that of the newest results (bench/compare.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -n "${VIPER_DATA:-}" ]; then
  bench/run.sh ablation
  .venv/bin/python bench/compression.py >"bench/results/compression-$(date -u +%Y-%m-%d).jsonl"
else
  echo "bench/claims.sh: nothing is measured anew: set VIPER_DATA to the folder with the sets of real vectors" >&2
fi
.venv/bin/python bench/claims.py --output bench/results/runs.jsonl
