"""Every benchmark scenario runs in a small size and reports what docs/BENCHMARKING.md says."""

import json
import subprocess

import pytest

from lake import program

FIGURES = {
    "exact": ("search_to_stream", "batch64_speedup", "search_gb_per_s"),
    "import": ("rows_per_s", "times_plain_write"),
    "insert": ("inserts_per_s", "times_bare"),
    "kernels": ("ns", "gb_per_s", "times_scalar"),
    "lifecycle": ("queries_to_fresh",),
    "memory": ("us_per_query", "recall", "times_without"),
    "reopen": ("ms_until_answer", "anonymous_mib_at_open"),
    "size": ("bytes_to_float_bytes", "bytes_without_log_to_float_bytes"),
}
# Rows of a small run, where the fewest do not do: so many that those in memory are coded.
ROWS = {"memory": 60_000}


@pytest.mark.parametrize("scenario", FIGURES)
def test_the_scenario_runs_and_reports(tmp_path, scenario):
    out = tmp_path / "out.jsonl"
    arguments = ["--work", tmp_path, "--rows", ROWS.get(scenario, 1000), "--rounds", 2, "--insert-ms", 20, "--lifecycle-seconds", 1, "--revision", "test", "-o", out, scenario]
    done = subprocess.run([program("viper_bench"), *map(str, arguments)], capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines
    for line in lines:
        assert line["benchmark"] == scenario
        assert line["machine"]["cores"] > 0 and line["build"]["compiler"] and line["build"]["revision"] == "test"
        assert "synthetic" in line["data"] and line["date"].endswith("Z")
    for figure in FIGURES[scenario]:
        measured = lines[0]["results"][figure]
        assert (measured["median"] if isinstance(measured, dict) else measured) > 0
