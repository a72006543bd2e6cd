"""Searches: hits, filters, batches, and what is left out of them."""

import collections.abc
import threading

import numpy as np
import pytest

from lake import random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

ROWS, DIM = 200, 8


@pytest.fixture(params=["memory", "table"])
def collection(database, request):
    made = database.create_collection("c", dim=DIM, metric="l2", fields={"number": "int64"})
    made.upsert(
        ids=[f"row-{number:03}" for number in range(ROWS)],
        vectors=random_vectors(5, ROWS, DIM),
        metadata=[{"number": number, "note": f"note {number}"} for number in range(ROWS)],
    )
    if request.param == "table":
        made.flush()
    return made


def nearest(query, k, rows=range(ROWS)):
    """(id, distance) of the k nearest rows by NumPy in double precision."""
    vectors = random_vectors(5, ROWS, DIM).astype(np.float64)
    distances = np.linalg.norm(vectors - np.asarray(query, dtype=np.float64), axis=1)
    best = sorted(rows, key=lambda row: distances[row])[:k]
    return [(f"row-{row:03}", distances[row]) for row in best]


def test_hits_are_the_nearest_records(collection):
    for query in random_vectors(6, 10, DIM):
        hits = collection.search(query, k=7)
        expected = nearest(query, 7)
        assert [hit.id for hit in hits] == [row_id for row_id, _ in expected]
        assert [hit.distance for hit in hits] == pytest.approx([distance for _, distance in expected], rel=1e-12)
        assert [hit.score for hit in hits] == [-hit.distance for hit in hits]
        assert [hit.metadata["number"] for hit in hits] == [int(hit.id[4:]) for hit in hits]


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_scores_of_the_other_metrics(database, metric):
    vectors = random_vectors(7, 50, DIM)
    query = vectors[3] * 2
    collection = database.create_collection(metric, dim=DIM, metric=metric)
    collection.upsert(ids=range(50), vectors=vectors)
    products = vectors.astype(np.float64) @ query.astype(np.float64)
    if metric == "cosine":
        products /= np.linalg.norm(vectors.astype(np.float64), axis=1) * np.linalg.norm(query.astype(np.float64))
    hits = collection.search(query, k=50)
    assert [int(hit.id) for hit in hits] == np.argsort(-products).tolist()
    assert [hit.score for hit in hits] == pytest.approx(np.sort(products)[::-1].tolist(), rel=1e-6)


def test_ten_hits_by_default_and_none_for_zero(collection):
    query = np.zeros(DIM)
    assert len(collection.search(query)) == 10
    assert list(collection.search(query, k=0)) == []
    assert len(collection.search(query, k=10_000)) == ROWS


def test_filters_are_text_or_parsed_once(collection):
    query = random_vectors(8, 1, DIM)[0]
    for condition in ("number < 5", viper.Filter("number < 5")):
        assert [hit.id for hit in collection.search(query, filter=condition)] == [i for i, _ in nearest(query, 10, range(5))]
        assert collection.count(condition) == 5
    assert collection.count() == collection.count("") == ROWS
    assert repr(viper.Filter("number<5")) == 'Filter("number < 5")'


def test_metadata_can_be_left_out_or_chosen_and_vectors_added(collection):
    query = random_vectors(5, ROWS, DIM)[17]
    def first(**options):
        return collection.search(query, k=1, **options)[0]

    assert first().metadata == {"number": 17, "note": "note 17"} and first().vector is None
    assert first(with_metadata=False).metadata is None
    assert first(select=["note"]).metadata == {"note": "note 17"}
    assert first(select=[]).metadata is None
    assert first(with_vectors=True).vector.tobytes() == query.tobytes()
    assert repr(first()).startswith("Hit(id='row-017'")


def test_hits_are_a_sequence(collection):
    hits = collection.search(random_vectors(5, ROWS, DIM)[17], k=4)
    each = list(hits)
    assert isinstance(hits, collections.abc.Sequence) and len(hits) == 4
    assert hits.ids == [hit.id for hit in each] and hits.ids[0] == "row-017"
    assert hits.distances == [hit.distance for hit in each] == sorted(hits.distances)
    assert hits.scores == [hit.score for hit in each]
    assert hits[-1].id == hits.ids[3] and [hit.id for hit in hits[1:3]] == hits.ids[1:3]
    assert repr(hits).startswith("Hits([Hit(id='row-017'")
    for index in (4, -5, 1 << 70):
        with pytest.raises(IndexError):
            hits[index]
    with pytest.raises(TypeError):
        hits["ids"]
    first = hits[0]
    del hits, each
    assert first.id == "row-017" and first.metadata["number"] == 17


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda c: c.search(np.zeros(DIM + 1)), "expected=8 actual=9"),
        (lambda c: c.search(np.zeros((1, DIM))), "1 dimensions expected, not 2"),
        (lambda c: c.search(5.0), "1 dimensions expected, not 0"),
        (lambda c: c.search("query"), "no numbers"),
        (lambda c: c.search([np.nan] * DIM), "finite"),
        (lambda c: c.search(np.zeros(DIM), filter="number <"), "expected"),
        (lambda c: c.search(np.zeros(DIM), filter="number < 'x'"), "number"),
        (lambda c: c.search(np.zeros(DIM), filter=5), "filter"),
        (lambda c: c.search(np.zeros(DIM), recall=0), "recall"),
        (lambda c: c.search(np.zeros(DIM), recall=1), "recall"),
        (lambda c: c.search(np.zeros(DIM), recall=float("nan")), "recall"),
        (lambda c: c.search_batch(np.zeros(DIM)), "2 dimensions expected, not 1"),
        (lambda c: c.search_batch(np.full((2, DIM), np.inf)), "finite"),
        (lambda c: c.search_batch(np.zeros((4, DIM)), k=2**62), "queries=4 k=4611686018427387904"),
    ],
)
def test_bad_searches_are_value_errors(collection, call, text):
    with pytest.raises(ValueError, match=text) as caught:
        call(collection)
    assert isinstance(caught.value, viper.InvalidArgument)


def test_explain_tells_how_a_search_was_answered(collection):
    query = random_vectors(6, 1, DIM)[0]
    told = collection.explain(query, k=3, filter="number < 50")
    assert [hit.id for hit in told["hits"]] == [hit.id for hit in collection.search(query, k=3, filter="number < 50")]
    assert told["plan"] == "exact" and told["selected_rows"] == told["compared_rows"] == 50 and told["rows"] == ROWS
    assert told["clusters"] is None and told["index_estimate_us"] is None and told["search_us"] > 0
    assert not told["selection_was_cached"]
    assert collection.explain(query, filter="number<50")["selection_was_cached"]


def test_a_search_in_time_answers_and_a_timeout_must_be_positive(collection):
    query = random_vectors(6, 1, DIM)[0]
    assert len(collection.search(query, timeout=3600, rerank=20)) == 10
    for timeout in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            collection.search(query, timeout=timeout)


def test_a_batch_answers_as_single_searches_do(collection):
    queries = random_vectors(9, 20, DIM)
    ids, distances = collection.search_batch(queries, k=6)
    assert distances.dtype == np.float32 and distances.shape == (20, 6) and distances.flags.c_contiguous
    for row, query in enumerate(queries):
        hits = collection.search(query, k=6)
        assert ids[row] == [hit.id for hit in hits]
        assert distances[row].tolist() == [np.float32(hit.distance) for hit in hits]


def test_a_batch_pads_with_nan_where_fewer_records_match(collection):
    ids, distances = collection.search_batch(random_vectors(9, 3, DIM), k=5, filter="number IN (1, 2)")
    assert [sorted(row) for row in ids] == [["row-001", "row-002"]] * 3
    assert np.isnan(distances).tolist() == [[False, False, True, True, True]] * 3
    ids, distances = collection.search_batch(np.empty((0, DIM)), k=5)
    assert ids == [] and distances.shape == (0, 5)


def test_hits_and_arrays_outlive_the_collection(collection):
    hit = collection.search(random_vectors(5, ROWS, DIM)[17], k=1, with_vectors=True)[0]
    vector, (_, distances) = hit.vector, collection.search_batch(np.zeros((1, DIM)), k=2)
    collection.close()
    assert hit.id == "row-017" and hit.metadata["number"] == 17
    assert vector.tobytes() == random_vectors(5, ROWS, DIM)[17].tobytes() and distances.shape == (1, 2)


def test_threads_search_while_others_write(collection):
    queries = random_vectors(10, 30, DIM)
    expected = [[row_id for row_id, _ in nearest(query, 3)] for query in queries]
    wrong = []

    def search():
        for query, ids in zip(queries, expected):
            found = [hit.id for hit in collection.search(query, k=3, filter="number >= 0")]
            if found != ids:
                wrong.append((found, ids))

    def write():
        for number in range(30):
            collection.upsert(ids=[f"new-{number}"], vectors=np.zeros((1, DIM)), metadata=[{"number": -1}])

    threads = [threading.Thread(target=target) for target in (search, search, write, search)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and collection.count() == ROWS + 30
