"""Runs reduce.sql: spark-submit reduce.py --input PLACE --output EMPTY_PLACE --since DAY --until DAY"""

import argparse
import pathlib
import re
import string

from pyspark.sql import SparkSession


def statements(text):
    """The statements of a script, its comments left out."""
    text = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
    return [part.strip() for part in re.split(r";\s*$", text, flags=re.MULTILINE) if part.strip()]


def main():
    parser = argparse.ArgumentParser(description="Raw trail files to reduced events (trimtrail.events/1)")
    for name in ("input", "output", "since", "until"):
        parser.add_argument(f"--{name}", required=True)
    given = {name: value.replace("'", "") for name, value in vars(parser.parse_args()).items()}
    spark = SparkSession.builder.appName("trimtrail-reduce").getOrCreate()
    script = (pathlib.Path(__file__).parent / "reduce.sql").read_text(encoding="utf-8")
    for statement in statements(script):
        spark.sql(string.Template(statement).safe_substitute(given))
    spark.stop()


if __name__ == "__main__":
    main()
