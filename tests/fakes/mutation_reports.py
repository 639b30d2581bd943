"""Reports of Stryker and PIT of the shapes their tools write, made small and to order."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

MUTATORS = "org.pitest.mutationtest.engine.gregor.mutators"


def stryker_mutant(status: object, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Make one mutant on a line of its own; a change to `...` takes the field out."""
    mutant = {
        "id": str(number),
        "mutatorName": "EqualityOperator",
        "replacement": "a <= b",
        "location": {"start": {"line": number, "column": 9}, "end": {"line": number, "column": 14}},
        "status": status,
        "statusReason": "",
        "static": False,
        "testsCompleted": 3,
        "killedBy": ["0"],
        "coveredBy": ["0", "1"],
    }
    return {name: value for name, value in (mutant | changes).items() if value is not ...}


def stryker_report(*mutants: dict[str, Any], file: str = "src/cart.ts", **changes: Any) -> dict[str, Any]:
    """Make a report as StrykerJS 8 writes it, with one source file."""
    document = {
        "$schema": "http://stryker-mutator.io/report.schema.json",
        "schemaVersion": "1.0",
        "thresholds": {"high": 80, "low": 60, "break": None},
        "files": {file: {"language": "typescript", "source": "export const total = 0;\n", "mutants": list(mutants)}},
        "testFiles": {"": {"tests": [{"id": "0", "name": "cart adds"}]}},
        "projectRoot": "/builds/shop/shop",
        "framework": {
            "name": "StrykerJS",
            "version": "8.2.6",
            "branding": {"homepageUrl": "https://stryker-mutator.io"},
        },
    }
    return {name: value for name, value in (document | changes).items() if value is not ...}


def pit_mutation(status: str, line: object = 1, **changes: str | None) -> str:
    """Make one `mutation` as PIT writes it; a change to None takes the element out."""
    elements: dict[str, str | None] = {
        "sourceFile": "Account.java",
        "mutatedClass": "com.acme.bank.Account",
        "mutatedMethod": "withdraw",
        "methodDescription": "(I)Z",
        "lineNumber": str(line),
        "mutator": f"{MUTATORS}.ConditionalsBoundaryMutator",
        "killingTest": "com.acme.bank.AccountTest.[engine:junit-jupiter]/[class:com.acme.bank.AccountTest]",
        "description": "changed conditional boundary",
    }
    written = "".join(
        f"<{name}>{escape(text)}</{name}>" for name, text in (elements | changes).items() if text is not None
    )
    lists = "<indexes><index>5</index></indexes><blocks><block>1</block></blocks>"
    return f"<mutation detected='true' status='{status}' numberOfTestsRun='1'>{written}{lists}</mutation>"


def pit_report(*mutations: str) -> str:
    """Make a whole document; `partial` tells of the coverage data, not of the run."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<mutations partial="true">\n'
        + "\n".join(mutations)
        + "\n</mutations>\n"
    )


def write_pit(path: Path, *mutations: str) -> Path:
    """Write a document, making folders as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pit_report(*mutations), encoding="utf-8")
    return path
