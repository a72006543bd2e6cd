"""Properties and older versions from the command line."""

import datetime
import json

import pytest

from lake import Lake

NOT_FOUND, INVALID, CONFLICT = 1, 2, 3
SECOND = datetime.timedelta(seconds=1)


def rows(*ids, **more):
    return [{"_id": row_id, "_vector": [1, 2], **more} for row_id in ids]


def info(lake):
    return json.loads(lake.run("info", "c", "--json"))


def expiry(lake, row_id):
    text = json.loads(lake.run("get", "c", row_id)).get("_expires_at")
    return None if text is None else datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize("way", ([], ["--via-log"]), ids=("load", "log"))
def test_records_expire_by_default_as_the_collection_says(lake, way):
    lake.run("create", "c", "--dim", 2, "--default-ttl", "12h")
    assert info(lake)["properties"] == {"default_ttl_ms": 12 * 3600 * 1000, "undeclared_keys": "keep", "retention_ms": None}
    assert "12h" in lake.run("info", "c")
    before = datetime.datetime.now(datetime.timezone.utc)
    lake.import_rows(rows("default") + rows("never", _expires_at="never") + rows("own", _expires_at="2999-01-01T00:00:00Z"), *way)
    assert abs(expiry(lake, "default") - before - datetime.timedelta(hours=12)) < 100 * SECOND
    assert expiry(lake, "never") is None
    assert expiry(lake, "own").year == 2999


def test_undeclared_keys_are_refused_where_they_are_to_be(lake):
    path = lake.root / "rows.jsonl"
    path.write_text(json.dumps({"_id": "a", "_vector": [1, 2], "yeer": 1999}) + "\n")
    create = ["import", "c", path, "--create", "--field", "year:int64", "--undeclared", "refuse", "--default-ttl", "1h"]
    error = lake.fail(*create, code=INVALID)
    assert "'yeer'" in error and "'year'" in error
    assert info(lake)["properties"] == {"default_ttl_ms": 3600 * 1000, "undeclared_keys": "refuse", "retention_ms": None}
    assert "undeclared=keep (was refuse)" in lake.run("alter", "c", "--undeclared", "keep")
    assert "other properties" in lake.fail(*create, code=CONFLICT)
    lake.run(*create[:3])
    assert json.loads(lake.run("get", "c", "a"))["yeer"] == 1999 and expiry(lake, "a") is not None
    assert "--undeclared" in lake.fail("alter", "c", "--undeclared", "perhaps", code=INVALID)
    assert "go with --create" in lake.fail("import", "c", path, "--undeclared", "keep", code=INVALID)


def test_never_is_read_from_csv_too(lake):
    lake.run("create", "c", "--dim", 2, "--default-ttl", "1d")
    path = lake.root / "rows.csv"
    path.write_text('_id,_vector,_expires_at\na,"[1, 2]",never\nb,"[1, 2]",\n')
    lake.run("import", "c", path)
    assert expiry(lake, "a") is None and expiry(lake, "b") is not None


def test_the_default_is_altered_for_what_comes_later(lake):
    lake.create(dim=2)
    lake.import_rows(rows("before"))
    assert "default_ttl=90s (was never)" in lake.run("alter", "c", "--default-ttl", "90s")
    lake.import_rows(rows("after"))
    assert expiry(lake, "before") is None and expiry(lake, "after") is not None
    assert "default_ttl=never (was 90s)" in lake.run("alter", "c", "--default-ttl", "never")
    for text in ("soon", "-1s", "5", "1.5h", "99999999999999999999d", "0s"):
        assert "--default-ttl" in lake.fail("alter", "c", f"--default-ttl={text}", code=INVALID), text
    assert "default_ttl_ms" in lake.fail("alter", "c", "--default-ttl", "99999d", code=INVALID)
    assert "nothing to change" in lake.fail("alter", "c", code=INVALID)
    lake.fail("alter", "other", "--default-ttl", "1s", code=NOT_FOUND)


def test_older_versions_are_listed_and_read(lake):
    lake.create(dim=2)
    lake.import_rows(rows("a", n=1))
    lake.import_rows(rows("a", "b", n=2))
    versions = json.loads(lake.run("versions", "c", "--json"))["versions"]
    assert [(one["version"], one["rows"], one["operation"]) for one in versions] == [
        (0, 0, "CREATE TABLE"), (1, 1, "WRITE"), (2, 2, "WRITE"),
    ]
    assert "CREATE TABLE" in lake.run("versions", "c")
    at_one = ("--version", 1)
    at_time = ("--as-of", versions[1]["committed_at"])
    for state in (at_one, at_time) if versions[1]["committed_at"] < versions[2]["committed_at"] else (at_one,):
        assert lake.run("count", "c", *state).strip() == "1"
        assert json.loads(lake.run("get", "c", "a", *state))["n"] == 1
        assert len(lake.run("scroll", "c", *state).splitlines()) == 1
        assert len(json.loads(lake.run("search", "c", "--vector", "[1, 2]", "--json", *state))["hits"]) == 1
        assert len(lake.run("export", "c", *state).splitlines()) == 1
    assert lake.run("count", "c").strip() == "2"
    assert "kept are 3 versions, 0 (of" in lake.fail("count", "c", "--version", 7, code=NOT_FOUND)
    assert "kept are 3 versions" in lake.fail("get", "c", "a", "--as-of", "1999-01-01", code=NOT_FOUND)
    assert "one way" in lake.fail("count", "c", *at_one, *at_time, code=INVALID)
    lake.fail("count", "c", "--as-of", "yesterday", code=INVALID)


def test_what_a_collection_keeps_no_command_removes(lake):
    lake.run("create", "c", "--dim", 2, "--retention", "7d")
    week = 7 * 24 * 3600 * 1000
    assert info(lake)["properties"]["retention_ms"] == week and "7d" in lake.run("info", "c")
    for n in range(3):
        lake.import_rows(rows("a", n=n))
        lake.run("flush", "c")
        assert "removed 0 files" in lake.run("compact", "c", "--all", "--vacuum")
    assert json.loads(lake.run("get", "c", "a", "--version", 1))["n"] == 0
    assert "retention=default (was 7d)" in lake.run("alter", "c", "--retention", "default")
    assert info(lake)["properties"]["retention_ms"] is None
    assert "removed 2 files" in lake.run("compact", "c", "--vacuum")
    assert "retention=0 (was default)" in lake.run("alter", "c", "--retention", "0")
    assert "retention=30d (was 0)" in lake.run("alter", "c", "--retention", "30d")
    for text in ("never", "soon", "0s", "-1d", ""):
        lake.fail("alter", "c", f"--retention={text}", code=INVALID)
    assert "retention_ms" in lake.fail("alter", "c", "--retention", "99999d", code=INVALID)
    path = lake.root / "rows.jsonl"
    path.write_text(json.dumps({"_id": "b", "_vector": [1, 2]}) + "\n")
    assert "retention=30d" in lake.fail("import", "c", path, "--create", "--retention", "1d", code=CONFLICT)
    lake.run("import", "c", path, "--create", "--retention", "30d")


def test_a_version_in_a_filter_makes_a_write_conditional(lake):
    lake.create(dim=2)
    lake.import_rows(rows("a"))
    version = json.loads(lake.run("get", "c", "a", "--with-version"))["_ingested_at"]
    condition = f"_id = 'a' AND _ingested_at = '{version}'"
    assert lake.run("update", "c", "--filter", condition, "--set", "n=1").startswith("updated 1 ")
    assert lake.run("update", "c", "--filter", condition, "--set", "n=2").startswith("updated 0 ")
    assert lake.run("delete", "c", "--filter", condition).startswith("deleted 0 ")
