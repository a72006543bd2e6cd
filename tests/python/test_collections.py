"""Databases and collections: made, opened, listed, dropped, closed; and how errors look."""

import pytest

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

ROW = {"ids": ["a"], "vectors": [[1, 2, 3]]}


def test_a_collection_lives_on_after_closing(tmp_path):
    with viper.connect(tmp_path) as database:
        with database.create_collection("films", dim=3, metric="l2", fields={"year": "int64"}) as films:
            films.upsert(**ROW, metadata=[{"year": 1979}])
    films = viper.connect(str(tmp_path)).open_collection("films")
    assert (films.name, films.dim, films.metric, films.fields) == ("films", 3, "l2", {"year": "int64"})
    assert films.get("a").metadata == {"year": 1979}


def test_collections_are_listed_and_dropped(database):
    for name in ("b", "a"):
        database.create_collection(name, dim=2).close()
    assert database.list_collections() == ["a", "b"]
    database.drop_collection("a")
    assert database.list_collections() == ["b"]


def test_cosine_is_the_default_and_names_have_aliases(database):
    assert database.create_collection("c", dim=2).metric == "cosine"
    assert database.create_collection("d", dim=2, metric="Euclidean", fields={"x": "str"}).fields == {"x": "string"}


def test_exist_ok_opens_what_is_there_if_the_schema_is_the_same(database):
    first = database.create_collection("c", dim=3)
    first.upsert(**ROW)
    again = database.create_collection("c", dim=3, exist_ok=True)
    assert again.count() == 1
    with pytest.raises(viper.AlreadyExists):
        database.create_collection("c", dim=3)
    with pytest.raises(viper.AlreadyExists, match="another schema"):
        database.create_collection("c", dim=4, exist_ok=True)


def test_a_missing_collection_is_a_key_error_that_prints_as_text(database):
    with pytest.raises(KeyError) as caught:
        database.open_collection("nothing")
    assert isinstance(caught.value, viper.NotFound) and isinstance(caught.value, viper.Error)
    assert str(caught.value) == caught.value.args[0] and "nothing" in str(caught.value)


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"name": "../c", "dim": 2}, "name"),
        ({"name": "c", "dim": 0}, "dim"),
        ({"name": "c", "dim": 2, "metric": "nearness"}, "nearness"),
        ({"name": "c", "dim": 2, "fields": {"x": "complex"}}, "complex"),
        ({"name": "c", "dim": 2, "fields": {"_x": "int64"}}, "_x"),
    ],
)
def test_bad_arguments_are_value_errors(database, arguments, text):
    with pytest.raises(ValueError, match=text) as caught:
        database.create_collection(**arguments)
    assert isinstance(caught.value, viper.InvalidArgument)


def test_a_reader_sees_what_the_writer_wrote_and_cannot_write(tmp_path):
    writer = viper.connect(tmp_path).create_collection("c", dim=3)
    writer.upsert(**ROW)
    reader = viper.connect(tmp_path, read_only=True).open_collection("c")
    assert reader.count() == 1
    writer.upsert(ids=["b"], vectors=[[4, 5, 6]])
    reader.refresh()
    assert reader.count() == 2
    with pytest.raises(viper.FailedPrecondition):
        reader.upsert(**ROW)


def test_what_is_closed_says_so(tmp_path):
    database = viper.connect(tmp_path)
    collection = database.create_collection("c", dim=3)
    database.close()
    collection.upsert(**ROW)  # open collections stay open
    collection.close()
    collection.close()
    for call in (database.list_collections, collection.count, lambda: collection.search([1, 2, 3])):
        with pytest.raises(viper.FailedPrecondition, match="closed"):
            call()


def test_options_are_checked(tmp_path):
    for options in ({"durability": "hope"}, {"flush_bytes": 1}, {"search_threads": 10_000}):
        with pytest.raises(viper.InvalidArgument):
            viper.connect(tmp_path, **options)
    with pytest.raises(TypeError):
        viper.connect(tmp_path, colour="red")
    with pytest.raises(TypeError):
        viper.connect(7)


def test_statistics_count(database):
    collection = database.create_collection("c", dim=3)
    collection.upsert(**ROW)
    assert collection.statistics()["live_rows"] == collection.statistics()["memory_rows"] == 1
    collection.flush()
    statistics = collection.statistics()
    assert statistics["memory_rows"] == 0 and statistics["part_count"] == 1 and statistics["flushes"] == 1
    assert statistics["background_error"] is None


def test_pyarrow_in_the_same_process_does_no_harm(database):
    import pyarrow.parquet

    collection = database.create_collection("c", dim=3)
    collection.upsert(**ROW, metadata=[{"nested": {"a": [1, None, "x"]}}])
    collection.flush()
    files = [path for path in (pathlib_of(database) / "c").glob("*.parquet")]
    assert pyarrow.parquet.read_table(files[0]).column("_id").to_pylist() == ["a"]
    assert collection.get("a").metadata == {"nested": {"a": [1, None, "x"]}}


def pathlib_of(database):
    import pathlib

    return pathlib.Path(database.root)
