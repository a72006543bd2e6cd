"""Records in and out: ids, vectors and metadata in all the forms that Python has for them."""

import datetime

import numpy as np
import pytest

from lake import float_bits, random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

UTC = datetime.timezone.utc


@pytest.fixture
def collection(database):
    return database.create_collection("c", dim=4, metric="l2", fields={"year": "int64", "score": "float64", "seen": "timestamp", "tags": "list<string>"})


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.float16).astype(np.float32).astype(np.float16),
        lambda x: np.round(x * 100).astype(np.int16),
        lambda x: np.round(np.clip(x, -1, 1) * 127).astype(np.int8),
        lambda x: np.round(np.abs(x) * 100).astype(np.uint8),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x[::-1],
        lambda x: x.astype(">f4"),
        lambda x: x.tolist(),
        lambda x: list(x),
        lambda x: memoryview(x),
        lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape),
    ],
    ids="plain float64 float16 int16 int8 uint8 fortran columns rows reversed big-endian lists arrays memoryview unaligned".split(),
)
def test_vectors_of_any_form_are_stored_as_float32(collection, change):
    vectors = change(random_vectors(1, 5, 4))
    ids = [f"row {number}" for number in range(5)]
    assert collection.upsert(ids=ids, vectors=vectors).rows == 5
    expected = np.asarray(vectors).astype(np.float32)
    for position, row_id in enumerate(ids):
        stored = collection.get(row_id).vector
        assert stored.dtype == np.float32 and float_bits(stored) == float_bits(expected[position])
        assert collection.search(expected[position], k=1)[0].id == row_id


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_of_subclasses_and_read_only_arrays_are_read(collection):
    vectors = random_vectors(2, 2, 4)
    vectors.flags.writeable = False
    collection.upsert(ids=["a", "b"], vectors=vectors)
    collection.upsert(ids=["c", "d"], vectors=np.asmatrix(vectors))
    assert float_bits(collection.get("d").vector) == float_bits(vectors[1])


@pytest.mark.parametrize(
    "vectors, text",
    [
        ([[1, 2, 3]], "dimension mismatch: expected=4 actual=3"),
        ([1, 2, 3, 4], "2 dimensions expected, not 1"),
        (np.zeros((1, 1, 4)), "2 dimensions expected, not 3"),
        (np.zeros((2, 4)), "one for each id"),
        ([["1", "2", "3", "4"]], "no numbers"),
        (np.zeros((1, 4), complex), "no numbers"),
        (np.array([[None] * 4]), "no numbers"),
        ([[1, 2, 3, float("nan")]], "finite"),
        ([[1, 2, 3, 1e300]], "finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_bad_vectors_are_value_errors_and_nothing_is_written(collection, vectors, text):
    with pytest.raises(ValueError, match=text):
        collection.upsert(ids=["a"], vectors=vectors)
    assert collection.count() == 0


@pytest.mark.parametrize(
    "ids, expected",
    [
        (["é", "b"], ["é", "b"]),
        (("a", "b"), ["a", "b"]),
        ([7, -8], ["7", "-8"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([2**40, 3]), [str(2**40), "3"]),
        (np.array(["a", "b"], dtype=object), ["a", "b"]),
        ((text for text in "ab"), ["a", "b"]),
    ],
)
def test_ids_are_texts_or_integers(collection, ids, expected):
    vectors = random_vectors(3, 2, 4)
    collection.upsert(ids=ids, vectors=vectors)
    assert sorted(hit.id for hit in collection.search(vectors[0])) == sorted(expected)


@pytest.mark.parametrize("ids", ["a", ["\ud800"], [1.5], [True], [None], [b"a"], [""], ["x" * 1025]])
def test_bad_ids_are_value_errors(collection, ids):
    with pytest.raises(ValueError):
        collection.upsert(ids=ids, vectors=[[1, 2, 3, 4]])
    assert collection.count() == 0


def test_the_last_of_equal_ids_wins(collection):
    summary = collection.upsert(ids=["a", "b", "a"], vectors=np.eye(4)[:3])
    assert (summary.rows, summary.duplicates) == (2, 1)
    assert collection.get("a").vector.tolist() == [0, 0, 1, 0]


def test_metadata_comes_back_as_it_went_in(collection):
    moment = datetime.datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)
    metadata = {
        "year": 1979,
        "score": 8.5,
        "seen": moment,
        "tags": ["a", "ü"],
        "other": None,
        "nested": {"list": [1, 1.0, True, None, {"deep": []}], "big": 2**62, "negative": -(2**63)},
        "": "empty key",
    }
    collection.upsert(ids=["a"], vectors=[[1, 2, 3, 4]], metadata=[metadata])
    for _ in range(2):
        stored = collection.get("a").metadata
        assert stored == metadata and type(stored["nested"]["list"][1]) is float and type(stored["nested"]["list"][2]) is bool
        collection.flush()


def test_numpy_values_and_zones_are_converted(collection):
    zone = datetime.timezone(datetime.timedelta(hours=2))
    metadata = {
        "year": np.int32(5),
        "score": np.float32(0.5),
        "flag": np.bool_(True),
        "list": np.arange(3),
        "seen": datetime.datetime(2026, 1, 1, 2, tzinfo=zone),
        "tuple": ("a", "b"),
    }
    collection.upsert(ids=["a"], vectors=[[1, 2, 3, 4]], metadata=[metadata])
    midnight = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    assert collection.get("a").metadata == {"year": 5, "score": 0.5, "flag": True, "list": [0, 1, 2], "seen": midnight, "tuple": ["a", "b"]}


def test_rows_may_lack_metadata(collection):
    collection.upsert(ids=["a", "b"], vectors=np.eye(4)[:2], metadata=[None, {"year": 1}])
    assert collection.get("a").metadata == {} and collection.get("b").metadata == {"year": 1}


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "metadata, text",
    [
        ([{}, {}], "one for each id"),
        ([{"year": "x"}], "year"),
        ([{"x": object()}], "type object"),
        ([{"x": {1, 2}}], "type set"),
        ([{1: 2}], "keys must be text"),
        ([{"x": 2**63}], "64 bits"),
        ([{"x": float("nan")}], "x"),
        ([{"x": nested(1000)}], "nested deeper"),
        (["text"], "type str"),
        ([[1]], "type list"),
    ],
)
def test_bad_metadata_is_a_value_error_and_nothing_is_written(collection, metadata, text):
    with pytest.raises(ValueError, match=text):
        collection.upsert(ids=["a"], vectors=[[1, 2, 3, 4]], metadata=metadata)
    assert collection.count() == 0


def test_records_expire_and_keep_their_own_time(collection):
    past, future = datetime.datetime(2020, 1, 1), datetime.datetime(2999, 1, 1, tzinfo=UTC)
    collection.upsert(ids=["a", "b", "c"], vectors=np.eye(4)[:3], expires_at=[past, future, None], timestamps=[None, past, None])
    assert collection.count() == 2
    record = collection.get("b")
    assert record.expires_at == future and record.timestamp == past.replace(tzinfo=UTC)
    assert collection.get("c").expires_at is None
    with pytest.raises(ValueError, match="type int"):
        collection.upsert(ids=["d"], vectors=[[1, 2, 3, 4]], expires_at=[5])


def test_deleting_counts_what_was_there(collection):
    collection.upsert(ids=["a", "b", 3], vectors=np.eye(4)[:3])
    assert collection.delete(["a", "never"]).rows == 1
    assert collection.delete("b").rows == 1
    assert collection.delete([3]).rows == 1
    assert collection.count() == 0
    with pytest.raises(KeyError):
        collection.get("a")


def test_insert_needs_new_ids_and_replace_needs_old_ones(collection):
    collection.insert(ids=["a", "b"], vectors=np.eye(4)[:2], metadata=[{"year": 1}, None])
    with pytest.raises(viper.AlreadyExists, match="'b'"):
        collection.insert(ids=["c", "b"], vectors=np.eye(4)[:2])
    summary = collection.replace(ids=["a"], vectors=[[0, 0, 1, 0]])
    assert summary.rows == 1 and collection.get("a").metadata == {} and collection.get("a").vector[2] == 1
    with pytest.raises(KeyError, match="'c'"):
        collection.replace(ids=["a", "c"], vectors=np.eye(4)[:2])
    assert collection.get("a").vector[2] == 1 and collection.count() == 2


@pytest.fixture
def three(collection):
    past = datetime.datetime(2020, 1, 1, tzinfo=UTC)
    metadata = [{"year": 1, "note": "n"}, {"year": 2}, {"year": 3}]
    collection.upsert(ids=["a", "b", 3], vectors=np.eye(4)[:3], metadata=metadata, timestamps=[past] * 3)
    return collection


@pytest.mark.parametrize("flushed", [False, True])
def test_an_update_by_id_changes_the_named_keys(three, flushed):
    if flushed:
        three.flush()
    before = three.get("a")
    moment = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    assert three.update(ids=["a", 3, "never"], set={"year": 10, "seen": moment}, unset=["note"]).rows == 2
    after = three.get("a")
    assert after.metadata == {"year": 10, "seen": moment}
    assert after.timestamp == before.timestamp and float_bits(after.vector) == float_bits(before.vector)
    assert three.update("b", set={"year": 5}).rows == 1
    assert three.update(ids=["a", "b"], set=[{"p": 1}, {"q": [1, {"r": None}]}]).rows == 2
    assert three.get("a").metadata["p"] == 1 and three.get("b").metadata == {"year": 5, "q": [1, {"r": None}]}
    assert three.update(ids=["a"], set={"year": 7}, replace_all=True).rows == 1
    assert three.get("a").metadata == {"year": 7}
    assert three.update(ids=[], set={"year": 7}).rows == 0
    assert three.count() == 3


def test_update_and_delete_by_filter(three):
    assert three.update(filter="year >= 2", set={"tags": ["x"]}, unset=("year",)).rows == 2
    assert three.count("year IS NULL AND tags CONTAINS 'x'") == 2
    assert three.update(filter=viper.Filter("_id = 'a' AND year = 1"), set={"year": 2}).rows == 1
    assert three.update(filter=viper.Filter("_id = 'a' AND year = 1"), set={"year": 3}).rows == 0
    assert three.delete(filter="tags CONTAINS 'x'").rows == 2
    assert three.count() == 1 and three.get("a").metadata == {"year": 2, "note": "n"}
    assert three.delete(filter="_id IS NOT NULL").rows == 1


@pytest.mark.parametrize(
    "change, text",
    [
        (dict(), "in one way"),
        (dict(ids=["a"]), "nothing to change"),
        (dict(ids=["a"], filter="year = 1", set={"p": 1}), "in one way"),
        (dict(ids=["a"], set={"year": "x"}), "year"),
        (dict(ids=["a", "b"], set=[{"p": 1}]), "one for each id"),
        (dict(ids=["a", "b"], set=[{"p": 1}, {"year": "x"}]), r"update 1 \(id 'b'\)"),
        (dict(ids=["a"], set="text"), "type str"),
        (dict(ids=["a"], unset="note"), "unset"),
        (dict(ids=["a"], unset=[1]), "unset"),
        (dict(ids=["a"], set={"p": 1}, unset=["p"]), "both"),
        (dict(ids=["a"], set={"_id": 1}), "reserved"),
        (dict(ids=[None], set={"p": 1}), "ids"),
        (dict(filter="", set={"p": 1}), "_id IS NOT NULL"),
        (dict(filter="TRUE", set={"p": 1}), "_id IS NOT NULL"),
        (dict(filter="yaer = 1", set={"p": 1}), "year"),
        (dict(filter="year = 1", set=[{"p": 1}]), "one dict"),
    ],
)
def test_bad_updates_are_value_errors_and_nothing_is_written(three, change, text):
    with pytest.raises(ValueError, match=text):
        three.update(**change)
    assert three.get("a").metadata == {"year": 1, "note": "n"} and three.count("year > 3") == 0


def test_a_delete_says_what_it_means(three):
    for arguments in (dict(), dict(filter=""), dict(filter="TRUE"), dict(ids=["a"], filter="year = 1")):
        with pytest.raises(ValueError):
            three.delete(**arguments)
    assert three.count() == 3


def test_nothing_can_be_written(collection):
    assert collection.upsert(ids=[], vectors=[]).rows == 0
    assert collection.upsert(ids=[], vectors=np.empty((0, 4))).rows == 0
