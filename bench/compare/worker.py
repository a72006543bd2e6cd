#!/usr/bin/env python3
"""The process of one contender over one set: builds it, or opens what was built and measures on command.

    worker.py build JOB.json      builds into job["folder"] and writes build.json there
    worker.py serve JOB.json      reads one command a line from standard input, answers one JSON line each
    worker.py first JOB.json      opens and answers one query, tells how long that took
    worker.py update JOB.json     adds one row in a hundred to a copy of what was built, tells what that cost
    worker.py limited JOB.json    searches inside a cgroup, tells how fast and with which answers
    worker.py threads JOB.json    two threads on two cores beside one: tells how many times as fast they are
    worker.py call JOB.json       searches a few rows: tells what a call takes that has next to nothing to do

A contender has a process of its own, so that its memory is its own; what libraries print goes to standard error.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import pathlib
import shutil
import statistics
import sys
import threading
import time
from typing import Callable, Iterator

import numpy as np

import filters
import machine
import rivals
from rivals.rival import BATCH, K, Contender, Rival, Shape
from vector_set import VectorSet

CLOCK = time.perf_counter_ns
SECONDS_WARM = 1
WARM_BETWEEN_SETTINGS = 200
ROWS_PER_ADDED = 100
UPDATE_PROBES = 20
LIMITED_SECONDS_MAX = 60
THREAD_ROUNDS = 5
THREAD_SECONDS = 0.5
CALL_ROWS, CALL_DIM = 16, 8
CALL_ROUNDS = 5
CALL_SECONDS = 0.2


class Job:
    """What run.py says about the contender, the set and the place."""

    def __init__(self, path: str):
        with open(path, encoding="utf-8") as stream:
            self.entries = json.load(stream)
        cache = self.entries["cache"]
        self.set = VectorSet(pathlib.Path(self.entries["set"]), pathlib.Path(cache) if cache else None)
        self.folder = pathlib.Path(self.entries["folder"])
        self.contender = Contender(**self.entries["contender"])

    def make_rival(self, folder: str = "files") -> Rival:
        return self._rival_over(self.set.shape, folder, self.set.read_base)

    def make_small_rival(self, folder: str, rows: int, dim: int) -> Rival:
        """Over the first rows and components of the set."""
        shape = dataclasses.replace(self.set.shape, rows=rows, dim=dim)
        return self._rival_over(shape, folder, lambda: np.ascontiguousarray(self.set.read_base()[:rows, :dim]))

    def _rival_over(self, shape: Shape, folder: str, read_base: Callable[[], np.ndarray]) -> Rival:
        kind = rivals.rival_class(self.contender.rival)
        return kind(self.contender, shape, self.folder / folder, read_base)


# -- Build -----------------------------------------------------------------------------------------------------------

def build(job: Job) -> None:
    rival = job.make_rival()
    rival.load_libraries()
    rival.folder.mkdir(parents=True)
    metadata = read_columns(job.set) if rival.is_database else None
    base = job.set.read_base()  # read once before the clock starts, so that it is in the page cache
    before, load = machine.memory_mib()["resident"], machine.ForeignLoad()
    wall, cpu = time.perf_counter(), machine.cpu_seconds()
    del base
    rival.build(metadata)
    cpu, wall = machine.cpu_seconds() - cpu, time.perf_counter() - wall
    report = {
        "cpu_s": round(cpu, 2),
        "wall_s": round(wall, 2),
        # Above the libraries; the floats that were handed over are part of it.
        "peak_mib": round(machine.memory_mib()["peak"] - before + base_mib(job), 1),
        "disk_bytes": machine.bytes_below(rival.folder),
        "foreign_load": round(load.cores(cpu), 2),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "facts": rival.facts(),
    }
    (job.folder / "build.json").write_text(json.dumps(report))


def base_mib(job: Job) -> float:
    return job.set.shape.rows * job.set.shape.dim * 4 / 2**20


def read_columns(vectors: VectorSet) -> dict[str, list]:
    """The metadata columns that the filters of the set name."""
    names = sorted({field for case in vectors.filter_cases for field in case.filter.fields()})
    rows = vectors.read_metadata(names)
    return {name: [row[name] for row in rows] for name in names}


# -- Single questions ------------------------------------------------------------------------------------------------
# Each yields its answer; one that takes long yields what it knows so far before.

def first(job: Job) -> Iterator[dict]:
    """Open and answer in a process that did nothing else; its libraries are loaded before."""
    rival = job.make_rival()
    rival.load_libraries()
    query = np.ascontiguousarray(rival.prepared(job.set.queries[:1])[0])
    if job.entries["cold"]:
        machine.drop_cached(rival.folder)
    begin, cpu = time.perf_counter(), time.process_time()
    rival.open()
    rival.apply(job.entries["setting"])
    rival.ids(rival.single()(query))
    yield {"wall_s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}


def limited(job: Job) -> Iterator[dict]:
    """Search by single calls inside the cgroup of the job; the files are read anew, so that their pages count for it."""
    rival = job.make_rival()
    machine.drop_cached(rival.folder)
    group = pathlib.Path(job.entries["group"])
    machine.join_group(group)
    rival.load_libraries()
    rival.open()
    rival.apply(job.entries["setting"])
    rows = [np.ascontiguousarray(query) for query in rival.prepared(job.set.queries)]
    search = rival.single()
    warm_up(search, [np.ascontiguousarray(query) for query in rival.prepared(np.load(job.entries["warm_queries"]))])
    answers, marks, cpu_ns = time_pass(search, rows, CLOCK() + LIMITED_SECONDS_MAX * 1_000_000_000)
    laps = np.diff(marks).tolist()
    told = figures(len(laps), sum(laps), cpu_ns)
    told["latency_us"] = {f"p{percent}": round(float(np.percentile(laps, percent)) / 1e3, 2) for percent in (50, 99)}
    told["peak_mib"] = machine.group_peak_mib(group)
    yield {**told, "ids": [as_list(rival.ids(answer)) for answer in answers]}


def update(job: Job) -> Iterator[dict]:
    shutil.rmtree(job.folder / "updated", ignore_errors=True)
    shutil.copytree(job.folder / "files", job.folder / "updated")
    try:
        yield from add_rows(job, job.make_rival("updated"))
    finally:
        shutil.rmtree(job.folder / "updated")


def add_rows(job: Job, rival: Rival) -> Iterator[dict]:
    """Add rows that are rows of the set moved a little, with their metadata, and look whether they are found."""
    rival.load_libraries()
    rows, moved = job.set.make_moved_rows(max(1, job.set.shape.rows // ROWS_PER_ADDED))
    vectors = np.ascontiguousarray(rival.prepared(moved))
    metadata = {}
    if rival.is_database:
        metadata = {name: [column[row] for row in rows] for name, column in read_columns(job.set).items()}
    rival.open_for_adding()
    wall, cpu = time.perf_counter(), machine.cpu_seconds()
    rival.add(job.set.shape.rows, vectors, metadata)
    added = {"rows": len(rows), "cpu_s": round(machine.cpu_seconds() - cpu, 3), "wall_s": round(time.perf_counter() - wall, 3)}
    rival.apply(job.entries["setting"])
    search, probes = rival.single(), range(0, len(rows), max(1, len(rows) // UPDATE_PROBES))
    added["found"] = sum(job.set.shape.rows + probe in as_list(rival.ids(search(vectors[probe]))) for probe in probes) / len(probes)
    yield added
    cpu = machine.cpu_seconds()
    rival.index_added()
    yield {**added, "indexed_cpu_s": round(added["cpu_s"] + machine.cpu_seconds() - cpu, 3)}


def threads(job: Job) -> Iterator[dict]:
    """Queries per second of the wall clock of one thread and of two, in single calls; alternating, the medians count."""
    os.sched_setaffinity(0, set(job.entries["cores"]))
    rival = job.make_rival()
    rival.load_libraries()
    rival.open()
    rival.apply(job.entries["setting"])
    rows = [np.ascontiguousarray(query) for query in rival.prepared(job.set.queries)]
    search = rival.single()
    warm_up(search, rows)
    rates = compare_rates(THREAD_ROUNDS, [lambda count=count: rate_of_threads(search, rows, count) for count in (1, 2)])
    yield told_rates("", *rates) | (batch_threads(job, rival) if rival.has_threads else {})


def batch_threads(job: Job, one: Rival) -> dict:
    """The same of whole batches, with the threads of the engine."""
    two = job.make_rival()
    two.load_libraries()
    two.threads = 2
    two.open()
    two.apply(job.entries["setting"])
    queries = np.ascontiguousarray(two.prepared(job.set.queries)[:BATCH])
    rates = compare_rates(THREAD_ROUNDS, [lambda search=rival.batch(): rate_of_calls(search, queries, THREAD_SECONDS) * len(queries) for rival in (one, two)])
    return told_rates("batch_", *rates)


def call(job: Job) -> Iterator[dict]:
    """Microseconds of a single call over so few short rows that comparing them is next to nothing."""
    shutil.rmtree(job.folder / "few", ignore_errors=True)
    rival = job.make_small_rival("few", CALL_ROWS, CALL_DIM)
    rival.folder.mkdir()
    try:
        rival.load_libraries()
        rival.build({} if rival.is_database else None)
        rival = job.make_small_rival("few", CALL_ROWS, CALL_DIM)
        rival.load_libraries()
        rival.open()
        rival.apply(rival.settings()[0])
        query = np.ascontiguousarray(rival.prepared(job.set.queries[:1, :CALL_DIM])[0])
        rate_of_calls(rival.single(), query, CALL_SECONDS)
        (rate,) = compare_rates(CALL_ROUNDS, [lambda: rate_of_calls(rival.single(), query, CALL_SECONDS)])
        yield {"rows": CALL_ROWS, "dim": CALL_DIM, "us": round(1e6 / rate, 2)}
    finally:
        shutil.rmtree(job.folder / "few")


def compare_rates(rounds: int, measures: list[Callable[[], float]]) -> list[float]:
    """The median of each, measured in turns."""
    rates = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*rates)]


def told_rates(kind: str, one: float, two: float) -> dict:
    return {f"{kind}one_qps": round(one, 1), f"{kind}two_qps": round(two, 1), f"{kind}ratio": round(two / one, 3)}


def rate_of_calls(search: Callable, argument, seconds: float) -> float:
    """Calls per second of the wall clock."""
    begin, calls = CLOCK(), 0
    end = begin + int(seconds * 1e9)
    while (now := CLOCK()) < end:
        search(argument)
        calls += 1
    return calls / (now - begin) * 1e9


def rate_of_threads(search: Callable, rows: list, count: int) -> float:
    barrier, done = threading.Barrier(count + 1), [0] * count

    def work(number: int) -> None:
        barrier.wait()
        end = CLOCK() + int(THREAD_SECONDS * 1e9)
        position = number * len(rows) // count
        while CLOCK() < end:
            search(rows[position % len(rows)])
            position += 1
            done[number] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for worker in workers:
        worker.start()
    barrier.wait()
    begin = CLOCK()
    for worker in workers:
        worker.join()
    return sum(done) / (CLOCK() - begin) * 1e9


# -- Serve -----------------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, job: Job, warm_queries: np.ndarray):
        self.job, self.rival = job, job.make_rival()
        self.rival.load_libraries()
        self.queries = self.rival.prepared(job.set.queries)
        self.rows = [np.ascontiguousarray(query) for query in self.queries]
        self.warm_rows = [np.ascontiguousarray(query) for query in self.rival.prepared(warm_queries)]
        gc.collect()
        self.memory_before = machine.memory_mib()

    def open(self, command: dict) -> dict:
        begin, cpu = time.perf_counter(), time.process_time()
        self.rival.open()
        unindexed = self.rival.unindexed_rows()
        if unindexed:
            raise RuntimeError(f"its index does not cover all rows: rows={self.job.set.shape.rows} unindexed={unindexed}")
        settings = self.rival.settings()
        self.rival.apply(settings[0])
        self.rival.ids(self.rival.single()(self.rows[0]))
        opened = {"open_wall_s": time.perf_counter() - begin, "open_cpu_s": time.process_time() - cpu}
        gc.collect()
        return {"settings": settings, "has_batch": self.rival.batch() is not None, "facts": self.rival.facts(), **opened}

    def memory(self, command: dict) -> dict:
        """After searches: what is resident above the libraries, what of it are mapped files, the peak since the start."""
        now = machine.memory_mib()
        return {f"{key}_mib": round(now[key] - self.memory_before[key if key != "peak" else "resident"], 1) for key in now}

    def measure(self, command: dict) -> dict:
        """Warm up, then measure every setting by single calls and by batches."""
        load, cpu = machine.ForeignLoad(), machine.cpu_seconds()
        results = []
        for position, setting in enumerate(command["settings"]):
            self.rival.apply(setting)
            result = {"setting": setting}
            if "single" in command["kinds"]:
                single = self.rival.single()
                # Others have used the caches since our last turn; from one setting to the next little is lost.
                warm_up(single, self.warm_rows if position == 0 else self.warm_rows[:WARM_BETWEEN_SETTINGS])
                result["single"] = self._measure_single(single, self.rival.ids, self.rows, command)
            if "batch" in command["kinds"] and self.rival.batch() is not None:
                result["batch"] = self._measure_batch(self.rival.batch(), command)
            results.append(result)
        return {"results": results, "foreign_load": round(load.cores(machine.cpu_seconds() - cpu), 3)}

    def filtered(self, command: dict) -> dict:
        """The same for one filter of the set, single calls only, over the queries that have filtered truth."""
        case = next(case for case in self.job.set.filter_cases if case.name == command["filter"])
        rows = self.rows[: case.query_count]
        results = []
        for setting in command["settings"]:
            self.rival.apply(setting)
            search = self.rival.filtered(case.filter)
            warm_up(search, self.warm_rows)
            results.append({"setting": setting, "single": self._measure_single(search, self.rival.ids, rows, command)})
        return {"results": results}

    def shifted(self, command: dict) -> dict:
        """The same for queries that are like no row of the set."""
        queries = self.rival.prepared(self.job.set.shifted_queries(command["kind"]))
        rows = [np.ascontiguousarray(query) for query in queries]
        results = []
        for setting in command["settings"]:
            self.rival.apply(setting)
            results.append({"setting": setting, "single": self._measure_single(self.rival.single(), self.rival.ids, rows, command)})
        return {"results": results}

    def _measure_single(self, search: Callable, ids_of: Callable, rows: list, command: dict) -> dict:
        first = command["first_query"] % len(rows)
        rows = rows[first:] + rows[:first]
        answers, laps, cpu_ns = time_calls(search, rows, self.warm_rows[: len(rows)], command)
        queries = len(laps)
        result = figures(queries, sum(laps), cpu_ns)
        result["latency_us"] = {f"p{percent}": round(float(np.percentile(laps, percent)) / 1e3, 2) for percent in (50, 95, 99)}
        if command["with_ids"]:
            result["first_query"] = first
            result["ids"] = [as_list(ids_of(answer)) for answer in answers]
        return result

    def _measure_batch(self, search: Callable, command: dict) -> dict:
        blocks = [np.ascontiguousarray(self.queries[first : first + BATCH]) for first in range(0, len(self.queries), BATCH)]
        if len(blocks) > 1 and len(blocks[-1]) < BATCH:
            blocks.pop()  # a short rest would be measured as if it were a batch
        others = [np.ascontiguousarray(self.warm_rows[:BATCH])]
        warm_up(search, others)
        answers, laps, cpu_ns = time_calls(search, blocks, others, command)
        queries = sum(len(blocks[index % len(blocks)]) for index in range(len(laps)))
        result = figures(queries, sum(laps), cpu_ns)
        result["batch"] = len(blocks[0])
        if command["with_ids"]:
            result["first_query"] = 0
            result["ids"] = [as_list(row) for answer in answers for row in self.rival.batch_ids(answer)]
        return result


def time_calls(search: Callable, arguments: list, others: list, command: dict) -> tuple[list, list[int], int]:
    """Call with each argument in turn, again until seconds_min were timed, never beyond seconds_max.

    Between two passes there is one over `others`, which is not timed, so that no query finds the traces of its last turn.
    Returns the answers of the first pass, the nanoseconds of every call, and the processor time of all of them.
    """
    end = CLOCK() + int(command["seconds_max"] * 1e9)
    answers, laps, cpu_ns = [], [], 0
    gc.collect()
    gc.disable()
    while True:
        kept, marks, pass_cpu_ns = time_pass(search, arguments, end)
        laps.extend(np.diff(marks).tolist())
        cpu_ns += pass_cpu_ns
        answers = answers or kept
        if sum(laps) >= command["seconds_min"] * 1e9 or CLOCK() > end:
            break
        warm_up(search, others)
    gc.enable()
    return answers, laps, cpu_ns


def time_pass(search: Callable, arguments: list, end: int) -> tuple[list, list[int], int]:
    answers, marks = [], [0]
    keep, mark = answers.append, marks.append
    cpu_begin, marks[0] = time.process_time_ns(), CLOCK()
    for argument in arguments:
        keep(search(argument))
        now = CLOCK()
        mark(now)
        if now > end:
            break
    return answers, marks, time.process_time_ns() - cpu_begin


def warm_up(search: Callable, arguments: list) -> None:
    """One pass over queries that are not measured, at most a second of it."""
    deadline = CLOCK() + SECONDS_WARM * 1_000_000_000
    for argument in arguments:
        search(argument)
        if CLOCK() > deadline:
            return


def figures(queries: int, wall_ns: int, cpu_ns: int) -> dict:
    return {"queries": queries, "qps_wall": queries / max(wall_ns, 1) * 1e9, "qps_cpu": queries / max(cpu_ns, 1) * 1e9}


def as_list(ids) -> list[int]:
    return [int(value) for value in ids]


def serve(job: Job, answer_stream) -> None:
    server = Server(job, np.load(job.entries["warm_queries"]))
    commands = {"open": server.open, "measure": server.measure, "filtered": server.filtered, "shifted": server.shifted, "memory": server.memory}
    for line in sys.stdin:
        command = json.loads(line)
        answer = commands[command["command"]](command)
        answer_stream.write(json.dumps(answer) + "\n")
        answer_stream.flush()


QUESTIONS = {"first": first, "limited": limited, "update": update, "threads": threads, "call": call}


def main() -> None:
    mode, path = sys.argv[1:]
    answer_stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = Job(path)
    os.sched_setaffinity(0, {job.entries["core"]})
    sys.path[:0] = job.entries["python_path"]
    if mode == "build":
        build(job)
    elif mode == "serve":
        serve(job, answer_stream)
    else:
        for answer in QUESTIONS[mode](job):
            answer_stream.write(json.dumps(answer) + "\n")
            answer_stream.flush()


if __name__ == "__main__":
    main()
