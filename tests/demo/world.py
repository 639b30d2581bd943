"""The demonstration's world: fake providers, the real bot between them, what four phones show, and a project on GitHub.

Owner and Vic use Telegram, Robin texts, Kim only gets pushes; the team reads along in Slack.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.clock import SystemClock
from domain.people import Address, AddressKind, Person
from store.people import PeopleDirectory
from tests.demo.bot_process import Bot, environment_of, free_port, run_command, running_bot, set_up
from tests.demo.project import ACTION, Project
from tests.fakes.providers import github as github_fake
from tests.fakes.providers import telegram as telegram_fake
from tests.fakes.providers import twilio as twilio_fake
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.github_webhooks import SECRET
from tests.fakes.providers.ntfy import FakeNtfy, Tapped
from tests.fakes.providers.slack import FakeSlack
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.twilio import FakeTwilio

OWNER, VIC = 1001, 1002
ROBIN = "+41790000001"
KIM = "reins-kim-8d2f41"
BOT_TOKEN, PHONE_TOKEN = "tk_demobot00000000", "tk_demophone000000"
PEOPLE = (
    Person("vic", "Vic", ("owner",), (Address(AddressKind.TELEGRAM, str(VIC)),)),
    Person("robin", "Robin", ("operator",), (Address(AddressKind.SMS, ROBIN),)),
    Person("kim", "Kim", ("owner",), (Address(AddressKind.NTFY, KIM),)),
)
CARRIER_SECONDS = 0.3  # how soon a carrier reports what became of a text


@dataclass
class World:
    """The providers and the bot, with what people did on their phones."""

    twilio: FakeTwilio
    telegram: FakeTelegram
    ntfy: FakeNtfy
    slack: FakeSlack
    project: Project
    bot: Bot
    said: dict[int, list[dict[str, Any]]] = field(default_factory=lambda: {OWNER: [], VIC: []})
    typed: list[str] = field(default_factory=list)

    async def text(self, text: str) -> None:
        """Let Robin send a text."""
        await self.twilio.text(ROBIN, text)

    def say(self, user: int, text: str) -> None:
        """Let somebody write in Telegram."""
        message = self.telegram.message(user, text)
        self.said[user].append({"id": message["message_id"], "mine": True, "text": text})
        self.telegram.push({"message": message})

    def press(self, user: int, message_id: int, label: str) -> None:
        """Let somebody press a button in Telegram."""
        self.telegram.press(user, message_id, label)

    async def type(self, text: str) -> None:
        """Let Kim type into the command topic."""
        self.typed.append(text)
        await self.ntfy.type(f"{KIM}-cmd", text)

    async def tap(self, key: str, label: str) -> Tapped:
        """Let Kim tap a notification's button."""
        return await self.ntfy.tap(KIM, key, label)

    def shown(self) -> dict[str, Any]:
        """Return what every phone shows now."""
        return {
            "bot": self.bot.url,
            "sms": {"entries": self._texts()},
            "telegram": {str(user): self._chat(user) for user in (OWNER, VIC)},
            "ntfy": {"entries": self._pushes(), "typed": self.typed[-3:]},
            "slack": {"entries": [{"text": one.text} for one in self.slack.ledger]},
            "github": self.project.shown(),
        }

    def _texts(self) -> list[dict[str, Any]]:
        return [
            {"mine": text.direction == "inbound", "text": text.body, "status": text.status}
            for text in self.twilio.texts.values()
            if ROBIN in (text.sender, text.to)
        ]

    def _chat(self, user: int) -> dict[str, Any]:
        told = [
            {
                "id": shown.id,
                "mine": False,
                "text": shown.text,
                "keyboard": [[{"label": b["text"], "style": b.get("style")} for b in row] for row in shown.keyboard],
                "photo": shown.photo is not None,
                "edited": shown.edits > 0,
            }
            for shown in self.telegram.messages.values()
            if shown.chat == user
        ]
        toasts = [
            one.text
            for one in self.telegram.ledger
            if one.to == str(user) and one.extra["method"] == "answerCallbackQuery"
        ]
        entries = sorted([*told, *self.said[user]], key=lambda entry: entry["id"])
        return {"entries": entries, "toasts": toasts}

    def _pushes(self) -> list[dict[str, Any]]:
        return [
            {
                "key": shown.key,
                "title": shown.title,
                "text": shown.message,
                "priority": shown.priority,
                "tags": shown.tags,
                "buttons": shown.labels,
            }
            for shown in self.ntfy.notifications(KIM)
        ]


@asynccontextmanager
async def demonstration(folder: Path) -> AsyncIterator[World]:
    """Start the providers and the bot; `folder` holds the bot's state and its log, `bot.log`."""
    clock, port = SystemClock(), free_port()
    async with AsyncExitStack() as stack:
        twilio = await stack.enter_async_context(FakeTwilio(clock, public_url=f"http://127.0.0.1:{port}"))
        telegram = await stack.enter_async_context(FakeTelegram(clock))
        ntfy = await stack.enter_async_context(FakeNtfy(clock))
        slack = await stack.enter_async_context(FakeSlack(clock))
        github = await stack.enter_async_context(FakeGitHub(clock))
        project = Project(github, folder / "jobs")
        project.make()
        telegram.start(OWNER)
        telegram.start(VIC)
        ntfy.user(BOT_TOKEN, write=["reins-*"], read=["reins-*"])
        ntfy.user(PHONE_TOKEN, write=["*-cmd"], read=[KIM])
        ntfy.phone_token = PHONE_TOKEN
        settings = _settings(twilio, telegram, ntfy, slack) | _github_settings(github)
        environment = environment_of(folder, port, settings)
        await set_up(environment, folder)
        await asyncio.to_thread(_enrol, folder / "home" / "people.json")
        await asyncio.to_thread(project.allow, folder / "home" / "control_plane_policy.json")
        await run_command(environment, folder, "policy", "pin", ACTION)
        bot = await stack.enter_async_context(running_bot(environment, folder))
        twilio.connect(bot.url)
        github.webhooks.connect(bot.url)
        for work in (_carry(twilio), project.work(), _post(github)):
            stack.callback(asyncio.create_task(work).cancel)
        yield World(twilio, telegram, ntfy, slack, project, bot)


def _settings(twilio: FakeTwilio, telegram: FakeTelegram, ntfy: FakeNtfy, slack: FakeSlack) -> dict[str, str]:
    return {
        "SMS__ACCOUNT_SID": twilio_fake.ACCOUNT,
        "SMS__AUTH_TOKEN": twilio_fake.TOKEN,
        "SMS__FROM_NUMBER": twilio_fake.NUMBER,
        "SMS__COUNTRIES": json.dumps(["+41"]),
        "SMS__API_BASE": twilio.url,
        "TELEGRAM__TOKEN": telegram_fake.TOKEN,
        "TELEGRAM__API_BASE": telegram.url,
        "NTFY__SERVER": ntfy.url,
        "NTFY__TOKEN": BOT_TOKEN,
        "NTFY__ACTIONS": "hook",
        "SLACK__WEBHOOK_URL": slack.webhook_url,
    }


def _github_settings(github: FakeGitHub) -> dict[str, str]:
    return {
        "GITHUB__TOKEN": github_fake.TOKEN,
        "GITHUB__API_BASE": github.url,
        "GITHUB__WEBHOOK_SECRET": SECRET,
    }


def _enrol(people_file: Path) -> None:
    people = PeopleDirectory(people_file)
    people.add_address("owner", Address(AddressKind.TELEGRAM, str(OWNER)))
    for person in PEOPLE:
        people.add(person)


async def _carry(twilio: FakeTwilio) -> None:
    """Bring every text to its phone, and report that, as carriers do."""
    while True:
        waiting = [text.sid for text in twilio.texts.values() if text.status == "queued" and text.callback]
        for sid in waiting:
            await twilio.report(sid, "sent", "delivered")
        await asyncio.sleep(CARRIER_SECONDS)


async def _post(github: FakeGitHub) -> None:
    """Tell the bot what happened on GitHub, as GitHub does."""
    while True:
        await github.webhooks.post_due()
        await asyncio.sleep(CARRIER_SECONDS)
