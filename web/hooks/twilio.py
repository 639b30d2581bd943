"""Twilio's webhooks: texts that people send, and what becomes of ours."""

from urllib.parse import parse_qsl

from aiohttp import web

from channels.sms_inbound import read_inbound
from channels.sms_signature import Pairs, Refusal
from channels.sms_status import read_status
from domain.people import AddressKind
from web.bodies import MAX_BODY_BYTES
from web.hooks.parts import HOOKS, SmsHook

EMPTY_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response />'
MAX_FIELDS = 100  # Twilio posts about twenty
FORM = "application/x-www-form-urlencoded"


async def inbound(request: web.Request) -> web.Response:
    """Answer `POST /hooks/twilio/sms`: no words, once the text is recorded; the reply comes as a text of its own.

    A real text that we do not take is answered likewise, so that Twilio does not send it again; 503 asks it to.
    """
    hook = request.app[HOOKS].sms
    if hook is None:
        return web.Response(status=404)
    now = hook.clock.now()
    pairs = await _pairs(request)
    message = read_inbound(_url(request, hook), pairs, request.headers, hook.settings, now)
    if isinstance(message, Refusal):
        return await _refused(request, hook, message)
    return _recorded(recorded=await hook.receive(message))


async def status(request: web.Request) -> web.Response:
    """Answer `POST /hooks/twilio/status`: Twilio reports what became of one of our texts."""
    hook = request.app[HOOKS].sms
    if hook is None:
        return web.Response(status=404)
    report = read_status(_url(request, hook), await _pairs(request), request.headers, hook.settings)
    if isinstance(report, Refusal):
        return await _refused(request, hook, report)
    await hook.note_status(report)
    return _recorded(recorded=True)


def _url(request: web.Request, hook: SmsHook) -> str:
    """Return the address that was signed: ours as configured, never as the request or a proxy names it."""
    return hook.settings.public_url + request.raw_path


async def _pairs(request: web.Request) -> Pairs:
    """Read a form, blank and repeated fields included: the signature covers them all.

    Raises:
        web.HTTPUnsupportedMediaType: it is no form.
        web.HTTPRequestEntityTooLarge: it is over 64 KiB, or does not say how long it is.
        web.HTTPBadRequest: it cannot be read as a form.
    """
    if request.content_type != FORM:
        raise web.HTTPUnsupportedMediaType
    if request.content_length is None or request.content_length > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES)
    try:
        text = (await request.read()).decode("ascii")
        return parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise web.HTTPBadRequest from error


async def _refused(request: web.Request, hook: SmsHook, refusal: Refusal) -> web.Response:
    """Have a refusal written down and answer it; forgers learn nothing, and a flood of them is not written down.

    Whoever has had their share is still checked: behind a proxy all come from one remote, and must not be shut out by
    the forgeries of one.
    """
    if refusal.sender is not None:
        await hook.refused(AddressKind.SMS.value, refusal.reason, refusal.sender.masked())
        return _recorded(recorded=True)
    if hook.failures.note(request.remote or "", hook.clock.now()):
        return web.Response(status=429)
    await hook.refused(AddressKind.SMS.value, refusal.reason, None)
    return web.Response(status=403)


def _recorded(*, recorded: bool) -> web.Response:
    if not recorded:
        return web.Response(status=503)
    return web.Response(body=EMPTY_TWIML, content_type="text/xml", charset="utf-8")
