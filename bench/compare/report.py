#!/usr/bin/env python3
"""Tables in Markdown, and plots as SVG and PNG, from the JSON lines of run.py.

    bench/compare/report.py RESULTS.jsonl... [--output FOLDER]

Of several lines about one contender and set the last counts. Plots need matplotlib, which the environment of run.py has.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

import pareto

RECALLS = ("0.90", "0.95", "0.98", "0.99")
BATCH_RECALLS = ("0.95", "0.99")
# Busy cores of others, above which a figure is marked.
CALM = 0.2
# How far below the recall asked for the mean may be.
PROMISE_SLACK = 0.01
COLOURS = {
    "viper": "#d62728",
    "glass": "#1f77b4",
    "scann": "#2ca02c",
    "svs": "#9467bd",
    "symphonyqg": "#e377c2",
    "hnswlib": "#7f7f7f",
    "faiss-ivfpq": "#ff7f0e",
    "faiss-rabitq": "#bcbd22",
    "faiss-hnsw": "#8c564b",
    "usearch": "#17becf",
}
OTHER_COLOURS = ("#393b79", "#637939", "#8c6d31", "#843c39", "#7b4173", "#3182bd", "#31a354")


def read_lines(paths: list[pathlib.Path]) -> dict[str, dict[str, dict]]:
    """Set -> contender -> its last line; sets in order of their first appearance."""
    found: dict[str, dict[str, dict]] = {}
    for path in paths:
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if line.get("benchmark") == "compare":
                of_set = found.setdefault(line["set"], {})
                of_set.pop(line["contender"], None)
                of_set[line["contender"]] = line
    return found


# -- Tables ----------------------------------------------------------------------------------------------------------

def thousands(rate: float | None) -> str:
    if rate is None:
        return "-"
    return f"{rate / 1e3:.1f} k" if rate >= 10_000 else f"{rate / 1e3:.2f} k" if rate >= 1000 else f"{rate:.0f}"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def rate_at(line: dict, kind: str, recall: str, which: str = "median") -> float | None:
    return line.get(kind, {}).get("at_recall", {}).get(recall, {}).get(which)


def search_table(lines: list[dict]) -> list[str]:
    lines = sorted(lines, key=lambda line: -(rate_at(line, "single", "0.95") or 0))
    columns = [("single", recall) for recall in RECALLS] + [("batch", recall) for recall in BATCH_RECALLS]
    best = {column: max((rate_at(line, *column) or 0 for line in lines), default=0) for column in columns}
    rows = []
    for line in lines:
        cells = [f"{line['contender']}{'' if is_calm(line) else ' †'}"]
        for column in columns:
            rate = rate_at(line, *column)
            cells.append(f"**{thousands(rate)}**" if rate and rate == best[column] else thousands(rate))
        low, high = rate_at(line, "single", "0.95", "min"), rate_at(line, "single", "0.95", "max")
        cells.insert(3, "-" if low is None or high is None else f"{thousands(low)} to {thousands(high)}")
        cells += [f"{line['build']['cpu_s']:,.1f}", f"{line['build']['peak_mib']:,.0f}", f"{line['memory']['resident_mib']:,.0f}",
                  f"{line['build']['disk_bytes'] / 2**20:,.0f}"]
        rows.append(cells)
    header = ["engine", "0.90", "0.95", "0.95, slowest to fastest round", "0.98", "0.99", "batch 0.95", "batch 0.99",
              "build CPU s", "build peak MiB", "resident MiB", "disk MiB"]
    return table(header, rows)


def latency_text(line: dict) -> str:
    """Median and 99th percentile of the fastest setting that reaches 0.95, and their quotient."""
    enough = [point for point in line.get("single", {}).get("curve", []) if point["recall"] >= 0.95]
    if not enough:
        return "-"
    latency = max(enough, key=lambda point: point["qps_cpu"]["median"])["latency_us"]
    return f"{latency['p50']:,.0f} / {latency['p99']:,.0f} ({latency['p99'] / latency['p50']:.1f}x)"


def told_or(answer: dict | None, key: str, form: str, scale: float = 1, missing: str = "too long") -> str:
    """A figure of a question; says if it was asked and not answered, or, with `missing`, why only in part."""
    if answer is None:
        return "-"
    if "failed" in answer:
        return "failed"
    return form.format(answer[key] * scale) if key in answer else missing


def question_table(lines: list[dict]) -> list[str]:
    rows = []
    for line in sorted(lines, key=lambda line: -(rate_at(line, "single", "0.95") or 0)):
        update = line.get("update")
        rows.append([
            line["contender"], latency_text(line),
            told_or(line.get("first_warm"), "wall_s", "{:,.1f}", 1e3), told_or(line.get("first_dropped"), "wall_s", "{:,.1f}", 1e3),
            told_or(update, "cpu_s", "{:,.2f}") + ("" if not update or update.get("found", 1) == 1 else " (not all found)"),
            told_or(update, "indexed_cpu_s", "{:,.2f}"), told_or(line.get("threads"), "ratio", "{:.2f}x"),
            told_or(line.get("threads"), "batch_ratio", "{:.2f}x", missing="-"), told_or(line.get("call"), "us", "{:.1f}"),
            f"{line['memory']['anonymous_mib']:,.0f}" if "anonymous_mib" in line["memory"] else "-",
        ])
    header = ["engine", "p50 / p99 at 0.95, us", "open + first query, ms", "the same, files not cached, ms", "1 % added, CPU s",
              "added and indexed, CPU s", "two threads", "the same, batches", "a call, us", "anonymous MiB"]
    return table(header, rows)


def limited_lines(lines: list[dict]) -> list[str]:
    told = []
    for line in lines:
        if "limited" in line:
            limited = line["limited"]
            figures = f"not measured: {limited['failed']}" if "failed" in limited else (
                f"{thousands(limited['qps_cpu'])} queries per CPU second, {thousands(limited['qps_wall'])} by the clock, recall "
                f"{limited['recall']:.3f}, p50 / p99 {limited['latency_us']['p50']:,.0f} / {limited['latency_us']['p99']:,.0f} us")
            if limited.get("peak_mib"):
                figures += f", at most {limited['peak_mib']:,.0f} MiB held"
            told += ["", f"{line['contender']} with memory and page cache limited to {limited['limit']}: {figures}."]
    return told


def group_table(lines: list[dict]) -> list[str]:
    """Recall by kind of queries at the fastest setting that reaches 0.95 over all."""
    rows, names = [], []
    for line in lines:
        enough = [point for point in line.get("single", {}).get("curve", []) if point["recall"] >= 0.95 and "recall_by_queries" in point]
        if enough:
            groups = max(enough, key=lambda point: point["qps_cpu"]["median"])["recall_by_queries"]
            names = list(groups)
            rows.append([line["contender"], *(f"{recall:.3f}" for recall in groups.values())])
    return table(["engine", *names], rows) if rows else []


def index_size_table(lines: list[dict]) -> list[str]:
    """What the second stage of VIPER's index takes and gives: where it was measured with and without."""
    sized = [line for line in lines if "index_bytes" in line.get("facts", {})]
    rows = []
    for line in sized:
        floats = line["rows"] * line["dim"] * 4
        rows.append([line["contender"], *(thousands(rate_at(line, "single", recall)) for recall in ("0.95", "0.99")),
                     f"{line['facts']['index_bytes'] / floats:.3f}x", f"{line['build']['disk_bytes'] / floats:.3f}x"])
    return table(["", "0.95", "0.99", "index to floats", "all on disk to floats"], rows) if len(sized) > 1 else []


def promise_table(line: dict) -> list[str]:
    """Recall asked against recall reached; what falls short by more than 0.01 is marked."""
    entries = line.get("promises", [])
    asked = sorted({entry["asked"] for entry in entries})
    rows = []
    for where in dict.fromkeys(entry["where"] for entry in entries):
        cells = {entry["asked"]: entry for entry in entries if entry["where"] == where}
        rows.append([where, *(promise_text(cells[recall]) for recall in asked)])
    return table([f"{line['contender']}, recall asked", *(f"{recall:.2f}" for recall in asked)], rows) if rows else []


def promise_text(entry: dict) -> str:
    mark = " **missed**" if entry["recall"] < entry["asked"] - PROMISE_SLACK else ""
    return f"{entry['recall']:.3f}{mark}" + (f", **{entry['short']} short**" if entry["short"] else "")


def filter_table(lines: list[dict]) -> list[str]:
    """Per filter: queries per CPU second, recall, and queries that got fewer hits than there are, at the best setting.

    The best setting is the fastest that reaches 0.95, or if none does the one of highest recall.
    """
    names = {entry["filter"]: entry["selectivity"] for line in lines for entry in line.get("filters", [])}
    rows = []
    for line in sorted(lines, key=lambda line: line["contender"]):
        if not line.get("filters"):
            continue
        cells = [line["contender"]]
        for name in sorted(names, key=names.get):
            entries = [entry for entry in line["filters"] if entry["filter"] == name]
            enough = [entry for entry in entries if entry["recall"] >= 0.95]
            entry = max(enough, key=lambda entry: entry["qps_cpu"]) if enough else max(entries, key=lambda entry: entry["recall"])
            short = f", **{entry['short']} short**" if entry["short"] else ""
            cells.append(f"{thousands(entry['qps_cpu'])} at {entry['recall']:.3f}{short}")
        rows.append(cells)
    header = ["database"] + [f"{name} ({100 * names[name]:.2g} %)" for name in sorted(names, key=names.get)]
    return table(header, rows) if rows else []


def is_calm(line: dict) -> bool:
    return line["foreign_load"]["median"] <= CALM


def describe_run(lines: list[dict]) -> str:
    machine = lines[0]["machine"]
    dates = sorted({line["date"][:10] for line in lines})
    return (f"{machine['processor']}, {machine['cores']} cores, {machine['kernel']}, flags {' '.join(machine['flags'])}; "
            f"{' and '.join(dates)}, {lines[0]['rounds']} alternating rounds, revision {', '.join(sorted({line['revision'] for line in lines}))}.")


def set_section(name: str, of_set: dict[str, dict], plots: bool) -> list[str]:
    lines = [line for line in of_set.values() if "skipped" not in line]
    skipped = [line for line in of_set.values() if "skipped" in line]
    if not lines:
        return []
    first = lines[0]
    text = [f"### {name}: {first['rows']:,} rows of {first['dim']} dimensions, {first['metric']}", "", describe_run(lines), ""]
    text += search_table(lines)
    text += ["", "Beside the curves:", "", *question_table(lines)]
    text += limited_lines(lines)
    groups = group_table(lines)
    if groups:
        text += ["", "Recall by where the queries come from, at the fastest setting that reaches 0.95 over all of them:", "", *groups]
    sizes = index_size_table(lines)
    if sizes:
        text += ["", "Queries per CPU second, and bytes on disk (ids and the metadata of filters among them) as multiples of those of the floats:", "", *sizes]
    for line in lines:
        promises = promise_table(line)
        if promises:
            text += ["", "Recall asked for and recall reached:", "", *promises]
    filters = filter_table(lines)
    if filters:
        text += ["", "With a filter (share of rows that match), single queries:", "", *filters]
    if plots:
        text += ["", f"![Recall against queries per second, {name}](compare-{name}.svg)"]
    if any(not is_calm(line) for line in lines):
        text += ["", f"† Others kept more than {CALM} cores busy meanwhile: a figure to repeat when the machine is calm."]
    if skipped:
        text += ["", "Left out: " + "; ".join(f"{line['contender']} ({line['skipped']})" for line in skipped) + "."]
    versions = sorted({f"{line['rival']} {line['version']}" for line in lines})
    return text + ["", f"Versions: {', '.join(versions)}.", ""]


INTRODUCTION = """\
Queries per CPU second of one thread on one core at recall@10 (by distance), through Python; single queries are one call
each, batches hold up to 256. Interpolated on the convex hull of (recall, time per query); median of the rounds. Engines
without a cosine were given unit vectors. Memory is what the process grew by.
"""


# -- Plots -----------------------------------------------------------------------------------------------------------

def colour_of(rival: str, others: list[str]) -> str:
    return COLOURS.get(rival) or OTHER_COLOURS[others.index(rival) % len(OTHER_COLOURS)]


def draw(name: str, lines: list[dict], folder: pathlib.Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = name  # the same figures make the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(13, 6), sharey=True)
    others = sorted({line["rival"] for line in lines} - set(COLOURS))
    for axis, kind in zip(axes, ("single", "batch")):
        styles: dict[str, int] = {}
        for line in lines:
            if kind not in line:
                continue
            style = ("-", "--", ":", "-.")[styles.setdefault(line["rival"], 0) % 4]
            styles[line["rival"]] += 1
            points = pareto.hull([(point["recall"], 1 / point["qps_cpu"]["median"]) for point in line[kind]["curve"]])
            points = [(recall, 1 / seconds) for recall, seconds in points if recall >= 0.8]
            axis.plot(*zip(*points), style, marker="o", markersize=3, color=colour_of(line["rival"], others),
                      linewidth=2.4 if line["rival"] == "viper" else 1.3, label=line["contender"])
        axis.set_yscale("log")
        axis.set_xlabel("recall@10")
        axis.set_title(f"{name}, {'one query a call' if kind == 'single' else 'batches of up to 256'}")
        axis.grid(True, which="both", linewidth=0.3)
    axes[0].set_ylabel("queries per CPU second, one core")
    axes[0].legend(fontsize=7, loc="lower left")
    figure.tight_layout()
    figure.savefig(folder / f"compare-{name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"compare-{name}.png", dpi=110)
    pyplot.close(figure)


def has_matplotlib() -> bool:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("report: no matplotlib here, so no plots; run it with the Python of VIPER_BENCH_DIR/venv", file=sys.stderr)
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", nargs="+", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default=None, help="folder for compare.md and the plots; default that of the results")
    options = parser.parse_args()
    folder = options.output or options.results[-1].parent
    folder.mkdir(parents=True, exist_ok=True)
    plots = has_matplotlib()
    text = [INTRODUCTION]
    for name, of_set in read_lines(options.results).items():
        text += set_section(name, of_set, plots)
        lines = [line for line in of_set.values() if "skipped" not in line]
        if plots and lines:
            draw(name, lines, folder)
    (folder / "compare.md").write_text("\n".join(text), encoding="utf-8")
    print(f"report: {folder / 'compare.md'}")


if __name__ == "__main__":
    main()
