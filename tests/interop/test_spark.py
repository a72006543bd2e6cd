"""Spark reads the table after every kind of write, and its vacuum leaves what is ours alone.

VIPER_SPARK names a folder with PySpark and Delta's jars, as `make spark` makes it; without it all of this is skipped.
"""

import datetime
import glob
import json
import os
import pathlib
import subprocess

import deltalake
import pytest

from lake import random_vectors
from life import DELETE_MODES, live
from test_readers import DIM, FIELDS, Scenario, check_row, every_type, many_commits, row, times, upserts_and_deletes

HERE = pathlib.Path(__file__).resolve().parent
SPARK = os.environ.get("VIPER_SPARK")

pytestmark = pytest.mark.skipif(not SPARK, reason="VIPER_SPARK names no folder with PySpark: run `make spark`")


class Spark:
    """One session, which takes its time to start, for all tests."""

    def __init__(self, folder):
        jars = sorted(glob.glob(os.path.join(folder, "jars", "*.jar")))
        assert jars, f"there are no jars below {folder}"
        self.process = subprocess.Popen(
            [os.path.join(folder, "bin", "python"), str(HERE / "spark_server.py"), *jars],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
        )
        self.answer()

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("ANSWER "):
                told = json.loads(line.removeprefix("ANSWER "))
                assert "error" not in told, told["error"]
                return told
        raise AssertionError("Spark has ended")

    def ask(self, do, table, **more):
        self.process.stdin.write(json.dumps({"do": do, "table": str(table), **more}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def rows(self, table, version=None):
        rows = self.ask("read", table, version=version)["rows"]
        for one in rows:
            one["_vector"] = bytes.fromhex(one["_vector"])
            for name in ("_timestamp", "_ingested_at", "_expires_at", "seen"):
                if one.get(name) is not None:
                    one[name] = datetime.datetime.fromisoformat(one[name])
        return rows

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=120)


@pytest.fixture(scope="module")
def spark():
    started = Spark(SPARK)
    yield started
    started.close()


def check(spark, scenario):
    rows = spark.rows(scenario.lake.table())
    assert sorted(one["_id"] for one in rows) == sorted(scenario.rows)
    for one in rows:
        check_row(one, scenario.rows[one["_id"]])


@pytest.mark.parametrize("deletes", ("rewrite", "vectors"))
@pytest.mark.parametrize("build", (upserts_and_deletes, many_commits, times), ids=lambda build: build.__name__)
def test_it_sees_what_was_written_replaced_and_deleted(spark, tmp_path, build, deletes):
    scenario = Scenario(tmp_path / "lake", "--deletes", deletes)
    build(scenario)
    if deletes == "vectors" and build is upserts_and_deletes:
        assert list(scenario.lake.table().glob("_dv/*.bin"))
    check(spark, scenario)


def test_it_sees_every_type(spark, tmp_path):
    scenario = Scenario(tmp_path / "lake")
    every_type(scenario)
    # The first year is one that Python's local times cannot say.
    scenario.delete("extremes")
    scenario.lake.run("flush", "c")
    check(spark, scenario)


def test_it_sees_the_same_after_updates_compaction_and_folding(spark, tmp_path):
    scenario = Scenario(tmp_path / "lake", "--deletes", "vectors")
    upserts_and_deletes(scenario)
    scenario.lake.run("update", "c", "r1", "--set", 'title="updated"')
    scenario.rows["r1"]["title"] = "updated"
    scenario.lake.run("flush", "c")
    check(spark, scenario)
    scenario.lake.run("compact", "c", "--all")
    check(spark, scenario)
    scenario.delete("r2", "r3")
    scenario.lake.run("flush", "c")
    scenario.lake.run("compact", "c", "--fold")
    check(spark, scenario)
    operations = spark.ask("history", scenario.lake.table())["operations"]
    assert {"WRITE", "OPTIMIZE", "SET TBLPROPERTIES"} <= set(operations)


@pytest.mark.parametrize("deletes", DELETE_MODES)
def test_it_agrees_after_each_operation_of_a_life(spark, tmp_path, deletes):
    for operation, life in live(tmp_path, deletes):
        assert life.content_of(spark.rows(life.table())) == life.expected(), operation


def test_rows_that_have_expired_are_gone_for_it_after_a_compaction(spark, tmp_path):
    scenario = Scenario(tmp_path / "lake")
    scenario.lake.create(dim=DIM, fields=FIELDS)
    vectors = random_vectors(6, 20, DIM)
    past = "2001-01-01T00:00:00Z"
    scenario.lake.import_rows([row(f"gone{i}", vectors[i], _expires_at=past) for i in range(10)], "--no-compaction")
    scenario.put([row(f"r{i}", vectors[10 + i]) for i in range(10)], "--no-compaction")
    assert len(spark.rows(scenario.lake.table())) == 20, "other readers see them until then"
    told = json.loads(scenario.lake.run("compact", "c", "--json"))
    assert [step["reason"] for step in told["steps"]] == ["all rows expired"]
    check(spark, scenario)
    assert spark.ask("history", scenario.lake.table())["operations"][-1] == "DELETE"


def test_it_reads_the_versions_that_we_keep(spark, tmp_path):
    scenario = Scenario(tmp_path / "lake", "--deletes", "vectors")
    upserts_and_deletes(scenario)
    table = scenario.lake.table()
    for version in json.loads(scenario.lake.run("versions", "c", "--json"))["versions"]:
        rows = spark.rows(table, version["version"])
        ours = scenario.lake.run("scroll", "c", "--limit", 1000, "--version", version["version"]).splitlines()
        assert sorted(one["_id"] for one in rows) == sorted(json.loads(line)["_id"] for line in ours)


def test_its_vacuum_leaves_our_files_alone(spark, tmp_path):
    scenario = Scenario(tmp_path / "lake", "--deletes", "vectors")
    upserts_and_deletes(scenario)
    table = scenario.lake.table()

    def ours():
        return {path for folder in ("_viper", "_dv") for path in table.glob(f"{folder}/**/*") if path.is_file()}

    before = ours()
    assert any("_dv" in path.parts for path in before)
    spark.ask("vacuum", table)
    assert ours() == before
    check(spark, scenario)
    assert len(scenario.lake.export()) == len(scenario.rows)
    scenario.lake.run("verify", "c")


def test_it_keeps_as_long_as_the_collection_says_and_we_as_long_as_it_says(spark, tmp_path):
    scenario = Scenario(tmp_path / "lake")
    scenario.lake.create(dim=DIM, fields=FIELDS)
    table = scenario.lake.table()
    for title in ("first", "second", "third"):
        scenario.put([row("r1", random_vectors(7, 1, DIM)[0], title=title)], "--no-compaction")

    def parts():
        return len(list(table.glob("*.parquet")))

    before = parts()
    assert before > 1
    scenario.lake.run("alter", "c", "--retention", "30d")
    spark.ask("clean", table)
    assert parts() == before
    # It takes a week for the default.
    scenario.lake.run("alter", "c", "--retention", "1ms")
    spark.ask("clean", table)
    assert parts() == 1
    spark.ask("set", table, name="delta.deletedFileRetentionDuration", value="2 Weeks 3 hours")
    scenario.put([row("r1", random_vectors(8, 1, DIM)[0], title="fourth")], "--no-compaction")
    scenario.lake.run("compact", "c", "--all", "--vacuum")
    told = json.loads(scenario.lake.run("info", "c", "--json"))
    assert told["properties"]["retention_ms"] == (14 * 24 + 3) * 3600 * 1000
    assert parts() == 2
    check(spark, scenario)


def test_we_read_on_after_it_has_deleted_rows(spark, tmp_path):
    scenario = Scenario(tmp_path / "lake", "--deletes", "vectors")
    upserts_and_deletes(scenario)
    spark.ask("delete", scenario.lake.table(), where="_id IN ('r1', 'r2')")
    for row_id in ("r1", "r2"):
        scenario.rows.pop(row_id)
    assert sorted(scenario.lake.export()) == sorted(scenario.rows)
    scenario.put([row("r1", random_vectors(7, 1, DIM)[0], title="ours again")])
    scenario.lake.run("flush", "c")
    check(spark, scenario)
    assert deltalake.DeltaTable(str(scenario.lake.table())).version() > 0
