#!/usr/bin/env python3
"""Writes the performance table of README.md, between its two markers, from the newest bench/results/compare-*.jsonl.

    bench/compare/readme_table.py [--check]      --check changes nothing and fails if the table is not what it would write

Every number of it comes from there. Where a rival is ahead, the text says so.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

import report
import rivals

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- performance: begin, written by bench/compare/readme_table.py -->", "<!-- performance: end -->"
RECALLS = ("0.95", "0.99")
NO_RESULTS = "No comparison with other engines is committed under `bench/results`."


def newest_results(folder: pathlib.Path) -> pathlib.Path | None:
    return max(folder.glob("compare-*.jsonl"), default=None)


def is_database(line: dict) -> bool:
    return rivals.rival_class(line["rival"]).is_database


def fastest(lines: list[dict], recall: str) -> dict | None:
    able = [line for line in lines if report.rate_at(line, "single", recall)]
    return max(able, key=lambda line: report.rate_at(line, "single", recall), default=None)


def against(ours: dict, rival: dict | None, recall: str) -> tuple[str, float | None]:
    """The cell about a rival, and how many times its rate ours is."""
    own = report.rate_at(ours, "single", recall)
    if rival is None or own is None:
        return "-", None
    other = report.rate_at(rival, "single", recall)
    return f"**{own / other:.2f}x** {rival['contender']}, {report.thousands(other)}", own / other


def search_rows(name: str, ours: dict, others: list[dict]) -> tuple[list[list[str]], list[str]]:
    """Rows of the table for one set, and sentences on the rivals that are ahead."""
    rows, ahead = [], []
    for recall in RECALLS:
        rival = fastest([line for line in others if line["rival"] != "numpy"], recall)
        cell, ratio = against(ours, rival, recall)
        cells = [against(ours, fastest([line for line in others if chosen(line)], recall), recall)[0]
                 for chosen in (lambda line: line["rival"] == "hnswlib", is_database)]
        own = report.rate_at(ours, "single", recall)
        rows.append([f"{name}, {recall}", report.thousands(own), cell, *cells])
        if own is None:
            ahead.append(f"on {name} it does not reach {recall}")
        elif ratio is not None and ratio < 1:
            ahead.append(f"{rival['contender']} is ahead on {name} at {recall}, by {1 / ratio:.2f}x")
    return rows, ahead


def cost_rows(name: str, ours: dict, others: list[dict]) -> list[list[str]]:
    """VIPER, the fastest rival, hnswlib and the fastest database of the set, each once."""
    named = [ours, fastest([line for line in others if line["rival"] != "numpy"], "0.95"),
             fastest([line for line in others if line["rival"] == "hnswlib"], "0.95"), fastest([line for line in others if is_database(line)], "0.95")]
    rows = []
    for line in {line["contender"]: line for line in named if line}.values():
        memory = line["memory"]
        rows.append([name, line["contender"], f"{line['build']['cpu_s']:,.1f}",
                     f"{memory['resident_mib']:,.0f}", f"{memory['resident_mib'] - memory['files_mib']:,.0f}", f"{line['build']['disk_bytes'] / 2**20:,.0f}"])
    return rows


def section(results: pathlib.Path | None) -> str:
    """The text between the markers."""
    sets = report.read_lines([results]) if results else {}
    searches, costs, ahead, measured = [], [], [], []
    for name, of_set in sets.items():
        lines = [line for line in of_set.values() if "skipped" not in line]
        ours = next((line for line in lines if line["contender"] == "VIPER"), None)
        others = [line for line in lines if line["rival"] != "viper"]
        if ours is None or not others:
            continue
        measured += lines
        rows, behind = search_rows(f"{name} ({ours['rows']:,} x {ours['dim']}, {ours['metric']})", ours, others)
        searches += rows
        ahead += behind
        costs += cost_rows(name, ours, others)
    if not measured:
        return NO_RESULTS
    text = [
        "Queries per CPU second of one thread at recall@10, single calls through Python, all engines of a set in one run on one core; how many times",
        "as fast VIPER is as the fastest rival, hnswlib, and the fastest database that keeps files. Ratios carry over to other machines, rates do not.",
        "", *report.table(["set, recall", "VIPER", "fastest rival", "hnswlib", "fastest database"], searches), "",
        "A rival is ahead here: " + "; ".join(ahead) + "." if ahead else "No rival is ahead at these recalls.", "",
        *report.table(["set", "engine", "build, CPU s", "resident MiB", "of that not mapped files", "disk MiB"], costs), "",
        *describe_runs(measured), "",
        f"All engines, filters, promises of recall and plots: [compare.md](bench/results/compare.md); how: [docs/BENCHMARKING.md](docs/BENCHMARKING.md).",
    ]
    if any(not report.is_calm(line) for line in measured):
        text.append(f"Others kept more than {report.CALM} cores busy during some of it.")
    return "\n".join(text)


def describe_runs(lines: list[dict]) -> list[str]:
    """A line for each run, which says what was measured in it if there are several."""
    runs: dict = {}
    for line in lines:
        runs.setdefault((line["revision"], str(line["machine"])), []).append(line)
    if len(runs) == 1:
        return [report.describe_run(lines)]
    return [f"- {', '.join(dict.fromkeys(line['set'] for line in run))}: {report.describe_run(run)}" for run in runs.values()]


def rewritten(readme: str, text: str) -> str:
    head, found, rest = readme.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    if not found or not closed:
        raise SystemExit(f"readme_table: README.md lacks the markers {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{text}\n{END}{tail}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    path = REPOSITORY / "README.md"
    before = path.read_text(encoding="utf-8")
    after = rewritten(before, section(newest_results(REPOSITORY / "bench" / "results")))
    if options.check:
        sys.exit("readme_table: the table of README.md is not what the results give: run bench/compare/readme_table.py" if after != before else 0)
    path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
