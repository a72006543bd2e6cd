"""kill -9 of a process in which several threads write, beside searches, flushes, compactions and changes of the schema: what it
acknowledged holds afterwards, and verifies.

Each thread writes records of its own, so that what it was told is what must be there; all of them add to one record that they share,
on the condition that nobody else did meanwhile. Meanwhile another process reads the collection and refreshes it.

VIPER_SOAK_ROUNDS is the number of kills (default 24; `make soak` takes thousands).
"""

import collections
import copy
import dataclasses
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

DIM = 64
WRITERS = 4
# Of each writer: those of the first come first. After all of them comes that of the record that they share.
IDS = 100
SHARED = WRITERS * IDS
# Every one holds the value of the record's last write. One after the other is declared, and widened.
KEYS = [f"value{number}" for number in range(8)]
ROUNDS = int(os.environ.get("VIPER_SOAK_ROUNDS", 24))
SCHEMA_CHANGES = 2 * len(KEYS)
WRONG_ANSWER = 3

# All components of a vector are `value % 1000` of the upsert that wrote it: a distance tells which. Those of a record that was
# expired when it was written are -1.
CHECK = f"""
    DIM, WRITERS, IDS, SHARED, KEYS, WRONG_ANSWER = {DIM}, {WRITERS}, {IDS}, {SHARED}, {KEYS}, {WRONG_ANSWER}
    import datetime, os, queue, random, sys, threading, traceback
    import numpy as np
    import viper

    def search(c, asked):
        hits = c.search(np.full(DIM, asked, np.float32), k=5, with_vectors=True)
        assert len(set(hits.ids)) == len(hits.ids), hits.ids
        assert list(hits.distances) == sorted(hits.distances), hits.distances
        for hit in hits:
            component = hit.vector[0]
            assert (hit.vector == component).all() and component == hit.metadata["vector"] >= 0, hit
            assert len({{hit.metadata[key] for key in KEYS}}) == 1, hit
            assert hit.metadata["writer"] == int(hit.id) // IDS, hit
            assert abs(hit.distance - abs(component - asked) * DIM**0.5) <= 1e-4 * (1 + hit.distance), hit
"""

# Tells how often it looked, once its input ends.
READER = CHECK + """
    root, seed = sys.argv[1], int(sys.argv[2])
    chance = random.Random(seed)
    c = viper.connect(root, read_only=True).open_collection("c")
    is_over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    searches = 0
    while not is_over.is_set():
        c.refresh()
        for _ in range(10):
            search(c, float(chance.randrange(1000)))
        searches += 10
    print(searches)
"""

# Each writer tells each write before it begins (`NUMBER begin KIND VALUE ARGUMENTS`) and when it is acknowledged (`NUMBER done`) or
# refused (`NUMBER refused`).
WRITER = CHECK + """
    root, seed, changes_schema = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    chance = random.Random(seed)
    database = viper.connect(root, flush_bytes=1 << 20, flush_age_ms=50, deletes=chance.choice(["vectors", "rewrite", "auto"]),
                             part_bytes=1 << 20, retention_ms=0, retained_versions=20, index_min_rows=100)
    c = database.open_collection("c")
    # What flushes and compactions the writers want.
    wanted = queue.Queue(2)

    PAST, FUTURE = (datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc) for year in (2001, 2999))
    KINDS = ["upsert"] * 4 + ["insert", "replace", "if-version", "stale", "expire", "update", "update-where", "delete", "delete-where",
                              "add"]
    REFUSALS = {"insert": viper.AlreadyExists, "replace": viper.NotFound, "stale": viper.FailedPrecondition,
                "add": viper.FailedPrecondition}

    def version(row_id):
        try:
            return c.get(row_id).version
        except viper.NotFound:
            return 0

    def rows(ids, writer, value, expires_at=None):
        expires_at = expires_at or [None] * len(ids)
        components = [value % 1000 if when != PAST else -1 for when in expires_at]
        return dict(ids=ids, vectors=np.repeat(np.float32(components)[:, None], DIM, axis=1), expires_at=expires_at,
                    metadata=[{"vector": one, "writer": writer, **dict.fromkeys(KEYS, value)} for one in components])

    def add():
        try:
            found = c.get(SHARED)
        except viper.NotFound:
            return c.upsert(**rows([SHARED], WRITERS, 1), if_version=[0])
        return c.upsert(**rows([SHARED], WRITERS, int(found.metadata[KEYS[0]]) + 1), if_version=[found.version])

    class Writer:
        def __init__(self, number):
            self.number = number
            self.chance = random.Random(f"{seed} {number}")
            self.value = seed * 1_000_000
            self.change = self.chance.randrange(1, 12) if number == 0 and self.chance.random() < changes_schema else -1

        def arguments_of(self, kind):
            chance = self.chance
            if kind == "update-where":
                return [self.value - chance.randrange(300)]
            if kind == "delete-where":
                return [(self.value - chance.randrange(20)) % 1000]
            if kind == "add":
                return []
            ids = sorted(chance.sample(range(self.number * IDS, (self.number + 1) * IDS), chance.randrange(1, 30)))
            if kind in ("insert", "replace") and chance.random() < 0.7:
                # Else hardly any would succeed.
                ids = [row_id for row_id in ids if (version(row_id) == 0) == (kind == "insert")] or ids
            return ids

        def write(self, kind, arguments):
            mine = f"writer = {self.number} AND"
            if kind == "add":
                return add()
            if kind == "declare":
                return c.add_fields({KEYS[arguments[0]]: "int64"})
            if kind == "widen":
                return c.widen_field(KEYS[arguments[0]])
            if kind == "delete":
                return c.delete(arguments)
            if kind == "delete-where":
                return c.delete(filter=f"{mine} vector = {arguments[0]}")
            if kind == "update":
                return c.update(arguments, set=dict.fromkeys(KEYS, self.value))
            if kind == "update-where":
                return c.update(filter=f"{mine} {self.chance.choice(KEYS)} < {arguments[0]}", set=dict.fromkeys(KEYS, self.value))
            expires_at = [PAST if row_id % 2 else FUTURE for row_id in arguments] if kind == "expire" else None
            given = rows(arguments, self.number, self.value, expires_at)
            if kind in ("insert", "replace"):
                return getattr(c, kind)(**given)
            versions = None
            if kind in ("if-version", "stale"):
                versions = [version(row_id) for row_id in arguments]
                versions[-1] += kind == "stale"
            return c.upsert(**given, if_version=versions)

        def say(self, *words):
            # By one call: lines of several threads do not mix.
            os.write(1, (" ".join(map(str, (self.number, *words))) + "\\n").encode())

        def tell(self, kind, arguments):
            self.say("begin", kind, self.value, *arguments)
            try:
                self.write(kind, arguments)
            except REFUSALS.get(kind, ()):
                self.say("refused")
            else:
                self.say("done")

        def change_schema(self):
            for number, key in enumerate(KEYS):
                if c.fields.get(key) != "float64":
                    return self.tell("widen" if key in c.fields else "declare", [number])

        def go_on(self):
            self.value += 1
            if self.value % 1_000_000 == self.change:
                self.change_schema()
            kind = self.chance.choice(KINDS)
            self.tell(kind, self.arguments_of(kind))
            if self.chance.random() < 0.02:
                wanted.put(c.flush)
            if self.chance.random() < 0.01:
                wanted.put(lambda: c.compact(everything=True))

    def repeat(step):
        try:
            while True:
                step()
        except BaseException:  # of a thread it would end nothing
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(WRONG_ANSWER)

    steps = [Writer(number).go_on for number in range(WRITERS)]
    steps += [lambda: wanted.get()()] + [lambda: search(c, float(chance.randrange(1000)))] * 2
    for step in steps:
        threading.Thread(target=repeat, args=[step], daemon=True).start()
    threading.Event().wait()
"""


@dataclasses.dataclass
class Row:
    value: int
    vector: int
    expires: bool = False


@dataclasses.dataclass
class Model:
    """What must be there of a writer: its rows by id; of the first one, which changes the schema, the types of the keys that are
    declared; and how often it added to the shared record in this life of the process."""

    rows: dict
    types: dict
    added: int = dataclasses.field(default=0, compare=False)

    def refuses(self, kind, ids):
        if kind == "insert":
            return any(row_id in self.rows for row_id in ids)
        if kind == "replace":
            return any(row_id not in self.rows for row_id in ids)
        return kind == "stale"

    def apply(self, kind, value, arguments):
        if kind == "add":
            self.added += 1
        elif kind in ("declare", "widen"):
            self.types[KEYS[arguments[0]]] = "int64" if kind == "declare" else "float64"
        elif kind == "delete-where":
            self.rows = {row_id: row for row_id, row in self.rows.items() if row.vector != arguments[0]}
        elif kind == "update-where":
            for row in self.rows.values():
                row.value = value if row.value < arguments[0] else row.value
        elif not self.refuses(kind, arguments):
            for row_id in arguments:
                self.write(kind, value, row_id)

    def write(self, kind, value, row_id):
        if kind == "update":
            if row_id in self.rows:
                self.rows[row_id].value = value
        elif kind == "delete" or (kind == "expire" and row_id % 2):
            self.rows.pop(row_id, None)
        else:
            self.rows[row_id] = Row(value, value % 1000, expires=kind == "expire")


class Told:
    """What one writer told: the states that may be found are those without and with the write in flight."""

    def __init__(self, model):
        self.acknowledged = model
        self.in_flight = copy.deepcopy(model)
        self.kind = self.answer = None

    def begin(self, kind, value, arguments):
        self.kind = kind
        self.answer = "refused" if self.acknowledged.refuses(kind, arguments) else "done"
        self.in_flight.apply(kind, value, arguments)

    def end(self, answer):
        # Whether somebody else has added meanwhile nobody knows.
        assert answer == self.answer or self.kind == "add", self.kind
        if answer == "done":
            self.acknowledged = copy.deepcopy(self.in_flight)
        else:
            self.in_flight = copy.deepcopy(self.acknowledged)


def start(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def run_until_killed(root, seed, writes, told, tally):
    chance = random.Random(seed)
    process = start(WRITER, root, seed, SCHEMA_CHANGES / ROUNDS)
    ended = 0
    for line in process.stdout:
        if not line.endswith("\n"):
            break
        number, word, *words = line.split()
        writer = told[int(number)]
        if word == "begin":
            kind, value, *arguments = words[0], *map(int, words[1:])
            writer.begin(kind, value, arguments)
            is_rare = kind in ("declare", "widen")
            if is_rare:
                tally[kind, "begun"] += 1
            if is_rare and chance.random() < 0.5:
                # Half of them are interrupted somewhere.
                threading.Timer(chance.random() * 0.02, process.kill).start()
        else:
            writer.end(word)
            tally[writer.kind, word] += 1
            tally["acknowledged writes"] += word == "done"
            ended += 1
        if ended >= writes:
            process.kill()
    process.wait()
    tally["wrong answers"] += process.returncode == WRONG_ANSWER
    assert process.returncode == -signal.SIGKILL, process.stderr.read()


def read_row(record, types):
    vector = np.asarray(record.vector)
    value = record.metadata[KEYS[0]]
    assert (vector == vector[0]).all() and vector[0] == record.metadata["vector"]
    assert record.metadata["writer"] == int(record.id) // IDS
    for key in KEYS:
        assert record.metadata[key] == value, record.metadata
        assert type(record.metadata[key]) is (float if types.get(key) == "float64" else int), (key, types)
    return Row(int(value), int(vector[0]), expires=record.expires_at is not None)


def read_all(collection):
    types = collection.fields
    rows = {}
    for row_id in range(SHARED + 1):
        try:
            rows[row_id] = read_row(collection.get(row_id), types)
        except viper.NotFound:
            continue
    assert collection.count() == len(rows)
    return rows, types


def check(collection, told, added, tally):
    """Compare what is there with what was told; `added` is what the shared record was before. Returns what is there: a model for each
    writer, and the shared record's count."""
    rows, types = read_all(collection)
    tally["answers compared"] += SHARED + 1
    count = rows.pop(SHARED).value if SHARED in rows else 0
    found = []
    for number, writer in enumerate(told):
        mine = {row_id: row for row_id, row in rows.items() if row_id // IDS == number}
        found.append(Model(mine, types if number == 0 else {}))
        tally["lost"] += found[-1] not in (writer.acknowledged, writer.in_flight)
    least, most = (added + sum(state.added for state in states) for states in zip(*((one.acknowledged, one.in_flight) for one in told)))
    tally["lost"] += not least <= count <= most
    return found, count


def soak(root, seed, tally):
    chance = random.Random(seed)
    with viper.connect(root) as database:
        database.create_collection("c", dim=DIM, metric="l2")
    models, added = [Model({}, {}) for _ in range(WRITERS)], 0
    reader = start(READER, root, seed)
    for round_number in range(ROUNDS):
        told = [Told(model) for model in models]
        run_until_killed(root, seed + round_number, chance.randrange(1, 600), told, tally)
        with viper.connect(root, background_index=False, background_compaction=False) as database:
            report = database.verify("c")
            # What is derived may be half made.
            damage = [finding for finding in report["findings"] if finding["kind"] == "truth"]
            assert not damage, damage
            collection = database.open_collection("c")
            models, added = check(collection, told, added, tally)
            collection.close()
        assert tally["lost"] == 0, f"round {round_number}"
        tally["recoveries"] += 1
        tally["kills survived"] += 1
    searches, errors = reader.communicate()
    tally["wrong answers"] += reader.returncode != 0
    assert reader.returncode == 0, errors
    tally["answers compared"] += int(searches)


def test_what_a_killed_writer_acknowledged_holds_and_verifies(tmp_path):
    seed = random.SystemRandom().randrange(2**20)
    print(f"seed {seed}")
    tally = collections.Counter({"lost": 0, "wrong answers": 0})
    try:
        soak(tmp_path / "lake", seed, tally)
    finally:
        for what, count in tally.items():
            print(f"counted {what}: {count}" if isinstance(what, str) else f"{' '.join(what)} {count}")
