"""Take the form by which a mail program ends mail (RFC 8058): it knows no page of ours; its path proves enough."""

from __future__ import annotations

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from starlette.requests import Request

from horarium.web.errors import Refusal
from horarium.web.forms import Fields, form_of

NAME: Final = "List-Unsubscribe"
VALUE: Final = "One-Click"
_PARTS: Final = "multipart/form-data"
_MOST_OCTETS: Final = 4096


def is_asked(form: Fields) -> bool:
    """Tell whether a form is the one that mail programs send, and nothing else."""
    return form.values == {NAME: [VALUE]}


async def form_of_mail(request: Request) -> Fields:
    """Return the form of a request, written in either of the two ways that mail programs use. Raises `Refusal`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _PARTS:
        return await form_of(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_OCTETS:
            raise Refusal("too_large")
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode("latin-1")
    parsed: EmailMessage = BytesParser(policy=HTTP).parsebytes(head + bytes(body))
    parts = list(parsed.iter_parts())
    if len(parts) != 1 or parts[0].is_multipart():
        raise Refusal("wrong_type")
    name = parts[0].get_param("name", header="content-disposition")
    return Fields({str(name): [str(parts[0].get_payload()).strip()]})
