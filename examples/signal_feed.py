"""Signals from a file or a pipe, sent as plans through the HTTP API, from a process of its own.

python signal_feed.py http://127.0.0.1:8710 .surefill/*.api-tokens < signals.csv

A signal is a line: id, symbol, side, quantity, price, stop, target. The id makes it happen once:
the same line again, after a crash of this program, of the API or of the engine, gives its first
result.
"""

import csv
import sys
from pathlib import Path

from surefill.service.client import ApiClient, ApiError

FIELDS = ("id", "symbol", "side", "quantity", "signal_price", "stop", "target")


def main(url: str, tokens: str) -> int:
    errors = 0
    with ApiClient.on_this_machine(url, tokens=Path(tokens)) as api:
        for row in csv.DictReader(sys.stdin, FIELDS):
            key = row.pop("id")
            try:
                trade = api.submit(key, strategy="csv-feed", **row)
            except ApiError as error:
                errors += 1
                print(f"{key}: {error}")
                continue
            told = trade["outcome"] or trade["phase"]
            reasons = [reason["sentence"] for reason in trade["reasons"]]
            print(f"{key}: {told} {trade['entry_qty']} @ {trade['avg_px']}", *reasons, sep="; ")
        print("shares without a stop:", api.health()["uncovered_qty"])
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
