"""The parts of the comparison with other engines: curves, filters, recall, and one engine from build to report."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from lake import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "bench" / "compare"))

import contest  # noqa: E402
import filters  # noqa: E402
import machine  # noqa: E402
import pareto  # noqa: E402
import readme_table  # noqa: E402
import report  # noqa: E402
import shifted  # noqa: E402
import vector_set  # noqa: E402
from rivals.rival import Contender  # noqa: E402


def test_the_hull_keeps_what_no_mixture_of_others_beats():
    points = [(0.8, 1.0), (0.9, 3.0), (0.95, 2.0), (0.7, 1.5), (1.0, 10.0)]
    assert pareto.hull(points) == [(0.8, 1.0), (0.95, 2.0), (1.0, 10.0)]


def test_time_between_two_settings_is_that_of_the_mixture():
    points = [(0.8, 1.0), (1.0, 3.0)]
    assert pareto.seconds_at(points, 0.9) == pytest.approx(2.0)
    assert pareto.seconds_at(points, 0.5) == 1.0, "less recall than the fastest point is not faster"
    assert pareto.seconds_at([(0.8, 1.0)], 0.9) is None


def test_settings_far_from_the_hull_are_not_measured_again():
    points = [(0.5, 0.5), (0.86, 1.0), (0.9, 9.0), (0.93, 2.0), (0.999, 8.0), (0.9999, 20.0)]
    assert pareto.worth_measuring(points, 0.85, 0.995, 0.1, 12) == [0, 1, 3, 4]


def test_a_slow_engine_is_measured_at_the_ends_of_the_edges_that_tell():
    points = [(0.5, 0.5), (0.9, 1.0), (0.94, 9.0), (0.97, 2.0), (0.995, 8.0), (1.0, 20.0)]
    assert pareto.neighbours(points, (0.95, 0.99)) == [1, 3, 4]
    assert pareto.neighbours([(0.6, 1.0), (0.7, 2.0)], (0.95, 0.99)) == [0, 1]
    assert pareto.neighbours([(1.0, 1.0)], (0.95, 0.99)) == [0]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("kind = 'camel'", [("kind", "=", "camel", None)]),
        ("rank < 1000", [("rank", "<", 1000, None)]),
        ("angle < 3.6", [("angle", "<", 3.6, None)]),
        ("year BETWEEN 1990 AND 1999", [("year", "between", 1990, 1999)]),
        ("'Western' IN genres AND decade = 1950", [("genres", "contains", "Western", None), ("decade", "=", 1950, None)]),
        ("synset BETWEEN 'a' AND 'b' AND x >= 2", [("synset", "between", "a", "b"), ("x", ">=", 2, None)]),
    ],
)
def test_filters_are_read(text, expected):
    conditions = filters.parse(text).conditions
    assert [(c.field, c.operator, c.value, c.upper) for c in conditions] == expected


def test_a_filter_is_said_in_the_words_of_each_engine():
    condition = filters.parse("year BETWEEN 1990 AND 1999 AND 'O''Hara' IN cast AND kind = 'a'")
    assert filters.sql(condition, contains="has({field}, {value})", quote='"') == (
        """"year" BETWEEN 1990 AND 1999 AND has("cast", 'O''Hara') AND "kind" = 'a'"""
    )
    assert filters.sql(condition.without_between(), contains="{name}?{value}", equals="==") == (
        "year >= 1990 AND year <= 1999 AND cast?'O''Hara' AND kind == 'a'"
    )


def test_a_filter_that_cannot_be_read_is_an_error():
    with pytest.raises(ValueError, match="cannot read"):
        filters.parse("a = 1 OR b = 2")


def write_vectors(path, values):
    counts = np.full((len(values), 1), values.shape[1], dtype="<i4")
    np.hstack([counts, values.view("<i4")]).tofile(path)


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """A set of 300 rows, of which some are equal, with its exact neighbours."""
    monkeypatch.setitem(vector_set.METRICS, "small", "l2")
    generator = np.random.default_rng(7)
    base = generator.integers(0, 20, (300, 8)).astype("<f4")
    base[150:200] = base[100:150]
    queries = generator.integers(0, 20, (40, 8)).astype("<f4")
    squares = ((queries[:, None, :].astype(np.float64) - base[None]) ** 2).sum(axis=2)
    order = np.argsort(squares, axis=1, kind="stable")[:, :100].astype("<i4")
    folder = tmp_path / "small"
    folder.mkdir()
    write_vectors(folder / "base.fvecs", base)
    write_vectors(folder / "queries.fvecs", queries)
    write_vectors(folder / "gt_l2.ivecs", order)
    kinds = ["near" if row % 4 else "far" for row in range(len(queries))]
    (folder / "queries_meta.jsonl").write_text("".join(json.dumps({"kind": kind}) + "\n" for kind in kinds))
    (folder / "base_meta.jsonl").write_text("".join(json.dumps({"number": row, "tags": ["a", "b"][row % 2 :]}) + "\n" for row in range(300)))
    return vector_set.VectorSet(folder)


def test_recall_goes_by_distance_and_counts_an_answer_once(small_set):
    small_set.check_truth()
    truth = vector_set.map_vectors(small_set.folder / "gt_l2.ivecs", "<i4")[:, :10]
    assert small_set.recall(list(truth)).mean == 1.0
    # The rows 150 to 199 equal those 50 before them.
    swapped = [[row + 50 if 100 <= row < 150 else row - 50 if 150 <= row < 200 else row for row in rows] for rows in truth]
    assert small_set.recall(swapped).mean == 1.0
    repeated = small_set.recall([[rows[0]] * 10 for rows in truth])
    assert repeated.mean == pytest.approx(0.1) and repeated.short == 40
    assert small_set.recall([[-1, 300, 5000]] * 40).mean == 0.0


def test_the_answers_of_an_extra_filter_are_those_of_a_brute_force(small_set, tmp_path, monkeypatch):
    monkeypatch.setitem(vector_set.EXTRA_FILTERS, "small", {"few": "number BETWEEN 3 AND 7", "odd": "'a' IN tags AND number < 200"})
    for _ in range(2):  # computed, then read
        vectors = vector_set.VectorSet(small_set.folder, tmp_path / "cache")
        assert [(case.name, case.matching_rows, case.query_count) for case in vectors.filter_cases] == [("few", 5, 40), ("odd", 100, 40)]
        assert vectors.recall([[3, 4, 5, 6, 7]] * 40, 0, "few").mean == 1.0
        base, queries = vectors.read_base().astype(np.float64), vectors.queries.astype(np.float64)
        right = [sorted(range(0, 200, 2), key=lambda row: ((base[row] - query) ** 2).sum())[:10] for query in queries]
        assert vectors.recall(right, 0, "odd").mean == 1.0
        assert vectors.recall([row[1:] for row in right], 0, "odd").short == 40
    assert vector_set.VectorSet(small_set.folder).filter_cases == []


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_the_answers_of_queries_like_no_row_are_those_of_a_brute_force(small_set, tmp_path, monkeypatch, metric):
    monkeypatch.setitem(vector_set.METRICS, "small", metric)
    monkeypatch.setattr(shifted, "BLOCK", 120)
    for _ in range(2):  # computed, then read
        vectors = vector_set.VectorSet(small_set.folder, tmp_path / "cache")
        base = vectors.read_base().astype(np.float64)
        for kind in shifted.KINDS:
            queries = vectors.shifted_queries(kind)
            assert len(queries) == shifted.QUERY_COUNT and not (queries[:, None] == base.astype("<f4")[None, :20]).all(axis=2).all()
            right = [np.argsort(vector_set.brute_force(query.astype(np.float64), base, metric), kind="stable")[:10] for query in queries]
            assert vectors.shifted_recall(right, kind).mean == 1.0
            assert vectors.shifted_recall([ids[:9] for ids in right], kind).mean == pytest.approx(0.9)
    assert len(list((tmp_path / "cache").glob("*-truth.npy"))) == len(shifted.KINDS)


def test_rows_to_add_are_near_rows_and_whole_where_those_are(small_set):
    rows, moved = small_set.make_moved_rows(30)
    assert moved.shape == (30, 8) and np.array_equal(np.rint(moved), moved) and moved.min() >= 0
    assert np.abs(moved - small_set.base_map[rows]).max() < 6


def test_wrong_truth_is_noticed(small_set):
    write_vectors(small_set.folder / "gt_l2.ivecs", np.tile(np.arange(100, dtype="<i4"), (40, 1)))
    with pytest.raises(SystemExit, match="brute force"):
        small_set.check_truth()


class HereEnvironment:
    """The environment of the tests themselves, where NumPy is."""

    def __init__(self, scratch):
        self.scratch, self.python, self.python_path = scratch, pathlib.Path(sys.executable), []
        self.versions, self.failed = {"numpy": np.__version__}, {}

    def variables(self):
        return {"OMP_NUM_THREADS": "1"}


def test_an_engine_is_built_measured_and_reported(small_set, tmp_path, monkeypatch):
    # The process of the engine has its own copy of the list of sets: it goes by the folder's name.
    renamed = tmp_path / "sift-5k"
    small_set.folder.rename(renamed)
    vectors = vector_set.VectorSet(renamed)
    exact = Contender("numpy", "NumPy", {})
    core = min(contest.usable_cores())
    entry = contest.Contest(exact, vectors, HereEnvironment(tmp_path / "scratch"), core)
    entry.build(allowed=True)
    entry.open()
    try:
        entry.measure(entry.settings, ["single"], 0, 0, 5, with_ids=True)
        for number in range(2):
            entry.play_round(number, 0.01, 1)
        entry.ask_memory()
        entry.ask_questions([core])
        line = entry.report()
    finally:
        entry.close()
    assert line["single"]["curve"][0]["recall"] == 1.0 and line["batch"]["curve"][0]["recall"] == 1.0
    assert line["single"]["at_recall"]["0.99"]["median"] > 0 and line["build"]["disk_bytes"] > 0
    assert line["single"]["curve"][0]["recall_by_queries"] == {"far": 1.0, "near": 1.0}
    assert line["call"]["us"] > 0 and line["call"]["rows"] == 16
    assert line["first_warm"]["wall_s"] > 0 and line["first_dropped"]["wall_s"] > 0 and line["memory"]["anonymous_mib"] >= 0
    again = contest.Contest(exact, vectors, HereEnvironment(tmp_path / "scratch"), core)
    again.build(allowed=False)  # already built

    line.update(benchmark="compare", date="2026-01-01T00:00:00Z", revision="test", machine={"processor": "p", "cores": 1, "kernel": "k", "flags": []}, rounds=2)
    results = tmp_path / "results.jsonl"
    skipped = {**line, "contender": "other", "skipped": "does not install"}
    results.write_text(json.dumps(line) + "\n" + json.dumps(skipped) + "\n")
    text = "\n".join(report.set_section("sift-5k", report.read_lines([results])["sift-5k"], plots=False))
    assert "| NumPy" in text and "| far | near |" in text and "Left out: other (does not install)." in text


def test_a_limit_of_memory_is_set_and_removed_or_refused_by_name(tmp_path):
    with pytest.raises(machine.NoMemoryGroup, match="no controller of memory"), machine.MemoryGroup("256M", tmp_path):
        pass
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    with machine.MemoryGroup("256M", tmp_path) as group:
        assert (group.folder / "memory.max").read_text() == "256M" and (tmp_path / "cgroup.subtree_control").read_text() == "+memory"
        machine.join_group(group.folder)
        assert (group.folder / "cgroup.procs").read_text() == str(os.getpid())
        for file in group.folder.iterdir():  # the kernel's files go with the folder
            file.unlink()
    assert not group.folder.exists()


def test_a_limit_of_memory_is_set_in_the_first_version_of_cgroups_too(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_memory_hierarchy", lambda: (tmp_path, False))
    with machine.MemoryGroup("256M") as group:
        assert (group.folder / "memory.limit_in_bytes").read_text() == "256M"
        assert machine.group_peak_mib(group.folder) is None
        (group.folder / "memory.max_usage_in_bytes").write_text(f"{3 * 2**20}\n")
        assert machine.group_peak_mib(group.folder) == 3
        for file in group.folder.iterdir():  # the kernel's files go with the folder
            file.unlink()
    monkeypatch.setattr(machine, "_memory_hierarchy", lambda: (tmp_path / "missing", False))
    with pytest.raises(machine.NoMemoryGroup, match="cannot limit memory to 1M"), machine.MemoryGroup("1M"):
        pass


def test_a_search_under_a_limit_is_told_with_its_recall(small_set, tmp_path, monkeypatch):
    renamed = tmp_path / "sift-5k"
    small_set.folder.rename(renamed)
    group = tmp_path / "group"
    group.mkdir()

    class Group:
        def __init__(self, limit):
            self.folder = group

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    entry = contest.Contest(Contender("numpy", "NumPy", {}), vector_set.VectorSet(renamed), HereEnvironment(tmp_path), min(contest.usable_cores()))
    entry.build(allowed=True)
    monkeypatch.setattr(entry, "_setting_at", lambda recall: {})
    monkeypatch.setattr(machine, "MemoryGroup", Group)
    entry.search_limited("256M")
    limited = entry._questions["limited"]
    assert limited["recall"] == 1.0 and limited["limit"] == "256M" and limited["latency_us"]["p99"] > 0 and (group / "cgroup.procs").exists()
    assert "limited to 256M" in report.limited_lines([{"contender": "x", "limited": limited}])[1]
    refused = {"contender": "x", "limited": {"limit": "1M", "failed": "why"}}
    assert report.limited_lines([refused])[1].endswith("not measured: why.")


def test_a_promise_that_is_missed_is_marked():
    promises = [
        {"where": "all queries", "asked": 0.9, "recall": 0.895, "queries": 9, "short": 0},
        {"where": "filter few", "asked": 0.9, "recall": 0.88, "queries": 9, "short": 2},
    ]
    assert report.promise_table({"contender": "x", "promises": promises})[2:] == ["| all queries | 0.895 |", "| filter few | 0.880 **missed**, **2 short** |"]
    assert report.promise_table({"contender": "x"}) == []


def test_what_an_index_takes_is_told_where_there_are_two():
    with_rows = result_line("viper", "VIPER", 3000.0, facts={"index_bytes": 12_800})
    without = result_line("viper", "VIPER, codes alone", 2000.0, facts={"index_bytes": 3200})
    assert report.index_size_table([with_rows, without])[2:] == [
        "| VIPER | 3.00 k | 3.00 k | 0.400x | 32.768x |", "| VIPER, codes alone | 2.00 k | 2.00 k | 0.100x | 32.768x |"]
    assert report.index_size_table([with_rows, result_line("glass", "Glass", 1.0, facts={})]) == []


def test_a_question_that_fails_is_told_in_the_table():
    line = {"contender": "x", "memory": {}, "update": {"failed": "no"}, "threads": {"ratio": 1.9}}
    assert report.question_table([line])[2] == "| x | - | - | - | failed | failed | 1.90x | - | - | - |"


def test_a_question_that_takes_too_long_tells_what_is_known(small_set, tmp_path, monkeypatch):
    renamed = tmp_path / "sift-5k"
    small_set.folder.rename(renamed)
    entry = contest.Contest(Contender("numpy", "NumPy", {}), vector_set.VectorSet(renamed), HereEnvironment(tmp_path), min(contest.usable_cores()))

    def ask(program):
        monkeypatch.setattr(entry, "_start", lambda mode, entries, stdout: subprocess.Popen([sys.executable, "-c", program], stdout=stdout, encoding="utf-8"))
        return entry._question("update")

    entry._stderr_path.parent.mkdir(parents=True)
    entry._stderr_path.write_text("the reason\n")
    assert ask("print('{\"a\": 1}'); print('{\"a\": 1, \"b\": 2}')") == {"a": 1, "b": 2}
    assert ask("import sys; print('{\"a\": 1}'); sys.exit(3)") == {"failed": "ended with code 3: the reason"}
    monkeypatch.setattr(contest, "QUESTION_SECONDS_MAX", 0)
    assert ask("import signal; signal.pause()") == {"failed": "longer than 0 s"}
    assert report.told_or({"cpu_s": 1.5}, "indexed_cpu_s", "{}") == "too long"


def test_an_engine_that_fails_says_why(small_set, tmp_path):
    environment = HereEnvironment(tmp_path)
    environment.versions["hnswlib"] = "0"
    entry = contest.Contest(Contender("hnswlib", "hnswlib", {}), small_set, environment, min(contest.usable_cores()))
    with pytest.raises(contest.Skipped, match="code 1: "):
        entry.build(allowed=True)


def test_an_engine_that_builds_too_long_is_left_out(small_set, tmp_path, monkeypatch):
    renamed = tmp_path / "sift-5k"
    small_set.folder.rename(renamed)
    entry = contest.Contest(Contender("numpy", "NumPy", {}), vector_set.VectorSet(renamed), HereEnvironment(tmp_path), min(contest.usable_cores()))
    with pytest.raises(contest.Skipped, match="not built within 0 s"):
        entry.build(allowed=True, seconds_max=0)
    monkeypatch.setattr(entry, "_start", lambda mode: pytest.fail("it was given up before"))
    with pytest.raises(contest.Skipped, match="not built within 0 s"):
        entry.build(allowed=True, seconds_max=0)


def result_line(rival, contender, rate, **more):
    at = {recall: {"median": rate, "min": rate, "max": rate} for recall in ("0.95", "0.99")}
    return {
        "benchmark": "compare", "set": "s", "rows": 1000, "dim": 8, "metric": "l2", "rival": rival, "contender": contender, "date": "2026-01-01T",
        "revision": "r", "rounds": 1, "machine": {"processor": "p", "cores": 1, "kernel": "k", "flags": []}, "single": {"at_recall": at},
        "build": {"cpu_s": 1, "disk_bytes": 2**20}, "memory": {"resident_mib": 9, "files_mib": 4}, "foreign_load": {"median": 0, "max": 0}, **more,
    }


def test_the_table_of_the_readme_says_who_is_ahead(tmp_path):
    results = tmp_path / "compare-2026-01-01.jsonl"
    lines = [result_line("viper", "VIPER", 3000.0), result_line("viper", "VIPER, codes alone", 9000.0), result_line("glass", "Glass", 4000.0), result_line("hnswlib", "Hnsw", 1000.0),
             result_line("zvec", "Zvec", 1500.0), result_line("numpy", "NumPy", 9000.0)]
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = readme_table.section(results)
    assert "| s (1,000 x 8, l2), 0.95 | 3.00 k | **0.75x** Glass, 4.00 k | **3.00x** Hnsw, 1.00 k | **2.00x** Zvec, 1.50 k |" in text
    assert "Glass is ahead on s (1,000 x 8, l2) at 0.99, by 1.33x" in text and "| s | Zvec | 1.0 | 9 | 5 | 1 |" in text
    assert readme_table.section(None) == readme_table.NO_RESULTS
    page = f"a\n{readme_table.BEGIN}\nold\n{readme_table.END}\nb\n"
    assert readme_table.rewritten(page, "new") == page.replace("old", "new")
    with pytest.raises(SystemExit, match="lacks the markers"):
        readme_table.rewritten("a", "new")


def test_runs_on_several_machines_are_told_apart_with_their_sets():
    def line(name, kernel, revision):
        described = {"processor": "A CPU", "cores": 2, "kernel": kernel, "flags": ["avx2"]}
        return {"set": name, "machine": described, "revision": revision, "date": "2026-11-28T00:00:00Z", "rounds": 3}

    alone = [line("words", "Linux 1", "r1"), line("words", "Linux 1", "r1")]
    assert len(readme_table.describe_runs(alone)) == 1
    first, second = readme_table.describe_runs([*alone, line("mnist", "Linux 1", "r1"), line("movies", "Linux 2", "r0")])
    assert first.startswith("- words, mnist: ") and "Linux 1" in first and "r0" not in first
    assert second.startswith("- movies: ") and "Linux 2" in second and "r1" not in second
