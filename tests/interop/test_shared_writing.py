"""A collection that is open for writing while another program appends to its table, merges and cleans it."""

import datetime
import random

import deltalake
import pyarrow as pa
import pytest

from lake import random_vectors
from readers import READERS

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

DIM = 4
UTC = datetime.timezone.utc
DATE = datetime.date(2024, 2, 29)


@pytest.fixture
def database(tmp_path):
    with viper.connect(tmp_path, background_compaction=False) as opened:
        yield opened


def make(database, rows=10):
    collection = database.create_collection("c", dim=DIM, fields={"title": "string", "n": "int64"})
    collection.upsert(ids=[f"r{i}" for i in range(rows)], vectors=random_vectors(1, rows, DIM), metadata=[{"title": "ours", "n": i} for i in range(rows)])
    collection.flush()
    return collection


def append(path, ids, columns=(), title="theirs"):
    """Append rows with delta-rs; `columns`: (field, value) that the collection does not know."""
    now = datetime.datetime.now(UTC)
    schema = [
        pa.field("_id", pa.string(), nullable=False),
        pa.field("_timestamp", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("_ingested_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("title", pa.string()),
        *(field for field, _ in columns),
        pa.field("_vector", pa.list_(pa.field("element", pa.float32(), nullable=False)), nullable=False),
    ]
    vectors = random_vectors(2, len(ids), DIM)
    rows = [
        {"_id": one, "_timestamp": now, "_ingested_at": now, "title": title, "_vector": vectors[i], **{field.name: value for field, value in columns}}
        for i, one in enumerate(ids)
    ]
    deltalake.write_deltalake(str(path), pa.Table.from_pylist(rows, schema=pa.schema(schema)), mode="append", schema_mode="merge")


def titles(collection):
    records, after = collection.scroll(limit=1000)
    assert after is None
    return {record.id: record.metadata.get("title") for record in records}


def test_a_merge_of_two_versions_of_a_record_keeps_the_newer(database, tmp_path):
    collection = make(database)
    append(tmp_path / "c", ["r3", "f0"])
    collection.refresh()
    expected = {f"r{i}": "ours" for i in range(10)} | {"r3": "theirs", "f0": "theirs"}
    assert titles(collection) == expected
    deltalake.DeltaTable(str(tmp_path / "c")).optimize.compact()
    collection.refresh()
    assert titles(collection) == expected
    collection.delete(["r3"])
    collection.upsert(ids=["r4"], vectors=random_vectors(3, 1, DIM), metadata=[{"title": "later"}])
    collection.flush()
    del expected["r3"]
    expected["r4"] = "later"
    assert titles(collection) == expected
    collection.close()
    assert titles(database.open_collection("c")) == expected
    for name in ("deltalake-sql", "polars", "duckdb-delta-scan"):
        assert {one["_id"]: one["title"] for one in READERS[name](tmp_path / "c")} == expected, name


def test_a_writer_that_slept_through_a_merge_and_a_vacuum_goes_on(database, tmp_path):
    collection = make(database)
    collection.upsert(ids=["late"], vectors=random_vectors(4, 1, DIM), metadata=[{"title": "ours"}])
    append(tmp_path / "c", ["f0"])
    append(tmp_path / "c", ["f1"])
    table = deltalake.DeltaTable(str(tmp_path / "c"))
    table.optimize.compact()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    collection.flush()
    expected = {f"r{i}": "ours" for i in range(10)} | {"late": "ours", "f0": "theirs", "f1": "theirs"}
    assert titles(collection) == expected
    collection.close()
    assert titles(database.open_collection("c")) == expected


OWN = (
    (pa.field("rank", pa.int32()), 7),
    (pa.field("day", pa.date32()), DATE),
    (pa.field("release-year", pa.int64()), 1999),
    (pa.field("größe", pa.string()), "groß"),
)


@pytest.mark.parametrize("delete_mode", ("auto", "rewrite", "vectors"))
def test_columns_that_are_not_read_outlive_what_is_done_to_their_rows(tmp_path, delete_mode):
    with viper.connect(tmp_path, background_compaction=False, deletes=delete_mode) as database:
        collection = make(database)
        collection.close()
        append(tmp_path / "c", [f"f{i}" for i in range(6)], OWN)
        append(tmp_path / "c", [f"g{i}" for i in range(6)], OWN)
        collection = database.open_collection("c")
        assert list(collection.fields) == ["title", "n"]
        assert collection.count() == 22
        collection.delete(["f1", "g2", "r3"])
        collection.upsert(ids=["r5", "f4"], vectors=random_vectors(5, 2, DIM), metadata=[{"title": "later"}] * 2)
        collection.flush()
        with pytest.raises(viper.Error, match="rank"):
            collection.widen_field("n", "float64")
        collection.compact(everything=True)
        collection.add_fields({"more": "bool"})
        collection.upsert(ids=["h"], vectors=random_vectors(6, 1, DIM), metadata=[{"more": True}])
        collection.flush()
        expected = titles(collection)
        assert expected["f4"] == "later" and "f1" not in expected and len(expected) == 20
        told = {part["is_foreign"]: set(part["unread_columns"]) for part in database.inspect("c")["parts"]}
        assert told == {True: {field.name for field, _ in OWN}, False: set()}
    for name in ("deltalake-sql", "polars", "duckdb-delta-scan"):
        rows = {one["_id"]: one for one in READERS[name](tmp_path / "c")}
        assert {one: row["title"] for one, row in rows.items()} == expected, name
        for one, row in rows.items():
            untouched = one[0] in "fg" and one != "f4"
            found = {field.name: row[field.name] for field, _ in OWN}
            assert found == {field.name: value if untouched else None for field, value in OWN}, (name, one)


class SharedTable:
    """A collection of ours and delta-rs take turns at one table; a dictionary says what must be in it.

    What others append or delete counts, unless a row of the id waits in our memory, which is committed later.
    """

    def __init__(self, folder, seed):
        self.folder = folder
        self.random = random.Random(seed)
        self.titles = {}
        self.in_memory = set()
        self.number = 0
        self.open()
        self.collection = self.database.create_collection("c", dim=DIM, fields={"title": "string"})

    def open(self):
        self.database = viper.connect(self.folder, background_flush=False, background_compaction=False, deletes="rewrite")

    def ids(self, count):
        return [f"r{number}" for number in self.random.sample(range(30), count)]

    def title(self, who):
        self.number += 1
        return f"{who} {self.number}"

    def upsert(self):
        ids, title = self.ids(self.random.randint(1, 4)), self.title("ours")
        self.collection.upsert(ids=ids, vectors=random_vectors(self.number, len(ids), DIM), metadata=[{"title": title}] * len(ids))
        self.titles.update(dict.fromkeys(ids, title))
        self.in_memory.update(ids)

    def delete(self):
        self.collection.refresh()  # what it has not heard of it cannot delete
        for one in self.ids(2):
            self.collection.delete([one])
            self.titles.pop(one, None)
            self.in_memory.discard(one)
        # What others write of an id that was deleted counts only after the deletion is in the table.
        self.flush()

    def flush(self):
        self.collection.flush()
        self.in_memory.clear()

    def compact(self):
        self.flush()  # it may, and who waits in memory is not to be guessed
        self.collection.compact(everything=True)

    def reopen(self):
        self.collection.close()
        self.database.close()
        self.open()
        self.collection = self.database.open_collection("c")

    def they_append(self):
        ids, title = self.ids(self.random.randint(1, 3)), self.title("theirs")
        append(self.folder / "c", ids, title=title)
        self.titles.update({one: title for one in ids if one not in self.in_memory})

    def they_delete(self):
        (one,) = self.ids(1)
        deltalake.DeltaTable(str(self.folder / "c")).delete(f"_id = '{one}'")
        if one not in self.in_memory:
            self.titles.pop(one, None)

    def they_merge(self):
        deltalake.DeltaTable(str(self.folder / "c")).optimize.compact()

    def they_clean(self):
        table = deltalake.DeltaTable(str(self.folder / "c"))
        table.create_checkpoint()
        table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)

    def step(self):
        actions = (self.upsert, self.upsert, self.delete, self.flush, self.compact, self.reopen, self.collection.refresh,
                   self.they_append, self.they_append, self.they_delete, self.they_merge, self.they_clean)
        self.random.choice(actions)()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_both_do_in_turn_the_rows_are_those_that_were_written_last(tmp_path, seed):
    table = SharedTable(tmp_path, seed)
    for step in range(40):
        table.step()
        if table.random.random() < 0.6:
            table.collection.refresh()
            assert titles(table.collection) == table.titles, step
    table.flush()
    table.collection.refresh()
    table.flush()
    assert titles(table.collection) == table.titles
    for name in ("deltalake-sql", "polars", "duckdb-delta-scan", "pandas"):
        assert {one["_id"]: one["title"] for one in READERS[name](tmp_path / "c")} == table.titles, name
    table.reopen()
    assert titles(table.collection) == table.titles
    table.database.close()
