"""The fake GitHub's operations on the deliveries of its webhook: which ones failed, and once more."""

from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply, number_in
from tests.fakes.providers.github_webhooks import HOOK_ID, Delivery, Webhooks

USUAL_PAGE = 30
_DELIVERIES = "/hooks/{hook_id}/deliveries"


def operations(webhooks: Webhooks) -> tuple[Operation, ...]:
    """Return the operations on the deliveries of one hook."""

    def of_hook(call: Call) -> list[Delivery]:
        if number_in(call, "hook_id") != HOOK_ID:
            raise Refused(404, NOT_FOUND)
        return [one for one in reversed(webhooks.deliveries) if one.repository_id == call.repository.id]

    def list_deliveries(call: Call) -> Reply:
        found = [one.document() for one in of_hook(call)]
        if "status" in call.query:
            wanted = call.query["status"] == "success"
            found = [one for one in found if (one["status"] == "OK") is wanted]
        size, start = int(call.query.get("per_page", USUAL_PAGE)), int(call.query.get("cursor", 0))
        more = f"{call.world.url}/repositories/{call.repository.id}{call.rest}?per_page={size}&cursor={start + size}"
        headers = {"Link": f'<{more}>; rel="next"'} if start + size < len(found) else {}
        return Reply(found[start : start + size], headers=headers)

    def redeliver(call: Call) -> Reply:
        number = number_in(call, "delivery_id")
        found = [one for one in of_hook(call) if one.id == number]
        if not found:
            raise Refused(404, NOT_FOUND)
        webhooks.redeliver(found[0])
        return Reply({}, 202)

    return (
        Operation("repos/list-webhook-deliveries", "GET", _DELIVERIES, "repository_hooks=read", list_deliveries),
        Operation(
            "repos/redeliver-webhook-delivery",
            "POST",
            f"{_DELIVERIES}/{{delivery_id}}/attempts",
            "repository_hooks=write",
            redeliver,
        ),
    )
