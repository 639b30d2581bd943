"""Label lines are read by vocabulary, not by position, and doubt stays unknown."""

import pytest

from domain.findings import Severity
from loops.collecting.labels import Label, leading_severity, read_label
from tests.fakes.coderabbit_texts import CORRECTNESS, MAINTAINABILITY, REFACTOR, SECURITY, STABILITY, TWO_FIELDS


@pytest.mark.parametrize(
    ("line", "category", "severity", "effort"),
    [
        (TWO_FIELDS, "quality", Severity.HIGH, None),
        (STABILITY, "quality", Severity.HIGH, None),
        (SECURITY, "security", Severity.MEDIUM, "quick win"),
        (CORRECTNESS, "quality", Severity.HIGH, "quick win"),
        (REFACTOR, "quality", Severity.HIGH, "quick win"),
        (MAINTAINABILITY, "quality", Severity.LOW, "quick win"),
        ("_🔴 Critical_", None, Severity.CRITICAL, None),
        ("_⚪ Nit_", None, Severity.LOW, None),
        ("_🟢 Low_", None, Severity.LOW, None),
        ("_Info_", None, Severity.INFO, None),
        ("_⚡ Quick win_", None, None, "quick win"),
        ("_🏗️ Heavy lift_ | _🟠 Major_ | _🎯 Functional Correctness_", "quality", Severity.HIGH, "heavy lift"),
        ("_:hammer_and_wrench: Refactor suggestion_", "quality", None, None),
        ("_🧹 Nitpick (assertive)_", "quality", Severity.LOW, None),
        ("_🔍 Verification agent_ | _🟡 Minor_ | _💤 Low value_", "quality", Severity.MEDIUM, "low value"),
        ("_🚀 Performance & Scalability_ | _Poor tradeoff_", "performance", None, "poor tradeoff"),
        ("_🗄️ Data Integrity & Integration_ | _🟠 Major_", "quality", Severity.HIGH, None),
        ("_🔒 Security & Privacy_ | _🛡️ Analyzed with Security Review_ | _🟠 Major_", "security", Severity.HIGH, None),
        ("**🎯 Functional Correctness** | **🟡 Minor** | **⚡ Quick win**", "quality", Severity.MEDIUM, "quick win"),
    ],
)
def test_each_field_is_what_its_words_say(
    line: str, category: str | None, severity: Severity | None, effort: str | None
) -> None:
    assert read_label(line) == Label(category, severity, effort, None)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("_🎯 Functional Correctness_ | _🟣 Catastrophic_ | _⚡ Quick win_", "🟣 Catastrophic"),
        ("_⚠️ Potential issue_ | _None_", "None"),
        ("_⚠️ Potential issue_ | _not a critical path; trivial_", "not a critical path; trivial"),
    ],
)
def test_a_word_nobody_knows_is_kept_and_leaves_the_severity_unknown_d8(line: str, word: str) -> None:
    label = read_label(line)
    assert label is not None
    assert (label.severity, label.word) == (Severity.UNKNOWN, word)


def test_two_severities_contradict_each_other_and_an_unknown_field_beside_a_known_one_does_not() -> None:
    assert read_label("_🔴 Critical_ | _🔵 Trivial_") == Label(None, Severity.UNKNOWN, None, None)
    assert read_label("_🟠 Major_ | _🆕 Something_") == Label(None, Severity.HIGH, None, "🆕 Something")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain",
        "**A bold title.**",
        "**Security**",
        "_see the diagram below_",
        "_a_ | _b_",
        "_🟠 Major_ | plain",
        "__",
        " | ".join(["_🟠 Major_"] * 7),
        "_🟠 Major_" + " " * 400,
        "_" + "x" * 90 + "_ | _🟠 Major_",
    ],
)
def test_other_lines_are_no_labels(line: str) -> None:
    assert read_label(line) is None


def test_d8_medium_before_low_level_is_not_low() -> None:
    assert leading_severity("Medium: this low-level call may block") is Severity.MEDIUM


def test_d8_warning_beside_informational_is_not_info() -> None:
    assert leading_severity("warning: data race (informational log only)") is Severity.MEDIUM


def test_d8_not_a_critical_path_is_not_critical() -> None:
    assert leading_severity("not a critical path; trivial") is Severity.UNKNOWN


def test_only_a_known_word_before_a_colon_is_a_severity() -> None:
    assert leading_severity("**P1**: broken") is Severity.UNKNOWN
    assert leading_severity("[Note: high]") is Severity.UNKNOWN
    assert leading_severity("P1: broken") is Severity.HIGH
