"""Cases as hypothesis makes them: anything at all, or harmless but for a few things."""

from hypothesis import strategies as st

from domain.decisions import Decision
from policy.facts import Case
from policy.gate import evaluate
from tests.policy.cases import DIMENSIONS, HARMLESS, typed

CASES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in DIMENSIONS.items()}).map(typed)


@st.composite
def mild_cases(draw: st.DrawFn) -> Case:
    """Change a few things only, so that cases get far enough for the later rules to speak, or to be allowed."""
    changed = draw(st.lists(st.sampled_from(sorted(DIMENSIONS)), max_size=4, unique=True))
    kind = draw(st.sampled_from(DIMENSIONS["kind"]))
    return typed({**HARMLESS, "kind": kind, **{name: draw(st.sampled_from(DIMENSIONS[name])) for name in changed}})


ANY_CASE = st.one_of(CASES, mild_cases())


def judge(case: Case) -> Decision:
    return evaluate(case.request, case.person, case.proof, case.facts, case.state)
