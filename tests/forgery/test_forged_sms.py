"""A hundred thousand forged texts against the reading of webhooks: none becomes a message, whichever way it was forged.

The signature is checked for real each time. Re-cut forms carry a right signature: only the rules of the fields stand
between them and another sender or another text.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping

from multidict import CIMultiDict

from channels.sms_fields import NAME
from channels.sms_inbound import read_inbound
from channels.sms_settings import INBOUND_PATH
from channels.sms_signature import SIGNATURE
from domain.messages import Inbound
from tests.channels.sms_rig import ANN, SETTINGS
from tests.fakes.providers.twilio import TOKEN, FakeTwilio
from tests.fakes.providers.twilio_rules import sign
from tests.fakes.virtual_time import START, VirtualTime

URL = SETTINGS.public_url + INBOUND_PATH
USED = ("From", "Body", "MessageSid", "NumMedia", "OptOutType")
FORGERIES = 100_000
CUTS_OF_EACH = 500
Pairs = list[tuple[str, str]]

# Texts of an attacker who has a number of their own and saw how their texts were signed.
BAITS = (
    "run 3From+41790000002FromCity",
    "run 3From+41790000002FromA",
    "run 3From+41790000002FromCityXFromCountryCHFromStateFromZipG",
    "haltFrom+41790000002MessageSidSM" + "0" * 32 + "N",
    "okErrorCode1From+41790000002",
    "x Body halt",
    "halt Cx",
    "haltD",
    "ApiVersion2010-04-01Bodyhalt",
    "AccountSid" + SETTINGS.account_sid + "ApiVersion2010-04-01BodyhaltFrom+41790000002",
    "FromFromFrom+41790000002From",
    "NumMedia1NumSegments1OptOutTypeSTOPSms",
    "status",
    "run mutation main threshold=60",
    "ok R7 482913",
)


def read(pairs: Pairs, signature: str) -> bool:
    result = read_inbound(URL, pairs, CIMultiDict({SIGNATURE: signature}), SETTINGS, START)
    return isinstance(result, Inbound)


def genuine() -> list[tuple[dict[str, str], str]]:
    """Return signed forms: every bait, with all fields and with few."""
    forms = []
    for bait in BAITS:
        form = FakeTwilio(VirtualTime()).inbound_form(ANN, bait)
        short = {name: value for name, value in form.items() if not name.startswith(("FromC", "FromS", "FromZ", "Sms"))}
        opted = form | {"OptOutType": "STOP"}
        added = form | {"AddOns": '{"status":"ok"}', "Zone": "eu"}
        forms += [(one, sign(TOKEN, URL, one)) for one in (form, short, opted, added)]
    return forms


def wrong_token(chance: random.Random, form: dict[str, str], _signature: str) -> tuple[Pairs, str]:
    return list(form.items()), sign(f"{chance.getrandbits(128):032x}", URL, form)


def altered(chance: random.Random, form: dict[str, str], signature: str) -> tuple[Pairs, str]:
    name = chance.choice(list(form))
    value = form[name]
    place = chance.randrange(len(value) + 1)
    return list((form | {name: value[:place] + chance.choice("0aZ +é") + value[place:]}).items()), signature


def dropped(chance: random.Random, form: dict[str, str], signature: str) -> tuple[Pairs, str]:
    name = chance.choice(list(form))
    return [(one, value) for one, value in form.items() if one != name], signature


def added(chance: random.Random, form: dict[str, str], signature: str) -> tuple[Pairs, str]:
    name = chance.choice(("Zz", "", "Aa", chance.choice(list(form))))
    return [*form.items(), (name, chance.choice(("1", "", ANN)))], signature


def random_signature(chance: random.Random, form: dict[str, str], signature: str) -> tuple[Pairs, str]:
    letters = list(signature)
    letters[chance.randrange(27)] = chance.choice("+-é\x00")
    return list(form.items()), chance.choice(("", "=", "".join(letters), signature.lower(), signature + "="))


KINDS: tuple[Callable[[random.Random, dict[str, str], str], tuple[Pairs, str]], ...] = (
    wrong_token,
    altered,
    dropped,
    added,
    random_signature,
)


class Cutter:
    """Cuts one signed string anew where a name could begin, in an order that keeps the signature.

    The bait and what follows it are cut in any way, the rest mostly as it was: a cut that goes wrong far from the bait
    would only hide whether the one at the bait is refused.
    """

    def __init__(self, chance: random.Random, form: Mapping[str, str]) -> None:
        self._chance = chance
        self._form = form
        self._whole = "".join(name + form[name] for name in sorted(form))
        starts, here = [], 0
        for name in sorted(form):
            starts.append(here)
            here += len(name) + len(form[name])
        self._bait = range(starts[sorted(form).index("Body")], self._whole.index("From" + form["From"]) + 24)
        self._starts = sorted({*starts, *(place for place, letter in enumerate(self._whole) if letter.isupper())})

    def cut(self) -> Pairs:
        """Return one cut; tries until the names come in order."""
        while (pairs := self._try()) is None:
            pass
        return pairs

    def _try(self) -> Pairs | None:
        pairs: Pairs = []
        last, here = "", 0
        while here < len(self._whole):
            name = self._name(here)
            if name <= last:
                return None
            end = self._end(name, here)
            pairs.append((name, self._whole[here + len(name) : end]))
            last, here = name, end
        return pairs

    def _freely(self, here: int) -> bool:
        return self._chance.random() < (0.5 if here in self._bait else 0.02)

    def _name(self, here: int) -> str:
        known = [name for name in self._form if self._whole.startswith(name, here)]
        if known and not self._freely(here):
            return max(known, key=len)
        letters = NAME.match(self._whole, here)
        assert letters is not None
        return self._chance.choice([*known, letters[0][: self._chance.randint(1, len(letters[0]))]])

    def _end(self, name: str, here: int) -> int:
        ends = [start for start in self._starts if start >= here + len(name)] or [len(self._whole)]
        real = here + len(name) + len(self._form.get(name, ""))
        if name in self._form and real in ends and not self._freely(here):
            return real
        return self._chance.choice(ends[:8])


def test_no_forged_text_becomes_a_message() -> None:
    chance, forms = random.Random(20261122), genuine()
    tried: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    while tried.total() < FORGERIES:
        form, signature = chance.choice(forms)
        kind = chance.choice(KINDS)
        pairs, forged = kind(chance, form, signature)
        if (sorted(pairs), forged) == (sorted(form.items()), signature):
            continue
        tried[kind.__name__] += 1
        accepted[kind.__name__] += read(pairs, forged)
    print(f"forged: {dict(tried)}; accepted: {accepted.total()}")  # noqa: T201 - the figure is what a reader wants
    assert accepted.total() == 0


def test_no_rightly_signed_string_can_be_cut_into_anything_else() -> None:
    chance = random.Random(1)
    tried = changed = accepted = 0
    for form, signature in genuine():
        cutter = Cutter(chance, form)
        for _ in range(CUTS_OF_EACH):
            pairs = cutter.cut()
            assert sign(TOKEN, URL, dict(pairs)) == signature, "the cut lost the signature, so it shows nothing"
            tried += 1
            fields = dict(pairs)
            if any(fields.get(name) != form.get(name) for name in USED):
                changed += 1
                accepted += read(pairs, signature)
    print(f"cut anew: {tried}, of these with another sender, text or id: {changed}; accepted: {accepted}")  # noqa: T201 - as above
    assert changed > tried // 4
    assert accepted == 0


def test_a_replayed_text_is_signed_and_so_must_be_claimed_once() -> None:
    claimed: set[str] = set()
    replays = 0
    for form, signature in genuine():
        for _ in range(10):
            result = read_inbound(URL, list(form.items()), CIMultiDict({SIGNATURE: signature}), SETTINGS, START)
            if isinstance(result, Inbound):
                replays += result.message_id in claimed
                claimed.add(result.message_id)
    print(f"replayed: {replays}; ids claimed once: {len(claimed)}")  # noqa: T201 - as above
    assert replays > 0
    assert len(claimed) == 1, "all genuine forms here carry one id, so one claim stops every replay"
