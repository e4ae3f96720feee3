#!/usr/bin/env python3
"""Times `trimtrail collect` and other tools on one corpus beside the floor: the same files, ratios as a table.

    tests/bench/peers.py                                  builds the program, makes 2 GB of logs, runs everything
    tests/bench/peers.py --kind all                       the same for each kind of archive, one after another
    tests/bench/peers.py --json-bytes 200MB --peer trailscraper --peer duckdb
    tests/bench/peers.py LOGS [--own "target/release/trimtrail coverage --logs LOGS"]

Peers are asked for calls, first and last seen per principal, event source and event name. They are installed from PyPI
into a folder of their own (--venv, kept for the next time). Every round runs the floor, `collect` and each peer once, in
turn, one round before those that count warms the page cache; the medians of the ratios of each round are printed. Nothing
else may run beside it. trailscraper is some hundred times slower, and left out unless it is named: give it 200 MB.
Suzaku is in no package registry: build it, and name it with --own "suzaku aws-ct-metrics -d LOGS -o /dev/null".
"""

import argparse
import glob
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = os.path.join(ROOT, "target", "release")
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


KINDS = ["steady", "churning", "data-heavy", "tiny-files", "hostile"]
PEERS = {"duckdb": duckdb, "chdb": chdb, "polars": polars, "trailscraper": trailscraper}


def timed(command):
    """Wall seconds and peak MiB of a command."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{shlex.join(command)} failed")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="?", help="a folder of *.json.gz; a corpus is made where it is left out")
    parser.add_argument("--json-bytes", default="2GB", help="how much JSON to make (%(default)s)")
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="steady", help="what the made logs are like (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", action="append", choices=PEERS, help="only these; all but trailscraper by default")
    parser.add_argument("--own", action="append", default=[], help="another command to time; LOGS in it is the folder")
    parser.add_argument("--no-build", action="store_true", help="take the release build that is there")
    parser.add_argument("--venv", default=os.path.join(os.path.expanduser("~"), ".cache", "trimtrail-bench"))
    parser.add_argument("--run", choices=PEERS, help=argparse.SUPPRESS)
    return parser.parse_args()


def install(venv, peers):
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *(PACKAGES[peer] for peer in peers)], check=True)
    return python


def main():
    asked = arguments()
    if asked.run:
        files = sorted(glob.glob(os.path.join(asked.logs, "**", "*.json.gz"), recursive=True))
        print(PEERS[asked.run](files, asked.threads), "rows", file=sys.stderr)
        return
    peers = asked.peer or [peer for peer in PEERS if peer != "trailscraper"]
    python = install(asked.venv, peers)
    if not asked.no_build:
        build = ["cargo", "build", "--release", "--locked", "--bin", "trimtrail", "--example", "bench", "--example", "make-logs"]
        subprocess.run(build, check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory(prefix="trimtrail-bench-") as work:
        ledger = os.path.join(work, "ledger")
        if asked.logs:
            return compare(asked, os.path.abspath(asked.logs), ledger, python, peers)
        for kind in KINDS if asked.kind == "all" else [asked.kind]:
            corpus = os.path.join(work, kind)
            make = [os.path.join(RELEASE, "examples", "make-logs"), "corpus", corpus]
            made = subprocess.run([*make, "--kind", kind, "--json-bytes", asked.json_bytes], check=True, capture_output=True)
            print(f"{kind}: {made.stdout.decode()}", flush=True)
            compare(asked, os.path.join(corpus, "AWSLogs"), ledger, python, peers)
            shutil.rmtree(corpus)


def compare(asked, logs, ledger, python, peers):
    files = glob.glob(os.path.join(logs, "**", "*.json.gz"), recursive=True)
    if not files:
        sys.exit(f"no *.json.gz under {logs}")
    threads = str(asked.threads)
    ours = "trimtrail collect"
    commands = {
        "floor: inflating alone": [os.path.join(RELEASE, "examples", "bench"), logs, "--threads", threads, "--floor"],
        ours: [os.path.join(RELEASE, "trimtrail"), "-q", "collect", "--logs", logs, "--ledger", ledger, "--threads", threads],
    }
    floor = next(iter(commands))
    for own in asked.own:
        commands[own] = [part.replace("LOGS", logs) for part in shlex.split(own)]
    for peer in peers:
        commands[peer] = [python, os.path.abspath(__file__), logs, "--threads", threads, "--run", peer]
    runs = {name: [] for name in commands}
    for round_number in range(asked.rounds + 1):
        for name, command in commands.items():
            shutil.rmtree(ledger, ignore_errors=True)
            measured = timed(command)
            if round_number > 0:
                runs[name].append(measured)
    megabytes = sum(map(os.path.getsize, files)) / 1e6
    print(f"{len(files)} files of {megabytes:.0f} MB, {threads} threads, medians of the ratios of {asked.rounds} rounds")
    print("| what | x floor | x trimtrail | seconds | peak MiB |\n|---|---|---|---|---|")
    for name, measured in runs.items():
        against = [
            statistics.median(own / other for (own, _), (other, _) in zip(measured, runs[base])) for base in (floor, ours)
        ]
        seconds = statistics.median(wall for wall, _ in measured)
        peak = max(peak for _, peak in measured)
        print(f"| {name} | {against[0]:.1f} | {against[1]:.2f} | {seconds:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
