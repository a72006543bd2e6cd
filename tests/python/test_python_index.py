"""What the index tells about itself, in Python."""

import datetime

import numpy as np
import pytest

from lake import random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

ROWS, DIM = 20_000, 128  # so many that searches go through the index


@pytest.fixture
def collection(tmp_path):
    with viper.connect(tmp_path / "lake", background_index=False, audit_share=1.0, index_threads=1) as database:
        made = database.create_collection("c", dim=DIM, metric="l2")
        made.upsert(ids=range(ROWS), vectors=random_vectors(12, ROWS, DIM))
        made.flush()
        made.build_index()
        yield made


def test_predictions_name_clusters_of_the_model(collection):
    vector = random_vectors(12, ROWS, DIM)[5]
    optimal = collection.predict_optimal_cluster(vector)
    report = collection.index_report()
    assert optimal["cluster"] == f"c/{report['model']}/{optimal['number']}"
    assert optimal["distance"] <= optimal["second_distance"] and 0 <= optimal["margin"] <= 1
    relevant = collection.predict_relevant_clusters(vector, recall=0.99, k=10)
    assert relevant[0]["cluster"] == optimal["cluster"] and len(relevant) <= report["clusters"]
    assert sum(cluster["probability"] for cluster in relevant) <= 1.001
    assert len(collection.predict_relevant_clusters(vector, 0.5)) <= len(relevant)
    with pytest.raises(viper.InvalidArgument):
        collection.predict_optimal_cluster(vector[:3])
    with pytest.raises(viper.InvalidArgument):
        collection.predict_relevant_clusters(vector, recall=1.0)


def test_the_report_holds_accuracy_and_audits(collection):
    report = collection.index_report()
    assert report["indexed_rows"] == ROWS and report["retrain_reason"] is None and report["damaged_files"] == []
    assert isinstance(report["trained_at"], datetime.datetime)
    assert report["accuracy"]["assignment_agreement"] >= 0.97
    assert [recall["asked"] for recall in report["accuracy"]["recalls"]] == [0.9, 0.95, 0.98, 0.99]
    assert report["audit"]["audited"] == 0 and report["audit"]["mean_recall"] is None
    queries = random_vectors(13, 100_000, DIM)
    for query in queries:
        collection.search(query, recall=0.9)
        audit = collection.index_report()["audit"]
        if audit["audited"] >= 5:
            break
    assert audit["audited"] >= 5 and 0 < audit["mean_recall"] <= 1 and audit["failed"] == 0
    assert audit["by_recall"][0]["asked"] == 0.9


def test_without_an_index_there_is_nothing_to_tell(database):
    collection = database.create_collection("c", dim=3)
    for call in (collection.index_report, lambda: collection.predict_optimal_cluster(np.ones(3))):
        with pytest.raises(viper.FailedPrecondition):
            call()


def test_few_rows_are_indexed_where_that_is_asked_for(tmp_path):
    for least, plan in ((1000, "exact"), (500, "index")):
        with viper.connect(tmp_path / str(least), background_index=False, index_min_rows=least) as database:
            made = database.create_collection("c", dim=16, metric="l2")
            made.upsert(ids=range(800), vectors=random_vectors(13, 800, 16))
            made.flush()
            made.build_index()
            assert made.explain(random_vectors(13, 1, 16)[0], nprobe=1 if plan == "index" else 0)["plan"] == plan


def test_a_build_tells_how_far_it_has_come_and_can_be_stopped(tmp_path):
    with viper.connect(tmp_path, background_index=False) as database:
        made = database.create_collection("c", dim=32, metric="l2")
        made.upsert(ids=range(5000), vectors=random_vectors(14, 5000, 32))
        made.flush()
        with pytest.raises(viper.Cancelled):
            made.build_index(progress=lambda share: share < 0.5)

        def fail(share):
            raise ZeroDivisionError(share)

        with pytest.raises(ZeroDivisionError):
            made.build_index(progress=fail)
        assert made.statistics()["index_clusters"] == 0

        told = []
        made.build_index(progress=lambda share: told.append((share, made.statistics()["index_training_share"])))
        assert len(told) > 5 and all(0 <= share <= 1 for share, _ in told)
        assert any(share == of_statistics for share, of_statistics in told)
        assert made.statistics()["index_training_share"] is None and made.statistics()["index_clusters"] > 0
