"""Action, ref, repository and workflow count only as the policy writes them, letter for letter: 200,000 names, most of them near misses."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from bot.last_look import objection
from domain.effects import Dispatch
from domain.modes import Mode, ModeSources
from domain.requests import RequestKind
from policy.gate import evaluate
from tests.fakes.policies import example_policy, loaded
from tests.forgery.payloads import CONTROLS, FAMILIES
from tests.policy import oracle
from tests.policy.cases import HARMLESS, STANDARD, plain, typed

CASES = 100_000  # of each of the two tests
SEED = 20_261_122
UNCHANGED = 0.1  # of all names, so that what is allowed is seen to be allowed
Edit = Callable[[str, Random], str]
_CYRILLIC = str.maketrans(
    "aceiopxyAEKMHOPCTX",
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443\u0410\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425",
)
_PATHS = FAMILIES["paths"]
_STRAY = (
    *CONTROLS,
    *FAMILIES["invisible"],
    *FAMILIES["lines"],
    *FAMILIES["shell"],
    " ",
    "\t",
    ".",
    "/",
    "%00",
    "%2e",
    "\\",
)


def _at(name: str, chance: Random, change: Callable[[str], str]) -> str:
    place = chance.randrange(len(name)) if name else 0
    return name[:place] + change(name[place : place + 1]) + name[place + 1 :]


def _full_width(letter: str) -> str:
    return chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter + "\uff0f"


EDITS: tuple[Edit, ...] = (
    lambda name, chance: _at(name, chance, str.swapcase),
    lambda name, _: name.upper(),
    lambda name, _: name.title(),
    lambda name, chance: _at(name, chance, _full_width),
    lambda name, _: "".join(map(_full_width, name)),
    lambda name, _: name.translate(_CYRILLIC),
    lambda name, chance: _at(name, chance, lambda letter: letter + chance.choice("\u0301\u0327\u20dd")),
    lambda name, chance: _at(name, chance, lambda letter: f"%{ord(letter or 'a'):02x}"),
    lambda name, chance: _at(name, chance, lambda letter: chance.choice(_STRAY) + letter),
    lambda name, chance: _at(name, chance, lambda letter: letter * 2),
    lambda name, chance: _at(name, chance, lambda _: ""),
    lambda name, chance: name + chance.choice(_STRAY),
    lambda name, chance: chance.choice(_STRAY) + name,
    lambda name, chance: chance.choice(_PATHS) + name,
    lambda name, chance: name + chance.choice(_PATHS),
    lambda name, _: "refs/heads/" + name,
    lambda name, _: f"refs/heads/../heads/{name}",
    lambda name, _: f"x/../{name}",
    lambda name, _: name.replace("/", "//"),
    lambda name, _: name.replace("/", "\\"),
    lambda name, _: unicodedata.normalize("NFD", name.replace("a", "\u00e5")),
    lambda name, _: name[::-1],
)


def names(good: list[str], chance: Random) -> Iterator[str]:
    """Yield names that are one to three edits away from one that the policy writes, and now and then that one itself."""
    while True:
        name = chance.choice(good)
        if chance.random() >= UNCHANGED:
            for edit in chance.choices(EDITS, k=chance.randint(1, 3)):
                name = edit(name, chance)
        yield name


def test_actions_and_refs_are_judged_as_the_oracle_does() -> None:
    chance = Random(SEED)
    actions, refs = names([*STANDARD["actions"]], chance), names(["main", "release/1"], chance)
    seen: Counter[str] = Counter()
    for action, ref in islice(zip(actions, refs, strict=True), CASES):
        # One of the two is right in every other case: else nearly all would fail at the action.
        named = ("report", ref) if chance.random() < 0.5 else (action, "main")
        names_it = {"action": (named[0],) * 2, "ref": (named[1],) * 2}
        choice = {**HARMLESS, "kind": ("dispatch", RequestKind.DISPATCH), **names_it}
        case = typed(choice)
        decision = evaluate(case.request, case.person, case.proof, case.facts, case.state)
        assert (decision.verdict.value, decision.rule) == oracle.decide(plain(choice)), named
        exact = named[0] in STANDARD["actions"] and named[1] in ("main", "release/1")
        assert exact == (decision.rule not in ("action_unknown", "ref_not_allowed")), named
        seen[decision.rule] += 1
    print(f"{CASES:,} cases: {dict(seen)}")  # noqa: T201 - the figures are what a reader wants
    assert min(seen[rule] for rule in ("allowed", "action_unknown", "ref_not_allowed")) > CASES // 100


@pytest.mark.parametrize("field", ["repository", "workflow", "ref", "action"])
def test_the_last_look_lets_only_the_very_same_dispatch_through(field: str) -> None:
    chance = Random(SEED)
    state = loaded(example_policy())
    mode = ModeSources(None, Mode.OPERATE, halt_file=False)
    fine = Dispatch("r", "triage", "github", "acme/shop", "ci.yml", "main", {}, "c", "d")
    passed = 0
    for name in islice(names([getattr(fine, field)], chance), CASES // 4):
        refused = objection(replace(fine, **{field: name}), mode, state)  # type: ignore[arg-type]  # all four are text
        assert (refused is None) == (name == getattr(fine, field)), name
        passed += refused is None
    assert CASES // 50 < passed < CASES // 25
