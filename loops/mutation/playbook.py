"""What to do about the mutants no test noticed: places in order of need, and advice that follows from each (D18)."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from domain.findings import HotSpot, Survivor
from domain.untrusted import clean_line
from loops.mutation.model import OPERATOR_NOT_STATED, Mutant, MutantStatus
from loops.report import Advice

MAX_SPOTS = 20
MAX_CATEGORIES = 20
MAX_LINES = 10
MAX_SHOWN_KEYS = 3
MAX_SURVIVORS = 200
PATH_CHARACTERS = 160
NAME_CHARACTERS = 120
OPERATOR_CHARACTERS = 40
NO_COVERAGE = "no_coverage"
OTHER = "other"

_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
_LOGIC = frozenset({"&&", "||"})
_MUTMUT_KEY = re.compile(r"[\w.]{1,200}")  # letters, digits, underscore, dot and mutmut's own ǁ: safe to paste

_STEPS = {
    NO_COVERAGE: "No test runs this: write one that calls it and checks the result.",
    "FnValue": "A constant returned instead goes unnoticed: assert the exact value for two different inputs.",
    "comparison": "A changed comparison goes unnoticed: test the boundary itself and the values beside it.",
    "logic": "A swapped and/or goes unnoticed: test the case where only one side is true.",
    "arithmetic": "Changed arithmetic goes unnoticed: use operands above 2, so that + - * / all differ.",
    "UnaryOperator": "A dropped ! or - goes unnoticed: test an input and its opposite.",
    "MatchArm": "A deleted match arm goes unnoticed: give each arm an input and assert that arm's own result.",
    "MatchArmGuard": "A changed match guard goes unnoticed: test a value just inside and one just outside of it.",
    "StructField": "A dropped struct field goes unnoticed: assert every field of the built value.",
    "removal": "A removed call or block goes unnoticed: assert what it changes, and not only what is returned.",
    OPERATOR_NOT_STATED: "The report does not hold the change: look at it and assert what it alters.",
    OTHER: "Look at the tool's diff of each mutant and assert what it alters.",
}

# Operators of Stryker and PIT that call for the advice of another name; those of cargo-mutants are names above.
_KINDS = {
    "EqualityOperator": "comparison",
    "ConditionalsBoundaryMutator": "comparison",
    "NegateConditionalsMutator": "comparison",
    "LogicalOperator": "logic",
    "ArithmeticOperator": "arithmetic",
    "AssignmentOperator": "arithmetic",
    "MathMutator": "arithmetic",
    "InvertNegsMutator": "UnaryOperator",
    "BlockStatement": "removal",
    "VoidMethodCallMutator": "removal",
    "BooleanTrueReturnValsMutator": "FnValue",
    "BooleanFalseReturnValsMutator": "FnValue",
    "EmptyObjectReturnValsMutator": "FnValue",
    "NullReturnValsMutator": "FnValue",
    "PrimitiveReturnsMutator": "FnValue",
}


def hot_spots(playbook: Sequence[Advice]) -> tuple[HotSpot, ...]:
    """Reduce a playbook to its places and how many mutants go unnoticed there."""
    return tuple(HotSpot(advice.file, advice.function, advice.survived + advice.no_coverage) for advice in playbook)


def categories(undetected: Sequence[Mutant]) -> tuple[tuple[str, int], ...]:
    """Count survivors by operator, most first; mutants that no test runs are a category of their own."""
    counted = Counter(
        NO_COVERAGE if mutant.status is MutantStatus.NO_COVERAGE else clean_line(mutant.operator, OPERATOR_CHARACTERS)
        for mutant in undetected
    )
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MAX_CATEGORIES])


def advise(undetected: Sequence[Mutant]) -> tuple[Advice, ...]:
    """Make the playbook: the `MAX_SPOTS` places with the most unnoticed mutants, in stable order."""
    spots: defaultdict[tuple[str, str], list[Mutant]] = defaultdict(list)
    for mutant in undetected:
        spots[mutant.file, mutant.function].append(mutant)
    worst = sorted(spots.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_SPOTS]
    return tuple(_advice(file, function, mutants) for (file, function), mutants in worst)


def survivors(undetected: Sequence[Mutant]) -> tuple[Survivor, ...]:
    """List the first `MAX_SURVIVORS` unnoticed mutants by place, text cleaned and capped."""
    ordered = sorted(undetected, key=lambda mutant: (mutant.file, mutant.line or 0, mutant.identity))
    return tuple(
        Survivor(
            file=clean_line(mutant.file, PATH_CHARACTERS),
            function=clean_line(mutant.function, NAME_CHARACTERS),
            line=mutant.line,
            operator=clean_line(mutant.operator, OPERATOR_CHARACTERS),
            replacement=clean_line(mutant.replacement, NAME_CHARACTERS),
        )
        for mutant in ordered[:MAX_SURVIVORS]
    )


def _advice(file: str, function: str, mutants: list[Mutant]) -> Advice:
    kinds = Counter(_kind(mutant) for mutant in mutants)
    ordered = sorted(kinds.items(), key=lambda item: (item[0] != NO_COVERAGE, -item[1], item[0]))
    return Advice(
        file=clean_line(file, PATH_CHARACTERS),
        function=clean_line(function, NAME_CHARACTERS),
        survived=len(mutants) - kinds[NO_COVERAGE],
        no_coverage=kinds[NO_COVERAGE],
        lines=tuple(sorted({mutant.line for mutant in mutants if mutant.line is not None})[:MAX_LINES]),
        steps=tuple(_STEPS[kind] for kind, _ in ordered),
        commands=_commands(mutants),
    )


def _kind(mutant: Mutant) -> str:
    """Sort a mutant by what its advice depends on: coverage first, then the operator, then what it was replaced by."""
    if mutant.status is MutantStatus.NO_COVERAGE:
        return NO_COVERAGE
    if mutant.operator == "BinaryOperator":
        if mutant.replacement in _COMPARISONS:
            return "comparison"
        return "logic" if mutant.replacement in _LOGIC else "arithmetic"
    kind = _KINDS.get(mutant.operator, mutant.operator)
    return kind if kind in _STEPS else OTHER


def _commands(mutants: list[Mutant]) -> tuple[str, ...]:
    """Name mutmut's own command for the first few mutants whose change only mutmut can show."""
    keys = [mutant.replacement for mutant in mutants if _kind(mutant) == OPERATOR_NOT_STATED]
    return tuple(f"mutmut show {key}" for key in keys if _MUTMUT_KEY.fullmatch(key))[:MAX_SHOWN_KEYS]
