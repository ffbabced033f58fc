"""Reads a document of `hlsnap serve` on standard input with the formats' own tools: `check.py openapi` or `check.py metrics`.

Prints what it read as JSON. Fails if the document is invalid.
"""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families


def openapi(text):
    document = json.loads(text)
    OpenAPIV31SpecValidator(document).validate()
    return document


def metrics(text):
    """The samples by their names: labels and rounded values. Each family has a type, a help, and is there once."""
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), f"a family is there twice: {sorted(names)}"
    samples = {}
    for family in families:
        assert family.type != "unknown" and family.documentation, f"{family.name} has no type or no help"
        for sample in family.samples:
            samples.setdefault(sample.name, []).append([sample.labels, round(sample.value)])
    return samples


if __name__ == "__main__":
    json.dump({"openapi": openapi, "metrics": metrics}[sys.argv[1]](sys.stdin.read()), sys.stdout)
