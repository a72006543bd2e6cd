"""One contender over one set, from the side of the run: its built files, its process, its figures."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

import numpy as np

import machine
import pareto
import rivals
import shifted
from environment import Environment, last_line
from rivals.rival import Contender
from vector_set import Recall, VectorSet

RECALLS_TOLD = (0.90, 0.95, 0.98, 0.99)
FIRST_QUERIES = 3
QUESTION_SECONDS_MAX = 120
# The settings of a slow engine are too many for every filter: only that of the highest recall is measured.
FILTER_SECONDS_MAX_SLOW = 3
WORKER = pathlib.Path(__file__).with_name("worker.py")


def usable_cores() -> set[int]:
    return os.sched_getaffinity(0)


class Skipped(Exception):
    """A contender that cannot take part; the text is the reason."""


class Contest:
    def __init__(self, contender: Contender, vectors: VectorSet, environment: Environment, core: int):
        self.contender, self.vectors, self._environment, self._core = contender, vectors, environment, core
        self._process: subprocess.Popen | None = None
        self._rounds: list[list[dict]] = []
        self._loads: list[float] = []
        self._filters: list[dict] = []
        self._promises: list[dict] = []
        self._questions: dict[str, dict] = {}
        self.is_slow = False
        self.settings: list[dict] = []
        self.version = self._find_version()
        key = json.dumps([contender.rival, self.version, contender.parameters, vectors.fingerprint, vectors.metric], sort_keys=True)
        name = f"{contender.rival}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        self.folder = environment.scratch / "indexes" / vectors.shape.name / name
        self._log_stem = f"{vectors.shape.name}-{name}-{hashlib.sha256(contender.label.encode()).hexdigest()[:6]}"
        self._stderr_path = environment.scratch / "logs" / f"{self._log_stem}.log"

    def _find_version(self) -> str:
        kind, environment = rivals.rival_class(self.contender.rival), self._environment
        if kind.distribution in environment.failed:
            raise Skipped(environment.failed[kind.distribution])
        try:
            return kind.version(environment.versions, environment.python_path)
        except LookupError as missing:
            raise Skipped(str(missing)) from None

    # -- The process -----------------------------------------------------------------------------------------------

    def _start(self, mode: str, entries: dict | None = None, **arguments) -> subprocess.Popen:
        job = self._environment.scratch / "jobs" / f"{self._log_stem}.json"
        job.parent.mkdir(parents=True, exist_ok=True)
        job.write_text(json.dumps({
            "set": str(self.vectors.folder.resolve()),
            "folder": str(self.folder),
            "core": self._core,
            "python_path": self._environment.python_path,
            "warm_queries": str(self._warm_queries()),
            "cache": str(self.vectors.cache) if self.vectors.cache else None,
            "contender": vars(self.contender),
            **(entries or {}),
        }))
        self._stderr_path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._stderr_path, "w", encoding="utf-8") as log:
            return subprocess.Popen(
                [str(self._environment.python), str(WORKER), mode, str(job)],
                env=self._environment.variables(), cwd=self.folder, stderr=log, encoding="utf-8", **arguments,
            )

    def _warm_queries(self) -> pathlib.Path:
        path = self._environment.scratch / "sets" / f"{self.vectors.fingerprint}-warm.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, self.vectors.make_warm_queries())
        return path

    def _question(self, mode: str, **entries) -> dict:
        """The last that a process of its own answers in time; one that fails or has no answer then tells that in place of it."""
        process = self._start(mode, entries, stdout=subprocess.PIPE)
        try:
            answers, _ = process.communicate(timeout=QUESTION_SECONDS_MAX)
            reason = None if process.returncode == 0 and answers else self._complaint(process.returncode)
        except subprocess.TimeoutExpired:
            process.kill()
            answers, _ = process.communicate()
            reason = None if answers else f"longer than {QUESTION_SECONDS_MAX} s"
            shutil.rmtree(self.folder / "updated", ignore_errors=True)
        return {"failed": reason} if reason else json.loads(answers.splitlines()[-1])

    def _complaint(self, code: int) -> str:
        return f"ended with code {code}: {last_line(self._stderr_path.read_text(errors='replace'))}"

    def _ask(self, command: str, **arguments) -> dict:
        try:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Skipped(self._complaint(self._process.wait()))
        return json.loads(line)

    def close(self) -> None:
        if self._process:
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    # -- Steps -----------------------------------------------------------------------------------------------------

    def build(self, allowed: bool, seconds_max: float | None = None) -> None:
        """Build, unless an earlier run did with the same version, parameters and rows, or gave up after as long."""
        if not (self.folder / "build.json").exists():
            if not allowed:
                raise Skipped("not built")
            tried = self.folder / "gave_up.json"
            if tried.exists() and seconds_max is not None and json.loads(tried.read_text())["seconds"] >= seconds_max:
                raise Skipped(f"not built within {seconds_max:.0f} s")
            print(f"compare: {self.vectors.shape.name}: building {self.contender.label}", file=sys.stderr, flush=True)
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            builder = self._start("build")
            try:
                code = builder.wait(timeout=seconds_max)
            except subprocess.TimeoutExpired:
                builder.kill()
                builder.wait()
                shutil.rmtree(self.folder / "files", ignore_errors=True)
                tried.write_text(json.dumps({"seconds": seconds_max}))
                raise Skipped(f"not built within {seconds_max:.0f} s") from None
            if code != 0:
                raise Skipped(self._complaint(code))
        self._built = json.loads((self.folder / "build.json").read_text())

    def open(self) -> None:
        self._process = self._start("serve", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._opened = self._ask("open")
        self.settings = self._opened["settings"]

    def measure(self, settings, kinds, first_query, seconds_min, seconds_max, with_ids) -> list[dict]:
        answer = self._ask("measure", settings=settings, kinds=kinds, first_query=first_query, seconds_min=seconds_min,
                           seconds_max=seconds_max, with_ids=with_ids)
        self._loads.append(answer["foreign_load"])
        return answer["results"]

    def recall_of(self, result: dict, filter_name: str | None = None) -> Recall:
        return self.vectors.recall(result["ids"], result["first_query"], filter_name)

    def play_round(self, number: int, seconds_min: float, seconds_max: float) -> None:
        """Measure all settings; answers are checked in the first round, where none is cut off before its end."""
        first = number == 0
        # A slow engine does not get through all queries in a round: it goes on elsewhere in the next.
        first_query = number * 101
        results = self.measure(self.settings, ["single", "batch"], first_query, seconds_min, seconds_max * (4 if first else 1), first)
        if first:
            for result in results:
                for kind in ("single", "batch"):
                    if kind in result:
                        result[kind]["recall"] = self.recall_of(result[kind])
                        del result[kind]["ids"]
        self._rounds.append(results)

    def play_filters(self, options) -> None:
        if not rivals.rival_class(self.contender.rival).is_database:
            return
        settings = self.settings[-1:] if self.is_slow else self.settings
        seconds_max = FILTER_SECONDS_MAX_SLOW if self.is_slow else options.seconds_max
        for case in self.vectors.filter_cases:
            results = self._ask("filtered", filter=case.name, settings=settings, first_query=0, seconds_min=options.seconds_min,
                                seconds_max=seconds_max, with_ids=True)["results"]
            for result in results:
                recall = self.recall_of(result["single"], case.name)
                self._filters.append({
                    "filter": case.name, "selectivity": case.selectivity, "setting": result["setting"], **told(recall),
                    "queries": result["single"]["queries"], "qps_cpu": round(result["single"]["qps_cpu"], 1),
                    "qps_wall": round(result["single"]["qps_wall"], 1), "short": recall.short,
                })

    def keep_promises(self, options) -> None:
        """For engines that are asked for a recall: what they reach, over all queries, their groups, those like no row, and under every filter."""
        if not rivals.rival_class(self.contender.rival).promises_recall:
            return
        settings = [{"recall": asked} for asked in RECALLS_TOLD]
        for result in self.measure(settings, ["single"], 0, 0, options.seconds_max * 4, with_ids=True):
            recall = self.recall_of(result["single"])
            self._note_promise(result, "all queries", recall.mean, recall.short, len(recall.shares))
            for name, mean in self._group_means(recall).items():
                self._note_promise(result, f"queries: {name}", mean, 0, len(self.vectors.query_groups[name]))
        for kind in shifted.KINDS:
            for result in self._ask("shifted", kind=kind, settings=settings, first_query=0, seconds_min=0,
                                    seconds_max=options.seconds_max * 4, with_ids=True)["results"]:
                recall = self.vectors.shifted_recall(result["single"]["ids"], kind)
                self._note_promise(result, f"shifted queries: {kind}", recall.mean, recall.short, len(recall.shares))
        for case in self.vectors.filter_cases:
            for result in self._ask("filtered", filter=case.name, settings=settings, first_query=0, seconds_min=0,
                                    seconds_max=options.seconds_max * 4, with_ids=True)["results"]:
                recall = self.recall_of(result["single"], case.name)
                where = f"filter {case.name} ({100 * case.selectivity:.2g} %)"
                self._note_promise(result, where, recall.mean, recall.short, len(recall.shares))

    def _note_promise(self, result: dict, where: str, mean: float, short: int, queries: int) -> None:
        self._promises.append({"where": where, "asked": result["setting"]["recall"], "recall": round(mean, 5), "queries": queries, "short": short})

    def _group_means(self, recall: Recall) -> dict[str, float]:
        """Mean recall of each group of queries; none if not all queries were answered."""
        groups = self.vectors.query_groups if len(recall.shares) == len(self.vectors.queries) else {}
        return {name: float(recall.shares[rows].mean()) for name, rows in groups.items()}

    def ask_questions(self, cores: list[int]) -> None:
        """What other processes tell: the first query, the cost of adding rows, two threads, a call. At the setting for 0.95."""
        kind = rivals.rival_class(self.contender.rival)
        setting = self._setting_at(0.95)
        for name, cold in (("first_warm", False), ("first_dropped", True)):
            answers = [self._question("first", setting=setting, cold=cold) for _ in range(FIRST_QUERIES)]
            failed = [answer for answer in answers if "failed" in answer]
            self._questions[name] = failed[0] if failed else {"wall_s": round(statistics.median(answer["wall_s"] for answer in answers), 4)}
        if kind.can_add:
            self._questions["update"] = self._question("update", setting=setting)
        if kind.is_concurrent and len(cores) >= 2:
            self._questions["threads"] = self._question("threads", setting=setting, cores=cores[-2:])
        if kind.takes_few_rows:
            self._questions["call"] = self._question("call")

    def search_limited(self, limit: str) -> None:
        """Search once more where memory and page cache together are limited."""
        try:
            with machine.MemoryGroup(limit) as group:
                answer = self._question("limited", setting=self._setting_at(0.95), group=str(group.folder))
        except machine.NoMemoryGroup as reason:
            answer = {"failed": str(reason)}
        if "ids" in answer:
            answer["recall"] = round(self.vectors.recall(answer.pop("ids")).mean, 5)
        self._questions["limited"] = {"limit": limit, **answer}

    def _setting_at(self, recall: float) -> dict:
        """The fastest setting that reaches the recall, or the one of highest recall."""
        points = [(result["single"]["recall"].mean, result["single"]["qps_cpu"], result["setting"]) for result in self._rounds[0]]
        enough = [point for point in points if point[0] >= recall]
        return max(enough, key=lambda point: point[1])[2] if enough else max(points, key=lambda point: point[0])[2]

    def ask_memory(self) -> None:
        self._memory = self._ask("memory")

    # -- Report ----------------------------------------------------------------------------------------------------

    def report(self) -> dict:
        """One line of the results."""
        shape = self.vectors.shape
        line = {
            "set": shape.name, "rows": shape.rows, "dim": shape.dim, "metric": shape.metric,
            "rival": self.contender.rival, "contender": self.contender.label, "version": self.version,
            "parameters": {**self.contender.parameters, **self.contender.opening}, "facts": self._opened["facts"],
            "build": {key: value for key, value in self._built.items() if key not in ("facts", "version")},
            "open_wall_s": round(self._opened["open_wall_s"], 3), "memory": self._memory,
            "foreign_load": {"median": statistics.median(self._loads), "max": max(self._loads)},
        }
        for kind in ("single", "batch"):
            curve = self._curve(kind)
            if curve:
                line[kind] = {"curve": curve, "at_recall": at_recalls(curve)}
        line.update(self._questions)
        if self._promises:
            line["promises"] = self._promises
        if self._filters:
            line["filters"] = self._filters
        return line

    def _curve(self, kind: str) -> list[dict]:
        points = []
        for position, first in enumerate(self._rounds[0]):
            if kind not in first:
                continue
            measured = [results[position][kind] for results in self._rounds]
            point = {"setting": first["setting"], **told(first[kind]["recall"]), "queries": sum(entry["queries"] for entry in measured)}
            for clock in ("qps_cpu", "qps_wall"):
                rates = [entry[clock] for entry in measured]
                point[clock] = {"median": round(statistics.median(rates), 1), "min": round(min(rates), 1), "max": round(max(rates), 1)}
            if "latency_us" in first[kind]:
                point["latency_us"] = {
                    percentile: round(statistics.median(entry["latency_us"][percentile] for entry in measured), 2)
                    for percentile in first[kind]["latency_us"]
                }
            groups = self._group_means(first[kind]["recall"])
            if groups:
                point["recall_by_queries"] = {name: round(mean, 5) for name, mean in groups.items()}
            if "batch" in first[kind]:
                point["batch"] = first[kind]["batch"]
            points.append(point)
        return points


def told(recall: Recall) -> dict:
    return {
        "recall": round(recall.mean, 5),
        "recall_p5": round(recall.fifth_percentile, 3),
        "share_at_least_90": round(recall.at_least_90, 4),
    }


def at_recalls(curve: list[dict]) -> dict:
    """Queries per CPU second at the told recalls, from the medians, the slowest and the fastest rounds."""
    found = {}
    for recall in RECALLS_TOLD:
        entry = {}
        for which in ("median", "min", "max"):
            seconds = pareto.seconds_at([(point["recall"], 1 / point["qps_cpu"][which]) for point in curve], recall)
            entry[which] = None if seconds is None else round(1 / seconds, 1)
        found[f"{recall:.2f}"] = entry
    return found
