"""viper bench: the recall it tells is the one that its searches reach, over sampled records and over queries of a file."""

import json

import numpy as np
import pytest

from lake import random_vectors

DIM = 8
ROWS = 300
INVALID = 2


@pytest.fixture
def filled(lake):
    vectors = random_vectors(1, ROWS, DIM)
    vectors[200:] = vectors[100:200]  # equal records may stand for each other
    lake.create(dim=DIM, metric="l2", fields=[("number", "int64")])
    lake.import_rows({"_id": f"r{i}", "_vector": v.tolist(), "number": i} for i, v in enumerate(vectors))
    return lake


def lines_of(lake, *arguments):
    return [json.loads(line) for line in lake.run("bench", "c", *arguments, "--json").splitlines()]


def test_every_recall_and_exact_search_have_a_line(filled):
    lines = lines_of(filled, "--sample", 40, "--recall", "0.8,0.99", "--k", 5)
    assert [(line["recall_asked"], line["exact"]) for line in lines] == [(0.8, False), (0.99, False), (None, True)]
    for line in lines:
        # Without an index everything is compared.
        assert line["recall"] == 1.0 and line["queries"] == 40 and line["k"] == 5 and line["short"] == 0
        assert line["queries_per_s"] > 0 and 0 < line["p50_s"] <= line["p95_s"] <= line["p99_s"]


def test_a_sample_larger_than_the_collection_takes_every_record_once(filled):
    assert lines_of(filled, "--sample", 5000)[0]["queries"] == ROWS


def test_a_sampled_record_is_no_answer_to_itself(filled):
    lines = lines_of(filled, "--sample", 3, "--k", ROWS)
    assert all(line["recall"] == 1.0 and line["short"] == 0 and line["neighbours"] == 3 * (ROWS - 1) for line in lines)
    # The one record that matches has no answer, all others have it; neither counts as short.
    lines = lines_of(filled, "--sample", ROWS, "--filter", "number < 1", "--k", 2)
    assert all(line["recall"] == 1.0 and line["short"] == 0 and line["neighbours"] == ROWS - 1 for line in lines)


def test_queries_of_a_file_and_a_filter(filled, tmp_path):
    np.save(tmp_path / "q.npy", random_vectors(2, 300, DIM))
    assert [line["queries"] for line in lines_of(filled, "--queries", tmp_path / "q.npy", "--recall", "0.9")] == [300, 300]
    nothing = lines_of(filled, "--queries", tmp_path / "q.npy", "--filter", "number < 0")
    assert all(line["recall"] is None for line in nothing)


def test_recall_is_measured_through_an_index(lake, tmp_path):
    wide = 128  # the planner compares fewer floats than that with every record
    lake.create(dim=wide, metric="l2")
    np.save(tmp_path / "rows.npy", random_vectors(3, 20_000, wide))
    lake.run("import", "c", tmp_path / "rows.npy")
    lines = lines_of(lake, "--sample", 200, "--recall", "0.5,0.99")
    assert lines[-1]["recall"] == 1.0
    assert 0.3 < lines[0]["recall"] < lines[1]["recall"] <= 1.0, lines


def test_the_table_is_for_people(filled):
    text = filled.run("bench", "c", "--sample", 20)
    assert text.splitlines()[0] == "20 queries, sampled records (each left out of its own answers), k=10, one query a call"
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["recall", "0.9", "0.95", "0.99", "exact"]


def test_what_cannot_be_measured_is_refused(filled, tmp_path):
    np.save(tmp_path / "q.npy", random_vectors(2, 3, DIM + 1))
    assert "another dimension" in filled.fail("bench", "c", "--queries", tmp_path / "q.npy", code=INVALID)
    assert "recall" in filled.fail("bench", "c", "--recall", "1.5", code=INVALID)
    assert "k=0" in filled.fail("bench", "c", "--k", 0, code=INVALID)
    assert "no queries" in filled.fail("bench", "c", "--sample", 0, code=INVALID)
    filled.create("empty", dim=DIM)
    assert "no queries" in filled.fail("bench", "empty", code=INVALID)
