"""Test a credential: open it, ask what it is for, and keep what came of that; its values go nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from horarium.audit.actions import Action, Result
from horarium.audit.trail import About
from horarium.clock import to_micros
from horarium.errors import Conflict, CredentialUnreadable
from horarium.logs.live import LIVE
from horarium.logs.masking import Masker
from horarium.outgoing.addresses import Policy
from horarium.outgoing.caller import SECONDS, Caller, Unreached
from horarium.records.credentials import Asker, Credential, Use
from horarium.store.books.credentials import CredentialBook, VersionBook
from horarium.store.books.grants import UseBook
from horarium.vault.checking import checked_hosts, checked_kind, split
from horarium.vault.credentials import NewCredential
from horarium.vault.keypairs import completed
from horarium.vault.probes.base import Probe, Trial, Values, fails
from horarium.vault.probes.machines import is_mail, try_database, try_mail, try_smtp, try_ssh_key
from horarium.vault.probes.s3 import try_s3
from horarium.vault.probes.web import try_api_key, try_oauth_client, try_token, try_webhook
from horarium.vault.seeing import replaceable
from horarium.vault.vault import Vault, about, unreadable

TEST: Final = "test"
"""What a credential was opened for, as the row of the use says it."""
PAUSE: Final = timedelta(seconds=3)
"""How long after a test the next one of the same credential has to wait."""

_PROBES: Final[Mapping[str, Probe]] = {
    "login": try_mail,
    "smtp": try_smtp,
    "token": try_token,
    "api_key": try_api_key,
    "webhook": try_webhook,
    "oauth_client": try_oauth_client,
    "database": try_database,
    "ssh_key": try_ssh_key,
}


def untestable(kind: str, fields: Mapping[str, str]) -> str:
    """Return why a credential of this kind, with these open values, cannot be tested; empty if it can."""
    if kind == "custom":
        return "its values have names of your own, so nobody knows here what they open"
    if kind == "file":
        return "it is a file of any sort, so nobody knows here what it opens"
    if kind == "login" and not is_mail(fields.get("url", "")):
        return (
            "every site signs people in its own way; only with an address such as smtps://mail.example.org it is known"
            " how"
        )
    if kind == "api_key" and not (fields.get("header") and fields.get("url")):
        return "it takes an address to ask and the header that carries the key"
    if kind == "token" and not fields.get("url"):
        return "it takes an address to ask"
    return ""


class Trials:
    """Tests the credentials of one vault, for who may put values into them."""

    def __init__(self, vault: Vault, policy: Policy, *, seconds: float = SECONDS) -> None:
        """Go where `policy` permits, for at most `seconds`."""
        self._vault = vault
        self._store = vault.store
        self._clock = vault.clock
        self._policy = policy
        self._seconds = seconds

    def rehearse(self, wanted: NewCredential, *, asker: Asker, credential_id: int | None = None) -> Trial:
        """Test values before they are saved, for a new credential or in place of those of one; nothing is kept of them.

        That it was done is noted. Whether the person may save them is the caller's to ask. Raises `InvalidValue`,
        `Conflict` where there is nothing to test.
        """
        kind = checked_kind(wanted.kind)
        opened, secret = split(kind, completed(kind.name, wanted.fields))
        hosts = checked_hosts(wanted.hosts)
        reason = untestable(kind.name, opened)
        if reason:
            raise Conflict(f"these values cannot be tested: {reason}")
        trial = self._masked(kind.name, hosts, {**opened, **secret}, secret.values(), wanted.name or kind.name)
        self._vault.trail.note_alone(
            asker.actor,
            Action.CREDENTIAL_TESTED,
            About("credential", credential_id, wanted.name),
            result=Result.FAILED if trial.passed is False else Result.DONE,
            saved=False,
            outcome=trial.words,
        )
        return trial

    def run(self, credential_id: int, *, asker: Asker) -> Trial:
        """Test a credential and keep the outcome with it; the use leaves a row, as one by a run does.

        Raises `NotFound`, `Denied`, `Conflict` where there is nothing to test, `VaultSealed`, `CredentialUnreadable`.
        """
        found, values, use_id = self._opened(credential_id, asker)
        secret = [value for name, value in values.items() if name not in found.open_fields]
        trial = self._masked(found.kind, found.hosts, values, secret, found.name)
        self._keep(found, trial, use_id, asker)
        return trial

    def _opened(self, credential_id: int, asker: Asker) -> tuple[Credential, Values, int]:
        now = self._clock.now()
        with self._store.transaction() as tx:
            found = replaceable(tx, credential_id, asker, now)
            reason = untestable(found.kind, found.open_fields)
            if reason:
                raise Conflict(f"credential {found.name!r} cannot be tested: {reason}")
            if found.tested_at is not None and now - found.tested_at < PAUSE:
                raise Conflict(f"credential {found.name!r} was tested a moment ago: wait a few seconds")
            standing = self._vault.require_open(tx)
            version = VersionBook(tx).get(found.id, found.version)
            if version is None:
                raise CredentialUnreadable(unreadable(found))
            sealed = VersionBook(tx).sealed(found.id, found.version)
            values = {**found.open_fields, **self._vault.open(standing, found, version, sealed)}
            use = Use(
                id=0,
                credential_id=found.id,
                version=found.version,
                purpose=TEST,
                actor=asker.actor.words,
                opened_at=now,
                user_id=asker.actor.user_id,
            )
            return found, values, UseBook(tx).open(use)

    def _masked(self, kind: str, hosts: tuple[str, ...], values: Values, secret: Iterable[str], name: str) -> Trial:
        """Try values while whatever is logged, by whichever part, goes without the secret ones."""
        masker = Masker()
        masker.add(name, list(secret))
        LIVE.add(masker)
        try:
            return self._tried(kind, hosts, values)
        finally:
            LIVE.discard(masker)

    def _tried(self, kind: str, hosts: tuple[str, ...], values: Values) -> Trial:
        probe = partial(try_s3, now=self._clock.now()) if kind == "s3" else _PROBES[kind]
        with Caller(self._policy, hosts=hosts, seconds=self._seconds) as caller:
            try:
                return probe(values, caller)
            except Unreached as error:
                words = str(error)
                return fails(f"{words[:1].upper()}{words[1:]}.")

    def _keep(self, credential: Credential, trial: Trial, use_id: int, asker: Asker) -> None:
        now = self._clock.now()
        with self._store.transaction() as tx:
            UseBook(tx).end(use_id, now)
            present = CredentialBook(tx).get(credential.id, lock=True)
            # Values that were replaced meanwhile are not the ones that were tested.
            if present is not None and present.version == credential.version:
                CredentialBook(tx).change(
                    credential.id, tested_at=to_micros(now), test_passed=trial.passed, test_words=trial.words
                )
            self._vault.trail.note(
                tx,
                asker.actor,
                Action.CREDENTIAL_TESTED,
                about(credential),
                result=Result.FAILED if trial.passed is False else Result.DONE,
                version=credential.version,
                outcome=trial.words,
            )
