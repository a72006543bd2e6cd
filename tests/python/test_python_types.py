"""What Python objects are taken for, and that those of a wrong type are refused by the name of their argument."""

import array
import datetime
import os
import sys
import threading
import time

import numpy as np
import pandas
import pytest

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

UTC = datetime.timezone.utc
MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=UTC)
NANOSECONDS = 1_709_210_096_789_012_999


@pytest.fixture
def collection(database):
    collection = database.create_collection("c", dim=2, fields={"n": "int64", "moment": "timestamp"})
    collection.upsert(["49", "50", "a"], [[1, 2], [3, 4], [5, 6]], [{"n": 1}, {"n": 2}, {"n": 3}])
    return collection


@pytest.mark.parametrize("ids", (b"12", bytearray(b"12"), memoryview(b"12"), memoryview(array.array("q", [49]))))
def test_bytes_are_no_list_of_ids(collection, ids):
    for call in (
        lambda: collection.delete(ids),
        lambda: collection.update(ids, set={"n": 7}),
        lambda: collection.upsert(ids, [[1, 2]] * len(ids)),
        lambda: collection.insert(ids, [[1, 2]] * len(ids)),
        lambda: collection.get(ids),
        lambda: collection.delete([ids]),
    ):
        with pytest.raises(TypeError, match="^ids"):
            call()
    assert collection.count() == 3 and collection.count("n = 7") == 0


def test_wrong_types_name_their_argument(collection, database, tmp_path):
    things = {
        "ids": lambda x: collection.delete(x),
        "if_version": lambda x: collection.delete("a", if_version=x),
        "timestamps": lambda x: collection.upsert(["a"], [[1, 2]], timestamps=x),
        "metadata": lambda x: collection.upsert(["a"], [[1, 2]], metadata=x),
        "select": lambda x: collection.search([1, 2], select=x),
        "unset": lambda x: collection.update("a", unset=x),
        "filter": lambda x: collection.count(x),
        "fields": lambda x: collection.add_fields({x: "int64"}),
        "default_ttl": lambda x: database.create_collection("d", dim=2, default_ttl=x),
        "path": lambda x: viper.connect(x),
    }
    for name, call in things.items():
        for wrong in (object(), 1.5j, lambda: 1):
            with pytest.raises(viper.WrongType, match=f"^{name}: .* expected, not ") as caught:
                call(wrong)
            assert isinstance(caught.value, (TypeError, ValueError, viper.InvalidArgument))
    for call, text in ((collection.get, "^ids are text or integers"), (lambda x: collection.snapshot(time=x), "^time: ")):
        with pytest.raises(viper.WrongType, match=text):
            call(object())
    for name in ("select", "unset"):
        with pytest.raises(viper.WrongType, match=f"^{name}: "):
            things[name]("n")
    with pytest.raises(viper.WrongType, match="^if_version: an integer expected, not bool"):
        collection.delete("a", if_version=[True])
    assert collection.count() == 3


def test_integers_of_numpy_are_integers(collection):
    version = collection.get("a").version
    collection.upsert(["a"], [[1, 2]], if_version=np.int64(version))
    versions = np.array([collection.get(id).version for id in ("a", "49")])
    collection.upsert(["a", "49"], [[1, 2]] * 2, if_version=versions)
    with pytest.raises(viper.FailedPrecondition):
        collection.delete(["a", "49"], if_version=list(versions))
    assert len(collection.search([1, 2], k=np.int64(2), nprobe=np.int32(3), rerank=np.uint8(9))) == 2
    assert len(collection.scroll(limit=np.int64(2))[0]) == 2
    collection.flush()
    assert collection.snapshot(version=np.int64(collection.statistics()["table_version"])).count() == 3
    collection.set_default_ttl(np.int64(60))
    assert collection.default_ttl == datetime.timedelta(seconds=60)


def test_a_path_may_be_bytes_or_path_like(tmp_path):
    path = tmp_path / "l\u00e4ke"
    for form in (path, str(path), os.fsencode(path)):
        with viper.connect(form) as database:
            assert database.root == str(path)


def stored(collection, value):
    collection.upsert(["t"], [[1, 2]], [{"moment": value}])
    return collection.get("t").metadata.get("moment")


def test_times_of_numpy_and_pandas_are_those_of_python(collection):
    for time_of_it in (
        MOMENT,
        MOMENT.replace(tzinfo=None),
        MOMENT.astimezone(datetime.timezone(datetime.timedelta(hours=-7))),
        np.datetime64(NANOSECONDS, "ns"),
        np.datetime64(NANOSECONDS // 1000, "us"),
        np.array(NANOSECONDS, "datetime64[ns]"),
        pandas.Timestamp(NANOSECONDS),
        pandas.Timestamp(NANOSECONDS, tz="Asia/Tokyo"),
    ):
        assert stored(collection, time_of_it) == MOMENT, repr(time_of_it)
    for unit, length in (("Y", 4), ("M", 7), ("D", 10), ("h", 13), ("m", 16), ("s", 19), ("ms", 23), ("ps", 26)):
        expected = np.datetime64("2024-02-29T12:34:56.789012", unit)
        assert stored(collection, expected) == expected.astype("datetime64[us]").item().replace(tzinfo=UTC), unit
    before = np.datetime64(-1, "ns")
    assert stored(collection, before) == datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def test_arrays_of_times_are_no_integers(collection):
    times = np.array([NANOSECONDS, "NaT"], "datetime64[ns]")
    for values in (times, times.reshape(2, 1), pandas.Series(times), pandas.DatetimeIndex(times), list(times)):
        # As of lists of datetimes.
        with pytest.raises(viper.InvalidArgument, match="a timestamp can only be stored under a declared field"):
            collection.upsert(["t"], [[1, 2]], [{"undeclared": values}])


def test_no_time_is_null(collection):
    for nothing in (pandas.NaT, np.datetime64("NaT"), np.datetime64("NaT", "ns"), None):
        assert stored(collection, nothing) is None
        collection.upsert(["t"], [[1, 2]], timestamps=[nothing], expires_at=[nothing])
        assert collection.get("t").expires_at is None


def test_times_that_cannot_be_said_are_refused(collection):
    with pytest.raises(viper.InvalidArgument, match="metadata: a time is outside the years 1 to 9999: 20000"):
        stored(collection, np.datetime64("20000-01-01"))
    for span in (np.timedelta64(1, "ns"), np.timedelta64(1, "D"), np.array([1], "timedelta64[ns]"), datetime.timedelta(1)):
        with pytest.raises(viper.WrongType, match="metadata"):
            stored(collection, span)


def test_times_of_records_may_be_numpys(collection):
    times = np.array([NANOSECONDS], "datetime64[ns]")
    soon = np.datetime64(datetime.datetime.now() + datetime.timedelta(days=2), "ns")
    collection.upsert(["t"], [[1, 2]], timestamps=times, expires_at=[soon])
    assert collection.get("t").timestamp == MOMENT
    assert collection.get("t").expires_at == soon.astype("datetime64[us]").item().replace(tzinfo=UTC)


def test_sparse_vectors_compare_and_hash_by_value():
    vector = viper.SparseVector([3, 1], [0.0, 2])
    same = viper.SparseVector([3, 1], [-0.0, 2])
    assert vector == same and hash(vector) == hash(same) and len({vector, same}) == 1
    assert vector != viper.SparseVector([3], [2])
    assert (vector == 1, vector != 1, vector == None, vector in [1, "x", same]) == (False, True, False, True)  # noqa: E711


def test_hits_are_found_by_index_and_counted(collection):
    hits, again = collection.search([1, 2], k=3), collection.search([1, 2], k=3)
    assert hits[1] == again[1] and hash(hits[1]) == hash(again[1]) and hits[1] != hits[0] and hits[1] != 1
    assert hits.index(again[2]) == 2 and hits.count(again[0]) == 1 and again[1] in hits
    assert collection.search([1, 2], k=3, with_vectors=True)[1] != hits[1]
    with pytest.raises(ValueError):
        hits.index("a")
    with pytest.raises(ValueError):
        hits.index(again[0], 1)


def test_exist_ok_finds_a_collection_that_is_read_only(tmp_path):
    with viper.connect(tmp_path) as database:
        database.create_collection("c", dim=2).upsert(["a"], [[1, 2]])
    with viper.connect(tmp_path, read_only=True) as database:
        assert database.create_collection("c", dim=2, exist_ok=True).count() == 1
        with pytest.raises(viper.AlreadyExists, match="another schema"):
            database.create_collection("c", dim=3, exist_ok=True)
        for name, exist_ok in (("c", False), ("missing", True)):
            with pytest.raises(viper.FailedPrecondition, match="read-only"):
                database.create_collection(name, dim=2, exist_ok=exist_ok)


@pytest.mark.parametrize("how", ("forget", "close"))
def test_other_threads_go_on_while_a_collection_closes(tmp_path, how):
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=tick)
    with viper.connect(tmp_path) as database:
        collections = [database.create_collection(f"c{i}", dim=2) for i in range(50)]
        try:
            # The lock changes hands where it is released, and nowhere else.
            sys.setswitchinterval(1000)
            thread.start()
            went_on = False
            while collections and not went_on:
                collection = collections.pop()
                before = ticks[0]
                if how == "close":
                    collection.close()
                else:
                    del collection
                went_on = ticks[0] > before
        finally:
            stop.set()
            sys.setswitchinterval(interval)
            thread.join()
    assert went_on
