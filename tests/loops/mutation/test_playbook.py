"""Advice follows from what went unnoticed: the place, the operator, and whether any test runs it (D18)."""

import pytest

from domain.findings import HotSpot
from loops.mutation.model import Mutant, MutantStatus
from loops.mutation.playbook import advise, categories, hot_spots, survivors


def missed(
    operator: str = "FnValue",
    replacement: str = "true",
    function: str = "wins",
    line: int | None = 1,
    status: MutantStatus = MutantStatus.SURVIVED,
) -> Mutant:
    return Mutant((operator, replacement, str(line)), status, "src/lib.rs", function, line, operator, replacement)


def uncovered(function: str = "wins") -> Mutant:
    return missed("not stated", "calc.x_wins__mutmut_1", function, None, MutantStatus.NO_COVERAGE)


KINDS = [
    missed("FnValue", "true"),
    missed("BinaryOperator", "<="),
    missed("BinaryOperator", "||"),
    missed("BinaryOperator", "*"),
    missed("UnaryOperator", ""),
    missed("MatchArm", ""),
    missed("MatchArmGuard", "true"),
    missed("StructField", ""),
    missed("BlockStatement", "{}"),
    missed("not stated", "calc.x_wins__mutmut_1"),
    missed("SomethingNew", "x"),
    uncovered(),
]


def test_every_kind_of_mutant_gets_advice_of_its_own() -> None:
    steps = [advise([mutant])[0].steps for mutant in KINDS]
    assert len(set(steps)) == len(KINDS)
    assert all(len(step) == 1 for step in steps)


@pytest.mark.parametrize(
    ("mutant", "words"),
    [
        (missed("BinaryOperator", "=="), "A changed comparison"),
        (missed("BinaryOperator", "&&"), "A swapped and/or"),
        (missed("BinaryOperator", "+="), "Changed arithmetic"),
    ],
)
def test_advice_for_a_binary_operator_depends_on_what_it_became(mutant: Mutant, words: str) -> None:
    assert advise([mutant])[0].steps[0].startswith(words)


@pytest.mark.parametrize(
    ("operator", "equal"),
    [
        ("EqualityOperator", missed("BinaryOperator", "<=")),
        ("ConditionalsBoundaryMutator", missed("BinaryOperator", "<=")),
        ("NegateConditionalsMutator", missed("BinaryOperator", "<=")),
        ("LogicalOperator", missed("BinaryOperator", "||")),
        ("ArithmeticOperator", missed("BinaryOperator", "*")),
        ("AssignmentOperator", missed("BinaryOperator", "*")),
        ("MathMutator", missed("BinaryOperator", "*")),
        ("InvertNegsMutator", missed("UnaryOperator")),
        ("VoidMethodCallMutator", missed("BlockStatement")),
        ("BooleanTrueReturnValsMutator", missed("FnValue")),
        ("BooleanFalseReturnValsMutator", missed("FnValue")),
        ("EmptyObjectReturnValsMutator", missed("FnValue")),
        ("NullReturnValsMutator", missed("FnValue")),
        ("PrimitiveReturnsMutator", missed("FnValue")),
    ],
)
def test_operators_of_stryker_and_pit_get_the_advice_of_their_kind_d18(operator: str, equal: Mutant) -> None:
    assert advise([missed(operator, "")])[0].steps == advise([equal])[0].steps


def test_the_most_frequent_kind_of_change_is_named_first() -> None:
    (advice,) = advise([missed("FnValue"), missed("StructField", line=2), missed("StructField", line=3)])
    assert [step.split(" ")[:4] for step in advice.steps] == [
        ["A", "dropped", "struct", "field"],
        ["A", "constant", "returned", "instead"],
    ]


def test_a_place_no_test_runs_is_told_so_first() -> None:
    (advice,) = advise([missed("UnaryOperator"), missed("UnaryOperator", line=2), uncovered()])
    assert (advice.survived, advice.no_coverage) == (2, 1)
    assert [step.split(":")[0] for step in advice.steps] == ["No test runs this", "A dropped ! or - goes unnoticed"]


def test_places_come_in_order_of_need_and_are_capped() -> None:
    mutants = [missed(function=f"f{place:02}", line=line) for place in range(30) for line in range(place + 1)]
    playbook = advise(mutants)
    assert len(playbook) == 20
    assert hot_spots(playbook)[0] == HotSpot("src/lib.rs", "f29", 30)
    assert playbook[0].lines == tuple(range(10))


def test_equal_places_keep_the_order_of_their_names() -> None:
    functions = ["b", "c", "a"]
    assert [advice.function for advice in advise([missed(function=name) for name in functions])] == ["a", "b", "c"]


def test_categories_count_by_operator_and_keep_uncovered_apart_d18() -> None:
    mutants = [missed("FnValue"), missed("MatchArm"), missed("MatchArm", "0"), missed("BinaryOperator"), uncovered()]
    assert categories(mutants) == (("MatchArm", 2), ("BinaryOperator", 1), ("FnValue", 1), ("no_coverage", 1))


@pytest.mark.parametrize("key", ["calc.x_f__mutmut_1; rm -rf ~", "$(id)", "a`b", ""])
def test_a_key_that_is_no_plain_name_never_becomes_a_command_d37(key: str) -> None:
    (advice,) = advise([missed("not stated", key)])
    assert advice.commands == ()


def test_commands_to_see_the_change_are_named_for_a_few() -> None:
    keys = [f"pkg.calc.xǁBoardǁmay_take__mutmut_{number}" for number in range(9)]
    (advice,) = advise([missed("not stated", key) for key in keys])
    assert advice.commands == tuple(f"mutmut show {key}" for key in keys[:3])


def test_survivors_are_cleaned_and_capped() -> None:
    listed = survivors([missed(replacement="\u202e\x07" + "x" * 999, line=line) for line in range(400, 0, -1)])
    assert [survivor.line for survivor in listed] == list(range(1, 201))
    assert listed[0].replacement.startswith("x")
    assert len(listed[0].replacement) == 120
