"""A function's return value as bounded JSON text."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from horarium.logs.masking import Masker


CAP_BYTES = 64 * 1024
_REPR_LIMIT = 16 * 1024


class _TooLarge(Exception):
    """Leave the encoder as soon as the text has grown beyond the cap."""


def to_json(value: object, masker: Masker | None = None) -> str | None:
    """Return JSON text of at most 64 KiB, None for None.

    A value that JSON cannot say (also NaN, infinity, circular structures), alone or inside a structure, becomes an
    object with its type's name and its `repr`; so does a value whose text would be too large, shortened. Secrets are
    masked, which can make the text somewhat longer.
    """
    if value is None:
        return None
    try:
        text = _bounded(value, masker)
    except (TypeError, ValueError, RecursionError, _TooLarge):
        text = json.dumps(_note(value, masker), ensure_ascii=False)
    return text if masker is None else masker.json(text)


def _bounded(value: object, masker: Masker | None) -> str:
    if isinstance(value, str) and len(value) > CAP_BYTES:
        raise _TooLarge
    parts: list[str] = []
    left = CAP_BYTES
    encoder = _ENCODER if masker is None else _encoder(masker)
    for part in encoder.iterencode(value):
        left -= len(part) if part.isascii() else len(part.encode("utf-8"))
        if left < 0:
            raise _TooLarge
        parts.append(part)
    return "".join(parts)


def _note(value: Any, masker: Masker | None = None) -> dict[str, str]:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 -- people's own code
        text = f"<repr raised {type(error).__name__}>"
    if masker is not None:
        # Before it is shortened: that could leave a part of a secret.
        text = masker.text(text)
    if len(text) > _REPR_LIMIT:
        text = text[:_REPR_LIMIT] + "…"
    return {"type": name, "repr": text.encode("utf-8", "replace").decode("utf-8")}


def _encoder(masker: Masker | None = None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=partial(_note, masker=masker))


_ENCODER = _encoder()
