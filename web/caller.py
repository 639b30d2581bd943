"""Who is calling: a signed-in person by cookie, or the operating system user behind the local socket."""

import socket
import struct
from dataclasses import dataclass

from aiohttp import web

from channels.console import address_of
from domain.errors import UserError
from domain.people import Person, Proof
from web.parts import PARTS

COOKIE = "reins_session"
_PEER_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid (unix(7), SO_PEERCRED)
SIGNED_OUT = "You are not signed in here. Get a link on the bot's machine: reins link <person>"


@dataclass(frozen=True, slots=True)
class Caller:
    """The person, and how sure we are. `user_id` is set for the local console only."""

    person: Person
    proof: Proof
    user_id: int | None


CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)


def local_user(request: web.Request) -> int | None:
    """Return the user id of a local socket's peer, as the kernel tells it, or None for a network request."""
    peer: socket.socket | None = request.transport.get_extra_info("socket") if request.transport else None
    if peer is None or peer.family != socket.AF_UNIX:
        return None
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    return int(_PEER_CREDENTIALS.unpack(credentials)[1])


def session_cookie(request: web.Request) -> str | None:
    """Return our own cookie. aiohttp's parser makes an object of every cookie, which costs as much as the gate."""
    for pair in request.headers.get("Cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return None


async def caller_of(request: web.Request) -> Caller:
    """Return who is calling.

    Raises:
        UserError: nobody we know (`signed_out`).
    """
    parts = request.app[PARTS]
    cookie = session_cookie(request)
    if cookie is not None:
        person_id = await parts.sessions.person_of(cookie)
        person = parts.people.get(person_id) if person_id else None
        if person is not None:
            return Caller(person, Proof.SESSION, None)
        raise UserError(SIGNED_OUT, "signed_out")
    user_id = local_user(request)
    person = parts.person_at(address_of(user_id)) if user_id is not None else None
    if person is None:
        raise UserError(SIGNED_OUT, "signed_out")
    return Caller(person, Proof.LOCAL, user_id)
