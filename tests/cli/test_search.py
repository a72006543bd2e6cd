"""viper search: queries given in every way, answers for people and for programs."""

import json
import subprocess

import numpy as np
import pytest

from lake import random_vectors

DIM = 8
ROWS = 300
NOT_FOUND, INVALID = 1, 2


@pytest.fixture
def filled(lake):
    vectors = random_vectors(1, ROWS, DIM)
    lake.create(dim=DIM, metric="l2", fields=[("number", "int64")])
    lake.import_rows({"_id": f"r{i}", "_vector": v.tolist(), "number": i, "t": f"t{i % 3}"} for i, v in enumerate(vectors))
    return lake, vectors


def nearest(vectors, query, k):
    distances = np.linalg.norm(vectors.astype(np.float64) - query.astype(np.float64), axis=1)
    order = np.argsort(distances, kind="stable")[:k]
    return [f"r{i}" for i in order], distances[order]


def check(answer, vectors, query, k=10):
    ids, distances = nearest(vectors, query, k)
    assert [hit["id"] for hit in answer["hits"]] == ids
    assert np.allclose([hit["distance"] for hit in answer["hits"]], distances, rtol=1e-12)
    assert all(hit["score"] == -hit["distance"] for hit in answer["hits"])
    assert all(hit["metadata"]["number"] == int(hit["id"][1:]) for hit in answer["hits"])
    assert answer["seconds"] > 0


def test_every_way_to_ask_gives_the_same_answer(filled, tmp_path):
    lake, vectors = filled
    query = vectors[17]
    text = json.dumps([float(x) for x in query])
    np.save(tmp_path / "q.npy", query[np.newaxis])
    for arguments, given in (
        (["--id", "r17"], None),
        (["--vector", text], None),
        (["--vector", "-"], text),
        (["-"], text + "\n"),
        (["--file", tmp_path / "q.npy"], None),
    ):
        output = lake.run("search", "c", *arguments, "--json", text=given)
        check(json.loads(output), vectors, query)


def test_many_queries_are_answered_one_object_a_line(filled, tmp_path):
    lake, vectors = filled
    queries = random_vectors(2, 600, DIM)
    np.save(tmp_path / "q.npy", queries)
    lines = lake.run("search", "c", "--file", tmp_path / "q.npy", "--k", 3, "--json").splitlines()
    assert [json.loads(line)["query"] for line in lines] == [str(i) for i in range(600)]
    for line, query in zip(lines, queries):
        check(json.loads(line), vectors, query, 3)


def test_a_conversation_over_standard_input_is_answered_line_by_line(filled):
    lake, vectors = filled
    process = subprocess.Popen(
        lake.command("search", "c", "-", "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    for number in (3, 1, 4):
        process.stdin.write(json.dumps(vectors[number].tolist()) + "\n")
        process.stdin.flush()
        check(json.loads(process.stdout.readline()), vectors, vectors[number])
    process.stdin.close()
    assert process.wait() == 0


def test_filter_fields_and_vectors_shape_the_answer(filled):
    lake, vectors = filled
    output = lake.run(
        "search", "c", "--id", "r5", "--k", 4, "--filter", "number < 100 AND t = 't2'", "--fields", "t", "--with-vector", "--json"
    )
    hits = json.loads(output)["hits"]
    assert len(hits) == 4 and hits[0]["id"] == "r5"
    for hit in hits:
        number = int(hit["id"][1:])
        assert number < 100 and number % 3 == 2 and hit["metadata"] == {"t": "t2"}
        assert np.array(hit["vector"], dtype=np.float32).tobytes() == vectors[number].tobytes()


def test_explain_tells_how_each_answer_was_found(filled, tmp_path):
    lake, vectors = filled
    np.save(tmp_path / "q.npy", vectors[:2])
    arguments = ["search", "c", "--file", tmp_path / "q.npy", "--filter", "number < 100", "--explain", "--timeout", 60]
    for line in lake.run(*arguments, "--json").splitlines():
        answer = json.loads(line)
        told = answer["explanation"]
        assert len(answer["hits"]) == 10 and told["plan"] == "exact"
        assert (told["rows"], told["selected_rows"], told["compared_rows"]) == (ROWS, 100, 100)
        assert told["clusters"] is None and told["search_us"] > 0
    table = lake.run(*arguments)
    assert table.count("selected_rows") == 2 and "probed_clusters" in table


def test_the_table_is_aligned_whatever_the_ids_are(lake):
    lake.create(dim=2)
    lake.import_rows(
        {"_id": name, "_vector": [i, 0], "title": title}
        for i, (name, title) in enumerate([("日本語", "wide"), ("é", "one"), ("e\u0301", "combining"), ("\x1b[31mred", "escape")])
    )
    output = lake.run("search", "c", "--vector", "[0, 0]", "--fields", "title")
    assert "\x1b" not in output
    lines = output.splitlines()
    assert lines[0].split() == ["#", "id", "score", "distance", "title"]
    assert [line.split()[-1] for line in lines[1:5]] == ["wide", "one", "combining", "escape"]
    assert lines[5].startswith("4 hits in ")
    # A wide character takes two columns, a combining one none.
    title = lines[0].index("title")
    assert lines[1].index("wide") == title - 3 and lines[2].index("one") == title
    assert lines[3].index("combining") == title + 1


def test_bad_questions_are_named(filled, tmp_path):
    lake, _ = filled
    assert "expected=8 actual=2" in lake.fail("search", "c", "--vector", "[1, 2]", code=INVALID)
    assert "bad JSON" in lake.fail("search", "c", "--vector", "[1, 2", code=INVALID)
    assert "--id" in lake.fail("search", "c", code=INVALID)
    assert "--id" in lake.fail("search", "c", "--id", "r1", "--vector", "[1]", code=INVALID)
    assert "nobody" in lake.fail("search", "c", "--id", "nobody", code=NOT_FOUND)
    assert "nothing" in lake.fail("search", "nothing", "--id", "r1", code=NOT_FOUND)
    assert lake.fail("search", "c", "--id", "r1", "--filter", "number <", code=INVALID)
    np.save(tmp_path / "q.npy", random_vectors(3, 2, 3))
    assert "expected=8 actual=3" in lake.fail("search", "c", "--file", tmp_path / "q.npy", code=INVALID)
