"""Asks DuckDB the named questions over the tables that `trimtrail query` shows, and holds the two to the same answers.

Usage: queries.py TRIMTRAIL FOLDER, where FOLDER holds ledger/ and result.json.
"""

import json
import pathlib
import re
import subprocess
import sys

import duckdb

program, work = sys.argv[1], sys.argv[2]
PLACES = {"result": ["--result", f"{work}/result.json"], "ledger": ["--ledger", f"{work}/ledger"]}


def ask(*arguments: str) -> bytes:
    return subprocess.run([program, "query", *arguments], check=True, stdout=subprocess.PIPE).stdout


def names() -> dict[str, list[str]]:
    """The questions of each kind, as --list shows them."""
    kinds: dict[str, list[str]] = {}
    for line in ask("--list").decode().splitlines():
        if line.startswith("--"):
            kind = line.split()[0].strip("-")
            kinds[kind] = []
        else:
            kinds[kind].append(line.split()[0])
    return kinds


def plain(value: object) -> object:
    """Numbers of any width alike; texts as they are."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


wrong, asked, rows = 0, 0, 0
for kind, questions in names().items():
    elsewhere, tables = duckdb.connect(), set()
    for name in questions:
        sql = pathlib.Path(f"queries/{name}.sql").read_text()
        for table in re.findall(r"(?:FROM|JOIN)\s+([a-z_]+)", sql):
            if table not in tables:
                tables.add(table)
                file = pathlib.Path(f"{work}/{kind}-{table}.parquet")
                file.write_bytes(ask("--sql", f"SELECT * FROM {table}", "--format", "parquet", *PLACES[kind]))
                elsewhere.execute(f"CREATE TABLE {table} AS SELECT * FROM '{file}'")
        ours = [[plain(value) for value in row.values()] for row in json.loads(ask(name, "--format", "json", *PLACES[kind]))]
        theirs = [[plain(value) for value in row] for row in elsewhere.execute(sql).fetchall()]
        asked, rows = asked + 1, rows + len(ours)
        if ours != theirs:
            wrong += 1
            print(f"{name}: {len(ours)} rows here, {len(theirs)} in DuckDB; the first that differ:")
            print(next(((one, two) for one, two in zip(ours, theirs) if one != two), None))
print(f"DuckDB: {asked} questions, {rows} rows, {wrong} answered differently")
sys.exit(wrong > 0)
