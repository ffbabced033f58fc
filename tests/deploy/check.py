"""Compares the templates in deploy/ with each other and with the program. script/deploy-check runs it."""

import re
import sys
from pathlib import Path

import hcl2
from samtranslator.yaml_helper import yaml_parse

DEPLOY = Path("deploy")
FAULTS = []


def check(holds, fault):
    if not holds:
        FAULTS.append(fault)


def same(what, one, other):
    check(one, f"{what}: nothing found")
    check(one == other, f"{what}: {sorted(map(str, one ^ other))} are on one side only")


def between(path, start, end):
    text = Path(path).read_text()
    assert start in text, f"{path} has no {start!r} any more: bring tests/deploy/check.py up to date"
    return text.split(start, 1)[1].split(end, 1)[0]


# The names that the program knows.


def settings():
    """The variables: one for each row of the tables of options and settings."""
    tables = [Path("src/frontends/settings/table.rs"), Path("src/request/options/table.rs")]
    names = [re.findall(r'Row::new\(\s*[A-Z_]+,\s*"([\w-]+)"', table.read_text()) for table in tables]
    assert len(names[0]) > 5 and len(names[1]) > 20, "the tables of options have another form now: update tests/deploy/check.py"
    return {f"HLSNAP_{name.upper().replace('-', '_')}" for name in names[0] + names[1]}


def placeholders():
    found = re.findall(r'"(\w+)" => Self::', between("src/store/template.rs", "impl Placeholder", "_ =>"))
    assert "now" in found, "the names of the templates are not found any more"
    return set(found)


def metrics():
    text = Path("src/frontends/lambda/metrics.rs").read_text()
    namespace = re.search(r'NAMESPACE: &str = "(\w+)"', text).group(1)
    assert '"Dimensions": [["FunctionName"]]' in text, "metrics have other dimensions now"
    return {(namespace, name) for name in re.findall(r'"Name": "(\w+)"', text)}


# Terraform.


def entries(block):
    """The entries of a block. python-hcl2 keeps the quotes of names, and adds names of its own."""
    return [(name.strip('"'), body) for name, body in block.items() if not name.startswith("__")]


def is_described(body):
    return bool(body.get("description", "").strip('"'))


def terraform():
    files = sorted((DEPLOY / "terraform").glob("*.tf"))
    blocks = {}
    for file in files:
        with file.open() as opened:
            for kind, found in hcl2.load(opened).items():
                blocks.setdefault(kind, []).extend(found)

    def named(kind):
        return {name: body for block in blocks[kind] for name, body in entries(block)}

    def typed(kind):
        return {(of, name) for block in blocks[kind] for of, bodies in entries(block) for name, _ in entries(bodies)}

    # Comments may mention unused names
    code = "\n".join(line for file in files for line in file.read_text().splitlines() if not line.strip().startswith("#"))
    variables = named("variable")
    same("Terraform variables, declared and used", set(variables), set(re.findall(r"\bvar\.(\w+)", code)))
    for name, body in variables.items():
        check(is_described(body) and "type" in body, f"variable {name}: no description or no type")
    for name, body in named("output").items():
        check(is_described(body), f"output {name}: no description")
    same("Terraform locals, declared and used", set(named("locals")), set(re.findall(r"\blocal\.(\w+)", code)))
    data = set(re.findall(r"\bdata\.(aws_\w+)\.(\w+)", code))
    same("Terraform data, declared and used", typed("data"), data)
    resources = set(re.findall(r"(?<!data\.)\b(aws_\w+)\.(\w+)", code))
    check(resources <= typed("resource"), f"Terraform resources that are not there: {resources - typed('resource')}")

    environment = set(re.findall(r"\b(HLSNAP_\w+)\"? *=", between(DEPLOY / "terraform/main.tf", "environment = merge(", "var.settings")))
    alarms = set(zip(re.findall(r'namespace += "(.+)"', code), re.findall(r'metric += "(.+)"', code)))
    check(re.search(r"visibility_timeout_seconds += 6 \* var\.timeout$", code, re.M), "Terraform: the queue hides its messages for less than six timeouts")
    return environment, alarms


# SAM.


def sam():
    text = (DEPLOY / "sam/template.yaml").read_text()
    template = yaml_parse(text)
    for section in ("Parameters", "Outputs"):
        for name, body in template[section].items():
            check(body.get("Description"), f"SAM {name}: no description")
    timeouts = set(template["Parameters"]["Timeout"]["AllowedValues"])
    hides = template["Mappings"]["Visibility"]
    same("SAM timeouts and Mappings", timeouts, set(hides))
    for timeout, row in hides.items():
        check(row["Seconds"] >= 6 * int(timeout), f"SAM: a timeout of {timeout} s wants the queue to hide messages for six times as long")
    # deploy/README.md derives the template for x86_64 by replacing these lines
    check(len(re.findall(r"^.*arm64.*$", text, re.M)) == 2, "SAM: arm64 occurs elsewhere than in CodeUri and Architectures")

    resources = template["Resources"]
    function = resources["Function"]["Properties"]
    environment = set(function["Environment"]["Variables"])
    of_alarms = [body["Properties"] for body in resources.values() if body["Type"] == "AWS::CloudWatch::Alarm"]
    return environment, {(alarm["Namespace"], alarm["MetricName"]) for alarm in of_alarms}


def main():
    (tf_environment, tf_alarms), (sam_environment, sam_alarms) = terraform(), sam()
    same("variables that Terraform and SAM set", tf_environment, sam_environment)
    same("alarms of Terraform and SAM", tf_alarms, sam_alarms)

    known = metrics()
    ours = {alarm for alarm in tf_alarms if not alarm[0].startswith("AWS/")}
    check(ours and ours <= known, f"alarms on metrics that the program does not write: {ours - known}")

    for file in sorted(path for path in DEPLOY.rglob("*") if path.suffix in (".tf", ".yaml", ".md")):
        text = file.read_text()
        unknown = set(re.findall(r"HLSNAP_[A-Z][A-Z_]*", text)) - settings()
        check(not unknown, f"{file}: the program knows no {sorted(unknown)}")
        unknown = set(re.findall(r"(?<![${])\{([a-z]+)\}", text)) - placeholders()
        check(not unknown, f"{file}: outputs know no {sorted(unknown)}")

    for fault in FAULTS:
        print(fault)
    return 1 if FAULTS else 0


sys.exit(main())
