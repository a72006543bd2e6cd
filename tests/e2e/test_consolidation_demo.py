"""examples/consolidation_demo: what it prints is what its files hold."""

import json
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
