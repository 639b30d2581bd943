"""What `ok` and `no` share: finding the approval a handle names and the facts the gate judges it by."""

from dataclasses import replace
from datetime import timedelta

from commands.command import Arguments, Context, Subject
from commands.heads import last_head
from commands.starting import Ordered, intent_of, slot_of
from domain.approvals import Approval
from domain.people import Scope
from domain.requests import Request, RequestKind, Risk
from policy.facts import ApprovalFacts, NumberState
from policy.file import Policy
from store.tables import Tables


def find_approval(handle: str, tables: Tables) -> Approval | None:
    """Return the approval a handle names, whatever its state."""
    meaning = tables.handles.meaning(handle, "approval")
    return tables.approvals.get(meaning[1]) if meaning else None


def order_of(approval: Approval) -> Ordered:
    """Return what an approval would start."""
    return Ordered(approval.action, approval.ref, approval.inputs, approval.requested_by, approval.head_sha)


def subject_of(verb: str, kind: RequestKind, arguments: Arguments, context: Context, tables: Tables) -> Subject:
    """Describe an answer to an approval; the digest is made again from policy and branch as they are now."""
    handle = arguments.values["id"]
    approval = find_approval(handle, tables)
    if approval is None:
        return Subject(Request(verb, kind, Scope.APPROVE, handle))
    policy, version = context.state.policy, context.state.version
    intent = intent_of(policy, version, _order_now(approval, policy, tables)) if policy else None
    facts = ApprovalFacts(
        state=approval.state.value,
        requested_by=approval.requested_by,
        risk=approval.risk,
        allow_self=approval.allow_self,
        # Rounded up, so that a fraction of a second left is not taken for expired before it is.
        expires_in_seconds=-((context.now - approval.expires_at) // timedelta(seconds=1)),
        voted_already=any(vote.person == context.person.id for vote in approval.votes),
        digest_matches=intent is not None and intent.digest() == approval.digest,
        decided_by=approval.decided_by,
        number=_number_state(approval, arguments.get("code"), context.person.id, tables),
    )
    request = Request(verb, kind, Scope.APPROVE, handle, approval.action, approval.ref, approval.inputs)
    return Subject(request, approval=facts, slot=slot_of(policy, approval.action, approval.ref))


def _order_now(approval: Approval, policy: Policy, tables: Tables) -> Ordered:
    """Return what an approval would start now: its branch may have moved, which is looked at once more before it starts."""
    order, action = order_of(approval), policy.actions.get(approval.action)
    if approval.head_sha is None or action is None:
        return order
    return replace(order, head_sha=last_head(action, approval.ref, tables))


def _number_state(approval: Approval, given: str | None, person: str, tables: Tables) -> NumberState:
    """Compare the number that came with an `ok`; one wrong number is all a person has for one approval."""
    if approval.risk is not Risk.MEDIUM or approval.match_number is None:
        return NumberState.NOT_ASKED
    if tables.approvals.wrong_number(approval.id, person):
        return NumberState.SPENT
    if given is None:
        return NumberState.MISSING
    return NumberState.RIGHT if given == approval.match_number else NumberState.WRONG
