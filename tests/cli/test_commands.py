"""The other commands, exit codes, and the help that promises them."""

import json
import os
import signal
import subprocess

import pytest

from lake import Lake, program, random_vectors, write_jsonl

OK, NOT_FOUND, INVALID, CONFLICT, IO, BUSY, INTERRUPTED = 0, 1, 2, 3, 5, 6, 130
COMMANDS = "create alter import search get count scroll export info schema list versions index clusters bench verify repair inspect flush compact update delete drop demo".split()


def rows(count):
    return [{"_id": f"r{i:04}", "_vector": [i, 1], "n": i} for i in range(count)]


def test_help_names_every_command_and_exit_code(lake):
    text = lake.run("--help")
    for command in COMMANDS:
        assert f"\n  {command} " in text
        assert "Example:" in lake.run(command, "--help"), command
    for code in ("0 ok", "1 not found", "2 wrong usage", "3 exists", "4 stored data", "5 input/output", "6 another", "130 interrupted"):
        assert code in text.replace("\n", " ")
    assert lake.run("--version").startswith("viper ")


def test_wrong_usage_is_one_line_on_standard_error(lake):
    for arguments in ([], ["nonsense"], ["count"], ["count", "c", "--nonsense"], ["create", "c", "--dim", "many"]):
        message = lake.fail(*arguments, code=INVALID)
        assert message.startswith("viper: ") and message.count("\n") == 1, message


def test_numbers_are_decimal_and_in_range(lake):
    lake.create(dim=2)
    search = ["search", "c", "--vector", "[1,1]"]
    for arguments in (
        [*search, "--k", "-1"],
        [*search, "--k", "0x10"],
        [*search, "--k", 2**64],
        [*search, "--nprobe", "+1"],
        [*search, "--recall", "nan"],
        [*search, "--recall", "0x1p-1"],
        [*search, "--timeout", "1e999"],
        ["bench", "c", "--recall", "0.9,none"],
        ["scroll", "c", "--limit", "1e2"],
        ["--threads", 2**32, "count", "c"],
        ["--memory-limit", 2**44 + 1, "count", "c"],
    ):
        message = lake.fail(*arguments, code=INVALID)
        place = max(i for i, part in enumerate(arguments) if str(part).startswith("--"))
        option, value = arguments[place].removeprefix("--"), str(arguments[place + 1]).removeprefix("0.9,")
        assert f"-{option}" in message and value in message, message
    assert "dim=10 " in lake.run("create", "tens", "--dim", "010")


# More than what standard output holds back: the failure comes in the middle of a command.
@pytest.mark.parametrize("count", (1, 2000))
def test_output_that_cannot_be_written_is_a_failure_of_output(lake, count):
    lake.create(dim=2)
    lake.import_rows(rows(count))
    for arguments in (["scroll", "c", "--limit", count], ["export", "c"], ["get", "c", "r0000"], ["--help"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(lake.command(*arguments), stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode == IO, (arguments, done.stderr)
        assert "standard output" in done.stderr
    with open("/dev/full", "w") as full:
        assert subprocess.run(lake.command("get", "c", "missing"), stderr=full).returncode == NOT_FOUND


@pytest.mark.parametrize("caller_ignores_the_signal", (False, True))
def test_a_reader_that_goes_away_ends_the_output_quietly(lake, caller_ignores_the_signal):
    lake.create(dim=2)
    lake.import_rows(rows(20_000))
    with subprocess.Popen(
        lake.command("scroll", "c", "--limit", 20_000), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        restore_signals=not caller_ignores_the_signal,
    ) as process:
        assert json.loads(process.stdout.readline())["_id"] == "r0000"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == -signal.SIGPIPE


def test_create_list_drop(lake):
    assert lake.run("list") == ""
    assert "created b" in lake.run("create", "b", "--dim", 3)
    lake.run("create", "a", "--dim", 2, "--metric", "dot", "--field", "year:int64", "--field", "tags:list<string>")
    assert lake.run("list").split() == ["a", "b"]
    long = lake.run("list", "--long")
    assert "tags:list<string>" in long and "dot" in long
    assert "b" in lake.fail("create", "b", "--dim", 3, code=CONFLICT)
    assert "name:type" in lake.fail("create", "x", "--dim", 3, "--field", "year", code=INVALID)
    lake.fail("create", "x", "--dim", 0, code=INVALID)
    lake.fail("create", "../x", "--dim", 3, code=INVALID)
    assert "--yes" in lake.fail("drop", "b", code=INVALID)
    lake.run("drop", "b", "--yes")
    assert lake.run("list").split() == ["a"]
    lake.fail("drop", "b", "--yes", code=NOT_FOUND)


def test_get_prints_what_is_there_and_fails_for_the_rest(lake):
    lake.create(dim=2)
    lake.import_rows(rows(3) + [{"_id": "[a,b]", "_vector": [0, 0]}])
    done = subprocess.run(lake.command("get", "c", "r0001", "missing", "r0002"), capture_output=True, encoding="utf-8")
    assert done.returncode == NOT_FOUND
    assert [json.loads(line)["_id"] for line in done.stdout.splitlines()] == ["r0001", "r0002"]
    assert "missing" in done.stderr
    record = json.loads(lake.run("get", "c", "r0002", "--with-vector"))
    assert record["_vector"] == [2, 1] and record["n"] == 2
    assert "'other'" in lake.fail("get", "c", "r0002", "--fields", "other", code=INVALID)
    assert json.loads(lake.run("get", "c", "[a,b]"))["_id"] == "[a,b]"
    assert "--typo" in lake.fail("get", "c", "r0001", "--typo", code=INVALID)
    assert len(lake.run("get", "c", "--file", "-", text="r0001\n[a,b]\n").splitlines()) == 2


def test_delete_by_argument_file_and_standard_input(lake, tmp_path):
    lake.create(dim=2)
    lake.import_rows(rows(100))
    assert lake.run("delete", "c", "[r0000,r0001]", "[r0002,r0003]") == "deleted 0 of 2 records\n"
    assert lake.run("delete", "c", "r0000", "r0001", "unknown") == "deleted 2 of 3 records\n"
    (tmp_path / "ids").write_text("".join(f"r{i:04}\n" for i in range(10)))
    assert lake.run("delete", "c", "--file", tmp_path / "ids") == "deleted 8 of 10 records\n"
    assert lake.run("delete", "c", "--file", "-", text="r0010\r\nr0011") == "deleted 2 of 2 records\n"
    assert lake.count() == 88
    lake.fail("delete", "c", code=INVALID)
    lake.fail("delete", "c", "--file", tmp_path / "none", code=NOT_FOUND)


def test_delete_by_filter(lake):
    lake.create(dim=2)
    lake.import_rows(rows(20))
    assert lake.run("delete", "c", "--filter", "n >= 15") == "deleted 5 records\n"
    assert json.loads(lake.run("delete", "c", "--filter", "n < 2", "--json")) == {"deleted": 2}
    assert json.loads(lake.run("delete", "c", "r0002", "r0000", "--json")) == {"deleted": 1, "given": 2}
    assert "in one way" in lake.fail("delete", "c", "r0003", "--filter", "n < 5", code=INVALID)
    assert "in one way" in lake.fail("delete", "c", "--filter", "", code=INVALID)
    assert "_id IS NOT NULL" in lake.fail("delete", "c", "--filter", "TRUE", code=INVALID)
    assert "--typo" in lake.fail("delete", "c", "--filter", "n < 5", "--typo", code=INVALID)
    assert lake.count() == 12
    assert lake.run("delete", "c", "--filter", "_id IS NOT NULL") == "deleted 12 records\n"


def test_update_by_id_and_by_filter(lake, tmp_path):
    lake.create(dim=2, fields=[("n", "int64")])
    lake.import_rows(rows(20))
    settings = ("--set", "n=100", "--set", 'title="A=B"', "--set", 'tags=["x", {"y": null}]')
    assert lake.run("update", "c", "r0000", "r0001", "unknown", *settings) == "updated 2 of 3 records\n"
    (tmp_path / "ids").write_text("r0002\n")
    assert lake.run("update", "c", "--file", tmp_path / "ids", "--unset", "n", "--set", "a=1.0") == "updated 1 of 1 records\n"
    assert json.loads(lake.run("update", "c", "--filter", "n = 100", "--unset", "title", "--json")) == {"updated": 2}
    assert json.loads(lake.run("update", "c", "r0003", "--set", "b=1", "--replace-all", "--json")) == {"given": 1, "updated": 1}
    for _ in range(2):
        stored = lake.export()
        stored = {key: {k: v for k, v in stored[key].items() if not k.startswith("_")} for key in ("r0001", "r0002", "r0003")}
        assert stored == {"r0001": {"n": 100, "tags": ["x", {"y": None}]}, "r0002": {"a": 1.0}, "r0003": {"b": 1}}
        lake.run("flush", "c")


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["r0001"], "nothing to change"),
        (["--set", "n=1"], "in one way"),
        (["r0001", "--filter", "n = 1", "--set", "n=1"], "in one way"),
        (["r0001", "--set", "n"], "key=value"),
        (["r0001", "--set", "n=text"], "double quotes"),
        (["r0001", "--set", "n=1", "--set", "n=2"], "twice"),
        (["r0001", "--set", 'n="text"'], "int64"),
        (["r0001", "--set", "n=1", "--unset", "n"], "both"),
        (["r0001", "--sett", "n=1"], "--sett"),
        (["--filter", "TRUE", "--set", "n=1"], "_id IS NOT NULL"),
        (["--filter", "m = 1", "--set", "n=1"], "'m'"),
    ],
)
def test_bad_updates_are_refused(lake, arguments, text):
    lake.create(dim=2, fields=[("n", "int64")])
    lake.import_rows(rows(3))
    assert text in lake.fail("update", "c", *arguments, code=INVALID)
    assert sorted(row["n"] for row in lake.export().values()) == [0, 1, 2]


def test_count_and_scroll_follow_filter_and_order(lake):
    lake.create(dim=2)
    lake.import_rows(rows(50))
    assert lake.run("count", "c", "--filter", "n >= 40") == "10\n"
    seen = []
    after = []
    while True:
        done = subprocess.run(
            lake.command("scroll", "c", "--limit", "7", "--filter", "n < 30", *after), capture_output=True, encoding="utf-8"
        )
        assert done.returncode == OK
        seen += [json.loads(line)["_id"] for line in done.stdout.splitlines()]
        if "--after" not in done.stderr:
            break
        after = ["--after", json.loads(done.stderr.split("--after")[1])]
    assert seen == [f"r{i:04}" for i in range(30)]


def test_flush_moves_rows_from_the_log_to_the_table(lake):
    lake.create(dim=2)
    lake.import_rows(rows(20), "--via-log")
    before = json.loads(lake.run("info", "c", "--json"))["statistics"]
    assert before["live_rows"] == 20 and before["memory_rows"] == 20 and before["part_count"] == 0
    assert lake.run("flush", "c") == "flushed 20 rows to the table of c\n"
    after = json.loads(lake.run("info", "c", "--json"))["statistics"]
    assert after["live_rows"] == 20 and after["memory_rows"] == 0 and after["part_count"] == 1
    text = lake.run("info", "c")
    assert "dimension" in text and "l2" in text


def test_compact_merges_files_and_folds_deletion_vectors(tmp_path):
    lake = Lake(tmp_path / "lake", "--deletes", "vectors")
    lake.root.mkdir()
    lake.create(dim=4)
    vectors = random_vectors(1, 20, 4)
    for file in range(5):
        rows_of_file = [{"_id": f"r{i}", "_vector": vectors[i].tolist()} for i in range(4 * file, 4 * file + 4)]
        lake.import_rows(rows_of_file, "--no-compaction")
    lake.run("delete", "c", "r3")
    lake.run("flush", "c", "--no-compaction")
    told = json.loads(lake.run("compact", "c", "--dry-run", "--json"))
    assert told["dry_run"] and told["files_after"] == 1 and len(told["steps"]) == 1
    assert len(list(lake.table().glob("part-*.parquet"))) == 5
    assert "--part-mib is out of range" in lake.fail("compact", "c", "--part-mib", 2**44, code=INVALID)
    done = lake.run("compact", "c", "--all", "--fold", "--vacuum")
    assert "5 small files" in done and "made 5 files" in done and "deletion vectors" in done
    assert len(list(lake.table().glob("part-*.parquet"))) == 1
    assert not list((lake.table() / "_dv").iterdir())
    assert sorted(lake.export()) == sorted(f"r{i}" for i in range(20) if i != 3)


def test_export_appears_under_its_name_only_when_complete(lake, tmp_path):
    lake.create(dim=2)
    lake.import_rows(rows(10))
    path = tmp_path / "x.jsonl"
    path.write_text("old")
    lake.fail("export", "c", "-o", path, "--filter", "n <", code=INVALID)
    assert path.read_text() == "old"
    lake.run("export", "c", "-o", path, "--filter", "n < 5")
    assert len(path.read_text().splitlines()) == 5
    assert sorted(tmp_path.glob("x.jsonl*")) == [path]
    assert len(lake.run("export", "c").splitlines()) == 10
    lake.fail("export", "c", "-o", tmp_path / "no" / "folder", code=NOT_FOUND)
    lake.fail("export", "c", "--format", "xml", code=INVALID)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_is_an_error(lake):
    lake.create(dim=2)
    lake.import_rows(rows(10))
    for arguments in (["export", "c", "-o", "/dev/full"], ["count", "c"], ["export", "c"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(lake.command(*arguments), stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode == 5 and done.stderr.startswith("viper: "), arguments


def test_root_comes_from_the_environment(lake, tmp_path):
    environment = os.environ | {"VIPER_ROOT": str(lake.root)}
    lake.create("e", dim=2)
    done = subprocess.run([program("viper"), "list"], capture_output=True, encoding="utf-8", env=environment)
    assert done.stdout == "e\n"
    assert subprocess.run([program("viper"), "list", "--root", tmp_path / "none"], capture_output=True).returncode == NOT_FOUND


def start_slow_import(lake, tmp_path):
    """An import through the log, of which the first piece is acknowledged and most are not."""
    path = tmp_path / "slow.jsonl"
    write_jsonl(path, ({"_id": f"r{i}", "_vector": vector.tolist()} for i, vector in enumerate(random_vectors(1, 40_000, 8))))
    lake.create(dim=8)
    process = subprocess.Popen(
        lake.command("import", "c", path, "--via-log", "--progress"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout.readline().startswith("acknowledged ")
    return process


def test_a_writer_keeps_others_out_but_not_readers(lake, tmp_path):
    process = start_slow_import(lake, tmp_path)
    process.send_signal(signal.SIGSTOP)
    try:
        assert lake.count() > 0
        assert "c" in lake.fail("delete", "c", "r1", code=BUSY)
        lake.fail("drop", "c", "--yes", code=BUSY)
    finally:
        process.send_signal(signal.SIGCONT)
    process.communicate()
    assert process.returncode == OK
    assert lake.count() == 40_000


def test_an_interrupt_stops_after_what_is_acknowledged(lake, tmp_path):
    process = start_slow_import(lake, tmp_path)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == INTERRUPTED
    assert errors.startswith("viper: interrupted; ")
    counts = [int(line.split()[1]) for line in output.splitlines()]
    assert lake.count() == max(counts, default=lake.count()) and lake.count() < 40_000
    lake.run("import", "c", tmp_path / "slow.jsonl")
    assert lake.count() == 40_000
