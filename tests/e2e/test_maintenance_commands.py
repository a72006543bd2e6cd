"""`viper verify`, `repair` and `inspect` as a user runs them: what they say, and their exit codes."""

import json
import signal
import subprocess

import numpy as np
import pytest

from lake import random_vectors, write_jsonl

OK, NOT_FOUND, DAMAGED, BUSY = 0, 1, 4, 6
ROWS, DIM = 12_000, 16


@pytest.fixture
def filled(lake):
    """Rows with an index, and some more in the log."""
    path = lake.root / "vectors.npy"
    np.save(path, random_vectors(5, ROWS, DIM))
    lake.run("import", "c", path, "--create", "--metric", "l2")
    lake.import_rows([{"_id": f"late-{i}", "_vector": [float(i)] * DIM} for i in range(20)], "--via-log")
    return lake


def file_of(lake, pattern):
    return next(lake.table().glob(pattern))


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


def verify(lake, expect):
    return json.loads(lake.run("verify", "c", "--json", expect=expect))


def test_a_sound_collection(filled):
    report = verify(filled, OK)
    assert report["is_sound"] and report["findings"] == [], report["findings"]
    assert report["rows"] == ROWS and report["log_records"] >= 1 and report["index_segments"] == 1
    text = filled.run("verify", "c")
    assert "nothing is damaged" in text and "12,000 rows" in text
    assert "nothing to repair" in filled.run("repair", "c")
    filled.fail("verify", "d", code=NOT_FOUND)


def test_derived_files_are_repaired(filled):
    flip(file_of(filled, "_viper/index/*.vidx"), 200)
    flip(file_of(filled, "_viper/index/*.vseg"), 200)
    (filled.table() / "_viper/tmp/left").write_bytes(b"over")
    message = filled.fail("verify", "c", code=DAMAGED)
    assert "viper repair" in message
    kinds = sorted(finding["kind"] for finding in verify(filled, DAMAGED)["findings"])
    assert kinds == ["derived", "derived", "leftover"]
    assert "made again from part-" in filled.run("repair", "c", "--dry-run")
    assert verify(filled, DAMAGED)["is_sound"] is False
    repaired = json.loads(filled.run("repair", "c", "--json"))
    assert repaired["is_sound"] and all(step["is_done"] for step in repaired["steps"])
    assert verify(filled, OK)["findings"] == []
    filled.run("index", "c")
    assert verify(filled, OK)["index_segments"] == 1
    assert filled.count() == ROWS + 20


def test_damaged_records_are_named_and_left_alone(filled):
    part = file_of(filled, "part-*.parquet")
    data = part.read_bytes()
    place = data.index(random_vectors(5, ROWS, DIM)[17].tobytes())
    flip(part, place + 2)
    damaged = part.read_bytes()
    (finding,) = verify(filled, DAMAGED)["findings"]
    assert finding["kind"] == "truth" and finding["file"] == part.name and not finding["is_repairable"]
    assert "expected=" in finding["problem"] and "rows 0 to" in finding["affected"] and "ids 0, 1" in finding["affected"]
    text = filled.run("repair", "c", expect=DAMAGED)
    assert "cannot be repaired" in text and part.name in text
    assert part.read_bytes() == damaged


def test_each_kind_of_file_is_named(filled):
    newest = max(filled.table().glob("_delta_log/*.json"))
    for path, offset in ((newest, 0), (file_of(filled, "_viper/index/*.vmodel"), 90), (file_of(filled, "_viper/wal/*.wal"), 17)):
        good = path.read_bytes()
        flip(path, offset)
        assert path.name in filled.run("verify", "c", expect=DAMAGED), path
        path.write_bytes(good)
    part = file_of(filled, "part-*.parquet")
    good = part.read_bytes()
    part.unlink()
    assert f"truth     {part.name}" in filled.run("verify", "c", expect=DAMAGED)
    part.write_bytes(good)
    assert verify(filled, OK)["findings"] == []


def test_verify_and_inspect_run_beside_a_writer_and_repair_does_not(filled):
    path = filled.root / "many.jsonl"
    write_jsonl(path, ({"_id": f"m{i}", "_vector": [float(i)] * DIM} for i in range(60_000)))
    command = filled.command("import", "c", path, "--via-log", "--progress")
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        assert writer.stdout.readline().startswith("acknowledged ")
        report = verify(filled, OK)  # While it writes.
        assert report["log_records"] > 1, report
        writer.send_signal(signal.SIGSTOP)
        assert verify(filled, OK)["is_sound"]
        json.loads(filled.run("inspect", "c", "--json"))
        filled.run("repair", "c", "--dry-run")
        filled.fail("repair", "c", code=BUSY)
    finally:
        writer.send_signal(signal.SIGCONT)
    writer.communicate()
    assert writer.returncode == OK
    assert verify(filled, OK)["is_sound"]


def test_inspect_shows_every_file(filled):
    told = json.loads(filled.run("inspect", "c", "--json"))
    assert sum(part["rows"] for part in told["parts"]) == ROWS
    text = filled.run("inspect", "c")
    for path in filled.table().glob("**/*"):
        if path.suffix in (".parquet", ".vidx", ".vmodel", ".vseg", ".wal") and "_delta_log" not in path.parts:
            assert path.name in text, path
    assert "PLAIN" in text and "zstd" in text and "CREATE TABLE" in text


def test_imports_and_flushes_alone_keep_the_files_few(lake):
    lake.create(dim=4)
    for number in range(24):
        lake.import_rows([{"_id": f"r{number}", "_vector": [number, 0, 0, 0]}])
    told = json.loads(lake.run("inspect", "c", "--json"))
    assert len(told["parts"]) < 8
    lake.run("delete", "c", *(f"r{number}" for number in range(20)))
    lake.run("flush", "c")
    assert lake.count() == 4
    for number in range(6):
        lake.import_rows([{"_id": f"s{number}", "_vector": [number, 0, 0, 0]}], "--no-compaction")
    more = json.loads(lake.run("inspect", "c", "--json"))
    assert len(more["parts"]) >= 6
    assert lake.count() == 10
