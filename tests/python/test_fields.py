"""Fields that are declared later, from Python."""

import numpy as np
import pytest

viper = pytest.importorskip("viper", reason="the Python module is not built")


@pytest.fixture
def films(database):
    made = database.create_collection("films", dim=2, fields={"title": "string"})
    made.upsert(
        ids=["a", "b", "c"],
        vectors=np.eye(3, 2),
        metadata=[{"year": 1979, "title": "Alien"}, {"year": "soon"}, {"year": None}],
    )
    return made


def test_a_field_that_is_declared_later_has_the_values_that_were_there(films):
    report = films.add_fields({"year": "int64"})
    assert films.fields == {"title": "string", "year": "int64"}
    (field,) = report["fields"]
    assert (field["values"], field["parked"], field["nulls"], field["absent"]) == (1, 1, 1, 0)
    assert (field["parked_example"], field["parked_id"]) == ('"soon"', "b")
    assert films.count("year > 1900") == 1 and films.count("year IS NULL") == 2
    assert films.get("b").metadata["year"] == "soon" and films.get("c").metadata["year"] is None
    with pytest.raises(viper.InvalidArgument, match="field 'year' is int64"):
        films.upsert(["d"], [[0, 1]], [{"year": "never"}])
    films.widen_field("year")
    assert films.fields["year"] == "float64"
    value = films.get("a").metadata["year"]
    assert value == 1979.0 and isinstance(value, float)


def test_what_cannot_be_declared_is_refused(films):
    with pytest.raises(viper.InvalidArgument, match="declared=string"):
        films.add_fields({"title": "int64"})
    with pytest.raises(viper.InvalidArgument, match="field type"):
        films.add_fields({"year": "number"})
    with pytest.raises(viper.NotFound, match="'year'"):
        films.widen_field("year")
    assert films.fields == {"title": "string"}


def test_a_report_tells_what_is_worth_declaring(films):
    films.upsert([f"r{i}" for i in range(50)], np.ones((50, 2)), [{"year": 1900 + i} for i in range(50)])
    report = films.report_schema()
    assert report["rows"] == report["rows_read"] == 53
    (year,) = report["keys"]
    assert (year["key"], year["type"], year["fitting"], year["is_worth_declaring"]) == ("year", "int64", 51, True)
    assert films.report_schema(sample_rows=10)["rows_read"] < 53


def test_exist_ok_opens_a_collection_that_has_more_fields_by_now(database, films):
    films.add_fields({"year": "int64"})
    films.close()
    again = database.create_collection("films", dim=2, fields={"title": "string"}, exist_ok=True)
    assert again.fields == {"title": "string", "year": "int64"}
    with pytest.raises(viper.AlreadyExists):
        database.create_collection("films", dim=2, fields={"year": "string"}, exist_ok=True)


def test_undeclared_keys_are_kept_or_refused(database):
    collection = database.create_collection("strict", dim=2, fields={"year": "int64"}, undeclared="refuse")
    assert collection.undeclared == "refuse"
    with pytest.raises(ValueError, match="did you mean 'year'"):
        collection.upsert(ids=["a"], vectors=[[1, 2]], metadata=[{"yaer": 1}])
    with pytest.raises(viper.AlreadyExists, match="undeclared"):
        database.create_collection("strict", dim=2, fields={"year": "int64"}, default_ttl=5, exist_ok=True)
    collection.set_undeclared("keep")
    collection.upsert(ids=["a"], vectors=[[1, 2]], metadata=[{"yaer": 1}])
    assert collection.get("a").metadata == {"yaer": 1}
    with pytest.raises(ValueError, match="keep|refuse"):
        collection.set_undeclared("drop")
