"""Request bodies: typed, closed, and read only when they say they are JSON."""

from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import UserError

MAX_BODY_BYTES = 65_536  # a command is a line; this is room for nothing else

Body = TypeVar("Body", bound=BaseModel)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SessionBody(_Closed):
    """A one-time login token."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


class MessageBody(_Closed):
    """One line for the bot."""

    text: Annotated[str, Field(max_length=4000)]


async def read_body(request: web.Request, model: type[Body]) -> Body:
    """Read and check a request's body.

    Raises:
        UserError: it is no JSON (`wrong_type`), or a field is unknown, missing or of a wrong shape.
        web.HTTPRequestEntityTooLarge: it is over 64 KiB.
    """
    if request.content_type != "application/json":
        raise UserError("send the body as application/json", "wrong_type")
    raw = await request.read()
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems = "; ".join(f"{'.'.join(map(str, d['loc'])) or 'body'}: {d['msg']}" for d in details)
        raise UserError(f"the body cannot be used: {problems}") from error
