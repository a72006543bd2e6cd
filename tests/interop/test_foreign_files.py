"""Files that other programs may write and ours never would: each is read, or refused by name."""

import datetime
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

DIM = 4
NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc)


def rows_of(ids, texts=None, text_type=pa.string(), id_type=pa.string()):
    moment = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "_id": pa.array(ids, id_type),
            "_timestamp": pa.array([NOW] * len(ids), moment),
            "_ingested_at": pa.array([NOW] * len(ids), moment),
            "_expires_at": pa.array([None] * len(ids), moment),
            "title": pa.array(texts or ["theirs"] * len(ids), text_type),
            "_vector": pa.array([list(map(float, v)) for v in random_vectors(7, max(1, len(ids)), DIM)[: len(ids)]], pa.list_(pa.float32())),
        }
    )


@pytest.fixture
def table(tmp_path):
    """The folder of a collection with ten rows that nobody has open."""
    with viper.connect(tmp_path, background_compaction=False) as database:
        collection = database.create_collection("c", dim=DIM, fields={"title": "string"})
        collection.upsert(ids=[f"r{i}" for i in range(10)], vectors=random_vectors(1, 10, DIM), metadata=[{"title": "ours"}] * 10)
        collection.flush()
        collection.close()
    return tmp_path / "c"


def add(table, groups, name="theirs.parquet"):
    """Put a file with these row groups into the table's log, as it is."""
    with pq.ParquetWriter(table / name, groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
    version = len(list((table / "_delta_log").glob("*.json")))
    action = {"path": name, "partitionValues": {}, "size": (table / name).stat().st_size, "modificationTime": 1_763_769_600_000, "dataChange": True}
    (table / "_delta_log" / f"{version:020}.json").write_text(json.dumps({"add": action}) + "\n")


EMPTY, SOME, MORE = rows_of([]), rows_of(["a", "b", "c"]), rows_of(["d", "e"])


@pytest.mark.parametrize(
    "groups", ([EMPTY], [EMPTY, SOME], [SOME, EMPTY], [SOME, EMPTY, MORE], [EMPTY, EMPTY, SOME, EMPTY]), ids=lambda groups: "-".join(str(len(g)) for g in groups)
)
def test_row_groups_without_rows_are_passed_over(table, groups):
    add(table, groups)
    theirs = sum(len(group) for group in groups)
    with viper.connect(table.parent, background_compaction=False) as database:
        collection = database.open_collection("c")
        for _ in range(2):
            assert collection.count() == 10 + theirs
            assert collection.count("title = 'theirs'") == theirs
            assert len(collection.search([1, 0, 0, 0], k=100)) == 10 + theirs
            assert collection.report_schema()["fields"]
            collection.compact(everything=True)
        assert collection.update(filter="title = 'theirs'", set={"title": "later"}).rows == theirs
        assert collection.count("title = 'later'") == theirs


@pytest.mark.parametrize("bad", ("", None, "x" * 5000))
def test_rows_without_a_usable_id_are_refused_by_name(table, bad):
    add(table, [rows_of(["a", bad, "c"])])
    with viper.connect(table.parent) as database, pytest.raises(viper.Corruption, match="theirs.parquet.*row 1|row 1.*theirs.parquet|_id row 1"):
        database.open_collection("c")


def test_text_that_is_not_utf8_is_told_where_it_is_read_and_never_copied(table):
    add(table, [rows_of(["a", "b"], [b"fine", b"\xff\xfe"], pa.binary())])
    with viper.connect(table.parent, background_compaction=False) as database:
        collection = database.open_collection("c")
        assert collection.count() == 12
        assert collection.get("r1").metadata == {"title": "ours"}
        for read in (lambda: collection.get("b"), lambda: collection.count("title = 'fine'"), lambda: collection.compact(everything=True)):
            with pytest.raises(viper.Corruption, match="title row 1: the text is not UTF-8"):
                read()
        assert collection.count() == 12
