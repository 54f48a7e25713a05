"""Put files onto a machine by SFTP; it has to show the key that the settings name."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import paramiko

from horarium.errors import StoreUnavailable

SECONDS: Final = 30.0
_KEYS: Final = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class Machine:
    """A folder of a machine."""

    def __init__(self, client: paramiko.SFTPClient, folder: str) -> None:
        """Use a client that is signed in."""
        self._client = client
        self._folder = folder

    def put(self, path: Path) -> None:
        """Copy a file there; it gets its name when all of it is there."""
        partial = f"{self._folder}/.partial-{path.name}"
        # The size is asked for afterwards, so that a disk that is full there is noticed.
        self._client.put(str(path), partial, confirm=True)
        self._client.chmod(partial, 0o600)
        self._client.posix_rename(partial, f"{self._folder}/{path.name}")

    def remove(self, name: str) -> None:
        """Remove a file; harmless when it is not there."""
        try:
            self._client.remove(f"{self._folder}/{name}")
        except FileNotFoundError:
            return

    def sizes(self) -> dict[str, int]:
        """Return what lies there, with the sizes."""
        return {each.filename: int(each.st_size or 0) for each in self._client.listdir_attr(self._folder)}


@contextmanager
def opened_machine(address: str, host_key: str, values: Mapping[str, str]) -> Iterator[Machine]:
    """Sign in to the machine of an address, if it shows the key with this fingerprint. Raises `StoreUnavailable`."""
    try:
        with _signed_in(address, host_key, values) as machine:
            yield machine
    except paramiko.AuthenticationException:
        words = "the machine does not take this user with this key or password"
        raise StoreUnavailable(f"the copy did not get there: {words}") from None
    except (paramiko.SSHException, EOFError) as error:
        raise StoreUnavailable(f"the copy did not get there: {type(error).__name__}") from None


@contextmanager
def _signed_in(address: str, host_key: str, values: Mapping[str, str]) -> Iterator[Machine]:
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 22
    with socket.create_connection((host, port), SECONDS) as line:
        transport = paramiko.Transport(line)
        try:
            transport.start_client(timeout=SECONDS)
            _check_host_key(transport.get_remote_server_key(), host_key)
            user = values.get("username") or parts.username or ""
            if values.get("private_key"):
                transport.auth_publickey(user, _key_of(values))
            else:
                transport.auth_password(user, values.get("password", ""))
            client = paramiko.SFTPClient.from_transport(transport)
            if client is None:
                raise paramiko.SSHException("it speaks no SFTP")
            yield Machine(client, unquote(parts.path).rstrip("/") or ".")
        finally:
            transport.close()


def _check_host_key(key: paramiko.PKey, wanted: str) -> None:
    found = "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    if found != wanted.strip().rstrip("="):
        raise StoreUnavailable(
            f"the copy did not get there: the machine shows the key {found}, which is not HORARIUM_BACKUP_COPY_HOST_KEY"
        )


def _key_of(values: Mapping[str, str]) -> paramiko.PKey:
    for kind in _KEYS:
        try:
            return kind.from_private_key(io.StringIO(values["private_key"]), values.get("passphrase") or None)
        except (paramiko.SSHException, ValueError):
            continue
    raise StoreUnavailable("the copy did not get there: the private key of the credential cannot be read")
