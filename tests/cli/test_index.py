"""`viper index --report` and `viper clusters`: what the index tells about itself."""

import json

import numpy as np
import pytest

from lake import random_vectors

NOT_FOUND, INVALID, CONFLICT = 1, 2, 3
ROWS, DIM = 12_000, 16


@pytest.fixture
def indexed(lake, tmp_path):
    path = tmp_path / "vectors.npy"
    np.save(path, random_vectors(11, ROWS, DIM).astype(np.float32))
    lake.run("import", "c", path, "--create", "--metric", "l2")
    return lake


def test_the_report_tells_what_was_trained_and_measured(indexed):
    report = json.loads(indexed.run("index", "c", "--report", "--json"))
    assert report["trained_rows"] == report["indexed_rows"] == report["table_rows"] == ROWS
    assert report["version"] == 1 and report["segments"] == 1 and report["retrain_reason"] is None
    assert report["clusters"] * report["cluster_rows_mean"] == pytest.approx(ROWS)
    accuracy = report["accuracy"]
    assert accuracy["assignment_agreement"] >= 0.97 and accuracy["queries"] >= 32
    assert [recall["asked"] for recall in accuracy["recalls"]] == [0.9, 0.95, 0.98, 0.99]
    for recall in accuracy["recalls"]:
        assert recall["achieved"] >= recall["asked"] - 0.03
        assert recall["calibration_error"] == pytest.approx(recall["achieved"] - recall["asked"])
    assert report["audit"]["audited"] == 0 and report["audit"]["mean_recall"] is None
    text = indexed.run("index", "c", "--report")
    assert report["model"] in text and "recall 0.95" in text and "rows at the nearest centroid" in text


def test_what_a_compaction_writes_is_in_the_index(indexed):
    indexed.options = ("--deletes", "vectors")
    indexed.run("delete", "c", "5")
    told = json.loads(indexed.run("compact", "c", "--all", "--json"))
    assert [step["dropped_rows"] for step in told["steps"]] == [1]
    report = json.loads(indexed.run("index", "c", "--report", "--json"))
    assert report["indexed_rows"] == report["table_rows"] == ROWS - 1
    assert report["version"] == 1


def test_clusters_of_a_record_and_of_a_vector(indexed):
    by_id = json.loads(indexed.run("clusters", "c", "--id", "7", "--recall", "0.99", "--json"))
    vector = json.dumps(random_vectors(11, ROWS, DIM).astype(np.float32)[7].tolist())
    assert json.loads(indexed.run("clusters", "c", "--vector", vector, "--recall", "0.99", "--json")) == by_id
    assert by_id["optimal"]["cluster"] == by_id["relevant"][0]["cluster"]
    model = json.loads(indexed.run("index", "c", "--report", "--json"))["model"]
    assert by_id["optimal"]["cluster"].startswith(f"c/{model}/")
    assert 0 <= by_id["optimal"]["margin"] <= 1
    distances = [cluster["distance"] for cluster in by_id["relevant"]]
    assert distances == sorted(distances)
    assert 0.8 < sum(cluster["probability"] for cluster in by_id["relevant"]) <= 1.001
    fewer = json.loads(indexed.run("clusters", "c", "--id", "7", "--recall", "0.5", "--json"))
    assert len(fewer["relevant"]) <= len(by_id["relevant"])
    assert by_id["optimal"]["cluster"] in indexed.run("clusters", "c", "--id", "7")


def test_without_an_index_or_a_vector_they_say_so(lake):
    lake.create(dim=2)
    assert "no index" in lake.fail("index", "c", "--report", code=CONFLICT)
    assert "no index" in lake.fail("clusters", "c", "--vector", "[1, 2]", code=CONFLICT)
    assert "one way" in lake.fail("clusters", "c", code=INVALID)
    assert "one way" in lake.fail("clusters", "c", "--id", "a", "--vector", "[1, 2]", code=INVALID)
    assert "--report" in lake.fail("index", "c", "--json", code=INVALID)
    lake.fail("clusters", "c", "--id", "a", code=NOT_FOUND)


def test_what_a_widening_writes_is_in_the_index(indexed):
    indexed.run("schema", "c", "--add", "n:int64")
    assert json.loads(indexed.run("index", "c", "--report", "--json"))["indexed_rows"] == ROWS
    indexed.run("schema", "c", "--widen", "n:float64", "--json")
    info = json.loads(indexed.run("info", "c", "--json"))
    assert info["statistics"]["indexed_rows"] == ROWS
