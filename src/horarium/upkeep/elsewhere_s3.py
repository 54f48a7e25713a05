"""Put files into a bucket of an S3-compatible store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from horarium.errors import StoreUnavailable

_PREFIX: Final = "s3+"


@contextmanager
def opened_bucket(address: str, values: Mapping[str, str]) -> Iterator[Bucket]:
    """Open the bucket of an address. Raises `StoreUnavailable`."""
    try:
        yield Bucket(address, values)
    except BaseError as error:
        # What the other side says may be long, and hold anything: the kind of it is enough.
        raise StoreUnavailable(f"the copy did not get there: the store refused ({type(error).__name__})") from None


class Bucket:
    """A bucket, or what lies below a prefix in one."""

    def __init__(self, address: str, values: Mapping[str, str]) -> None:
        """Use `s3://bucket/prefix`, or `s3+https://host/bucket/prefix`, with the keys in `values`."""
        parts = urlsplit(address)
        way = [each for each in unquote(parts.path).split("/") if each]
        options: dict[str, Any] = {}
        if parts.scheme == "s3":
            bucket = parts.netloc
        else:
            bucket, way = (way or [""])[0], way[1:]
            options["endpoint"] = f"{parts.scheme.removeprefix(_PREFIX)}://{parts.netloc}"
        self._prefix = "".join(f"{each}/" for each in way)
        self._store = S3Store(
            bucket,
            access_key_id=values.get("access_key_id", ""),
            secret_access_key=values.get("secret_access_key", ""),
            region=values.get("region") or "us-east-1",
            virtual_hosted_style_request=False,
            client_options={"allow_http": parts.scheme == "s3+http", "timeout": "10m", "connect_timeout": "10s"},
            retry_config={"max_retries": 2},
            **options,
        )

    def put(self, path: Path) -> None:
        """Copy a file there: an object appears whole or not at all."""
        obstore.put(self._store, self._prefix + path.name, path)

    def remove(self, name: str) -> None:
        """Remove an object; harmless when it is not there."""
        obstore.delete(self._store, self._prefix + name)

    def sizes(self) -> dict[str, int]:
        """Return what lies there, with the sizes."""
        found = obstore.list_with_delimiter(self._store, self._prefix or None)["objects"]
        return {PurePosixPath(each["path"]).name: int(each["size"]) for each in found}
