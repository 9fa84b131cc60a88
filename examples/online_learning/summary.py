#!/usr/bin/env python3
"""Accuracy per hour of an online learning execution, and whether its story is complete.

usage: summary.py WORKING_DIRECTORY [--hours N]

Exits with 0 only if the expected hours were seen, each was trained exactly once, a model was deployed,
one process did all predictions, and the last hour was predicted better than the first.
"""

import argparse
import sys
from pathlib import Path


def lines(path):
    if not path.exists():
        return []
    return [line.split(",") for line in path.read_text().splitlines()]


def accuracy_per_hour(predictions):
    hits, totals = {}, {}
    for hour, _, label, prediction, *_ in predictions:
        totals[int(hour)] = totals.get(int(hour), 0) + 1
        hits[int(hour)] = hits.get(int(hour), 0) + (label == prediction)
    return {hour: hits[hour] / totals[hour] for hour in sorted(totals)}


def problems(work, expected_hours):
    """What is wrong, one sentence each."""
    hours = [int(line[0]) for line in lines(work / "hours.csv")]
    expected = list(range(1, (expected_hours or max(hours, default=0)) + 1))
    if not hours or hours != expected:
        yield f"hours seen: {hours}, expected {expected}"
    trained = sorted(int(line[0]) for line in lines(work / "trainings.csv"))
    if trained != expected:
        yield f"hours trained: {trained}, expected each of {expected} once"
    if not lines(work / "deployments.csv"):
        yield "no model was deployed"
    predictions = lines(work / "predictions.csv")
    pids = sorted({line[5] for line in predictions})
    if len(pids) != 1:
        yield f"predictions were made by {len(pids)} processes: {', '.join(pids)}"
    indexes = [int(line[1]) for line in predictions]
    if indexes != list(range(len(lines(work / "samples.csv")))):
        yield "predictions.csv does not have each sample once, in order"
    accuracy = list(accuracy_per_hour(predictions).values())
    if len(accuracy) < 2 or accuracy[-1] <= accuracy[0]:
        yield "the last hour was not predicted better than the first"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("working_directory", type=Path)
    parser.add_argument("--hours", type=int, help="how many hours there must be")
    arguments = parser.parse_args()
    work = arguments.working_directory

    predictions = lines(work / "predictions.csv")
    for hour, accuracy in accuracy_per_hour(predictions).items():
        models = {int(line[4]) for line in predictions if int(line[0]) == hour}
        by = "no model yet" if models == {0} else f"model of hour {max(models)}"
        print(f"hour {hour:2}  {accuracy:6.1%}  {'#' * round(accuracy * 40):40}  {by}")
    print(
        f"{len(lines(work / 'hours.csv'))} hours, {len(lines(work / 'trainings.csv'))} trainings, "
        f"{len(lines(work / 'deployments.csv'))} deployments, {len(predictions)} predictions by "
        f"{len({line[5] for line in predictions})} process"
    )
    found = list(problems(work, arguments.hours))
    for problem in found:
        print(f"problem: {problem}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
