#!/usr/bin/env python3
"""VIPER beside other engines: recall against queries per second, builds, memory, bytes on disk and filters, in one run.

    bench/compare/run.py [--sets NAME,...] [--rivals NAME,...] [--rounds 5] [--output FILE]

Each engine comes from its ordinary package, pinned in requirements*.txt, in an environment of its own below
VIPER_BENCH_DIR; what does not install, load or build is left out by name, with the reason. docs/BENCHMARKING.md says
what is measured and how.

VIPER_DATA        folder with the unpacked sets (sift-photos-1m, words-50k-100, mnist-784, ...)
VIPER_BENCH_DIR   scratch folder: the environment, built indexes (default build/bench)
VIPER_BUILD_DIR   build tree with the module `viper` (default build/release)
VIPER_PEERS       folder with modules that no registry carries (glass, symphonyqg)
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import machine
import pareto
import rivals
from contest import Contest, Skipped, usable_cores
from environment import Environment
from vector_set import METRICS, VectorSet

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# Settings outside these recalls are not measured again after the first look.
RECALL_LOWEST, RECALL_ENOUGH = 0.85, 0.995
SLACK = 0.1
SETTINGS_MAX = 12
# An engine that answers fewer queries a second than this at all its settings is measured only where the tables look.
SLOW = 500
SLOW_RECALLS = (0.95, 0.99)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default=",".join(METRICS), help="comma separated; those that are not unpacked are left out")
    parser.add_argument("--rivals", default=",".join(rivals.RIVALS), help="comma separated")
    parser.add_argument("--contenders", default="", help="only those whose label contains one of these, comma separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds-min", type=float, default=0.2, help="per setting and round, passes are repeated until then")
    parser.add_argument("--seconds-max", type=float, default=5, help="per setting and round, slower passes are cut off")
    parser.add_argument("--build-seconds-max", type=float, default=3600, help="an engine that takes longer to build is left out")
    parser.add_argument("--build-only", action="store_true", help="make the indexes that are missing and stop")
    parser.add_argument("--no-build", action="store_true", help="leave out what is not built yet")
    parser.add_argument("--curves-only", action="store_true", help="no first queries, updates and threads, which take minutes")
    parser.add_argument("--memory-limit", metavar="SIZE", help="search with VIPER once more in a cgroup of this size, such as 256M; takes root")
    parser.add_argument("--core", type=int, default=max(usable_cores()), help="the core that every engine is pinned to")
    parser.add_argument("--output", type=pathlib.Path, default=None, help="default bench/results/compare-<date>.jsonl")
    return parser.parse_args()


def say(text: str) -> None:
    print(f"compare: {text}", file=sys.stderr, flush=True)


def revision() -> str:
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, encoding="utf-8").stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("-modified" if changed else "")


def find_sets(names: list[str], scratch: pathlib.Path) -> list[VectorSet]:
    folder = os.environ.get("VIPER_DATA")
    if not folder:
        raise SystemExit("compare: set VIPER_DATA to the folder with the unpacked sets")
    found = []
    for name in names:
        path = pathlib.Path(folder) / name
        if (path / "base.fvecs").exists():
            found.append(VectorSet(path, scratch / "sets"))
        else:
            say(f"{name}: not in VIPER_DATA, left out")
    return found


def check_truth_once(vectors: VectorSet, scratch: pathlib.Path) -> None:
    mark = scratch / "sets" / f"{vectors.fingerprint}.truth-checked"
    if not mark.exists():
        say(f"{vectors.shape.name}: comparing the ground truth with a brute force in double precision")
        vectors.check_truth()
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


class Environments:
    """The environment of each group of engines, made when it is first asked for."""

    def __init__(self, scratch: pathlib.Path):
        self.scratch, self._made = scratch, {}

    def of(self, rival_name: str) -> Environment:
        group = rivals.rival_class(rival_name).environment
        if group not in self._made:
            self._made[group] = Environment(REPOSITORY, self.scratch, say, group)
        return self._made[group]


def make_contests(vectors: VectorSet, environments: Environments, options: argparse.Namespace) -> tuple[list[Contest], dict]:
    """Built and opened contenders, and what was left out with its reason."""
    contests, skipped = [], {}
    for name in options.rivals.split(","):
        for contender in rivals.contenders(name, vectors.shape):
            wanted = options.contenders.split(",")
            if not any(part in contender.label for part in wanted):
                continue
            try:
                contest = Contest(contender, vectors, environments.of(name), options.core)
                contest.build(allowed=not options.no_build, seconds_max=options.build_seconds_max)
                contests.append(contest)
            except Skipped as reason:
                skipped[contender.label] = str(reason)
                say(f"{vectors.shape.name}: {contender.label}: left out: {reason}")
    return contests, skipped


def drop_failed(contests: list[Contest], skipped: dict, step) -> list[Contest]:
    """Do a step with every contender; one that fails is out, the others go on."""
    left = []
    for contest in contests:
        try:
            step(contest)
            left.append(contest)
        except Skipped as reason:
            skipped[contest.contender.label] = str(reason)
            say(f"{contest.contender.label}: left out: {reason}")
            contest.close()
    return left


def choose_settings(contest: Contest, options: argparse.Namespace) -> None:
    """Measure every setting once and keep those that may lie on the curve."""
    results = contest.measure(contest.settings, ["single"], 0, 0, options.seconds_max * 4, with_ids=True)
    points = []
    for result in results:
        recall = contest.recall_of(result["single"])
        points.append((recall.mean, 1 / result["single"]["qps_cpu"]))
    contest.is_slow = max(1 / seconds for _, seconds in points) < SLOW
    if contest.is_slow:
        kept = pareto.neighbours(points, SLOW_RECALLS)
    else:
        kept = pareto.worth_measuring(points, RECALL_LOWEST, RECALL_ENOUGH, SLACK, SETTINGS_MAX)
    contest.settings = [contest.settings[position] for position in kept]
    recalls = [points[position][0] for position in kept]
    say(f"{contest.contender.label}: {len(kept)} of {len(points)} settings, recall {min(recalls):.3f} to {max(recalls):.3f}")


def measure_set(vectors: VectorSet, environments: Environments, options: argparse.Namespace) -> list[dict]:
    check_truth_once(vectors, environments.scratch)
    contests, skipped = make_contests(vectors, environments, options)
    if options.build_only:
        return []
    contests = drop_failed(contests, skipped, Contest.open)
    contests = drop_failed(contests, skipped, lambda contest: choose_settings(contest, options))
    for round_number in range(options.rounds):
        say(f"{vectors.shape.name}: round {round_number + 1} of {options.rounds}")
        contests = drop_failed(
            contests, skipped, lambda contest: contest.play_round(round_number, options.seconds_min, options.seconds_max)
        )
    contests = drop_failed(contests, skipped, lambda contest: contest.play_filters(options))
    contests = drop_failed(contests, skipped, lambda contest: contest.keep_promises(options))
    contests = drop_failed(contests, skipped, Contest.ask_memory)
    for contest in contests:
        contest.close()
    if not options.curves_only:
        contests = drop_failed(contests, skipped, lambda contest: contest.ask_questions(sorted(usable_cores())))
    for contest in contests:
        if options.memory_limit and contest.contender.rival == "viper":
            contest.search_limited(options.memory_limit)
    lines = [contest.report() for contest in contests]
    lines += [{"set": vectors.shape.name, "contender": label, "skipped": reason} for label, reason in skipped.items()]
    return lines


def main() -> None:
    options = parse_arguments()
    environments = Environments(pathlib.Path(os.environ.get("VIPER_BENCH_DIR", REPOSITORY / "build" / "bench")).resolve())
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    output = options.output or REPOSITORY / "bench" / "results" / f"compare-{date[:10]}.jsonl"
    common = {"benchmark": "compare", "date": date, "revision": revision(), "machine": machine.describe(), "rounds": options.rounds, "k": 10}
    for vectors in find_sets(options.sets.split(","), environments.scratch):
        begin = time.monotonic()
        lines = measure_set(vectors, environments, options)
        if not lines:
            continue
        with open(output, "a", encoding="utf-8") as stream:
            for line in lines:
                stream.write(json.dumps({**common, **line}) + "\n")
        say(f"{vectors.shape.name}: {sum('skipped' not in line for line in lines)} engines in {(time.monotonic() - begin) / 60:.0f} min")
    if not options.build_only:
        say(f"results are in {os.path.relpath(output)}")


if __name__ == "__main__":
    main()
