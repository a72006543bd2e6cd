"""Sparse vectors from Python: in all the forms that people have them, as records and as queries, and what is told of them."""

import numpy as np
import pytest

from lake import float_bits, random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")
scipy_sparse = pytest.importorskip("scipy.sparse", reason="the Python package `scipy` is not installed")

DIM = 50


def sparse_rows(seed, count, share=0.1):
    rows = random_vectors(seed, count, DIM)
    rows[np.random.default_rng(seed).random(rows.shape) >= share] = 0
    return rows


@pytest.fixture
def collection(database):
    return database.create_collection("c", dim=DIM, metric="l2")


def pair(row):
    (places,) = np.nonzero(row)
    return {"indices": places.tolist(), "values": row[places].tolist()}


FORMS = {
    "SparseVector": lambda rows: [viper.SparseVector.from_dense(row) for row in rows],
    "dict": lambda rows: [pair(row) for row in rows],
    "dict of arrays": lambda rows: tuple({name: np.array(list_) for name, list_ in pair(row).items()} for row in rows),
    "csr_matrix": scipy_sparse.csr_matrix,
    "csr_array": scipy_sparse.csr_array,
    "csc_matrix": scipy_sparse.csc_matrix,
    "coo_array": scipy_sparse.coo_array,
    "rows of SciPy": lambda rows: [scipy_sparse.csr_matrix(row.reshape(1, -1)) for row in rows],
    "mixed": lambda rows: [row if number % 2 else pair(row) for number, row in enumerate(rows)],
    "mixed with lists": lambda rows: [row.tolist() if number % 2 else pair(row) for number, row in enumerate(rows)],
}


@pytest.mark.parametrize("form", FORMS)
def test_sparse_records_of_any_form_are_the_dense_ones(collection, form):
    rows = sparse_rows(1, 20)
    assert collection.upsert(ids=range(20), vectors=FORMS[form](rows)).rows == 20
    collection.flush()
    for number, row in enumerate(rows):
        record = collection.get(number)
        assert float_bits(record.vector) == float_bits(row)
        assert record.sparse_vector == viper.SparseVector.from_dense(row)
        assert np.array_equal(record.sparse_vector.indices, np.nonzero(row)[0])


@pytest.mark.parametrize("query", [viper.SparseVector.from_dense, pair, lambda row: scipy_sparse.csr_array(row.reshape(1, -1))],
                         ids=["SparseVector", "dict", "SciPy"])
def test_sparse_queries_answer_as_dense_ones_do(collection, query):
    rows = sparse_rows(2, 100)
    collection.upsert(ids=range(100), vectors=rows)
    for row in sparse_rows(3, 10):
        dense, sparse = (collection.search(form, k=5, with_vectors=True) for form in (row, query(row)))
        assert dense.ids == sparse.ids and dense.distances == sparse.distances
        assert float_bits(sparse[0].sparse_vector.to_dense(DIM)) == float_bits(dense[0].vector)
        assert collection.explain(query(row), k=5)["hits"].ids == dense.ids
    assert collection.search(rows[0], k=1)[0].sparse_vector is None


def test_a_batch_of_sparse_queries_answers_as_a_dense_one(collection):
    collection.upsert(ids=range(100), vectors=sparse_rows(2, 100))
    queries = sparse_rows(5, 8)
    dense_ids, dense = collection.search_batch(queries, k=3)
    sparse_ids, sparse = collection.search_batch(scipy_sparse.csr_matrix(queries), k=3)
    assert dense_ids == sparse_ids and np.array_equal(dense, sparse)


def test_entries_that_come_twice_in_a_matrix_are_added(collection):
    matrix = scipy_sparse.csr_matrix((np.array([1.0, 2.0]), np.array([3, 3]), np.array([0, 2])), shape=(1, DIM))
    collection.upsert(ids=["a"], vectors=matrix)
    assert collection.get("a").sparse_vector == viper.SparseVector([3], [3.0])
    assert matrix.nnz == 2  # as it was


@pytest.mark.parametrize(
    "vectors, word",
    [
        ([{"indices": [0, 1], "values": [1.0]}], "indices=2 values=1"),
        ([{"indices": [DIM], "values": [1.0]}], f"dim={DIM} index={DIM}"),
        ([{"indices": [-1], "values": [1.0]}], "place=0 index=-1"),
        ([{"indices": [4, 4], "values": [1.0, 2.0]}], "an index twice: index=4"),
        ([{"indices": [4], "values": [float("nan")]}], "not finite: index=4"),
        ([{"indices": [1.5], "values": [1.0]}], "integers expected"),
        ([{"indices": [1], "values": ["x"]}], "numbers expected"),
        ([{"indices": [[1]], "values": [1.0]}], "one dimension expected"),
        (scipy_sparse.csr_matrix((1, DIM + 1)), f"expected={DIM} actual={DIM + 1}"),
        ([scipy_sparse.csr_matrix((2, DIM))], "an element of the list has 2 rows"),
        ([viper.SparseVector([], []), viper.SparseVector([], [])], "ids=1 vectors=2"),
    ],
)
def test_what_makes_no_vector_is_refused_with_its_numbers(collection, vectors, word):
    with pytest.raises(viper.InvalidArgument, match="vectors") as refusal:
        collection.upsert(ids=["a"], vectors=vectors)
    assert word in str(refusal.value)
    assert collection.count() == 0


def test_the_layout_of_a_vector_follows_the_threshold():
    def layout(zeros, threshold):
        return viper.determine_storage_format([0.0] * zeros + [1.0] * (100 - zeros), threshold)

    assert [layout(zeros, 0.5) for zeros in (40, 49, 51, 60)] == ["dense", "dense", "sparse", "sparse"]
    assert [layout(zeros, 0.3) for zeros in (30, 40, 49, 51)] == ["dense", "sparse", "sparse", "sparse"]


@pytest.mark.parametrize("vector_format, threshold, layouts", [
    ("sparse", 0.5, [("hybrid", 30)]), ("sparse", 0.95, [("dense", 0)]), ("dense", 0.5, [("dense", 0)]),
])
def test_inspect_tells_the_layout_of_each_row_group(tmp_path, vector_format, threshold, layouts):
    with viper.connect(tmp_path, vector_format=vector_format, sparsity_threshold=threshold) as database:
        collection = database.create_collection("c", dim=DIM)
        vectors = sparse_rows(4, 40, 0.2)
        vectors[::4] = random_vectors(4, 10, DIM)
        collection.upsert(ids=range(40), vectors=vectors)
        collection.flush()
        groups = [group for part in database.inspect("c")["parts"] for group in part["groups"]]
        assert [(group["layout"], group["sparse_rows"]) for group in groups] == layouts


def test_options_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(viper.InvalidArgument, match="hybrid"):
        viper.connect(tmp_path, vector_format="hybrid")
    with pytest.raises(viper.InvalidArgument, match="sparsity_threshold"):
        viper.connect(tmp_path, sparsity_threshold=1.5)


def test_what_is_printed_of_one():
    assert repr(viper.SparseVector([3, 1], [1.0, 2.0])) == "SparseVector(2 components)"
    assert viper.SparseVector([3], [1.0]) != viper.SparseVector([3], [2.0])
    assert viper.SparseVector.from_dense([0.0, -0.0, 1.0]).indices.tolist() == [1, 2]
