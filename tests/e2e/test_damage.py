"""Damaged or foreign bytes are refused by name and exit code, never misread; what is derived is made again."""

import json
import re
import subprocess

import pyarrow.parquet as pq
import pytest

from lake import float_bits, random_vectors

DIM = 16
# The exit code for what is damaged and for what this build cannot read.
UNREADABLE = 4


def fill(lake, count=300):
    vectors = random_vectors(7, count, DIM)
    lake.create(dim=DIM, fields=[("number", "int64")])
    rows = [{"_id": f"row-{i}", "_vector": vector.tolist(), "number": i} for i, vector in enumerate(vectors)]
    lake.import_rows(rows)
    return vectors


def the_part(lake):
    (part,) = lake.table().glob("part-*.parquet")
    return part


def overwrite(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset, 2 if offset < 0 else 0)
        file.write(data)


def append_commit(lake, *actions):
    """Add a commit to the table's log by hand."""
    newest = max(lake.table().glob("_delta_log/*.json"))
    path = newest.with_name(f"{int(newest.stem) + 1:020}.json")
    path.write_text("".join(json.dumps(action) + "\n" for action in actions))


def test_a_newer_protocol_is_refused_by_the_name_of_its_features(lake):
    fill(lake)
    append_commit(
        lake,
        {
            "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors", "shinyNewFeature"],
                "writerFeatures": ["deletionVectors", "shinyNewFeature"],
            }
        },
    )
    assert "shinyNewFeature" in lake.fail("count", "c", code=UNREADABLE)


def test_a_damaged_footer_names_the_part(lake):
    fill(lake)
    part = the_part(lake)
    overwrite(part, -40, b"\xff" * 24)
    assert part.name in lake.fail("count", "c", code=UNREADABLE)


def test_a_part_that_is_cut_off_names_itself(lake):
    fill(lake)
    part = the_part(lake)
    with open(part, "r+b") as file:
        file.truncate(part.stat().st_size // 2)
    assert part.name in lake.fail("count", "c", code=UNREADABLE)


def test_a_part_that_is_gone_is_named(lake):
    fill(lake)
    part = the_part(lake)
    part.unlink()
    done = subprocess.run(lake.command("count", "c"), capture_output=True, encoding="utf-8")
    assert done.returncode != 0 and part.name in done.stderr


def test_a_damaged_page_of_metadata_is_found_by_its_checksum(lake):
    fill(lake, 3000)  # Enough that the ids lie outside what the footer's own checksum covers.
    part = the_part(lake)
    columns = pq.ParquetFile(part).metadata.row_group(0)
    (ids,) = [columns.column(i) for i in range(columns.num_columns) if columns.column(i).path_in_schema == "_id"]
    overwrite(part, ids.data_page_offset + ids.total_compressed_size - 8, b"\xff" * 4)
    message = lake.fail("export", "c", "--format", "jsonl", "-o", lake.root / "out.jsonl", code=UNREADABLE)
    assert part.name in message and "_id" in message


def test_damaged_vectors_are_named_and_never_searched(lake):
    vectors = fill(lake, 3000)  # Enough that they lie outside what the footer's own checksum covers.
    part = the_part(lake)
    data = part.read_bytes()
    overwrite(part, data.index(vectors[0].tobytes()) + 2, bytes([data[data.index(vectors[0].tobytes()) + 2] ^ 1]))
    assert part.name in lake.fail("search", "c", "--id", "row-1", code=UNREADABLE)
    assert part.name in lake.fail("export", "c", "--format", "jsonl", "-o", lake.root / "out.jsonl", code=UNREADABLE)
    assert lake.run("count", "c").strip() == "3000"


def test_a_lost_or_damaged_sidecar_is_made_again(lake):
    vectors = fill(lake)
    (sidecar,) = lake.table().glob("_viper/index/*.vidx")
    for spoil in (lambda: sidecar.unlink(), lambda: overwrite(sidecar, 40, b"\xff" * 16), lambda: sidecar.write_bytes(b"")):
        spoil()
        exported = lake.export()
        lake.run("flush", "c")  # Opens for writing: only that may write the file again.
        assert len(exported) == len(vectors)
        assert all(float_bits(row["_vector"]) == vectors[row["number"]].tobytes() for row in exported.values())
        assert sidecar.stat().st_size > 0


def log_files(lake):
    return sorted(path for path in lake.table().glob("_viper/wal/*") if path.stat().st_size > 0)


def frames_of(path, vectors):
    """Where the floats of the rows stand in a log file: one offset for each row that is in it."""
    data = path.read_bytes()
    return {number: data.find(vector.tobytes()) for number, vector in enumerate(vectors) if vector.tobytes() in data}


@pytest.fixture
def logged(lake):
    """Rows that are in the log only, each group acknowledged before the next."""
    lake.create(dim=DIM, fields=[("number", "int64")])
    vectors = random_vectors(8, 40, DIM)
    for first in range(0, 40, 10):
        rows = [
            {"_id": f"row-{i}", "_vector": vectors[i].tolist(), "number": i} for i in range(first, first + 10)
        ]
        lake.import_rows(rows, "--via-log")
    return lake, vectors


def test_damage_before_the_end_of_the_log_refuses_to_open_and_says_what_is_lost(logged):
    lake, vectors = logged
    place = next((path, frames[3]) for path in log_files(lake) if 3 in (frames := frames_of(path, vectors)))
    overwrite(place[0], place[1], b"\xff" * 8)
    message = lake.fail("count", "c", code=UNREADABLE)
    assert place[0].name in message
    assert re.search(r"\d", message)


def test_a_torn_end_of_the_log_is_cut_and_the_rest_is_there(logged):
    lake, vectors = logged
    place = next((path, frames[39]) for path in log_files(lake) if 39 in (frames := frames_of(path, vectors)))
    overwrite(place[0], place[1], b"\x00" * 8)
    exported = lake.export()
    assert {row["number"] for row in exported.values()} >= set(range(30))
    assert all(float_bits(row["_vector"]) == vectors[row["number"]].tobytes() for row in exported.values())
    lake.import_rows([{"_id": "after", "_vector": vectors[0].tolist(), "number": 0}], "--via-log")
    assert "after" in lake.export()
