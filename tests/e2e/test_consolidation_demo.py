"""examples/consolidation_demo: what it prints is what its files hold."""

import json
import os
import re
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import REPOSITORY, program

sys.path.append(str(REPOSITORY / "demo"))

import corpus  # noqa: E402
import embed  # noqa: E402

ROWS = 20_000


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Documentation of the installed Python packages as vectors, as the demo of the command line has them."""
    entries = corpus.collect()[:ROWS]
    assert len(entries) > 10_000
    _, vectors = embed.train(entries)
    path = tmp_path_factory.mktemp("records") / "records.parquet"
    columns = {
        "id": [entry.id for entry in entries],
        "package": [entry.package for entry in entries],
        "kind": [entry.kind for entry in entries],
        "summary": [entry.summary for entry in entries],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
    }
    pq.write_table(pa.table(columns), path)
    return path


def test_every_number_that_the_demo_prints_is_found_in_its_files(records, tmp_path):
    numbers = tmp_path / "numbers.json"
    demo = subprocess.run([program("consolidation_demo"), "--input", records, "--work", tmp_path / "work", "--json", numbers],
                          capture_output=True, encoding="utf-8", check=False)
    assert demo.returncode == 0, demo.stderr
    sections = [line for line in demo.stdout.splitlines() if line[:2] in ("1.", "2.", "3.", "4.")]
    assert sections == ["1. The factory", "2. The pipeline", "3. The utilities", "4. The engine"]
    told = json.loads(numbers.read_text(encoding="utf-8"))
    assert f"schema strategy: {told['schema_strategy']}" in demo.stdout
    check = subprocess.run([sys.executable, REPOSITORY / "examples" / "check_demo.py", numbers, tmp_path / "work" / "tables"],
                           capture_output=True, encoding="utf-8", check=False)
    assert check.returncode == 0, check.stderr


def test_a_number_that_is_not_in_the_files_is_found_out(records, tmp_path):
    numbers = tmp_path / "numbers.json"
    subprocess.run([program("consolidation_demo"), "--input", records, "--work", tmp_path / "work", "--json", numbers],
                   capture_output=True, check=True)
    told = json.loads(numbers.read_text(encoding="utf-8"))
    for name in ("entries_flushed", "bytes_written", "compression_ratio", "storage_bytes", "live_rows", "engine_compression_ratio"):
        numbers.write_text(json.dumps({**told, name: told[name] * 2}), encoding="utf-8")
        check = subprocess.run([sys.executable, REPOSITORY / "examples" / "check_demo.py", numbers, tmp_path / "work" / "tables"],
                               capture_output=True, encoding="utf-8", check=False)
        assert check.returncode != 0, name


def test_M4_the_resources_that_it_tells_are_what_the_system_counts(records, tmp_path):
    numbers = tmp_path / "numbers.json"
    demo = subprocess.Popen([program("consolidation_demo"), "--input", records, "--work", tmp_path / "work", "--json", numbers],
                            stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(demo.pid, 0)
    demo.returncode = os.waitstatus_to_exitcode(status)
    assert demo.returncode == 0
    told = json.loads(numbers.read_text(encoding="utf-8"))
    assert told["cpu_seconds"] == pytest.approx(usage.ru_utime + usage.ru_stime, rel=0.05)
    assert 0 < told["resident_bytes"] <= usage.ru_maxrss * 1024


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_M4_the_bytes_that_it_tells_are_those_of_its_calls(records, tmp_path):
    numbers, trace = tmp_path / "numbers.json", tmp_path / "trace"
    calls = {"read_call_bytes": ("read", "pread64", "readv", "preadv"), "write_call_bytes": ("write", "pwrite64", "writev", "pwritev")}
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=" + ",".join(sum(calls.values(), ())), "-e", "signal=none", "-o", trace,
                    program("consolidation_demo"), "--input", records, "--work", tmp_path / "work", "--json", numbers],
                   stdout=subprocess.DEVNULL, check=True)
    told = json.loads(numbers.read_text(encoding="utf-8"))
    counted = dict.fromkeys(calls, 0)
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        # "123 write(4, "..."..., 10) = 10", or "123 <... write resumed>) = 10"; failures are negative.
        call = re.match(r"\d+ +(?:<\.\.\. )?(\w+)(?: resumed|\().*= (\d+)$", line)
        for name, names in calls.items():
            if call and call[1] in names:
                counted[name] += int(call[2])
    for name, count in counted.items():
        assert told[name] == pytest.approx(count, rel=0.05), name
