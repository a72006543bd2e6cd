"""Fields that are declared after there are records, and widened: other programs read old files and new ones together, and what
they write afterwards is read here."""

import json

import deltalake
import pyarrow as pa
import pytest

from lake import Lake, float_bits, random_vectors
from readers import READERS

DIM = 4
VECTORS = random_vectors(31, 8, DIM)
# By id, the value under "rating" when it was written; ABSENT: no such key.
ABSENT = object()
BEFORE = {"integer": 4, "float": 4.5, "text": "four", "null": None, "absent": ABSENT}
AFTER = {"new": 7, "new null": None}


def record(row_id, rating, number):
    made = {"_id": row_id, "_vector": [float(x) for x in VECTORS[number]], "note": "n"}
    if rating is not ABSENT:
        made["rating"] = rating
    return made


def report_of(lake, *arguments):
    return json.loads(lake.run("schema", "c", *arguments, "--json"))


@pytest.fixture
def lake(tmp_path):
    """Records of before the declaration in one file, records of after it in another."""
    lake = Lake(tmp_path)
    lake.create(dim=DIM, fields=(("note", "string"),))
    lake.import_rows([record(row_id, rating, i) for i, (row_id, rating) in enumerate(BEFORE.items())])
    report = report_of(lake, "--add", "rating:int64")
    assert report["fields"][0] == {
        "field": "rating", "type": "int64", "values": 1, "parked": 2, "nulls": 1, "absent": 1,
        "parked_example": report["fields"][0]["parked_example"], "parked_id": report["fields"][0]["parked_id"],
    }
    lake.import_rows([record(row_id, rating, 5 + i) for i, (row_id, rating) in enumerate(AFTER.items())])
    return lake


def files_of(lake):
    return deltalake.DeltaTable(str(lake.table())).file_uris()


def read_with(reader, lake):
    rows = READERS[reader](lake.table())
    by_id = {row["_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    for number, row_id in enumerate([*BEFORE, *AFTER]):
        assert by_id[row_id]["_vector"] == float_bits(VECTORS[number])
        assert by_id[row_id]["note"] == "n"
    return by_id


def in_payload(row):
    return json.loads(row["_payload"] or "{}").get("rating", ABSENT)


def check_ours(lake, integer=int):
    """What a filter finds and what records give back, whatever the files are."""
    assert lake.count("c", "--filter", "rating >= 4") == 2 + (integer is float)
    assert lake.count("c", "--filter", "rating = 4") == 1
    exported = lake.export()
    expected = {**BEFORE, **AFTER}
    for row_id, rating in expected.items():
        if rating is ABSENT:
            assert "rating" not in exported[row_id]
        elif isinstance(rating, int):
            assert exported[row_id]["rating"] == integer(rating) and type(exported[row_id]["rating"]) is integer
        else:
            assert exported[row_id]["rating"] == rating
    assert lake.run("verify", "c") is not None


@pytest.mark.parametrize("reader", READERS)
def test_old_files_have_null_in_the_column_and_the_value_in_the_payload(lake, reader):
    assert len(files_of(lake)) == 2
    rows = read_with(reader, lake)
    for row_id, rating in BEFORE.items():
        assert rows[row_id]["rating"] is None
        assert in_payload(rows[row_id]) == rating or in_payload(rows[row_id]) is rating
    assert rows["new"]["rating"] == 7 and in_payload(rows["new"]) is ABSENT
    assert rows["new null"]["rating"] is None and in_payload(rows["new null"]) is None
    check_ours(lake)


@pytest.mark.parametrize("reader", READERS)
def test_a_compaction_moves_the_values_into_the_column(lake, reader):
    lake.run("compact", "c", "--all", "--vacuum")
    assert len(files_of(lake)) == 1
    rows = read_with(reader, lake)
    assert {row_id: row["rating"] for row_id, row in rows.items()} == {
        "integer": 4, "float": None, "text": None, "null": None, "absent": None, "new": 7, "new null": None}
    assert in_payload(rows["integer"]) is ABSENT and in_payload(rows["absent"]) is ABSENT
    assert in_payload(rows["float"]) == 4.5 and in_payload(rows["text"]) == "four" and in_payload(rows["null"]) is None
    check_ours(lake)


@pytest.mark.parametrize("reader", READERS)
def test_a_widened_field_is_a_float_for_everybody(lake, reader):
    report = report_of(lake, "--widen", "rating:float64")
    assert (report["fields"][0]["values"], report["fields"][0]["parked"]) == (3, 1)
    rows = read_with(reader, lake)
    assert {row_id: row["rating"] for row_id, row in rows.items()} == {
        "integer": 4.0, "float": 4.5, "text": None, "null": None, "absent": None, "new": 7.0, "new null": None}
    assert type(rows["integer"]["rating"]) is float
    schema = pa.schema(deltalake.DeltaTable(str(lake.table())).schema().to_arrow())
    assert schema.field("rating").type == pa.float64()
    check_ours(lake, float)


def test_older_versions_keep_their_columns(lake):
    report_of(lake, "--widen", "rating:float64")
    table = deltalake.DeltaTable(str(lake.table()))
    types = []
    for version in range(table.version() + 1):
        table.load_as_version(version)
        names = {field.name: field.type for field in table.schema().fields}
        types.append(names["rating"].type if "rating" in names else None)
    assert types == [None, None, "long", "long", "double"]


def test_what_another_program_merges_is_read_as_before(lake):
    """It writes one file, with the column, and in it nothing for the rows of the old file."""
    table = deltalake.DeltaTable(str(lake.table()))
    table.optimize.compact()
    assert len(files_of(lake)) == 1
    check_ours(lake)
    lake.run("compact", "c", "--all")
    check_ours(lake)
    assert read_with("deltalake", lake)["integer"]["rating"] == 4


def test_rows_that_another_program_appends_with_the_field_are_read_as_such(lake):
    table = deltalake.DeltaTable(str(lake.table()))
    schema = pa.schema(table.schema().to_arrow())
    now = 1_700_000_000_000_000
    row = {"_id": "theirs", "_timestamp": now, "_ingested_at": now, "_expires_at": None, "note": "n", "rating": 9,
           "_payload": None, "_vector": [1.0, 2.0, 3.0, 4.0]}
    deltalake.write_deltalake(table, pa.Table.from_pylist([row], schema=schema), mode="append")
    assert lake.count("c", "--filter", "rating = 9") == 1
    assert lake.export()["theirs"]["rating"] == 9
    check_ours_with_one_more = lake.count("c", "--filter", "rating >= 4")
    assert check_ours_with_one_more == 3
