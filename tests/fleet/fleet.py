#!/usr/bin/env python3
"""Runs `hlsnap watch` against a fleet of synthetic live channels. `script/fleet` builds what it needs and starts it.

    accuracy   200 channels with known faults: precision and recall of each state
    load       1,000 channels: lateness, processor time, memory, requests, ten channels that break in ten ways
    peers      one ffmpeg process for each of some channels, and hlsnap for the same ones
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from processes import Origin, Watch, cpu_seconds, histogram_quantile, memory_mb, metrics
from scripts import Thresholds, accuracy_fleet, load_fleet

STATES = ["black", "flat", "frozen", "silent", "stale", "down"]
# The content of a second appears in the playlist up to this many seconds later: a segment has 2 s, and appears when it is finished
LATENCY = 4.0


def thresholds(options):
    """The defaults of `hlsnap watch` at a pace of 10 s; shorter ones at a quicker pace, for a run of three minutes."""
    if options.every >= 10:
        return Thresholds(options.every, black=10, flat=10, frozen=20, silent=20, stale=6)
    every = options.every
    return Thresholds(every, black=2.5 * every, flat=2.5 * every, frozen=4 * every, silent=20, stale=max(6, 3 * every))


def judge(channels, events, limits, end):
    """Compares events with the truth.

    The slack is two rounds and the latency. A trouble must be reported if it lasts as long as its threshold and the slack, and counts as
    reported if the event comes before the slack after its end is over. It must not be reported if it is shorter than its threshold minus the
    slack. In between, both are right. An event may come one more round late.
    """
    slack = 2 * limits.every + LATENCY
    told, missed, right, wrong = Counter(), [], Counter(), []
    delays, recoveries = defaultdict(list), defaultdict(list)
    for channel in channels:
        mine = [(seconds, event) for seconds, event in events if event["channel"] == channel.id]
        for trouble in channel.troubles:
            need = limits.need(trouble.state)
            until = min(trouble.until, end)
            found = [seconds for seconds, event in mine if event["to"] == trouble.state and trouble.at <= seconds <= until + slack]
            if until - trouble.at >= need + slack:
                if found:
                    told[trouble.state] += 1
                    delays[trouble.state].append(found[0] - trouble.at)
                else:
                    missed.append((channel, trouble))
            if found and until < end - need - 4 * limits.every:
                back = [seconds for seconds, event in mine if event["to"] == "ok" and seconds > until]
                recoveries[trouble.state].append(back[0] - until if back else float("inf"))
        for seconds, event in mine:
            if event["to"] == "ok":
                continue
            is_true = any(
                trouble.state == event["to"] and trouble.at <= seconds <= trouble.until + slack + limits.every
                and trouble.until - trouble.at >= limits.need(trouble.state) - slack
                for trouble in channel.troubles
            )
            if is_true:
                right[event["to"]] += 1
            else:
                wrong.append((channel, seconds, event))
    return told, missed, right, wrong, delays, recoveries


def print_table(result, limits):
    told, missed, right, wrong, delays, recoveries = result
    print("| state | reported | missed | recall | right events | false | precision | delay s: median, worst | threshold s | back to ok s: median, worst |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    part = lambda some, rest: f"{some / (some + rest):.3f}" if some + rest else "-"
    span = lambda values: f"{statistics.median(values):.1f}, {max(values):.1f}" if values else "-"
    for state in STATES:
        lost = sum(trouble.state == state for _, trouble in missed)
        false = sum(event["to"] == state for _, _, event in wrong)
        print(f"| {state} | {told[state]} | {lost} | {part(told[state], lost)} | {right[state]} | {false} | {part(right[state], false)} "
              f"| {span(delays[state])} | {limits.need(state):g} | {span(recoveries[state])} |")
    for channel, trouble in missed:
        print(f"missed: {channel.id} ({channel.kind}) {trouble.state} from {trouble.at:.1f} to {trouble.until:.1f} s")
    for channel, seconds, event in wrong:
        print(f"false: {channel.id} ({channel.kind}) {event['from']} -> {event['to']} at {seconds:.1f} s: {event.get('message', '')}")


def accuracy(options):
    limits = thresholds(options)
    channels = accuracy_fleet(limits, options.seconds, options.channels, options.seed)
    if options.presence_only:
        for channel in channels:
            # Without an audio decoder, silence cannot be recognized
            channel.troubles = [] if channel.kind == "silence" else channel.troubles
    with Origin(options.origin, options.clips, channels) as origin:
        with Watch(options.hlsnap, origin.list(), limits.arguments() + options.arguments, origin.start) as watch:
            while origin.seconds() < options.seconds:
                watch.check()
                time.sleep(1)
        events, end = list(watch.events), options.seconds
    if options.events:
        Path(options.events).write_text("".join(json.dumps(event | {"seconds": seconds}) + "\n" for seconds, event in events))
    result = judge(channels, events, limits, end)
    quiet = [channel for channel in channels if not channel.troubles]
    noisy = {event["channel"] for _, event in events} & {channel.id for channel in quiet}
    print(f"{len(channels)} channels, {len(quiet)} without trouble, every {limits.every:g} s for {options.seconds:g} s, {len(events)} events\n")
    print_table(result, limits)
    print(f"\nof {len(quiet)} channels without trouble, {len(noisy)} had an event")
    return 1 if result[1] or result[3] else 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def paces(log, begin, every):
    """By how much each request for a playlist missed its channel's even pace, in seconds, and how many rounds are missing."""
    misses, missing = [], 0
    for channel in log.values():
        times = [seconds for seconds in channel["playlists"] if seconds >= begin]
        if len(times) < 3:
            continue
        rounds = [round((seconds - times[0]) / every) for seconds in times]
        ideal = statistics.median(seconds - index * every for seconds, index in zip(times, rounds))
        misses += [abs(seconds - ideal - index * every) for seconds, index in zip(times, rounds)]
        missing += rounds[-1] + 1 - len(set(rounds))
    return sorted(misses), missing


def totals(log, ids):
    counts = Counter()
    for id, channel in log.items():
        if id in ids:
            counts += Counter(playlists=len(channel["playlists"]), **{name: channel[name] for name in ("master", "segments", "not_modified", "bytes")})
    return counts


def load(options):
    limits = thresholds(options)
    warm_up = max(60.0, 3 * limits.every)
    channels = load_fleet(options.channels, warm_up + 2 * limits.every)
    healthy = {channel.id for channel in channels if not channel.troubles}
    address = f"127.0.0.1:{free_port()}"
    arguments = limits.arguments() + ["--listen", address, *options.arguments]
    with Origin(options.origin, options.clips, channels) as origin, Watch(options.hlsnap, origin.list(), arguments, origin.start) as watch:
        wait(watch, origin, warm_up)
        before, log_before, cpu, origin_cpu, begin = metrics(address), origin.log(), cpu_seconds(watch.pid), cpu_seconds(origin.process.pid), origin.seconds()
        resident = wait(watch, origin, begin + options.minutes * 60)
        after, log, end = metrics(address), origin.log(), origin.seconds()
        used, origin_used, peak = cpu_seconds(watch.pid) - cpu, cpu_seconds(origin.process.pid) - origin_cpu, memory_mb(watch.pid, "VmHWM")
    span = end - begin
    print(f"{len(channels)} channels, every {limits.every:g} s, {span:.0f} s measured after {begin:.0f} s\n")
    print(f"hlsnap: {used / span:.3f} cores, {max(resident):.0f} MB resident (peak {peak:.0f}); origin: {origin_used / span:.3f} cores")
    misses, missing = paces(log["channels"], begin, limits.every)
    at = lambda part: misses[min(int(part * len(misses)), len(misses) - 1)] if misses else float("nan")
    print(f"lateness by the origin's log: median {at(.5):.3f}, p99 {at(.99):.3f}, worst {at(1):.3f} s of {len(misses)} requests; {missing} rounds missing")
    quantile = lambda name, part: histogram_quantile(after, before, name, part)
    print(f"lateness by /metrics: p99 {quantile('hlsnap_watch_lateness_seconds', .99):.3f} s; "
          f"rounds take p50 {quantile('hlsnap_watch_round_duration_seconds', .5):.3f}, p99 {quantile('hlsnap_watch_round_duration_seconds', .99):.3f} s")
    rounds = {name: value - before.get(name, 0) for name, value in after.items() if name.startswith("hlsnap_watch_rounds_total")}
    print("rounds: " + ", ".join(f"{name} {value:g}" for name, value in rounds.items()))
    counts = totals(log["channels"], healthy) - totals(log_before["channels"], healthy)
    pictures = len(healthy) * span / limits.every
    print(f"requests a picture of the healthy: {(counts['playlists'] + counts['segments'] + counts['master']) / pictures:.3f} ({dict(counts)})\n")
    result = judge(channels, watch.events, limits, end)
    print_table(result, limits)
    for channel in (channel for channel in channels if channel.troubles):
        trouble = channel.troubles[0]
        found = [seconds - trouble.at for seconds, event in watch.events if event["channel"] == channel.id and event["to"] == trouble.state]
        in_time = bool(found) and found[0] <= limits.need(trouble.state) + 2 * limits.every + LATENCY
        print(f"{channel.kind}: {trouble.state} after {found[0] if found else float('nan'):.1f} s, {'in time' if in_time else 'LATE'}")
    return 1 if result[1] or result[3] else 0


def wait(watch, origin, until):
    """Waits, and returns the memory in MB, once a second."""
    resident = []
    while origin.seconds() < until:
        watch.check()
        resident.append(memory_mb(watch.pid))
        time.sleep(1)
    return resident


def peers(options):
    """The same channels for the same time, first with ffmpeg, then with hlsnap."""
    limits = thresholds(options)
    channels = load_fleet(max(options.channels, 10), 1e9)[:options.channels]
    with Origin(options.origin, options.clips, channels) as origin:
        folder = Path(origin.folder.name)
        start = time.monotonic()
        running = [start_ffmpeg(f"http://127.0.0.1:{origin.port}/{channel.id}/low.m3u8", folder / f"{channel.id}.jpg", limits.every) for channel in channels]
        try:
            time.sleep(options.minutes * 60)
            alive = [process for process in running if process.poll() is None]
            cpu = sum(cpu_seconds(process.pid) for process in alive) / (time.monotonic() - start) / max(len(alive), 1)
            memory = sum(memory_mb(process.pid) for process in alive) / max(len(alive), 1)
        finally:
            for process in running:
                process.kill()
                process.wait()
        pictures = len(list(folder.glob("*.jpg")))
        print(f"ffmpeg: {len(alive)} of {len(channels)} running, {pictures} with a picture: {cpu:.4f} cores, {memory:.1f} MB a channel")
        with Watch(options.hlsnap, origin.list(), limits.arguments() + options.arguments, origin.start) as watch:
            began = time.monotonic()
            resident = wait(watch, origin, origin.seconds() + options.minutes * 60)
            own = cpu_seconds(watch.pid) / (time.monotonic() - began) / len(channels)
        print(f"hlsnap: {own:.4f} cores, {max(resident) / len(channels):.2f} MB a channel")
        print(f"hlsnap / ffmpeg: CPU {own / cpu:.4f}, memory {max(resident) / len(channels) / memory:.4f}")
    return 0


def start_ffmpeg(url, picture, every):
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-skip_frame", "nokey", "-i", url, "-vf", f"fps=1/{every:g},scale=320:-2", "-update", "1", picture]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=["accuracy", "load", "peers"])
    parser.add_argument("--hlsnap", required=True, help="the program")
    parser.add_argument("--origin", required=True, help="the example fleet-origin")
    parser.add_argument("--clips", required=True, help="the folder of clips.py")
    parser.add_argument("--channels", type=int, help="200 for accuracy, 1000 for load, 20 for peers")
    parser.add_argument("--every", type=float, default=10, help="seconds between rounds; below 10, thresholds are shorter too")
    parser.add_argument("--seconds", type=float, help="of accuracy: 600, or 180 below a pace of 10 s")
    parser.add_argument("--minutes", type=float, default=10, help="measured by load and peers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", help="of accuracy: a file for the events")
    parser.add_argument("--presence-only", action="store_true", help="for accuracy: hlsnap recognizes only missing sound, not silence")
    parser.add_argument("arguments", nargs="*", help="more arguments of hlsnap watch, after --")
    options = parser.parse_args()
    options.channels = options.channels or {"accuracy": 200, "load": 1000, "peers": 20}[options.run]
    options.seconds = options.seconds or (600 if options.every >= 10 else 180)
    return {"accuracy": accuracy, "load": load, "peers": peers}[options.run](options)


if __name__ == "__main__":
    sys.exit(main())
