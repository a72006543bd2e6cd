#!/usr/bin/env bash
# Runs every benchmark of viper_bench and writes bench/results/<date>.jsonl; `make bench` calls it after a release build.
#
#   bench/run.sh [SCENARIO...]      ablation, exact, import, insert, kernels, lifecycle, memory, modules, reopen, size; all when none is named
#
# VIPER_BUILD_DIR   build tree with bin/viper_bench (default build/release)
# VIPER_DATA        folder with the set sift-photos-1m, unpacked; without it seeded data of the same shape is made,
#                   and the results say so
# VIPER_BENCH_DIR   scratch folder on the disk to measure (default build/bench)
# VIPER_BENCH_LIFECYCLE_SECONDS    length of the mix of reads and writes of `lifecycle` (default 60)
# VIPER_BENCH_ROWS, VIPER_BENCH_ROUNDS    smaller or longer runs (default 1,000,000 rows, 5 rounds)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${VIPER_BUILD_DIR:-$PWD/build/release}/bin/viper_bench
work=${VIPER_BENCH_DIR:-$PWD/build/bench}
rows=${VIPER_BENCH_ROWS:-1000000}
rounds=${VIPER_BENCH_ROUNDS:-5}
[ -x "$program" ] || { echo "bench/run.sh: $program is missing: run \`make build\`, or set VIPER_BUILD_DIR" >&2; exit 1; }
mkdir -p "$work" bench/results

revision=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || revision+=-modified

arguments=(--work "$work" --rows "$rows" --rounds "$rounds" --revision "$revision"
  --lifecycle-seconds "${VIPER_BENCH_LIFECYCLE_SECONDS:-60}")
set_folder=${VIPER_DATA:+$VIPER_DATA/sift-photos-1m}
if [ -n "$set_folder" ] && [ -f "$set_folder/base.fvecs" ]; then
  arguments+=(--data "$set_folder")
  parquet=$work/sift-photos-1m-$rows.parquet
  [ -f "$parquet" ] ||
    .venv/bin/python bench/make_parquet.py "$set_folder/base.fvecs" "$parquet" --rows "$rows" --meta "$set_folder/base_meta.jsonl"
  arguments+=(--parquet "$parquet")
else
  echo "bench/run.sh: no sift-photos-1m (set VIPER_DATA to the folder that holds it): measuring seeded data instead" >&2
  seeded=$work/seeded-$rows.fvecs
  parquet=$work/seeded-$rows.parquet
  [ -f "$parquet" ] || {
    "$program" make-vectors "$seeded" --rows "$rows"
    .venv/bin/python bench/make_parquet.py "$seeded" "$parquet" --rows "$rows"
    rm -f "$seeded"
  }
  arguments+=(--parquet "$parquet")
fi

out=bench/results/$(date -u +%Y-%m-%d).jsonl
"$program" "${arguments[@]}" --output "$out" "$@"
echo "bench/run.sh: results are in $out"
