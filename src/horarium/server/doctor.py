"""Look at everything a server needs and say how it is, without changing anything."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from horarium.clock import Clock
from horarium.config import Config
from horarium.config.secret_key import weakness
from horarium.errors import HorariumError
from horarium.scheduling.zones import zone_data_version
from horarium.server.hardening import is_root
from horarium.server.health import Check, Health, room_check
from horarium.server.health import examine as look_at
from horarium.server.service import warnings_for
from horarium.server.targets import targets_of
from horarium.server.vault import look
from horarium.store.books.nodes import NodeBook
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.schema import revision_of

_BUILT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def examine(config: Config, clock: Clock) -> list[Check]:
    """Return what is found, thing by thing."""
    found = [_python(), *_accounts(config), _key(config), _folder(config), _room(config), _zones(config)]
    store = None
    try:
        store = _open(config, clock)
        found.append(_functions(config, store))
        found += _store(store, clock) if store else [_say("store", Health.WARN, "not made yet: the first start does")]
        found += _vault(config, store, clock) if store else []
        found.append(_port(config, has_server=bool(store and _leases(store))))
    except HorariumError as error:
        found.append(_say("store", Health.BAD, str(error)))
    finally:
        if store is not None:
            store.close()
    return found


def _say(name: str, health: Health, sentence: str) -> Check:
    return Check(name, health, sentence)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return _say("python", Health.OK if sys.version_info >= (3, 11) else Health.BAD, f"Python {version}")


def _accounts(config: Config) -> Iterator[Check]:
    who = "root" if is_root() else "an ordinary account"
    sentences = warnings_for(config)
    if not sentences:
        yield _say("settings", Health.OK, f"read from {config.env_file or 'the environment'}; runs as {who}")
    for sentence in sentences:
        yield _say("settings", Health.WARN, sentence)


def _key(config: Config) -> Check:
    reason = weakness(config.secret_key or "")
    if reason is None:
        return _say("key", Health.OK, "SECRET_KEY is set and strong")
    return _say("key", Health.BAD, f"SECRET_KEY {reason}: the server refuses to start; `horarium init` makes one")


def _folder(config: Config) -> Check:
    folder = config.data
    try:
        found = folder.stat()
    except OSError as error:
        return _say("folder", Health.BAD, f"{folder}: {error.strerror}; `horarium init` makes it")
    if not stat.S_ISDIR(found.st_mode) or not os.access(folder, os.W_OK | os.X_OK):
        return _say("folder", Health.BAD, f"{folder} is no folder that this account may write")
    wide = [path.name for path in _inside(folder) if path.lstat().st_mode & 0o077]
    if found.st_mode & 0o077 or wide:
        names = ", ".join([*([str(folder)] if found.st_mode & 0o077 else []), *sorted(wide)[:5]])
        return _say("folder", Health.WARN, f"other accounts may enter or read {names}: chmod -R go-rwx {folder}")
    return _say("folder", Health.OK, f"{folder} belongs to this account alone")


def _inside(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.is_symlink())


def _room(config: Config) -> Check:
    try:
        usage = shutil.disk_usage(config.data if config.data.exists() else Path.cwd())
    except OSError as error:
        return _say("disk", Health.BAD, f"the disk cannot be asked for its room: {error.strerror}")
    return room_check((usage.free, usage.total))


def _zones(config: Config) -> Check:
    try:
        ZoneInfo(config.timezone)
        ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        return _say("zones", Health.BAD, "there is no time zone data: install the package tzdata")
    return _say("zones", Health.OK, f"time zone data {zone_data_version()}; times are shown in {config.timezone}")


def _open(config: Config, clock: Clock) -> Store | None:
    where = config.database
    if isinstance(where, Path) and not where.exists():
        return None
    return open_store(where, clock=clock, upgrade=False)


def _store(store: Store, clock: Clock) -> Iterator[Check]:
    findings = list(store.check())
    sentence = "; ".join(findings[:3]) or f"{store.location}, no damage found"
    yield _say("store", Health.BAD if findings else Health.OK, sentence)
    yield _say("schema", Health.OK, f"schema {revision_of(store)}, the one of this release")
    alive = _leases(store)
    words = f"{len(alive)} alive" if alive else "no scheduler is running: nothing starts until one is"
    yield _say("nodes", Health.OK if alive else Health.WARN, words)
    if alive:
        found = look_at(store, clock)
        yield from (check for check in found.checks if check.name == "scheduler")
    yield _clock(store, clock)


def _functions(config: Config, store: Store | None) -> Check:
    """Say whose functions tasks may name, and which tasks name others: here their runs fail."""
    targets = targets_of(config)
    if store is None:
        return _say("targets", Health.OK, targets.words)
    with store.reading() as tx:
        strays = [name for name, target in TaskBook(tx).imported() if not targets.allows(target)]
    if strays:
        count = f"{len(strays)} tasks name" if len(strays) > 1 else "1 task names"
        return _say(
            "targets", Health.WARN, f"{count} a function of somewhere else, {strays[0]!r} first; {targets.words}"
        )
    return _say("targets", Health.OK, targets.words)


def _vault(config: Config, store: Store, clock: Clock) -> Iterator[Check]:
    if weakness(config.secret_key or "") is not None:
        yield _say("vault", Health.BAD, "it cannot be looked through without its SECRET_KEY")
        return
    found = look(config, store, clock)
    if found.is_sound:
        yield _say("vault", Health.OK, f"each of the {found.versions:,} sets of values in it opens")
    for sentence in found.sentences:
        yield _say("vault", Health.BAD, sentence)
    if found.is_sound and config.secret_key_old:
        yield _say("vault", Health.WARN, "SECRET_KEY_OLD is set: after `horarium vault rotate` it can go")


def _leases(store: Store) -> list[int]:
    with store.reading() as tx:
        now = store.lease_now(tx)
        return [number for number, until, _, _ in NodeBook(tx).living() if until > now and not store.is_gone(number)]


def _clock(store: Store, clock: Clock) -> Check:
    now = clock.now()
    with store.reading() as tx:
        seen = max((node.seen_at for node in NodeBook(tx).all()), default=now)
    if now < _BUILT:
        return _say("clock", Health.BAD, f"it is not {now:%d %B %Y}: set the clock of this machine")
    if seen > now + timedelta(minutes=1):
        return _say("clock", Health.WARN, f"a node was seen at {seen.isoformat()}, which lies ahead: clocks differ")
    return _say("clock", Health.OK, now.isoformat(timespec="seconds"))


def _port(config: Config, *, has_server: bool) -> Check:
    where = f"{config.host} port {config.port}"
    with socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            if has_server:
                return _say("port", Health.OK, f"{where} is in use, most likely by the server that is running")
            return _say("port", Health.BAD, f"{where} cannot be listened on: {error.strerror}")
    return _say("port", Health.OK, f"{where} is free")
