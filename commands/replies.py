"""Replies that belong to no single command: refusals, texts nobody understands, and what happened while unrecorded."""

from commands.command import Context, Reply
from commands.parser import NotUnderstood
from commands.suggestions import CARRIER_WORDS, suggest
from domain.decisions import Decision, Verdict

NOT_RECORDED = "The audit log cannot be written"


def refusal(decision: Decision, handle: str) -> Reply:
    """Say no, or not yet, with rule, reason and the id to ask `why` about."""
    word = "Not yet" if decision.verdict is Verdict.NEEDS else "Refused"
    return Reply(f"{word} ({decision.rule}): {decision.reason}. More: why {handle}", (f"why {handle}", "menu"))


def misunderstanding(understood: NotUnderstood, context: Context) -> Reply:
    """Say what was not understood and offer at most three commands; nothing is ever done on a guess."""
    if understood.command is not None:
        return Reply(f"Not done: {understood.problem}", understood.command.examples[:2])
    if understood.verb in CARRIER_WORDS:
        text = (
            f"{understood.verb.upper()} decides nothing here. Answer a request with ok <id> or no <id>; stop with halt."
        )
        return Reply(text, ("approvals", "menu"))
    close = suggest(understood.verb, context.catalogue, context.scopes)
    hint = f" Did you mean {', '.join(close)}?" if close else " Send menu for what you can do here."
    return Reply(f"Not done: {understood.problem}.{hint}", close or ("menu",))
