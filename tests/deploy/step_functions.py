"""Checks the state machine of deploy/step-functions without AWS. script/deploy-check runs it; tests/parts/state_machine.py executes it."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

FOLDER = Path("deploy/step-functions")
DEFINITION = FOLDER / "state-machine.asl.json"


def kinds():
    """The kinds of the program's errors, and those of them that a second try never cures."""
    text = Path("src/error.rs").read_text()
    names = dict(re.findall(r'\(Self::(\w+), "(\w+)", \d+, \d+\)', text))
    permanent = re.findall(r"Self::(\w+)", text.split("fn is_permanent", 1)[1].split("=> true", 1)[0])
    transient = re.findall(r"Self::(\w+)", text.split("fn is_transient", 1)[1].split("}", 1)[0])
    assert len(names) > 10 and permanent and transient, "src/error.rs has another form now: update tests/deploy/step_functions.py"
    return set(names.values()), {names[one] for one in permanent}, {names[one] for one in transient}


def machines(definition):
    """The definition, and the one within its map."""
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from machines(state["ItemProcessor"])


def of_states(definition):
    faults = []
    for machine in machines(definition):
        states = machine["States"]
        for name in [machine["StartAt"], *(state["Next"] for state in states.values() if "Next" in state)]:
            if name not in states:
                faults.append(f"there is no state {name}")
    return faults


def of_retries(definition):
    every, permanent, transient = kinds()
    tasks = [state for machine in machines(definition) for state in machine["States"].values() if state["Type"] == "Task"]
    retried = {error for task in tasks for retry in task["Retry"] for error in retry["ErrorEquals"]}
    own = {error for error in retried if re.fullmatch("[a-z_]+", error)}
    faults = [f"it retries {error}, which is no kind" for error in sorted(own - every)]
    faults += [f"it retries {error}, which fails the same way every time" for error in sorted(own & permanent)]
    faults += [f"it does not retry {error}" for error in sorted(transient - own)]
    if retried & {"States.ALL", "States.TaskFailed"}:
        faults.append("it retries everything")
    return faults


def of_template(text):
    """The template's substitutions, and its rights."""
    properties = yaml_parse((FOLDER / "template.yaml").read_text())["Resources"]
    given = set(properties["Pictures"]["Properties"]["DefinitionSubstitutions"])
    used = set(re.findall(r"\$\{(\w+)\}", text))
    faults = [f"substitutions: {sorted(given ^ used)} are on one side only"] * (given != used)
    statements = properties["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    if any("*" in (statement["Action"], statement["Resource"]) for statement in statements):
        faults.append("the role may do everything, or to everything")
    return faults


def by_cfn_lint(definitions):
    """cfn-lint's words about each definition: it knows the language of Step Functions. One call, since its start takes longest."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{place}.json" for place in range(len(definitions))]
        for file, definition in zip(files, definitions):
            properties = {"RoleArn": "arn:aws:iam::123456789012:role/states", "Definition": definition}
            file.write_text(json.dumps({"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}))
        command = [Path(sys.executable).parent / "cfn-lint", "--format", "parseable", *files]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return [[line.split(":", 1)[1] for line in done.stdout.splitlines() if line.startswith(f"{file}:")] for file in files], done.stderr


def main():
    text = DEFINITION.read_text()
    definition = json.loads(text)
    faults = of_states(definition) + of_retries(definition) + of_template(text)

    def wrong(old, new):
        assert old in text, f"{DEFINITION} has no {old} any more: update tests/deploy/step_functions.py"
        return json.loads(text.replace(old, new, 1))

    linted = [
        wrong('"MaxConcurrencyPath"', '"MaxConcurencyPath"'),
        wrong('"MaxAttempts": 2', '"MaxAttempts": -1'),
        wrong('"Type": "Task"', '"Type": "Tusk"'),
        wrong('"StartAt": "Settings"', '"StartAt": "Setting"'),
    ]
    (of_ours, *of_wrong), said = by_cfn_lint([definition, *linted])
    faults += of_ours + [said] * bool(said)
    faults += [f"cfn-lint finds no fault in wrong definition {place}" for place, found in enumerate(of_wrong) if not found]
    for name, found in {
        "a wrong Next": of_states(wrong('"Next": "Pictures"', '"Next": "Picture"')),
        "a retry of an unknown kind": of_retries(wrong('"timeout"', '"time_out"')),
        "a retry of a permanent failure": of_retries(wrong('"timeout"', '"timeout", "encrypted"')),
        "an unknown substitution": of_template(text.replace("${Bucket}", "${Buckets}", 1)),
    }.items():
        faults += [f"no check finds {name}"] * (not found)
    print("\n".join(faults) or f"{DEFINITION} is right; {len(linted) + 4} wrong ones are found")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
