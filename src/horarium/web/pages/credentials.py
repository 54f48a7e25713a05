"""The list of credentials: searched, filtered, walked by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from horarium.records.credentials import INSTALLATION, Credential, Grant, Subject
from horarium.store.books.cabinet import CabinetBook, CabinetFilter
from horarium.store.books.grants import GrantBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Transaction
from horarium.vault.kinds import KINDS
from horarium.vault.trials import untestable
from horarium.vault.usage import users_of
from horarium.web import cursors
from horarium.web.filters import plural
from horarium.web.frame import shell
from horarium.web.pages.safe import (
    asker_of,
    expiry_of,
    icon_of,
    kind_words,
    mark_of,
    names_of,
    owners_of,
    replacing_of,
)
from horarium.web.views.credentials import CredentialRow, CredentialsPage, Overdue
from horarium.web.views.parts import Chip, Choice, FilterBar, FilterMenu, Pager, Tab
from horarium.web.visit import Visit

_VIEWS: Final = {"all": "All", "mine": "Mine", "shared": "Shared with me", "removed": "Removed"}
_STATES: Final = {
    "expiring": "Expires soon",
    "expired": "Expired",
    "due": "To be replaced",
    "unused": "Not used for 90 days",
    "failed": "Test failed",
    "inactive": "Inactive",
    "stopped": "Stopped",
}
_MOST_FACES: Final = 3


def show(visit: Visit) -> Response:
    """Show the credentials of one view."""
    wanted = _wanted(visit)
    # A broken cursor begins at the start.
    after = cursors.unpack(visit.query.text("after", most=cursors.MOST), str)
    limit = visit.taste.page_size
    strongroom = visit.house.strongroom
    with visit.house.services.store.reading() as tx:
        book = CabinetBook(tx, visit.now)
        found = book.page(wanted, after=after, limit=limit + 1)
        (more, key) = (len(found) > limit, found[limit - 1][0] if len(found) > limit else "")
        credentials = [each for _, each in found[:limit]]
        older = _link(visit, wanted, after=cursors.pack((key, credentials[-1].id))) if more else None
        due = _due(book, visit)
        page = CredentialsPage(
            shell=shell(visit, tx),
            rows=_rows(tx, credentials, visit),
            total=book.count(wanted),
            tabs=_tabs(book, wanted, visit),
            filters=_filters(tx, book, wanted, visit),
            pager=Pager(newer=None if after is None else _link(visit, wanted), older=older),
            back=_link(visit, wanted),
            sealed=strongroom.vault.sealed_reason(strongroom.vault.standing(tx)),
            overdue=due[0],
            overdue_many=due[1],
            removed=wanted.view == "removed",
            shared=wanted.view == "shared",
        )
    return visit.show(page)


def _wanted(visit: Visit) -> CabinetFilter:
    view = visit.query.text("view", "all")
    owners = {each for each in visit.query.many("owner") if each.isascii() and each.isdigit() and len(each) < 19}
    return CabinetFilter(
        asker=asker_of(visit),
        view=view if view in _VIEWS else "all",
        text=visit.query.text("q"),
        kinds=tuple(kind for kind in KINDS if kind in visit.query.many("kind")),
        owner_ids=tuple(sorted(map(int, owners)))[:100],
        states=tuple(state for state in _STATES if state in visit.query.many("state")),
    )


def _link(visit: Visit, wanted: CabinetFilter, **more: object) -> str:
    values = {
        "view": None if wanted.view == "all" else wanted.view,
        "q": wanted.text or None,
        "kind": wanted.kinds,
        "owner": wanted.owner_ids,
        "state": wanted.states,
    }
    return visit.links.to("credentials", **{**values, **more})


def _due(book: CabinetBook, visit: Visit) -> tuple[Overdue | None, int]:
    """Return the first of the person's own, or the installation's, that should be replaced; and how many there are."""
    asker = asker_of(visit)
    owners = (INSTALLATION, asker.user_id) if asker.manages else (asker.user_id,)
    wanted = CabinetFilter(asker=asker, owner_ids=owners, states=("due",))
    found = book.page(wanted, limit=1)
    if not found:
        return None, 0
    first = found[0][1]
    days = (visit.now - first.rotated_at).days
    return Overdue(id=first.id, name=first.name, days=days, rule=first.rotate_days or 0), book.count(wanted)


def _rows(tx: Transaction, credentials: list[Credential], visit: Visit) -> tuple[CredentialRow, ...]:
    asker, now = asker_of(visit), visit.now
    known = [each.id for each in credentials if asker.owns(each) or asker.sees_all]
    grants: dict[int, list[Grant]] = defaultdict(list)
    for grant in GrantBook(tx).of_many(known, now):
        grants[grant.credential_id].append(grant)
    people = {grant.subject_id for each in grants.values() for grant in each if grant.subject is Subject.PERSON}
    faces = {user.id: user.words for user in PeopleBook(tx).by_ids(people).values()}
    owners, users = owners_of(tx, credentials), users_of(tx, credentials, visit.reach, now)
    replaceable = _replaceable(tx, credentials, visit)
    return tuple(
        CredentialRow(
            id=each.id,
            name=each.name,
            kind=kind_words(each),
            icon=icon_of(each.kind),
            owner=owners[each.owner_id],
            mark=mark_of(each, now),
            tasks=len(users.get(each.id, ())),
            used=each.last_used_at,
            expires=expiry_of(each, now),
            replaced=replacing_of(each, now),
            owns=asker.owns(each),
            may_replace=each.id in replaceable,
            may_test=each.id in replaceable and not each.is_removed and not untestable(each.kind, each.open_fields),
            removed_at=each.deleted_at,
            **_shared(grants[each.id], faces),
        )
        for each in credentials
    )


def _replaceable(tx: Transaction, credentials: list[Credential], visit: Visit) -> set[int]:
    """Return the numbers of those whose values the person may replace: their own, and where a grant says so."""
    asker = asker_of(visit)
    mine = {each.id for each in credentials if asker.owns(each)}
    others = [each.id for each in credentials if each.id not in mine]
    let = {
        grant.credential_id
        for grant in GrantBook(tx).of_many(others, visit.now)
        if grant.may_replace and grant.subject is Subject.PERSON and grant.subject_id == asker.user_id
    }
    return mine | let


def _shared(grants: list[Grant], faces: Mapping[int, str]) -> dict[str, Any]:
    people = [faces[each.subject_id] for each in grants if each.subject is Subject.PERSON and each.subject_id in faces]
    more = max(0, len(people) - _MOST_FACES)
    tasks = sum(each.subject is Subject.TASK for each in grants)
    projects = sum(each.subject is Subject.PROJECT for each in grants)
    others = [f"+{more}"] if more else []
    others += [plural(projects, "project")] if projects else []
    others += [plural(tasks, "task")] if tasks else []
    return {"people": tuple(people[:_MOST_FACES]), "others": ", ".join(others)}


def _tabs(book: CabinetBook, wanted: CabinetFilter, visit: Visit) -> tuple[Tab, ...]:
    counts = {view: book.count(CabinetFilter(asker=wanted.asker, view=view)) for view in _VIEWS}
    return tuple(
        Tab(
            label=f"{label} {counts[view]:,}",
            href=visit.links.to("credentials", view=None if view == "all" else view),
            current=view == wanted.view,
        )
        for view, label in _VIEWS.items()
        if view != "removed" or counts[view] or wanted.view == view
    )


def _filters(tx: Transaction, book: CabinetBook, wanted: CabinetFilter, visit: Visit) -> FilterBar:
    in_view = CabinetFilter(asker=wanted.asker, view=wanted.view)
    kinds, owners = book.by_kind(in_view), book.by_owner(in_view)
    names = names_of(tx, {*owners, *wanted.owner_ids} - {INSTALLATION})
    menus = [
        _menu("State", "state", _STATES, wanted.states),
        _menu("Kind", "kind", {kind: KINDS[kind].label for kind in KINDS if kind in kinds}, wanted.kinds, kinds),
    ]
    if len(owners) > 1:
        labels = {str(owner): names[owner] for owner in owners}
        counts = {str(owner): many for owner, many in owners.items()}
        menus.append(_menu("Owner", "owner", labels, tuple(map(str, wanted.owner_ids)), counts))
    chips = [
        *(
            Chip(label=f"State: {_STATES[each]}", href=_link(visit, _less(wanted, "states", each)))
            for each in wanted.states
        ),
        *(
            Chip(label=f"Kind: {KINDS[each].label}", href=_link(visit, _less(wanted, "kinds", each)))
            for each in wanted.kinds
        ),
        *(
            Chip(
                label=f"Owner: {names[each] if each in owners else each}",
                href=_link(visit, _less(wanted, "owner_ids", each)),
            )
            for each in wanted.owner_ids
        ),
    ]
    view = None if wanted.view == "all" else wanted.view
    return FilterBar(
        text=wanted.text,
        menus=tuple(menu for menu in menus if menu.choices),
        chips=tuple(chips),
        clear=visit.links.to("credentials", view=view),
        kept=() if view is None else (("view", view),),
    )


def _less(wanted: CabinetFilter, name: str, value: object) -> CabinetFilter:
    changes: dict[str, Any] = {name: tuple(each for each in getattr(wanted, name) if each != value)}
    return replace(wanted, **changes)


def _menu(
    label: str, name: str, choices: Mapping[str, str], chosen: tuple[str, ...], counts: Mapping[str, int] | None = None
) -> FilterMenu:
    return FilterMenu(
        label=label,
        name=name,
        choices=tuple(
            Choice(value=value, label=words, count=None if counts is None else counts.get(value), on=value in chosen)
            for value, words in choices.items()
        ),
    )
