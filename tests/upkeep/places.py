"""Other places for copies on loopback: a store that speaks S3, and a machine that speaks SFTP."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK


@dataclass
class Bucket:
    """What was put into a store, and how often it is to fail before it answers."""

    objects: dict[str, bytes] = field(default_factory=dict)
    failing: int = 0
    asked: int = 0
    signed_by: set[str] = field(default_factory=set)
    address: str = ""


class _Requests(BaseHTTPRequestHandler):
    """Answers what a client of S3 asks of one self.bucket."""

    bucket: Bucket

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        self.end_headers()
        self.wfile.write(body)

    def _fails(self) -> bool:
        self.bucket.asked += 1
        signed = self.headers.get("authorization", "")
        self.bucket.signed_by.add(signed.partition("Credential=")[2].partition("/")[0])
        if self.bucket.failing > 0:
            self.bucket.failing -= 1
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return True
        return False

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._fails():
            self.bucket.objects[unquote(urlsplit(self.path).path)] = body
            self._answer(200)

    def do_DELETE(self) -> None:
        if not self._fails():
            self.bucket.objects.pop(unquote(urlsplit(self.path).path), None)
            self._answer(204)

    def do_POST(self) -> None:
        # Several are removed by one request that names them.
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        root = urlsplit(self.path).path.rstrip("/")
        told = ""
        for key in re.findall(r"<Key>([^<]+)</Key>", body):
            self.bucket.objects.pop(f"{root}/{key}", None)
            told += f"<Deleted><Key>{key}</Key></Deleted>"
        self._answer(200, f"<DeleteResult>{told}</DeleteResult>".encode())

    def do_GET(self) -> None:
        if self._fails():
            return
        entries = "".join(
            f"<Contents><Key>{path.split('/', 2)[2]}</Key><Size>{len(body)}</Size>"
            "<LastModified>2026-05-14T03:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for path, body in self.bucket.objects.items()
        )
        listed = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
        self._answer(200, listed.encode())

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def bucket_server() -> Iterator[Bucket]:
    """Serve one bucket."""
    bucket = Bucket()
    handler = type("Requests", (_Requests,), {"bucket": bucket})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        bucket.address = f"s3+http://127.0.0.1:{server.server_address[1]}/safe/nightly"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()


class _Files(paramiko.SFTPServerInterface):
    """The few things that copying asks of a machine."""

    folder: Path

    def _path(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        found = []
        for each in self._path(path).iterdir():
            attributes = paramiko.SFTPAttributes.from_stat(each.stat())
            attributes.filename = each.name
            found.append(attributes)
        return found

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        del attr
        handle = paramiko.SFTPHandle(flags)
        descriptor = os.open(self._path(path), flags | os.O_CREAT, 0o600)
        file = os.fdopen(descriptor, "wb")
        handle.writefile = file  # type: ignore[attr-defined]
        return handle

    def remove(self, path: str) -> int:
        try:
            self._path(path).unlink()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return SFTP_OK

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._path(oldpath).replace(self._path(newpath))
        return SFTP_OK

    def chattr(self, path: str, attr: Any) -> int:
        del path, attr
        return SFTP_OK


class _Door(paramiko.ServerInterface):
    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return OPEN_SUCCEEDED

    def check_auth_password(self, username: str, password: str) -> int:
        fits = (username, password) == (self._user, self._password)
        return AUTH_SUCCESSFUL if fits else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "password"


@dataclass
class Machine:
    """A machine: where it listens, the fingerprint of its key, and the folder it keeps files in."""

    port: int
    host_key: str
    folder: Path


@contextmanager
def sftp_server(folder: Path, user: str, password: str) -> Iterator[Machine]:
    """Serve a folder by SFTP."""
    key = paramiko.RSAKey.generate(2048)
    mark = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    over = threading.Event()
    files = type("Files", (_Files,), {"folder": folder})
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            transports = []
            while not over.is_set():
                try:
                    line, _ = listening.accept()
                except TimeoutError:
                    continue
                transport = paramiko.Transport(line)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
                transport.start_server(event=threading.Event(), server=_Door(user, password))
                transports.append(transport)
            for transport in transports:
                transport.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Machine(listening.getsockname()[1], f"SHA256:{mark}", folder)
        finally:
            over.set()
            thread.join()
