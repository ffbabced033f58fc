"""The metrics of the program with their labels, and what an expression of Prometheus uses of them."""

import re

# Of a histogram also _bucket, _sum and _count are series
SERVE = {
    "hlsnap_http_requests_total": {"route", "status"},
    "hlsnap_pictures_total": {"kind", "result"},
    "hlsnap_picture_duration_seconds": {"kind", "le"},
    "hlsnap_picture_bytes": {"kind", "le"},
    "hlsnap_received_bytes_total": set(),
    "hlsnap_origin_requests_total": set(),
    "hlsnap_cache_requests_total": {"cache", "result"},
    "hlsnap_cache_bytes": set(),
    "hlsnap_jobs_running": set(),
    "hlsnap_jobs_waiting": set(),
    "hlsnap_build_info": {"version"},
}
WATCH = {
    "hlsnap_channel_up": {"channel", "name", "group"},
    "hlsnap_channel_state": {"channel", "name", "group", "state"},
    "hlsnap_channel_age_seconds": {"channel"},
    "hlsnap_channel_black_seconds_total": {"channel"},
    "hlsnap_channel_frozen_seconds_total": {"channel"},
    "hlsnap_channel_last_picture_timestamp_seconds": {"channel"},
    "hlsnap_watch_channels": set(),
    "hlsnap_watch_rounds_total": {"result"},
    "hlsnap_watch_lateness_seconds": {"le"},
    "hlsnap_watch_round_duration_seconds": {"le"},
    "hlsnap_webhook_deliveries_total": {"result"},
    "hlsnap_webhook_queue": set(),
}
# Of every process that Prometheus can scrape, as its own clients name them
OTHERS = {
    "up": set(),
    "process_cpu_seconds_total": set(),
    "process_open_fds": set(),
    "process_resident_memory_bytes": set(),
    "process_start_time_seconds": set(),
}
# Set by Prometheus itself
TARGET = {"job", "instance", "pod"}

HISTOGRAMS = {name for name, labels in (SERVE | WATCH).items() if "le" in labels}
KNOWN = {name: labels for name, labels in (SERVE | WATCH | OTHERS).items() if name not in HISTOGRAMS}
for histogram in HISTOGRAMS:
    own = (SERVE | WATCH)[histogram]
    KNOWN |= {f"{histogram}_bucket": own, f"{histogram}_sum": own - {"le"}, f"{histogram}_count": own - {"le"}}

GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
NAME = re.compile(r"(?<![\w.])[a-zA-Z_:][\w:]*")
OPERATORS = {"and", "or", "unless", "bool", "offset"}


def faults(expression):
    """What the program does not have of what an expression uses."""
    # Text may hold anything; a variable of a dashboard is no name
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', expression).replace("$__rate_interval", "5m")
    found = []
    grouped = {label.strip() for labels in GROUPING.findall(text) for label in labels.split(",") if label.strip()}
    text = GROUPING.sub(" ", text)
    selected = {}
    for name, matchers in SELECTOR.findall(text):
        selected.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    names = {match.group() for match in NAME.finditer(text) if not re.match(r"\s*\(", text[match.end() :])} - OPERATORS
    for name in sorted(names - set(KNOWN)):
        found.append(f"no metric {name}")
    if not names:
        found.append("no metric at all")
    known = set().union(*(KNOWN[name] for name in names & set(KNOWN))) | TARGET
    for label in sorted(grouped - known):
        found.append(f"no label {label}")
    for name, labels in selected.items():
        for label in sorted(labels - KNOWN.get(name, labels) - TARGET):
            found.append(f"{name} has no label {label}")
    return found


def of_scrape(text):
    """Compares a scraped /metrics with the tables: a list of faults."""
    found = []
    for line in text.splitlines():
        match = re.match(r"(hlsnap_\w+|process_\w+)(?:\{(.*)\})? ", line)
        if not match:
            continue
        name, labels = match.group(1), set(re.findall(r'(\w+)="(?:\\.|[^"\\])*"', match.group(2) or ""))
        if name not in KNOWN:
            found += [f"the program writes {name}, which is not in the tables"] * name.startswith("hlsnap_")
        elif labels != KNOWN[name]:
            found.append(f"{name} has the labels {sorted(labels)} instead of {sorted(KNOWN[name])}")
    return sorted(set(found))
