"""What other programs write the engine sees, and what expires for the engine carries its time for others."""

import datetime
import json

from lake import float_bits, random_vectors
from readers import READERS
from test_readers import DIM, FIELDS, foreign_rows, row, time_of


def test_rows_appended_by_others_are_found_counted_and_searched(lake):
    lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(10, 20, DIM)
    lake.import_rows([row(f"r{i}", vectors[i], title="ours") for i in range(10)])
    foreign_rows(lake, [row(f"f{i}", vectors[10 + i], title="theirs") for i in range(10)])

    assert lake.count() == 20
    assert lake.count("c", "--filter", "title = 'theirs'") == 10
    hits = json.loads(lake.run("search", "c", "--vector", json.dumps(vectors[13].tolist()), "--k", "1", "--json"))
    assert [hit["id"] for hit in hits["hits"]] == ["f3"]
    assert float_bits(lake.export()["f3"]["_vector"]) == float_bits(vectors[13])


def test_a_row_written_by_others_is_replaced_by_a_later_one_of_ours(lake):
    lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(11, 3, DIM)
    foreign_rows(lake, [row("same", vectors[0], title="theirs")])
    lake.import_rows([row("same", vectors[1], title="ours")])
    exported = lake.export()
    assert list(exported) == ["same"] and exported["same"]["title"] == "ours"
    for name, read in READERS.items():
        assert [one["title"] for one in read(lake.table())] == ["ours"], name


def test_expired_rows_are_gone_at_once_and_show_their_time_to_others(lake):
    lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(12, 3, DIM)
    lake.import_rows(
        [
            row("past", vectors[0], _expires_at="2001-01-01T00:00:00Z"),
            row("future", vectors[1], _expires_at="2999-01-01T00:00:00Z"),
            row("never", vectors[2]),
        ]
    )
    assert sorted(lake.export()) == ["future", "never"]
    assert lake.count() == 2
    now = datetime.datetime.now(datetime.timezone.utc)
    for name, read in READERS.items():
        alive = [one for one in read(lake.table()) if one["_expires_at"] is None or one["_expires_at"] > now]
        assert sorted(one["_id"] for one in alive) == ["future", "never"], name
        for one in alive:
            assert one["_expires_at"] == time_of({"future": "2999-01-01T00:00:00Z"}.get(one["_id"]))


def test_pandas_reads_the_files_without_any_delta_library(lake):
    import pandas

    lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(13, 50, DIM)
    lake.import_rows([row(f"r{i}", vectors[i], count=i) for i in range(50)])
    frame = pandas.read_parquet(lake.table())
    assert sorted(frame["_id"]) == sorted(f"r{i}" for i in range(50))
    for row_id, vector in zip(frame["_id"], frame["_vector"]):
        assert float_bits(vector) == float_bits(vectors[int(row_id[1:])])


def test_what_others_write_is_sound_and_its_damage_is_found(lake):
    import deltalake

    lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(14, 30, DIM)
    lake.import_rows([row(f"r{i}", vectors[i]) for i in range(10)])
    foreign_rows(lake, [row(f"f{i}", vectors[10 + i]) for i in range(10)] + [row("r3", vectors[20])])
    report = json.loads(lake.run("verify", "c", "--json"))
    assert report["rows"] == 21 and [finding["kind"] for finding in report["findings"]] == ["note"]
    lake.run("flush", "c")  # Opens for writing: the sidecar is made.
    deltalake.DeltaTable(lake.table()).create_checkpoint()
    report = json.loads(lake.run("verify", "c", "--json"))
    assert report["is_sound"] and all(finding["file"] == "." for finding in report["findings"]), report["findings"]

    (foreign,) = [path for path in lake.table().glob("part-*.parquet") if ".snappy" in path.name]
    data = bytearray(foreign.read_bytes())
    data[data.index(vectors[12].tobytes()[:8]) + 2] ^= 1
    foreign.write_bytes(data)
    findings = json.loads(lake.run("verify", "c", "--json", expect=4))["findings"]
    assert [finding["file"] for finding in findings if finding["kind"] == "truth"] == [foreign.name], findings
    assert "cannot be repaired" in lake.run("repair", "c", expect=4)
