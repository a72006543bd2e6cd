#!/usr/bin/env python3
"""Ask the demo's collection in words: viper demo "compute the median" [--filter "package = 'scipy'"] [-k 5]."""

import argparse
import sys
import textwrap
import time

import embed
import lake


def print_hits(hits):
    for hit in hits:
        metadata = hit["metadata"]
        summary = textwrap.shorten(metadata["summary"], 68, placeholder="...")
        print(f"  {hit['score']:.3f}  {metadata['kind']:8}  {hit['id']}")
        print(f"         {'':8}  {summary}")


def main():
    parser = argparse.ArgumentParser(prog="viper demo", description=__doc__.split(":")[0] + ".")
    parser.add_argument("question")
    parser.add_argument("--filter", help="for example: package = 'scipy' AND kind = 'function'")
    parser.add_argument("-k", type=int, default=5, help="how many answers (5)")
    options = parser.parse_args()
    try:
        begin = time.perf_counter()
        model = embed.Model.load(lake.FOLDER / "corpus")
        vector = model.embed(options.question)
        embed_seconds = time.perf_counter() - begin
    except FileNotFoundError:
        print("viper demo: there is no collection to ask yet; run `make demo` first", file=sys.stderr)
        return 1
    if not vector.any():
        print("viper demo: no word of the question occurs in the corpus", file=sys.stderr)
        return 1
    try:
        hits, search_seconds, seconds = lake.search(lake.COLLECTION, vector, options.k, options.filter)
    except (lake.CommandFailed, OSError) as error:
        print(f"viper demo: {error}", file=sys.stderr)
        return 1
    print_hits(hits)
    print(
        f"question to vector {embed_seconds * 1e3:.1f} ms; viper search {search_seconds * 1e3:.1f} ms,"
        f" {seconds * 1e3:.1f} ms with starting the process and opening the collection"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
