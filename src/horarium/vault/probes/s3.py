"""Try the key of a bucket: one signed request for the first name in it (Signature Version 4 of Amazon's S3)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

from horarium.outgoing.caller import Caller, Unreached
from horarium.outgoing.web import PORTS, Answer, ask, checked_address
from horarium.vault.probes.base import Trial, Values, fails, works

USUAL_REGION: Final = "us-east-1"
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,100}")
_REGION: Final = re.compile(r"[A-Za-z0-9-]{1,40}")
_CODE: Final = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
_QUERY: Final = "list-type=2&max-keys=1"
_NOTHING: Final = hashlib.sha256(b"").hexdigest()
_REASONS: Final[Mapping[str, str]] = {
    "InvalidAccessKeyId": "it does not know the access key",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
    "AccessDenied": "the key is not allowed to list the bucket",
    "AllAccessDisabled": "the bucket is closed to everybody",
    "NoSuchBucket": "there is no bucket of this name",
    "ExpiredToken": "the key has ended",
    "RequestTimeTooSkewed": "the clock of this machine is off",
    "AuthorizationHeaderMalformed": "the bucket is in another region",
    "PermanentRedirect": "the bucket is in another region or at another endpoint",
}


def try_s3(values: Values, caller: Caller, *, now: datetime) -> Trial:
    """Ask for the list of the bucket, one name long."""
    region = values.get("region") or USUAL_REGION
    if not _BUCKET.fullmatch(values["bucket"]):
        raise Unreached("its bucket is not the name of one")
    if not _REGION.fullmatch(region):
        raise Unreached("its region is not the name of one")
    address = values.get("endpoint") or f"https://s3.{region}.amazonaws.com"
    parts = checked_address(address)
    host = parts.hostname or ""
    if parts.port not in {None, PORTS[parts.scheme]}:
        host = f"{host}:{parts.port}"
    path = f"{parts.path.rstrip('/')}/{quote(values['bucket'])}"
    headers = signed(values, host=host, path=path, region=region, now=now)
    answer = ask(caller, "GET", f"{parts.scheme}://{parts.netloc}{path}?{_QUERY}", headers=headers)
    return _judged(answer, region)


def signed(values: Values, *, host: str, path: str, region: str, now: datetime) -> dict[str, str]:
    """Return the headers that sign the request."""
    at, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
    plain = {"host": host, "x-amz-content-sha256": _NOTHING, "x-amz-date": at}
    names = ";".join(plain)
    lines = "".join(f"{name}:{value}\n" for name, value in plain.items())
    request = f"GET\n{path}\n{_QUERY}\n{lines}\n{names}\n{_NOTHING}"
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{values['secret_access_key']}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {
        "x-amz-content-sha256": _NOTHING,
        "x-amz-date": at,
        "Authorization": (
            f"AWS4-HMAC-SHA256 Credential={values['access_key_id']}/{scope}, SignedHeaders={names},"
            f" Signature={signature}"
        ),
    }


def _judged(answer: Answer, region: str) -> Trial:
    if answer.status == 200:
        return works("The key is taken, and the bucket can be listed.")
    found = _CODE.search(answer.body)
    code = found[1].decode() if found else ""
    words = _REASONS.get(code, "the request is refused")
    elsewhere = answer.headers.get("x-amz-bucket-region", "")
    if elsewhere and elsewhere != region and _REGION.fullmatch(elsewhere):
        words = f"the bucket is in the region {elsewhere}"
    return fails(f"It answered {answer.status}: {words}.")
