"""After every kind of write, other programs read from the table what `viper export` gives, vectors bit for bit."""

import datetime
import json

import deltalake
import numpy as np
import pyarrow as pa
import pytest

from lake import Lake, float_bits, random_vectors
from readers import READERS

UTC = datetime.timezone.utc
FIELDS = (
    ("flag", "bool"),
    ("count", "int64"),
    ("weight", "float64"),
    ("title", "string"),
    ("seen", "timestamp"),
    ("tags", "list<string>"),
)
DIM = 4


def row(row_id, vector, **metadata):
    return {"_id": row_id, "_vector": [float(value) for value in vector], **metadata}


def time_of(text):
    return None if text is None else datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


class Scenario:
    """A lake after some history, and the rows (as they were given to import) that must be in it."""

    def __init__(self, folder, *options):
        folder.mkdir()
        self.lake = Lake(folder, *options)
        self.rows = {}

    def put(self, rows, *arguments):
        self.lake.import_rows(rows, *arguments)
        self.rows.update({row["_id"]: row for row in rows})

    def delete(self, *ids):
        self.lake.run("delete", "c", *ids)
        for row_id in ids:
            self.rows.pop(row_id)


def every_type(scenario):
    """All field types, absent and null values, extremes, Unicode, nested and empty metadata."""
    scenario.lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(1, 6, DIM)
    vectors[5] = [0.0, -0.0, 1.5, np.finfo(np.float32).smallest_subnormal]
    scenario.put(
        [
            row("full", vectors[0], flag=True, count=2**63 - 1, weight=0.1, title="a title", seen="2026-11-22T08:30:00Z",
                tags=["x", "y"]),
            row("extremes", vectors[1], flag=False, count=-(2**63), weight=-1.7976931348623157e308, title="",
                seen="0001-01-01T00:00:00Z", tags=[]),
            row("Übung/日本語/🐍 'quoted\"", vectors[2], title="naïve Ω 🐍 \u0000 tab\t", tags=["größer", "🐍", ""]),
            row("nested", vectors[3], author={"name": "Ada", "born": 1815, "tags": [1, 2.5, None, {"deep": True}]}, title="n"),
            row("nothing", vectors[4]),
            row("nulls", vectors[5], title=None, count=None, other=None),
        ]
    )


def extreme_floats(scenario):
    """Finite vectors whose squares are not, and others that nearly vanish."""
    scenario.lake.create(dim=DIM, fields=FIELDS)
    largest, smallest = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
    scenario.put([row("largest", [largest] * DIM), row("mixed", [largest, -largest, smallest, 0.0])], "--via-log")
    scenario.put([row("smallest", [smallest, -smallest, 0.0, -0.0])])
    scenario.lake.run("flush", "c")


def upserts_and_deletes(scenario):
    """Rows replaced and deleted, in the table and in the log, then flushed."""
    scenario.lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(2, 400, DIM)
    scenario.put([row(f"r{i}", vectors[i], count=i) for i in range(200)])
    scenario.put([row(f"r{i}", vectors[200 + i], count=-i, title="second") for i in range(50, 120)])
    scenario.put([row(f"r{i}", vectors[300 + i % 100], title="third") for i in range(0, 200, 17)], "--via-log")
    scenario.delete(*[f"r{i}" for i in range(0, 200, 7)])
    scenario.put([row("r0", vectors[0], title="back again")], "--via-log")
    scenario.lake.run("flush", "c")


def deleted_to_the_last(scenario):
    """A table whose rows are all gone."""
    scenario.lake.create(dim=DIM, fields=FIELDS)
    scenario.put([row(f"r{i}", vector) for i, vector in enumerate(random_vectors(3, 20, DIM))])
    scenario.delete(*list(scenario.rows))
    scenario.lake.run("flush", "c")


def many_commits(scenario):
    """So many commits that the log has a checkpoint."""
    scenario.lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(4, 120, DIM)
    for commit in range(24):
        scenario.put([row(f"r{(commit * 3 + i) % 60}", vectors[commit * 5 + i], count=commit) for i in range(5)])
    assert list(scenario.lake.table().glob("_delta_log/*.checkpoint.parquet"))
    assert (scenario.lake.table() / "_delta_log" / "_last_checkpoint").exists()


def times(scenario):
    """The user's own times, and expiries in the future; those of the past are another test's."""
    scenario.lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(5, 3, DIM)
    scenario.put(
        [
            row("own time", vectors[0], _timestamp="1999-12-31T23:59:59.999999Z"),
            row("expires", vectors[1], _timestamp="2020-02-29T00:00:00Z", _expires_at="2999-01-01T00:00:00.000001Z"),
            row("neither", vectors[2]),
        ]
    )


def foreign_rows(lake, rows):
    """Append rows with delta-rs, as another program of the lake would."""
    now = datetime.datetime(2026, 11, 22, tzinfo=UTC)
    schema = pa.schema(
        [
            pa.field("_id", pa.string(), nullable=False),
            pa.field("_timestamp", pa.timestamp("us", "UTC"), nullable=False),
            pa.field("_ingested_at", pa.timestamp("us", "UTC"), nullable=False),
            pa.field("title", pa.string()),
            pa.field("_vector", pa.list_(pa.field("element", pa.float32(), nullable=False)), nullable=False),
        ]
    )
    documents = [
        {"_id": r["_id"], "_timestamp": now, "_ingested_at": now, "title": r.get("title"), "_vector": r["_vector"]} for r in rows
    ]
    deltalake.write_deltalake(str(lake.table()), pa.Table.from_pylist(documents, schema=schema), mode="append", schema_mode="merge")


def appended_by_others(scenario):
    """Rows of ours, rows of delta-rs, then rows of ours again, some of them replacing the foreign ones."""
    scenario.lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(6, 50, DIM)
    scenario.put([row(f"r{i}", vectors[i], title="ours") for i in range(10)])
    theirs = [row(f"f{i}", vectors[10 + i], title="theirs") for i in range(10)]
    foreign_rows(scenario.lake, theirs)
    scenario.rows.update({r["_id"]: r for r in theirs})
    scenario.put([row(f"f{i}", vectors[20 + i], title="replaced") for i in range(0, 10, 3)])
    scenario.put([row(f"r{i}", vectors[30 + i], title="later") for i in range(5, 12)])
    scenario.delete("f1", "r0")
    scenario.lake.run("flush", "c")


def every_choice(scenario):
    """Files written by every policy and codec, with enough rows for the adaptive ones to try encodings."""
    choices = (("--policy", "size"), ("--policy", "speed"), ("--compression", "lz4"), ("--compression", "snappy"),
               ("--compression", "none"), ("--compression", "zstd:19", "--policy", "size"))
    scenario.lake.create(dim=DIM, fields=FIELDS)
    for number, options in enumerate(choices):
        scenario.lake.options = options
        vectors = random_vectors(number, 400, DIM)
        if number % 2 == 0:
            vectors = np.round(vectors * 8) / 8
        scenario.put(
            [
                row(f"{number}/{i:05}", vectors[i], flag=i % 3 == 0, count=i * 1000 + i % 7, weight=(i * 0.37) ** 2,
                    title=f"https://example.org/{i:06}", seen=f"2026-11-22T08:{i % 60:02}:00Z", tags=[f"tag {i % 5}", "x"], more=i)
                for i in range(400)
            ],
            "--no-compaction",
        )
    scenario.lake.options = ()


SCENARIOS = (every_choice, every_type, extreme_floats, upserts_and_deletes, deleted_to_the_last, many_commits, times, appended_by_others)


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda build: build.__name__)
def scenario(request, tmp_path_factory):
    made = Scenario(tmp_path_factory.mktemp("interop") / "lake")
    request.param(made)
    return made


def declared(given, name, kind):
    """What the column of a declared field must hold for a row as it was given."""
    value = given.get(name)
    return time_of(value) if kind == "timestamp" else value


def undeclared(given):
    names = {name for name, _ in FIELDS}
    return {key: value for key, value in given.items() if not key.startswith("_") and key not in names}


def check_row(read, given):
    """A row as another program read it against the row as it was given."""
    assert read["_vector"] == float_bits(given["_vector"]), given["_id"]
    for name, kind in FIELDS:
        assert read.get(name) == declared(given, name, kind), (given["_id"], name)
    if "_timestamp" in given:
        assert read["_timestamp"] == time_of(given["_timestamp"])
    assert read["_timestamp"] is not None and read["_ingested_at"] is not None
    assert read.get("_expires_at") == time_of(given.get("_expires_at"))
    payload = json.loads(read["_payload"]) if read.get("_payload") else {}
    # A null given for a declared field has no place in its column (absent is not null): it is kept in the payload.
    nulls = {name: None for name, _ in FIELDS if name in given and given[name] is None}
    assert payload == undeclared(given) | nulls, given["_id"]


@pytest.mark.parametrize("reader", READERS)
def test_other_programs_read_the_rows_that_were_written(scenario, reader):
    read = READERS[reader](scenario.lake.table())
    assert sorted(row["_id"] for row in read) == sorted(scenario.rows)
    for one in read:
        check_row(one, scenario.rows[one["_id"]])


def test_every_choice_is_in_the_footer(tmp_path):
    scenario = Scenario(tmp_path / "lake")
    every_choice(scenario)
    told = json.loads(scenario.lake.run("inspect", "c", "--json"))
    by_choice = {part["compression"]: part for part in told["parts"]}
    for codec, compression in (("lz4", "lz4_raw"), ("snappy", "snappy"), ("none", "uncompressed")):
        part = by_choice[f"policy speed, all columns {codec}"]
        assert all(column["compressions"] == [compression] for column in part["columns"])
    size = {column["path"].split(".")[0]: column for column in by_choice["policy size, adaptive"]["columns"]}
    assert size["_vector"]["chosen"] != "plain none"
    assert all(size[name]["trials"] and size[name]["reason"] for name in ("_id", "count", "title", "weight", "_vector"))
    assert len({size[name]["chosen"].split()[0] for name in ("_id", "count", "title", "weight", "_vector")}) > 1
    speed = {column["path"].split(".")[0]: column for column in by_choice["policy speed, adaptive"]["columns"]}
    assert speed["_vector"]["chosen"] == "plain none" and "in place" in speed["_vector"]["reason"]


def test_export_gives_the_rows_that_were_written(scenario):
    exported = scenario.lake.export()
    assert sorted(exported) == sorted(scenario.rows)
    for row_id, given in scenario.rows.items():
        assert float_bits(exported[row_id]["_vector"]) == float_bits(given["_vector"])
        metadata = {key: value for key, value in exported[row_id].items() if not key.startswith("_")}
        assert metadata == {key: value for key, value in given.items() if not key.startswith("_")}
        assert time_of(exported[row_id].get("_expires_at")) == time_of(given.get("_expires_at"))
        if "_timestamp" in given:
            assert time_of(exported[row_id]["_timestamp"]) == time_of(given["_timestamp"])


def test_the_table_stays_at_the_protocol_that_every_reader_knows(scenario):
    protocol = deltalake.DeltaTable(str(scenario.lake.table())).protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    assert not protocol.reader_features and not protocol.writer_features


def test_the_vector_column_is_the_last_of_the_schema(scenario):
    names = [field.name for field in deltalake.DeltaTable(str(scenario.lake.table())).schema().fields]
    assert names[-1] == "_vector"
    assert names[4:-2] == [name for name, _ in FIELDS]
