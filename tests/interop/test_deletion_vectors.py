"""Tables whose dead rows are in deletion vectors: readers that know them see the live rows, and the others refuse."""

import deltalake
import pytest

from lake import float_bits, random_vectors
from readers import READERS
from test_readers import DIM, FIELDS, Scenario, appended_by_others, check_row, deleted_to_the_last, many_commits, row, upserts_and_deletes

KNOW_VECTORS = ("deltalake-sql", "polars", "duckdb-delta-scan")
KNOW_NONE = ("deltalake", "pandas")


@pytest.fixture(
    scope="module",
    params=(upserts_and_deletes, many_commits, appended_by_others, deleted_to_the_last),
    ids=lambda build: build.__name__,
)
def scenario(request, tmp_path_factory):
    made = Scenario(tmp_path_factory.mktemp("vectors") / "lake", "--deletes", "vectors")
    request.param(made)
    return made


def check_rows(scenario, reader):
    read = READERS[reader](scenario.lake.table())
    assert sorted(one["_id"] for one in read) == sorted(scenario.rows)
    for one in read:
        check_row(one, scenario.rows[one["_id"]])


def vector_files(scenario):
    return {path.name for path in scenario.lake.table().glob("_dv/*")}


@pytest.mark.parametrize("reader", KNOW_VECTORS)
def test_readers_that_know_deletion_vectors_see_the_live_rows(scenario, reader):
    check_rows(scenario, reader)


def test_export_gives_the_live_rows(scenario):
    exported = scenario.lake.export()
    assert sorted(exported) == sorted(scenario.rows)
    for row_id, given in scenario.rows.items():
        assert float_bits(exported[row_id]["_vector"]) == float_bits(given["_vector"])


def test_readers_that_do_not_know_them_refuse_and_are_never_wrong(scenario):
    protocol = deltalake.DeltaTable(str(scenario.lake.table())).protocol()
    if not vector_files(scenario):
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
        return
    assert (protocol.min_reader_version, protocol.min_writer_version) == (3, 7)
    assert protocol.reader_features == ["deletionVectors"]
    assert set(protocol.writer_features) == {"deletionVectors", "appendOnly", "invariants"}
    for reader in KNOW_NONE:
        with pytest.raises(Exception, match="(?i)deletion ?vectors|not supported|unsupported"):
            READERS[reader](scenario.lake.table())


def test_the_table_outlives_the_vacuum_and_the_writes_of_others(tmp_path):
    scenario = Scenario(tmp_path / "lake", "--deletes", "vectors")
    upserts_and_deletes(scenario)
    before = vector_files(scenario)
    assert before
    table = deltalake.DeltaTable(str(scenario.lake.table()))
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
    assert vector_files(scenario) == before
    for reader in KNOW_VECTORS:
        check_rows(scenario, reader)
    # They copy the file without the row, and without those that the vector held.
    table.update_incremental()
    table.delete("_id = 'r1'")
    scenario.rows.pop("r1")
    assert sorted(scenario.lake.export()) == sorted(scenario.rows)
    scenario.put([row("r1", random_vectors(20, 1, DIM)[0], title="ours again")])
    scenario.delete("r2", "r3")
    scenario.lake.run("flush", "c")
    for reader in KNOW_VECTORS:
        check_rows(scenario, reader)


def test_a_table_with_deletion_vectors_is_written_on_without_new_ones(tmp_path):
    scenario = Scenario(tmp_path / "lake", "--deletes", "vectors")
    scenario.lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(21, 40, DIM)
    scenario.put([row(f"r{i}", vectors[i], count=i) for i in range(20)])
    scenario.put([row(f"s{i}", vectors[20 + i], count=i) for i in range(20)])
    scenario.delete("r3", "s4")
    scenario.lake.run("flush", "c")
    assert len(vector_files(scenario)) == 1
    scenario.lake.options = ("--deletes", "rewrite")
    scenario.delete("r5")
    scenario.lake.run("flush", "c")
    assert len(vector_files(scenario)) == 1, "the file of the r rows was written anew, that of the s rows kept its vector"
    for reader in KNOW_VECTORS:
        check_rows(scenario, reader)
