"""Default expiry, older versions and conditional writes from Python."""

import datetime
import os
import signal
import subprocess
import sys
import textwrap
import time

import deltalake
import numpy as np
import pytest

from lake import random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

UTC = datetime.timezone.utc
ONE = {"ids": ["a"], "vectors": [[1, 2, 3]]}
DAY = datetime.timedelta(days=1)


def quiet(folder, **options):
    return viper.connect(folder, background_compaction=False, **options)


def test_the_default_expiry_is_set_changed_and_kept(tmp_path):
    with quiet(tmp_path) as database:
        collection = database.create_collection("c", dim=3, default_ttl=DAY)
        assert collection.default_ttl == DAY
        before = datetime.datetime.now(UTC)
        collection.upsert(**ONE)
        expires_at = collection.get("a").expires_at
        assert before + DAY <= expires_at <= datetime.datetime.now(UTC) + DAY
        collection.upsert(ids=["never", "own"], vectors=[[1, 2, 3]] * 2, expires_at=["never", before + 2 * DAY])
        assert collection.get("never").expires_at is None
        assert collection.get("own").expires_at == before + 2 * DAY
        collection.set_default_ttl(90)
        assert collection.default_ttl == datetime.timedelta(seconds=90)
        assert collection.get("a").expires_at == expires_at
        collection.close()
    with quiet(tmp_path) as database:
        collection = database.open_collection("c")
        assert collection.default_ttl == datetime.timedelta(seconds=90)
        collection.set_default_ttl(None)
        assert collection.default_ttl is None
        collection.upsert(ids=["b"], vectors=[[1, 2, 3]])
        assert collection.get("b").expires_at is None
    table = deltalake.DeltaTable(str(tmp_path / "c"))
    assert "viper.default_ttl_ms" not in table.metadata().configuration


def test_exist_ok_takes_the_default_expiry_that_is_there_but_no_other_than_asked_for(tmp_path):
    with quiet(tmp_path) as database:
        database.create_collection("c", dim=3, default_ttl=60)
        assert database.create_collection("c", dim=3, exist_ok=True).default_ttl == datetime.timedelta(seconds=60)
        assert database.create_collection("c", dim=3, default_ttl=60, exist_ok=True)
        with pytest.raises(viper.AlreadyExists, match="default_ttl"):
            database.create_collection("c", dim=3, default_ttl=61, exist_ok=True)


@pytest.mark.parametrize("ttl", (0, -1, float("nan"), float("inf"), "soon", datetime.timedelta(0), 1e12, [1]))
def test_a_bad_default_expiry_is_a_value_error(database, ttl):
    with pytest.raises(ValueError, match="default_ttl"):
        database.create_collection("c", dim=3, default_ttl=ttl)


def test_a_bad_expiry_is_a_value_error(database):
    with pytest.raises(ValueError, match="never"):
        database.create_collection("c", dim=3).upsert(**ONE, expires_at=["forever"])


def test_half_a_file_that_has_expired_is_gone_from_the_files_soon(tmp_path):
    with viper.connect(tmp_path, compaction_interval_ms=100, background_index=False) as database:
        collection = database.create_collection("c", dim=3)
        soon = datetime.datetime.now(UTC) + datetime.timedelta(seconds=1)
        rows = 10_000
        collection.upsert(
            ids=range(rows), vectors=random_vectors(1, rows, 3), expires_at=[soon if i % 2 else None for i in range(rows)]
        )
        collection.flush()
        deadline = time.monotonic() + 60
        while deltalake.DeltaTable(str(tmp_path / "c")).to_pyarrow_table(columns=["_id"]).num_rows > rows // 2:
            assert time.monotonic() < deadline, "the expired rows are still in the table"
            os.sched_yield()
        assert collection.count() == rows // 2
        ids = deltalake.DeltaTable(str(tmp_path / "c")).to_pyarrow_table(columns=["_id"]).column("_id").to_pylist()
        assert sorted(map(int, ids)) == list(range(0, rows, 2))


@pytest.fixture
def history(tmp_path):
    """A collection of four versions, and the rows of each."""
    with quiet(tmp_path / "lake", retention_ms=10**9) as database:
        collection = database.create_collection("c", dim=3, metric="l2")
        vectors = random_vectors(2, 30, 3)
        states = {0: []}
        for version in (1, 2, 3):
            ids = [f"r{i}" for i in range(version * 5)]
            collection.upsert(ids=ids, vectors=vectors[: len(ids)] + version, metadata=[{"version": version}] * len(ids))
            collection.flush()
            states[version] = ids
        yield collection, states


def test_old_versions_are_searched_read_and_counted(history, tmp_path):
    collection, states = history
    for version, ids in states.items():
        snapshot = collection.snapshot(version=version)
        assert snapshot.version == version
        assert snapshot.count() == len(ids)
        records, after = snapshot.scroll(limit=1000)
        assert after is None
        assert [record.id for record in records] == sorted(ids)
        foreign = deltalake.DeltaTable(str(tmp_path / "lake" / "c"), version=version).to_pyarrow_table()
        theirs = dict(zip(foreign.column("_id").to_pylist(), foreign.column("_vector").to_pylist()))
        assert sorted(theirs) == sorted(ids)
        for record in records:
            assert np.asarray(theirs[record.id], np.float32).tobytes() == record.vector.tobytes()
        if ids:
            query = records[0].vector
            assert snapshot.search(query, k=1).ids == [records[0].id]
            assert snapshot.search_batch([query], k=1)[0] == [[records[0].id]]
            assert snapshot.explain(query, k=1)["selected_rows"] == len(ids)
            assert snapshot.get("r0").metadata == {"version": version}
    with pytest.raises(KeyError):
        collection.snapshot(version=1).get("r7")


def test_versions_are_listed_and_found_by_their_time(history):
    collection, states = history
    versions = collection.versions()
    assert [one["version"] for one in versions] == [0, 1, 2, 3]
    assert [one["operation"] for one in versions] == ["CREATE TABLE", "WRITE", "WRITE", "WRITE"]
    assert [one["rows"] for one in versions] == [len(ids) for ids in states.values()]
    newest = versions[-1]
    assert collection.snapshot(time=newest["committed_at"]).version == 3
    assert collection.snapshot(time=newest["committed_at"] + DAY).count() == 15
    with pytest.raises(viper.NotFound, match="kept are 4 versions, 0 "):
        collection.snapshot(time=versions[0]["committed_at"] - DAY)
    with pytest.raises(ValueError, match="one way"):
        collection.snapshot(version=1, time=newest["committed_at"])


def test_a_version_that_was_vacuumed_is_not_found_and_what_is_kept_is_named(history):
    collection, _ = history
    held = collection.snapshot(version=2)
    collection.compact(everything=True)
    collection.vacuum(retention_ms=0)
    with pytest.raises(viper.NotFound, match=r"kept are \d+ versions"):
        collection.snapshot(version=2)
    assert held.count() == 10, "who has a snapshot keeps it"
    assert 2 not in [one["version"] for one in collection.versions()]


def test_what_a_collection_keeps_stays_whoever_opens_it(tmp_path):
    week = 7 * 24 * 3600 * 1000
    with quiet(tmp_path) as database:
        collection = database.create_collection("c", dim=3, retention_ms=week)
        assert collection.retention_ms == week
        assert database.create_collection("c", dim=3, exist_ok=True).retention_ms == week
        with pytest.raises(viper.AlreadyExists, match="retention=5 ms actual .*retention=604800000 ms"):
            database.create_collection("c", dim=3, retention_ms=5, exist_ok=True)
        collection.close()
    with quiet(tmp_path, retention_ms=0, retained_versions=1) as database:
        collection = database.open_collection("c")
        for _ in range(5):
            collection.upsert(**ONE)
            collection.flush()
        assert collection.vacuum()["files"] == []
        with pytest.raises(viper.FailedPrecondition, match="property=604800000 ms asked=0 ms"):
            collection.vacuum(retention_ms=0)
        assert collection.snapshot(version=1).count() == 1
        collection.set_default_ttl(DAY)
        assert collection.retention_ms == week
        collection.set_retention_ms(None)
        assert collection.retention_ms is None and collection.default_ttl == DAY
        assert len(collection.vacuum()["files"]) == 4
        for wrong in (-1, 10**18):
            with pytest.raises(ValueError, match="retention_ms"):
                collection.set_retention_ms(wrong)
        with pytest.raises(TypeError):
            collection.set_retention_ms("a week")


def test_a_snapshot_of_now_sees_no_later_write(database):
    collection = database.create_collection("c", dim=3)
    collection.upsert(**ONE)
    snapshot = collection.snapshot()
    collection.delete("a")
    assert snapshot.count() == 1 and collection.count() == 0
    collection.close()
    assert snapshot.get("a").id == "a"


def test_scrolling_goes_through_all_records_page_by_page(database):
    collection = database.create_collection("c", dim=3)
    collection.upsert(ids=range(25), vectors=random_vectors(3, 25, 3), metadata=[{"i": i} for i in range(25)])
    found, after = [], ""
    while after is not None:
        page, after = collection.scroll(after=after, limit=7, filter="i >= 3", with_vectors=False)
        assert all(len(record.vector) == 0 for record in page)
        found += [record.id for record in page]
    assert found == sorted(str(i) for i in range(3, 25))


def test_a_write_on_the_condition_of_a_version(database):
    collection = database.create_collection("c", dim=3)
    collection.upsert(**ONE, if_version=[0])
    read = collection.get("a")
    collection.upsert(**ONE, metadata=[{"n": 1}], if_version=[read.version])
    with pytest.raises(viper.FailedPrecondition, match="'a'.*expected"):
        collection.upsert(**ONE, metadata=[{"n": 2}], if_version=[read.version])
    assert collection.get("a").metadata == {"n": 1}
    with pytest.raises(viper.FailedPrecondition):
        collection.delete("a", if_version=read.version)
    now = collection.get("a")
    assert collection.scroll()[0][0].version == now.version
    stamp = datetime.datetime.fromtimestamp(now.version / 1e6, UTC)
    assert abs(datetime.datetime.now(UTC) - stamp) < DAY
    assert collection.delete("a", if_version=now.version).rows == 1
    collection.upsert(ids=["a", "b"], vectors=[[1, 2, 3]] * 2, if_version=[None, None])
    with pytest.raises(ValueError, match="ids=1 versions=2"):
        collection.upsert(**ONE, if_version=[1, 2])
    with pytest.raises(ValueError, match="_ingested_at"):
        collection.delete(filter="_id = 'a'", if_version=1)


def test_deleting_counts_what_was_there_and_not_what_had_expired(database):
    collection = database.create_collection("c", dim=3)
    past = datetime.datetime.now(UTC) - DAY
    collection.upsert(ids=["gone", "there"], vectors=[[1, 2, 3]] * 2, expires_at=[past, None])
    assert collection.delete(["gone", "there"]).rows == 1


INTERRUPTED = """
    import signal, sys
    import numpy as np
    import viper

    # A shell that runs the tests in the background makes them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    database = viper.connect(sys.argv[1], background_compaction=False)
    collection = database.create_collection("c", dim=64)
    for file in range(5):
        collection.upsert(ids=range(file * 2000, (file + 1) * 2000), vectors=np.ones((2000, 64), np.float32))
        collection.flush()
    try:
        print("compacting", flush=True)
        collection.compact(bytes_per_second=1000)
    except KeyboardInterrupt:
        print("interrupted", collection.count(), flush=True)
"""


def test_ctrl_c_ends_a_compaction(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(tmp_path / "lake")],
        stdout=subprocess.PIPE, encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == "compacting\n"
    # The file that it writes says that it is at work.
    while not list((tmp_path / "lake" / "c" / "_viper" / "tmp").glob("part-*")):
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted 10000\n"
    assert process.wait(timeout=60) == 0


def test_a_signal_ends_the_building_of_an_index(tmp_path):
    class Interruption(Exception):
        pass

    def interrupt(*_):
        raise Interruption

    rows, dim = 100_000, 64
    with viper.connect(tmp_path, background_index=False) as database:
        collection = database.create_collection("c", dim=dim)
        collection.upsert(ids=range(rows), vectors=random_vectors(3, rows, dim))
        collection.flush()
        previous = signal.signal(signal.SIGALRM, interrupt)
        try:
            with pytest.raises(Interruption):
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                collection.build_index()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert collection.statistics()["index_clusters"] == 0
        collection.build_index()
        assert collection.statistics()["index_clusters"] > 0
