"""verify, repair and inspect from Python."""

import datetime

import pytest

from lake import random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")


@pytest.fixture
def root(tmp_path):
    with viper.connect(tmp_path / "lake", background_index=False) as database:
        made = database.create_collection("c", dim=8, metric="l2", fields={"year": "int64"})
        made.upsert(ids=range(100), vectors=random_vectors(3, 100, 8), metadata=[{"year": i} for i in range(100)])
        made.flush()
        made.close()
    return tmp_path / "lake"


def test_a_sound_collection_is_sound_while_it_is_open(root):
    with viper.connect(root) as database:
        collection = database.open_collection("c")
        collection.upsert(ids=["new"], vectors=random_vectors(4, 1, 8))
        report = database.verify("c")
        assert report["is_sound"] and report["findings"] == []
        assert report["rows"] == 100 and report["log_records"] == 1 and report["seconds"] > 0
        assert database.verify("c", memory_bytes=1)["is_sound"]
        with pytest.raises(viper.Busy):
            database.repair("c")
        with pytest.raises(viper.NotFound):
            database.verify("d")


def test_repair_makes_a_sidecar_again(root):
    (sidecar,) = (root / "c").glob("_viper/index/*.vidx")
    sidecar.write_bytes(b"nonsense")
    with viper.connect(root) as database:
        (finding,) = database.verify("c")["findings"]
        assert finding["kind"] == "derived" and finding["is_repairable"] and finding["file"].endswith(sidecar.name)
        dry = database.repair("c", dry_run=True)
        assert dry["dry_run"] and dry["after"] is None and dry["is_sound"] and sidecar.read_bytes() == b"nonsense"
        report = database.repair("c")
        assert report["is_sound"] and report["after"]["findings"] == []
        assert [step["is_done"] for step in report["steps"]] == [True]


def test_damage_of_records_does_not_raise(root):
    (part,) = (root / "c").glob("part-*.parquet")
    data = bytearray(part.read_bytes())
    data[40] ^= 1
    part.write_bytes(data)
    with viper.connect(root) as database:
        report = database.repair("c")
        assert not report["is_sound"] and not any(step["is_done"] for step in report["steps"])
        assert {step["finding"]["file"] for step in report["steps"]} == {part.name}
        assert part.read_bytes() == data


def test_inspect_tells_what_is_in_the_files(root):
    with viper.connect(root, read_only=True) as database:
        told = database.inspect("c")
    assert told["schema"]["dim"] == 8 and told["table_version"] == 1
    assert [version["operation"] for version in told["versions"]] == ["CREATE TABLE", "WRITE"]
    assert isinstance(told["versions"][1]["committed_at"], datetime.datetime)
    (part,) = told["parts"]
    assert part["rows"] == 100 and part["problem"] == ""
    (year,) = [column for column in part["columns"] if column["path"] == "year"]
    assert (year["min"], year["max"], year["null_count"]) == (0, 99, 0) and year["compressions"] == ["zstd"]


def test_the_files_tell_how_they_were_compressed(tmp_path):
    vectors = (random_vectors(1, 2000, 8) * 4).round()
    for name, options, told_options in (
        ("size", {"policy": "size", "vector_cache_bytes": 0}, "policy size, adaptive"),
        ("snappy", {"compression": "snappy"}, "policy speed, all columns snappy"),
    ):
        with viper.connect(tmp_path / name, **options) as database:
            collection = database.create_collection("c", dim=8, metric="l2")
            collection.upsert(ids=range(2000), vectors=vectors)
            collection.flush()
            assert collection.search(vectors[5], k=1)[0].distance == 0
            (part,) = database.inspect("c")["parts"]
        assert part["compression"] == told_options
        vector = part["columns"][-1]
        assert vector["compressions"] == (["snappy"] if name == "snappy" else vector["compressions"])
        assert vector["chosen"] if name == "size" else not vector["chosen"]
    with pytest.raises(viper.InvalidArgument, match="unknown compression"):
        viper.connect(tmp_path / "bad", compression="lzo")
    with pytest.raises(viper.InvalidArgument, match="unknown storage policy"):
        viper.connect(tmp_path / "bad", policy="small")
