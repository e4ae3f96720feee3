#!/usr/bin/env python3
"""Times other tools on a corpus beside the floor: the same question, the same files, ratios as a table.

    cargo build --release --example make-logs --example bench
    target/release/examples/make-logs corpus --json-bytes 2GB /tmp/corpus
    tests/bench/peers.py /tmp/corpus/AWSLogs [--rounds 5] [--peer duckdb …] [--own "target/release/trimtrail …"]

The question: calls, first and last seen per principal, event source and event name. Peers are installed from PyPI into a
folder of their own (--venv, kept for the next time). Every round runs the floor and each peer once, in turn; the medians
of the ratios are printed. trailscraper is some hundred times slower: give it a corpus of 200 MB.
"""

import argparse
import glob
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FLOOR = os.path.join(HERE, "..", "..", "target", "release", "examples", "bench")
PACKAGES = {"duckdb": "duckdb", "chdb": "chdb", "polars": "polars", "trailscraper": "trailscraper"}


def duckdb(files, threads):
    import duckdb

    issuer = "sessionContext STRUCT(sessionIssuer STRUCT(arn VARCHAR))"
    record = f"STRUCT(eventTime VARCHAR, eventSource VARCHAR, eventName VARCHAR, userIdentity STRUCT(arn VARCHAR, {issuer}))[]"
    connection = duckdb.connect(config={"threads": threads})
    return len(
        connection.execute(
            f"""
            SELECT coalesce(r.userIdentity.sessionContext.sessionIssuer.arn, r.userIdentity.arn) AS principal,
                   r.eventSource, r.eventName, count(*), min(r.eventTime), max(r.eventTime)
            FROM (SELECT unnest(Records) AS r
                  FROM read_json({files!r}, columns={{Records: '{record}'}}, maximum_object_size=67108864))
            GROUP BY ALL
            """
        ).fetchall()
    )


def chdb(files, threads):
    import chdb

    pattern = os.path.join(os.path.commonpath(files), "**/*.json.gz")
    record = (
        "Records Array(Tuple(eventTime String, eventSource String, eventName String, userIdentity Tuple("
        "arn Nullable(String), sessionContext Tuple(sessionIssuer Tuple(arn Nullable(String))))))"
    )
    answer = chdb.query(
        f"""
        SELECT coalesce(r.userIdentity.sessionContext.sessionIssuer.arn, r.userIdentity.arn) AS principal,
               r.eventSource AS source, r.eventName AS name, count(), min(r.eventTime), max(r.eventTime)
        FROM (SELECT arrayJoin(Records) AS r FROM file('{pattern}', 'JSONEachRow', '{record}'))
        GROUP BY principal, source, name
        SETTINGS input_format_skip_unknown_fields = 1, input_format_json_ignore_unknown_keys_in_named_tuple = 1,
                 input_format_json_defaults_for_missing_elements_in_named_tuple = 1, max_threads = {threads}
        """,
        "CSV",
    )
    return len(str(answer).splitlines())


def polars(files, threads):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import gzip

    import polars as pl

    text = pl.String
    issuer = pl.Struct({"sessionIssuer": pl.Struct({"arn": text})})
    record = pl.Struct(
        {
            "eventTime": text,
            "eventSource": text,
            "eventName": text,
            "userIdentity": pl.Struct({"arn": text, "sessionContext": issuer}),
        }
    )
    frames = []
    for path in files:
        with gzip.open(path) as file:
            frame = pl.read_ndjson(file.read(), schema={"Records": pl.List(record)})
        one = frame.explode("Records").unnest("Records")
        identity = pl.col("userIdentity").struct
        arn = identity.field("sessionContext").struct.field("sessionIssuer").struct.field("arn")
        frames.append(
            one.select("eventTime", "eventSource", "eventName", pl.coalesce(arn, identity.field("arn")).alias("principal"))
        )
    grouped = pl.concat(frames).group_by("principal", "eventSource", "eventName")
    return grouped.agg(pl.len(), pl.col("eventTime").min().alias("first"), pl.col("eventTime").max().alias("last")).height


def trailscraper(files, threads):
    # It answers another question (a policy for all calls), in two steps; there is no simple count to ask for.
    folder = os.path.commonpath(files)
    binary = os.path.join(os.path.dirname(sys.executable), "trailscraper")
    chosen = subprocess.run([binary, "select", "--log-dir", folder], check=True, capture_output=True).stdout
    policy = subprocess.run([binary, "generate"], input=chosen, check=True, capture_output=True).stdout
    return len(policy.splitlines())


PEERS = {"duckdb": duckdb, "chdb": chdb, "polars": polars, "trailscraper": trailscraper}


def timed(command):
    """Wall seconds and peak MiB of a command."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{shlex.join(command)} failed")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", action="append", choices=PEERS, help="only these; all but trailscraper by default")
    parser.add_argument("--own", action="append", default=[], help="a command of ours to time beside them")
    parser.add_argument("--venv", default=os.path.join(os.path.expanduser("~"), ".cache", "trimtrail-bench"))
    parser.add_argument("--run", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    files = sorted(glob.glob(os.path.join(arguments.logs, "**", "*.json.gz"), recursive=True))
    if not files:
        sys.exit(f"no *.json.gz under {arguments.logs}")
    if arguments.run:
        print(PEERS[arguments.run](files, arguments.threads), "rows", file=sys.stderr)
        return
    peers = arguments.peer or [peer for peer in PEERS if peer != "trailscraper"]
    python = os.path.join(arguments.venv, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", arguments.venv], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *(PACKAGES[peer] for peer in peers)], check=True)

    threads = str(arguments.threads)
    commands = {"floor": [FLOOR, arguments.logs, "--threads", threads, "--floor"]}
    for own in arguments.own:
        commands[own] = shlex.split(own)
    for peer in peers:
        commands[peer] = [python, __file__, arguments.logs, "--threads", threads, "--run", peer]
    runs = {name: [] for name in commands}
    for round_number in range(arguments.rounds + 1):
        for name, command in commands.items():
            measured = timed(command)
            if round_number > 0:  # the first one warms the page cache
                runs[name].append(measured)
    print(f"{len(files)} files, {threads} threads, {arguments.rounds} rounds, medians")
    print("| what | seconds | x floor | peak MiB |\n|---|---|---|---|")
    for name, measured in runs.items():
        ratios = [own / floor for (own, _), (floor, _) in zip(measured, runs["floor"])]
        seconds = statistics.median(wall for wall, _ in measured)
        peak = max(peak for _, peak in measured)
        print(f"| {name} | {seconds:.2f} | {statistics.median(ratios):.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
