#!/usr/bin/env python3
"""Prints each claim of VIPER beside what was measured for it, reached or not.

    bench/claims.py [--output FILE]

Every number comes from the newest results below bench/results: `compare-*.jsonl` (other engines, bench/compare.sh),
`compression-*.jsonl` (bench/compression.py) and `<date>.jsonl` (viper_bench ablation, bench/run.sh). `make claims` measures
the last two anew first, where VIPER_DATA is set. --output writes the runs that were compared as JSON Lines, which
viper::ParseMeasuredRuns reads.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bench" / "compare"))

import report  # noqa: E402
import rivals  # noqa: E402

RESULTS = REPOSITORY / "bench" / "results"
RECALL = "0.95"
GRAPH = "hnswlib M16 efc200"
LARGE = 100_000  # rows; fewer prove little


class Claim:
    """One line of the table."""

    def __init__(self, name: str, bar: str):
        self.name, self.bar, self.measured, self.reached, self.source = name, bar, "not measured", False, "-"

    def set(self, measured: str, reached: bool, source: str) -> "Claim":
        self.measured, self.reached, self.source = measured, reached, source
        return self

    def cells(self) -> list[str]:
        return [self.name, self.bar, self.measured, "reached" if self.reached else "**not reached**", self.source]


def newest(pattern: str) -> pathlib.Path | None:
    return max(RESULTS.glob(pattern), default=None)


def lines_of(path: pathlib.Path | None) -> list[dict]:
    if path is None:
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def newest_ablation() -> tuple[list[dict], str]:
    """The lines of the newest file that has any, and its name."""
    for path in sorted(RESULTS.glob("20*.jsonl"), reverse=True):
        found = [line for line in lines_of(path) if line.get("benchmark") == "ablation"]
        if found:
            newest_cases = {line["case"]: line for line in found}
            return list(newest_cases.values()), path.name
    return [], "-"


def case_of(lines: list[dict], case: str) -> dict | None:
    return next((line["results"] for line in lines if line["case"] == case), None)


def ours_in(of_set: dict[str, dict]) -> dict | None:
    return next((line for line in of_set.values() if line.get("contender") == "VIPER" and "single" in line), None)


def memory_claim(sets: dict[str, dict[str, dict]], source: str) -> Claim:
    claim = Claim("memory below that of a graph in memory at equal recall", ">= 60 % less")
    for name, of_set in sets.items():
        ours, graph = ours_in(of_set), of_set.get(GRAPH)
        if not ours or not graph or "memory" not in graph or "limited" not in ours or ours["rows"] < LARGE:
            continue
        limited = ours["limited"]
        less = 1 - limited["peak_mib"] / graph["memory"]["peak_mib"]
        text = (f"{less:.0%} less on {name}: {limited['peak_mib']:.0f} MiB, page cache included, at recall {limited['recall']:.3f} and "
                f"{limited['qps_wall']:,.0f} queries/s; {GRAPH} {graph['memory']['peak_mib']:.0f} MiB")
        claim.set(text, less >= 0.6 and limited["recall"] >= float(RECALL) - 0.005, source)
    return claim


def speed_claims(sets: dict[str, dict[str, dict]], source: str, ablation: list[dict], ablation_source: str) -> list[Claim]:
    own = Claim("search, index on against off", ">= 1.4x")
    if case := case_of(ablation, "searches with the index and without"):
        own.set(f"{case['times_without']:.0f}x at recall {case['recall']:.3f}, {case['rows']:,} rows", case["times_without"] >= 1.4, ablation_source)
    claims = [own]
    for name, of_set in sets.items():
        ours = ours_in(of_set)
        rate = report.rate_at(ours, "single", RECALL) if ours else None
        if rate is None:
            continue
        others = {}
        for line in of_set.values():
            if "single" in line and line["rival"] != "viper" and rivals.rival_class(line["rival"]).is_database:
                if other := report.rate_at(line, "single", RECALL):
                    others[line["contender"]] = rate / other
        if not others:
            continue
        claim = Claim(f"search against databases on files, {name}, {ours['rows']:,} rows", ">= 1.4x two of them")
        text = ", ".join(f"{ratio:.1f}x {contender}" for contender, ratio in sorted(others.items(), key=lambda item: item[1]))
        claims.append(claim.set(text, sum(ratio >= 1.4 for ratio in others.values()) >= 2, source))
    return claims


def compression_claim(lines: list[dict], source: str) -> Claim:
    claim = Claim("adaptive compression against Parquet, Zstandard 3", ">= 25 % better ratio")
    total = next((line for line in lines if "mean_better_than_parquet" in line), None)
    if total is None:
        return claim
    each = ", ".join(f"{line['set']} {line['better_than_parquet']:.1%}" for line in lines
                     if "better_than_parquet" in line and line.get("set") != "all")
    mean = total["mean_better_than_parquet"]
    return claim.set(f"{mean:.1%} (geometric mean: {each})", mean >= 0.25, source)


def build_claims(sets: dict[str, dict[str, dict]], source: str, ablation: list[dict], ablation_source: str) -> list[Claim]:
    claims = []
    for name, of_set in sets.items():
        ours, graph = ours_in(of_set), of_set.get(GRAPH)
        if not ours or not graph or "build" not in graph:
            continue
        if not report.rate_at(ours, "single", RECALL) or not report.rate_at(graph, "single", RECALL):
            continue
        times = graph["build"]["cpu_s"] / ours["build"]["cpu_s"]
        claim = Claim(f"build against {GRAPH}, both reach recall {RECALL}, {name}, {ours['rows']:,} rows", ">= 5x")
        claims.append(claim.set(f"{times:.0f}x: {ours['build']['cpu_s']:.1f} against {graph['build']['cpu_s']:.1f} processor seconds", times >= 5, source))
    adding = Claim("adding 1 % against building anew", "<= 1/5")
    if case := case_of(ablation, "1 % added"):
        text, reached = f"{case['adding_to_build']:.3f}", case["adding_to_build"] <= 0.2
        if more := case_of(ablation, "1 % added twenty times"):
            text += f"; recall {more['recall_before']:.3f} before, {more['recall_after']:.3f} after twenty times"
            reached = reached and more["recall_after"] >= more["recall_before"] - 0.01
        adding.set(text, reached, ablation_source)
    return [*claims, adding]


def own_claims(ablation: list[dict], source: str) -> list[Claim]:
    mix = Claim("operations with optimisations on against off, geometric mean", ">= 1.4x")
    if case := case_of(ablation, "operations with index and adaptive compression, and without"):
        each = ", ".join(f"{name} {told['times']:.2f}x" for name, told in case.items() if isinstance(told, dict))
        mix.set(f"{case['geometric_mean']:.2f}x ({each})", case["geometric_mean"] >= 1.4, source)
    cost = Claim("statistics: what counting costs inserts and searches", "<= 2 %")
    if case := case_of(ablation, "operations counted and not"):
        worst = max(case["insert_overhead"], case["search_overhead"])
        text = (f"processor time of an insert {case['insert_overhead']:+.1%} (of one that does not wait for the disk "
                f"{case['unsynced_insert_overhead']:+.1%}), of a search {case['search_overhead']:+.1%}")
        cost.set(text, worst <= 0.02, source)
    return [mix, cost]


def measured_runs(sets: dict[str, dict[str, dict]]) -> list[dict]:
    """What was compared, as viper::MeasuredRun; the recall is the one at which queries are told."""
    runs = []
    for name, of_set in sets.items():
        for line in of_set.values():
            rate = report.rate_at(line, "single", RECALL) if "single" in line else None
            if rate is None:
                continue
            run = {"name": line["contender"], "run": f"{line['date']} {line['revision']}", "data": name, "recall": float(RECALL),
                   "queries_per_s": rate, "build_s": line["build"]["cpu_s"], "peak_memory_bytes": line["memory"]["peak_mib"] * (1 << 20)}
            if line["build"].get("disk_bytes"):
                run["stored_bytes"] = line["build"]["disk_bytes"]
            runs.append(run)
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=pathlib.Path, help="write the compared runs there, as JSON Lines")
    options = parser.parse_args()
    compare, compression = newest("compare-*.jsonl"), newest("compression-*.jsonl")
    sets = report.read_lines([compare]) if compare else {}
    source = compare.name if compare else "-"
    ablation, ablation_source = newest_ablation()
    claims = [memory_claim(sets, source), *speed_claims(sets, source, ablation, ablation_source),
              compression_claim(lines_of(compression), compression.name if compression else "-"),
              *build_claims(sets, source, ablation, ablation_source), *own_claims(ablation, ablation_source)]
    print("\n".join(report.table(["claim", "bar", "measured", "", "results"], [claim.cells() for claim in claims])))
    if options.output:
        with options.output.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(run) + "\n" for run in measured_runs(sets))


if __name__ == "__main__":
    main()
