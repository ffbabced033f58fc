"""Validates JSON against definitions of docs/report.schema.json: `check.py SCHEMA <LINES`.

A line of the input is `{"definition": NAME, "value": …}`; the definition `""` is the schema as a whole. Prints, for each line, a list of what
is wrong: with the schema as it is (`"open"`), and if no object may have fields that the schema does not name (`"closed"`).
"""

import copy
import json
import sys
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, in which no object may have further fields."""
    strict = copy.deepcopy(schema)
    for definition in strict["$defs"].values():
        if definition.get("type") == "object":
            definition["unevaluatedProperties"] = False
    return strict


def faults(schema: dict[str, Any], definition: str, value: Any) -> Iterator[str]:
    if definition:
        assert definition in schema["$defs"], f"the schema has no {definition}"
        schema = {key: schema[key] for key in ("$schema", "$id", "$defs")} | {"$ref": f"#/$defs/{definition}"}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for error in validator.iter_errors(value):
        yield f"{error.json_path}: {error.message}"


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    assert "date-time" in Draft202012Validator.FORMAT_CHECKER.checkers, "dates are not checked: rfc3339-validator is missing"
    strict = closed(schema)
    for line in sys.stdin:
        case = json.loads(line)
        found = {name: list(faults(which, **case)) for name, which in (("open", schema), ("closed", strict))}
        print(json.dumps(found))


if __name__ == "__main__":
    main()
