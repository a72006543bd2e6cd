"""kill -9 of a process that writes, searches, flushes and compacts: what it acknowledged holds afterwards, and verifies.

Meanwhile another process reads the collection and refreshes it.

VIPER_SOAK_ROUNDS is the number of kills (default 24; `make soak` takes thousands).
"""

import os
import random
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

DIM = 64
IDS = 400
ROUNDS = int(os.environ.get("VIPER_SOAK_ROUNDS", 24))

# All components of a vector are `value % 1000` of the upsert that wrote it: a distance tells which.
CHECK = """
    import os, random, sys, threading, traceback
    import numpy as np
    import viper

    def search(c, asked):
        hits = c.search(np.full(DIM, asked, np.float32), k=5, with_vectors=True)
        assert len(set(hits.ids)) == len(hits.ids), hits.ids
        assert list(hits.distances) == sorted(hits.distances), hits.distances
        for hit in hits:
            component = hit.vector[0]
            assert (hit.vector == component).all() and component == hit.metadata["vector"], hit
            assert abs(hit.distance - abs(component - asked) * DIM**0.5) <= 1e-4 * (1 + hit.distance), hit
"""

# Tells how often it looked, once its input ends.
READER = CHECK + """
    root, seed, DIM = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
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

# Tells each write before it begins and when it is acknowledged.
WRITER = CHECK + """
    root, seed, DIM, IDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    chance = random.Random(seed)
    database = viper.connect(root, flush_bytes=1 << 20, flush_age_ms=50, deletes=chance.choice(["vectors", "rewrite", "auto"]),
                             part_bytes=1 << 20, retention_ms=0, retained_versions=20, index_min_rows=100)
    c = database.open_collection("c")
    print("ready", flush=True)

    def search_on():
        random_of_searches = random.Random(seed)
        try:
            while True:
                search(c, float(random_of_searches.randrange(1000)))
        except BaseException:  # of a thread it would end nothing
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(3)

    threading.Thread(target=search_on, daemon=True).start()
    value = seed * 1_000_000
    while True:
        value += 1
        ids = sorted(chance.sample(range(IDS), chance.randrange(1, 30)))
        kind = chance.choice("uuuudm")
        print("begin", kind, value, *ids, flush=True)
        if kind == "u":
            c.upsert(ids=ids, vectors=np.full((len(ids), DIM), value % 1000, np.float32), metadata=[{"value": value, "vector": value % 1000}] * len(ids))
        elif kind == "d":
            c.delete(ids)
        else:
            c.update(ids, set={"value": value})
        print("done", flush=True)
        if chance.random() < 0.02:
            c.flush()
        if chance.random() < 0.01:
            c.compact(everything=True)
"""


def apply(model, kind, value, ids):
    for row_id in ids:
        if kind == "u":
            model[row_id] = (value, value % 1000)
        elif kind == "d":
            model.pop(row_id, None)
        elif row_id in model:
            model[row_id] = (value, model[row_id][1])


def start(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def run_until_killed(root, seed, writes, model):
    """The states that may be found: without and with the write in flight."""
    writer = start(WRITER, root, seed, DIM, IDS)
    in_flight = dict(model)
    acknowledged = 0
    for line in writer.stdout:
        words = line.split()
        if words[0] == "begin" and line.endswith("\n"):
            apply(in_flight, words[1], int(words[2]), [int(word) for word in words[3:]])
        elif words[0] == "done":
            model = dict(in_flight)
            acknowledged += 1
        if acknowledged >= writes:
            writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert writer.returncode == -signal.SIGKILL, writer.stderr.read()
    return model, in_flight, acknowledged


def read_all(collection):
    state = {}
    for row_id in range(IDS):
        try:
            record = collection.get(row_id)
        except viper.NotFound:
            continue
        vector = np.asarray(record.vector)
        assert (vector == vector[0]).all()
        state[row_id] = (record.metadata["value"], int(vector[0]))
    return state


def test_what_a_killed_writer_acknowledged_holds_and_verifies(tmp_path):
    seed = random.SystemRandom().randrange(2**20)
    print(f"seed {seed}")
    chance = random.Random(seed)
    root = tmp_path / "lake"
    with viper.connect(root) as database:
        database.create_collection("c", dim=DIM, metric="l2")
    model, acknowledged = {}, 0
    reader = start(READER, root, seed, DIM)
    for round_number in range(ROUNDS):
        model, in_flight, count = run_until_killed(root, seed + round_number, chance.randrange(1, 400), model)
        acknowledged += count
        with viper.connect(root, background_index=False, background_compaction=False) as database:
            report = database.verify("c")
            # What is derived may be half made.
            damage = [finding for finding in report["findings"] if finding["kind"] == "truth"]
            assert not damage, damage
            collection = database.open_collection("c")
            found = read_all(collection)
            assert found in (model, in_flight), f"round {round_number}"
            assert collection.count() == len(found)
            collection.close()
        model = found
    told, errors = reader.communicate()
    assert reader.returncode == 0, errors
    print(f"kills survived {ROUNDS}, acknowledged writes {acknowledged}, lost 0; searches of a reader beside them {int(told)}, wrong 0")
