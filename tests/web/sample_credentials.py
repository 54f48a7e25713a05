"""Make the pages about credentials."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from horarium.vault.kinds import KINDS
from horarium.web.pages.safe import icon_of
from horarium.web.views.credentials import (
    Age,
    CredentialFormPage,
    CredentialPage,
    CredentialRemovalPage,
    CredentialRow,
    CredentialsPage,
    FieldInput,
    GrantRow,
    KindChoice,
    Mark,
    Overdue,
    TriedValues,
    UseRow,
    ValueRow,
    VersionRow,
)
from horarium.web.views.parts import Chip, Choice, FilterBar, FilterMenu, Pager, Tab
from horarium.web.views.shell import ViewModel
from tests.web.sample_parts import LINKS, NOW, PAYMENTS, RATES, shell
from tests.web.sample_people import admin_shell

LONG = "a-very-long-name-that-somebody-gave-a-credential-without-a-thought-of-those-who-read-it-in-a-list"
OLD = Age(at=NOW - timedelta(days=412), tone="bad", words="412 of 180 days")
SOON = Age(at=NOW + timedelta(days=9), tone="warn")
NEVER = Age(at=None)
REFUSED = Mark(status="failed", words="does not work", at=NOW - timedelta(minutes=27))
TRIED = (
    TriedValues(status="ok", title="These values work", text="It answered 200: the secret is taken.", held="sealed"),
    TriedValues(status="failed", title="These values do not work", text="It answered 401.", held="sealed"),
    TriedValues(status="late", title="Not tested", text="You tested a moment ago: wait a few seconds."),
)


def rich_credentials() -> dict[str, ViewModel]:
    """Return each page with everything on it."""
    return {
        "credentials": credentials(),
        "credential-new": form("database"),
        "credential-new-custom": form("custom"),
        "credential-values": values("oauth_client"),
        "credential": credential(),
        "credential-remove": CredentialRemovalPage(
            shell=admin_shell(),
            id=3,
            name=LONG,
            word=LONG,
            tasks=(PAYMENTS, RATES),
            task_count=41,
            errors={"confirm": f"Type {LONG} exactly as it stands here."},
            values={"confirm": "carrier"},
        ),
    }


def empty_credentials() -> dict[str, ViewModel]:
    """Return the same with nothing on them, and as others see them."""
    bare = dataclasses.replace(credentials(), rows=(), total=0, overdue=None, filters=FilterBar(), pager=Pager())
    plain = dataclasses.replace(
        credential(), grants=(), uses=(), per_day=(), uses_pager=Pager(), tasks=(), task_count=0, values={}, errors={}
    )
    blank = {
        name: dataclasses.replace(form(name), values={}, errors={}) for name in ("ssh_key", "oauth_client", "webhook")
    }
    return {
        "credentials-first": dataclasses.replace(bare, tabs=()),
        "credentials-no-match": dataclasses.replace(credentials(), rows=(), total=0),
        "credentials-shared-none": dataclasses.replace(bare, shared=True),
        "credentials-removed-none": dataclasses.replace(bare, removed=True),
        "credentials-sealed": dataclasses.replace(bare, sealed="vault sealed: SECRET_KEY is not the key"),
        **{f"credential-new-{name.replace('_', '-')}-blank": page for name, page in blank.items()},
        "credential-user": dataclasses.replace(
            plain, shell=shell(), owns=False, knows=False, may_replace=False, versions=(), test_words=""
        ),
        "credential-untested": dataclasses.replace(
            plain, mark=Mark(status="queued", words="not tested"), test_words="", versions=(), rule=None, hosts=()
        ),
        "credential-untestable": dataclasses.replace(plain, untestable="it takes an address to ask", test_words=""),
        "credential-stopped": dataclasses.replace(
            plain, mark=Mark(status="paused", words="stopped", at=NOW), is_stopped=True
        ),
        "credential-inactive": dataclasses.replace(
            plain, mark=Mark(status="paused", words="inactive", at=NOW), goes_at=NOW + timedelta(days=30)
        ),
        "credential-removed": dataclasses.replace(
            plain, mark=Mark(status="cancelled", words="removed", at=NOW), is_removed=True
        ),
        "credential-expired": dataclasses.replace(
            plain, expires=Age(at=NOW - timedelta(days=1), tone="bad", words="expired")
        ),
        "credential-values-custom": values("custom"),
        **{
            f"credential-tried-{each.status}": dataclasses.replace(form("database"), errors={}, tried=each)
            for each in TRIED
        },
        "credential-remove-unused": CredentialRemovalPage(
            shell=admin_shell(), id=3, name="old", word="old", tasks=(), task_count=0
        ),
    }


def credentials() -> CredentialsPage:
    """Return the list, filtered, with a credential in each condition."""
    marks = (
        ("warehouse-db", "database", Mark(status="ok", words="works", at=NOW - timedelta(hours=3)), NEVER, NEVER),
        ("carrier-api", "api_key", REFUSED, NEVER, OLD),
        ("bank-sftp", "ssh_key", Mark(status="late", words="not tried to the end", at=NOW), SOON, NEVER),
        (LONG, "custom", Mark(status="queued", words="not tested"), NEVER, NEVER),
        ("chat-hook", "webhook", Mark(status="paused", words="stopped", at=NOW), NEVER, NEVER),
    )
    rows = tuple(
        CredentialRow(
            id=number,
            name=name,
            kind=KINDS[kind].label,
            icon=icon_of(kind),
            owner="The installation" if number < 3 else "Inês Carvalho",
            mark=mark,
            tasks=12 if number == 1 else 0,
            used=NOW - timedelta(minutes=2) if number < 3 else None,
            expires=expires,
            replaced=replaced if replaced.at else Age(at=NOW - timedelta(days=number)),
            people=("Amara Okafor", "Sven Lindqvist", "Tomasz Wróbel") if number == 1 else (),
            others="+4, 1 project" if number == 1 else "",
            may_test=number != 4,
            may_replace=True,
            owns=number != 2,
        )
        for number, (name, kind, mark, expires, replaced) in enumerate(marks, 1)
    )
    gone = dataclasses.replace(rows[0], id=9, name="old-feed", removed_at=NOW - timedelta(days=3))
    kinds = FilterMenu(label="Kind", name="kind", choices=(Choice(value="token", label="Token", count=2, on=True),))
    return CredentialsPage(
        shell=admin_shell(),
        rows=(*rows, gone),
        total=1004,
        tabs=(
            Tab(label="All 1,004", href="/credentials", current=True),
            Tab(label="Mine 4", href="/credentials?view=mine"),
            Tab(label="Shared with me 5", href="/credentials?view=shared"),
            Tab(label="Removed 1", href="/credentials?view=removed"),
        ),
        filters=FilterBar(
            text="db", menus=(kinds,), chips=(Chip(label="Kind: Token", href="/credentials"),), clear="/credentials"
        ),
        pager=Pager(newer="/credentials", older="/credentials?after=x"),
        back="/credentials",
        overdue=Overdue(id=2, name="carrier-api", days=412, rule=180),
        overdue_many=3,
    )


def choices(on: str, *, is_set: bool = False) -> tuple[KindChoice, ...]:
    """Return the kinds, one of them chosen."""
    return tuple(
        KindChoice(
            value=kind.name,
            label=kind.label,
            hint=kind.sentence,
            icon=icon_of(kind.name),
            on=kind.name == on,
            free=kind.is_free,
            fields=tuple(
                FieldInput(
                    name=f"{kind.name}.{each.name}",
                    label=each.label,
                    hint=each.sentence,
                    value="" if each.secret else "db.tidewater.internal",
                    secret=each.secret,
                    required=each.required,
                    lines=each.lines,
                    is_set=is_set and each.secret,
                )
                for each in kind.fields
            ),
        )
        for kind in KINDS.values()
    )


def form(kind: str) -> CredentialFormPage:
    """Return the form for a new credential, refused."""
    wrong = {
        "database.host": "Host: use one line of printable characters.",
        "database.password": "Password: fill this in.",
    }
    own = {"custom.0": "TOKEN: there are two of this name.", "custom.5": "A value: give both a name and a value."}
    return CredentialFormPage(
        shell=admin_shell(),
        kinds=choices(kind),
        own_names=("TOKEN", "TOKEN", "", "key.json", "B", "C") if kind == "custom" else (),
        values={
            "name": "warehouse/db",
            "note": "Ask Leïla",
            "owner": "installation",
            "expires": "2026-01-01",
            "rotate": "x",
        },
        errors={
            "name": "Name “warehouse/db”: use 1 to 100 letters, figures, blanks, dots, dashes and underscores.",
            **(own if kind == "custom" else wrong),
            "expires": "Last day: use a day that lies ahead.",
            "rotate": "Days: “x” is no whole number. Use days from 1 to 3650, or nothing.",
        },
        may_choose_owner=True,
        back="/credentials",
    )


def values(kind: str) -> CredentialFormPage:
    """Return the form by which the values of a kind are replaced."""
    return CredentialFormPage(
        shell=admin_shell(),
        kinds=tuple(each for each in choices(kind, is_set=True) if each.on),
        own_names=("TOKEN",) if kind == "custom" else (),
        values={"keep": "hour"},
        id=3,
        name=LONG,
        version=3,
        back="/credentials/3",
    )


def credential() -> CredentialPage:
    """Return one credential with everything about it, and both of its forms refused."""
    use = UseRow(
        id=71,
        at=NOW - timedelta(hours=1),
        words="",
        who="",
        version=3,
        task=RATES,
        run=48213,
        attempt=2,
        seconds=1.4,
        closed=NOW,
    )
    return CredentialPage(
        shell=admin_shell(),
        id=3,
        name=LONG,
        kind="API key",
        icon="key",
        owner="Leïla Haddad",
        note="From the carrier portal; ask Leïla for a new one.",
        mark=REFUSED,
        version=3,
        fingerprint="9c41e07b55d2",
        saved_at=NOW - timedelta(days=412),
        saved_by="Leïla Haddad",
        fields=(ValueRow(label="Header", text="X-Api-Key"), ValueRow(label="Key", secret=True)),
        hosts=("api.carrier.example", "*.carrier.example"),
        expires=SOON,
        replaced=OLD,
        rule=180,
        test_words="It answered 401: the secret is refused.",
        versions=(
            VersionRow(number=3, mark="9c41e07b55d2", by="Leïla Haddad", at=NOW, is_present=True, is_kept=True),
            VersionRow(
                number=2,
                mark="0d1c55464399",
                by="Sven Lindqvist",
                at=NOW - timedelta(days=3),
                is_present=False,
                is_kept=True,
                kept_until=NOW + timedelta(hours=20),
            ),
            VersionRow(number=1, mark="67f5b0373950", by="ines", at=NOW, is_present=False, is_kept=False),
        ),
        grants=(
            GrantRow(
                id=1,
                subject="person",
                name="Tomasz Wróbel",
                words="may use and replace it",
                person=True,
                there="/users/4",
                until=NOW + timedelta(days=60),
            ),
            GrantRow(id=2, subject="project", name="Night shift", words="all tasks may use it", there="/projects/2"),
            GrantRow(id=3, subject="task", name="Fetch carrier rates", words="the task may use it", waits=True),
        ),
        per_day=(24,) * 29 + (15,),
        uses=(
            dataclasses.replace(use, id=73, seconds=None, closed=None, attempt=1),
            dataclasses.replace(use, id=72, task=None, run=None, words="A task that you do not see"),
            use,
            dataclasses.replace(use, id=70, task=None, run=None, words="Test", who="Inês Carvalho"),
        ),
        uses_pager=Pager(newer="/credentials/3#uses", older=LINKS.to("credential", credential_id=3, before=70)),
        tasks=(PAYMENTS, RATES),
        task_count=41,
        owns=True,
        knows=True,
        may_replace=True,
        may_choose_owner=True,
        edit={"name": LONG, "note": "", "hosts": "", "expires": "", "rotate": "180"},
        values={"to": "task", "who": "Nobody", "replace": "yes", "until": "2020-01-01"},
        errors={
            "who": "There is no such task, or you do not see it.",
            "until": "Last day: use a day that lies ahead.",
            "heir": "Nobody signs in with this name or address.",
        },
    )
