"""Checks deploy/observability with promtool. script/deploy-check runs it.

observability.py          checks the configuration, runs the tests of the alerts, and looks for every metric in the program's list
observability.py FILE...  compares scraped /metrics with that list
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

import metrics

FOLDER = Path("deploy/observability")
# Grafana divides a dashboard into so many columns
COLUMNS = 24
VARIABLES = {"$__rate_interval": "5m", "$group": ".*"}
FAULTS = []


def check(holds, fault):
    if not holds:
        FAULTS.append(fault)


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode == 0, f"promtool {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}"


def parses(expressions):
    """Whether promtool parses these expressions, which it does only within rules."""
    rules = [{"record": f"expression:{place}", "expr": expression} for place, expression in enumerate(expressions)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "expressions", "rules": rules}]}))
        return promtool("check", "rules", file)


def rules():
    alerts = [rule for group in yaml.safe_load((FOLDER / "hlsnap.rules.yml").read_text())["groups"] for rule in group["rules"]]
    for alert in alerts:
        name = alert["alert"]
        for fault in metrics.faults(alert["expr"]):
            check(False, f"alert {name}: {fault}")
        check(alert["labels"].get("severity") in ("page", "ticket"), f"alert {name}: its severity is neither page nor ticket")
        check({"summary", "description"} <= set(alert["annotations"]), f"alert {name}: no summary or no description")
    tests = yaml.safe_load((FOLDER / "hlsnap.rules.test.yml").read_text())["tests"]
    tested = {"fires": set(), "stays silent": set()}
    for one in (one for test in tests for one in test["alert_rule_test"]):
        tested["fires" if one["exp_alerts"] else "stays silent"].add(one["alertname"])
    for what, names in tested.items():
        check({alert["alert"] for alert in alerts} == names, f"no test in which it {what}: {sorted({a['alert'] for a in alerts} ^ names)}")
    return len(alerts)


def dashboard():
    board = json.loads((FOLDER / "dashboard.json").read_text())
    wanted = {"uid": str, "title": str, "schemaVersion": int, "panels": list, "templating": dict, "time": dict}
    for field, kind in wanted.items():
        check(isinstance(board.get(field), kind), f"dashboard: {field} is not of the type {kind.__name__}")
    panels = board["panels"]
    ids = [panel["id"] for panel in panels]
    check(len(ids) == len(set(ids)), "dashboard: an id is used twice")
    taken = {}
    expressions = []
    for panel in panels:
        title, place = panel["title"], panel["gridPos"]
        check(place["x"] + place["w"] <= COLUMNS, f"panel {title}: it is wider than the dashboard")
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            other = taken.setdefault(cell, title)
            check(other == title, f"panels {other} and {title}: one covers the other")
        if panel["type"] == "row":
            continue
        check(panel.get("description"), f"panel {title}: no description")
        check(panel.get("targets"), f"panel {title}: no query")
        letters = [target["refId"] for target in panel.get("targets", [])]
        check(len(letters) == len(set(letters)), f"panel {title}: a refId is used twice")
        for target in panel.get("targets", []):
            for fault in metrics.faults(target["expr"]):
                check(False, f"panel {title}: {fault}")
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            check("$" not in expression, f"panel {title}: an unknown variable in {expression}")
            expressions.append(expression)
    good, said = parses(expressions)
    check(good, f"dashboard: {said}")
    shown = {name for name in metrics.SERVE | metrics.WATCH if any(name in expression for expression in expressions)}
    missing = set(metrics.SERVE | metrics.WATCH) - shown
    check(not missing, f"dashboard: it shows nothing of {sorted(missing)}")
    return len(expressions)


def checks_find_faults():
    """The checks themselves: each of these is wrong."""
    for wrong in ("hlsnap_chanel_up == 0", 'hlsnap_channel_up{grop="a"}', "sum by (stat) (hlsnap_channel_state)", "rate(node_load1[5m])", "1 + 1"):
        check(metrics.faults(wrong), f"metrics.py finds no fault in {wrong}")
    right = 'sum by (le) (rate(hlsnap_watch_lateness_seconds_bucket{job="a}b"}[5m])) and on (job) up'
    check(not metrics.faults(right), f"metrics.py finds faults: {metrics.faults(right)}")
    check(not parses(["sum(rate(up[5m])"])[0], "promtool parses an expression without its last bracket")
    check(metrics.of_scrape('hlsnap_channel_up{channel="a"} 1\n') and metrics.of_scrape("hlsnap_new 1\n"), "a wrong scrape passes")
    check(not metrics.of_scrape('# TYPE x y\nhlsnap_watch_rounds_total{result="ok"} 1\nprocess_open_fds 4\n'), "a right scrape does not pass")


def main(files):
    if files:
        faults = [f"{file}: {fault}" for file in files for fault in metrics.of_scrape(Path(file).read_text())]
        print("\n".join(faults) or f"{len(files)} scraped files have the metrics of tests/deploy/metrics.py")
        return 1 if faults else 0
    checks_find_faults()
    for arguments in (
        ("check", "config", FOLDER / "prometheus.yml"),
        ("check", "config", FOLDER / "prometheus-kubernetes.yml"),
        ("test", "rules", FOLDER / "hlsnap.rules.test.yml"),
    ):
        good, said = promtool(*arguments)
        check(good, said)
    alerts, expressions = rules(), dashboard()
    for fault in FAULTS:
        print(fault)
    if not FAULTS:
        print(f"promtool: 2 configurations and {alerts} alerts are right and tested; {expressions} expressions of the dashboard parse")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
