"""`viper schema`: what is under each key, what is worth declaring, and changing it."""

import json

import pytest

NOT_FOUND, INVALID = 1, 2


@pytest.fixture
def films(lake):
    lake.create("films", dim=2, fields=(("title", "string"),))
    rows = [{"_id": f"f{i}", "_vector": [i, 1], "title": f"t{i}", "year": 1900 + i, "source": "import"} for i in range(40)]
    rows[3]["year"] = "1903?"
    rows[4]["year"] = None
    del rows[5]["year"]
    lake.import_rows(rows, name="films")
    return lake


def keys_of(report):
    return {key["key"]: key for key in report["keys"]}


def test_it_shows_fields_and_other_keys(films):
    text = films.run("schema", "films")
    assert "title" in text and "37 integers, 1 strings, 1 nulls" in text and "40 of 40 records read" in text
    report = json.loads(films.run("schema", "films", "--json"))
    assert report["fields"] == [{"field": "title", "type": "string", "values": 40, "parked": 0, "nulls": 0, "absent": 0,
                                 "parked_example": "", "parked_id": ""}]
    assert keys_of(report)["year"]["rows"] == 39 and keys_of(report)["source"]["distinct_values"] == 1


def test_it_advises_with_reasons(films):
    text = films.run("schema", "films", "--advise")
    assert "as int64" in text and "37 of 38 values fit int64, 1 would be parked" in text
    assert "every record has the same value" in text
    sampled = json.loads(films.run("schema", "films", "--sample", 10, "--json"))
    assert (sampled["rows"], sampled["rows_read"]) == (40, 10)


def test_it_declares_and_widens(films):
    text = films.run("schema", "films", "--add", "year:int64", "--add", "rating:float64")
    assert "\"1903?\" of 'f3'" in text and "since version 2" in text
    assert films.count("films", "--filter", "year < 1950") == 37
    assert films.count("films", "--filter", "year IS NULL") == 3
    assert "year:int64" in films.run("list", "--long")
    report = json.loads(films.run("schema", "films", "--widen", "year:float64", "--json"))
    assert report["fields"][0]["type"] == "float64" and report["fields"][0]["values"] == 37
    assert films.count("films", "--filter", "year = 1910.0") == 1
    assert json.loads(films.run("get", "films", "f3"))["year"] == "1903?"


def test_what_cannot_be_done_is_refused_by_name(films):
    films.run("schema", "films", "--add", "year:int64")
    assert "declared=int64 actual=string" in films.fail("schema", "films", "--add", "year:string", code=INVALID)
    assert "only int64 can become float64" in films.fail("schema", "films", "--widen", "title:float64", code=INVALID)
    assert "'nothing'" in films.fail("schema", "films", "--widen", "nothing:float64", code=NOT_FOUND)
    assert "name:type" in films.fail("schema", "films", "--add", "year", code=INVALID)
    films.fail("schema", "none", code=NOT_FOUND)
