#!/usr/bin/env python3
"""Joules per unit of work of the sample fleet, hour by hour, computed straight from a recording.

An independent witness for the tests: it follows the definitions and shares no code, no catalogue and no mapping
with the service. Standard library only.

Definitions
  counter     The rise between two consecutive samples happened evenly between them. A fall is a gap, and so is a span
              of more than an hour.
  gauge       Two consecutive samples at most five minutes apart are joined by a straight line; the area under it
              happened evenly between them.
  bin         Five minutes of the clock. What happened in a span is divided over bins by overlap.
  accelerator A board's joules in a bin: its energy counter, unless that covers less than nine tenths of the seconds
              that its power gauge covers.
  server      A board's joules, and of the rest of its node (the management controller's joules less all boards' in the
              bin, for no longer than the node is read) a share as large as the workload's share of the seconds that all boards are covered in the bin. Boards
              that draw more than their node says share the node's joules in proportion to theirs.
              While all boards of a node are silent each has an equal part of it.
              On a node without boards: processor and memory; the pods' joules are shares of that.
  facility    Server joules times the PUE of the place.
  work        Rises of the serving engines' counters. A request that was aborted is none.
  rest        What no workload claims is 'unattributed'.
  hour        The sum of its bins. A workload's bin without its node's reading has no server joules.
  intensity   Sum of joules over sum of units. None without work.
"""
import argparse
import collections
import datetime
import fnmatch
import gzip
import json
import math
import os
import re
import sys

BIN, HOUR = 300, 3600
COUNTER_SPAN, GAUGE_SPAN = 3600, 300
HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.normpath(os.path.join(HERE, "..", "..", "..", "samples"))


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def clock(instant):
    return datetime.datetime.fromtimestamp(instant, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(path):
    """Series as (metric, labels) with their samples, ordered by time, one a time."""
    series = collections.defaultdict(dict)
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as rows:
        for row in rows:
            row = json.loads(row)
            key = row["metric"], tuple(sorted(row["labels"].items()))
            series[key][seconds(row["end"])] = row["value"]
    return [(metric, dict(labels), sorted(samples.items())) for (metric, labels), samples in series.items()]


def workloads(path):
    """Workloads by name with the label rules for the played recording, and the PUE of its place."""
    with open(path, encoding="utf-8") as text:
        settings = json.loads(re.sub(r"^\s*//.*$", "", text.read(), flags=re.MULTILINE))["Metrics"]
    rules = {
        name: [rule.get("Labels", {}) for rule in workload["Match"] if rule["Source"] == "sample"]
        for name, workload in settings["Workloads"].items()
    }
    return rules, settings["Places"][settings["Sources"]["sample"]["Place"]]["Pue"]


def owner(labels, rules):
    for name in sorted(rules):
        for rule in rules[name]:
            if all(label in labels and fnmatch.fnmatchcase(labels[label], glob) for label, glob in rule.items()):
                return name
    return "unattributed"


def divided(spans):
    """Amounts over spans of time, as bin -> [amount, seconds]."""
    bins = collections.defaultdict(lambda: [0.0, 0.0])
    for start, end, amount in spans:
        at = start
        while at < end:
            edge = min(end, (math.floor(at / BIN) + 1) * BIN)
            entry = bins[math.floor(at / BIN)]
            entry[0] += amount * (edge - at) / (end - start)
            entry[1] += edge - at
            at = edge
    return bins


def counter(samples, scale=1.0):
    return divided(
        (t0, t1, (v1 - v0) * scale)
        for (t0, v0), (t1, v1) in zip(samples, samples[1:])
        if v1 >= v0 and t1 - t0 <= COUNTER_SPAN
    )


def gauge(samples, scale=1.0):
    return divided(
        (t0, t1, (v0 + v1) / 2 * (t1 - t0) * scale)
        for (t0, v0), (t1, v1) in zip(samples, samples[1:])
        if t1 - t0 <= GAUGE_SPAN
    )


def repeated(series, times):
    """The recording several times over. It lasts whole minutes, because it has a sample a minute, and a round begins
    where the one before ended; counters go on from where they were, so that the seam passes without a rise."""
    first = math.floor(min(samples[0][0] for _, _, samples in series) / 60) * 60
    length = math.floor(max(samples[-1][0] for _, _, samples in series) / 60) * 60 + 60 - first
    for metric, labels, samples in series:
        counts = metric not in ("DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_GPU_UTIL", "ipmi_dcmi_power_consumption_watts")
        longer = list(samples)
        for round_ in range(1, times):
            offset = longer[-1][1] - samples[0][1] if counts else 0.0
            for index, (at, value) in enumerate(samples):
                if counts and index and value < samples[index - 1][1]:
                    offset = 0.0  # it began again at zero here, and does so in every round
                longer.append((at + round_ * length, value + offset))
        yield metric, labels, longer


def main():
    options = argparse.ArgumentParser(description="Joules per unit of work of the sample fleet, hour by hour, as JSON.")
    options.add_argument("--recording", default=os.path.join(SAMPLES, "fleet.ndjson.gz"))
    options.add_argument("--config", default=os.path.join(SAMPLES, "demo.json"), help="names the workloads and the PUE")
    options.add_argument("--shift", type=float, default=0, metavar="SECONDS", help="added to every timestamp")
    options.add_argument("--repeat", type=int, default=1, metavar="N", help="how many times the recording is played")
    options = options.parse_args()
    rules, pue = workloads(options.config)
    series = list(repeated(read(options.recording), options.repeat))
    series = [(metric, labels, [(at + options.shift, value) for at, value in samples]) for metric, labels, samples in series]

    boards = collections.defaultdict(dict)  # uuid -> node, owner, counter, gauge
    nodes, processors, pods = {}, collections.defaultdict(list), collections.defaultdict(list)
    work = collections.defaultdict(lambda: collections.defaultdict(float))  # (owner, unit) -> hour -> units
    for metric, labels, samples in series:
        name = owner(labels, rules)
        unit = None
        if metric.startswith("DCGM_FI_DEV_"):
            board = boards[labels["UUID"]]
            board["node"], board["owner"] = labels.get("Hostname") or labels["hostname"], name
            if metric == "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION":
                board["counter"] = counter(samples, 1e-3)  # millijoules
            elif metric == "DCGM_FI_DEV_POWER_USAGE":
                board["gauge"] = gauge(samples)
        elif metric == "ipmi_dcmi_power_consumption_watts":
            nodes[labels["instance"].split(":")[0]] = gauge(samples)
        elif metric == "kepler_node_cpu_joules_total":
            processors[labels["node_name"]].append(counter(samples))
        elif metric == "kepler_pod_cpu_joules_total":
            pods[labels["node_name"]].append((name, counter(samples)))
        elif metric == "vllm:generation_tokens_total":
            unit = "output-token"
        elif metric == "vllm:prompt_tokens_total":
            unit = "input-token"
        elif metric == "vllm:request_success_total":
            unit = "request" if labels["finished_reason"] in ("stop", "length") else None
        elif metric == "nv_inference_request_success":
            unit = "request"
        else:
            sys.exit(f"{options.recording}: this calculation does not know the metric '{metric}'.")
        if unit:
            for bin_, (amount, _) in counter(samples).items():
                work[name, unit][bin_ * BIN // HOUR] += amount

    accelerator = collections.defaultdict(lambda: collections.defaultdict(float))  # owner -> hour -> joules
    server = collections.defaultdict(lambda: collections.defaultdict(float))
    covered = collections.defaultdict(lambda: collections.defaultdict(float))  # owner -> hour -> board seconds
    owned = collections.Counter(board["owner"] for board in boards.values())
    on_node = collections.defaultdict(list)
    for board in boards.values():
        chosen = {}
        for bin_ in set(board["counter"]) | set(board["gauge"]):
            metered, powered = board["counter"].get(bin_, (0.0, 0.0)), board["gauge"].get(bin_, (0.0, 0.0))
            chosen[bin_] = metered if metered[1] > 0 and metered[1] >= 0.9 * powered[1] else powered
            hour = bin_ * BIN // HOUR
            accelerator[board["owner"]][hour] += chosen[bin_][0]
            covered[board["owner"]][hour] += chosen[bin_][1]
        on_node[board["node"]].append((board["owner"], chosen))

    for node, bins in nodes.items():
        for bin_, (joules, seconds) in bins.items():
            hour = bin_ * BIN // HOUR
            here = [(name, *chosen[bin_]) for name, chosen in on_node[node] if bin_ in chosen]
            here = [(name, drew * min(1, seconds / watched), watched) for name, drew, watched in here]
            drawn, watched = sum(entry[1] for entry in here), sum(entry[2] for entry in here)
            if not here:
                for name, _ in on_node[node] or [("unattributed", None)]:
                    server[name][hour] += joules / max(1, len(on_node[node]))
                continue
            for name, board_joules, board_seconds in here:
                if joules >= drawn:
                    server[name][hour] += board_joules + (joules - drawn) * board_seconds / watched
                else:
                    server[name][hour] += joules * board_joules / drawn
    for node, parts in processors.items():
        for part in parts:
            for bin_, (joules, _) in part.items():
                server["unattributed"][bin_ * BIN // HOUR] += joules
        for name, share in pods[node]:
            for bin_, (joules, _) in share.items():
                server[name][bin_ * BIN // HOUR] += joules
                server["unattributed"][bin_ * BIN // HOUR] -= joules

    first = math.floor(min(samples[0][0] for _, _, samples in series) / HOUR)
    last = math.ceil(max(samples[-1][0] for _, _, samples in series) / HOUR)
    hours = {}
    for hour in range(first, last):
        told = {}
        for name in sorted([*rules, "unattributed"]):
            on_boards, on_server = accelerator[name].get(hour), server[name].get(hour)
            facility = None if on_server is None else on_server * pue
            units = {unit: work[name, unit].get(hour) for unit in ("output-token", "input-token", "request")}
            if on_boards is None and on_server is None and not any(units.values()):
                continue
            told[name] = {
                "acceleratorJoules": on_boards,
                "serverJoules": on_server,
                "facilityJoules": facility,
                "acceleratorCoverage": covered[name][hour] / HOUR / owned[name] if owned[name] else None,
                "units": {
                    unit: {
                        "units": count,
                        "acceleratorJoulesPerUnit": None if on_boards is None else on_boards / count,
                        "serverJoulesPerUnit": None if on_server is None else on_server / count,
                        "facilityJoulesPerUnit": None if facility is None else facility / count,
                    }
                    for unit, count in units.items() if count
                },
            }
        hours[str(hour - first)] = {"start": clock(hour * HOUR), "workloads": told}
    json.dump(hours, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
