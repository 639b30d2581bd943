"""Signed texts per second by Twilio's webhook against a bare handler that reads the same forms and keeps nothing."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from channels.sms_settings import INBOUND_PATH
from store.sqlite_connection import connect
from tests.bench.bench import Bench, Target
from tests.bench.generators import OURS, WrongAnswersError
from tests.bench.home import make_home
from tests.bench.servers import serving_bare, serving_bot
from tests.bench.table import Aim, Figure
from tests.bench.throughput import BARE, describe_pair, load_in_turns
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, PUBLIC_URL, TOKEN

TEXT, CLIENTS = "whoami", 16
RATIO_AIM = Aim(0.25, at_least=True)


def measure(bench: Bench) -> list[Figure]:
    """Load both in turns, by our own generator: wrk cannot sign.

    The bot does the half of the work that the Procfile calls `web`: the replies are recorded with the texts, and it is
    for the other process to hand them to Twilio, which takes them at a pace of its own.
    """
    home = make_home(bench.folder / "texting", bench.effort.people)
    settings = {
        "REINS_PUBLIC_URL": PUBLIC_URL,
        "REINS_SMS__ACCOUNT_SID": ACCOUNT,
        "REINS_SMS__AUTH_TOKEN": TOKEN,
        "REINS_SMS__FROM_NUMBER": NUMBER,
        "REINS_SMS__COUNTRIES": '["+41"]',
    }
    with serving_bare(bench) as bare, serving_bot(bench, home.paths.root, settings, "web") as bot:
        targets = {BARE: Target(bare.port, "/form", TEXT, numbers=home.numbers)}
        targets |= {TEXT: Target(bot.port, INBOUND_PATH, TEXT, numbers=home.numbers)}
        loads = load_in_turns(replace(bench, generator=OURS), targets, (CLIENTS,))
    ours = loads[TEXT, CLIENTS]
    check_answered(home.paths.database, sum(load.answers for load in ours))
    speed, p50, p99 = describe_pair(f"signed SMS, clients {CLIENTS}", ours, loads[BARE, CLIENTS])
    return [replace(speed, unit="of bare form", aim=RATIO_AIM), p50, p99]


def check_answered(database: Path, texts: int) -> None:
    """Make sure that the texts counted were taken: a text that is not is answered in the same way.

    Raises:
        WrongAnswersError: there are fewer replies than texts.
    """
    with closing(connect(database, read_only=True)) as connection:
        (replies,) = connection.execute(
            "SELECT count(*) FROM outbox WHERE channel = 'sms' AND instr(body, 'You are person-')"
        ).fetchone()
    if replies < texts:
        raise WrongAnswersError(f"{texts} texts were posted, and {replies} of them have a reply")
