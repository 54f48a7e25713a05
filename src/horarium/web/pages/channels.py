"""Channels as pages: the list, one channel, testing, pausing and removing it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from horarium.errors import Conflict, InvalidValue
from horarium.notify.channel_desk import ChannelChanges
from horarium.records.telling import Channel, Target
from horarium.store.books.notices import NoteBook
from horarium.store.books.recent import RecentBook
from horarium.store.port import Transaction
from horarium.web.filters import duration
from horarium.web.frame import shell
from horarium.web.pages.channel_cards import card_of, cards_of, line_of, rules_by_channel, sample
from horarium.web.pages.channel_form import USUAL, choice_of, limits_of, told, typed_values
from horarium.web.pages.notices import asker_of, channel_for, owner_names, tabs
from horarium.web.pages.rule_words import naming_for, words_of
from horarium.web.pages.safe import sentence
from horarium.web.views.channels import ChannelPage, ChannelRemovalPage, ChannelsPage, RuleLine
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

_MESSAGES = 10


def show_all(visit: Visit) -> Response:
    """Show the channels that are the person's to keep."""
    channels = visit.house.telling.channels.list(asker=asker_of(visit))
    with visit.house.services.store.reading() as tx:
        page = ChannelsPage(
            shell=shell(visit, tx),
            tabs=tabs(visit, "channels", channels=len(channels)),
            cards=cards_of(visit, tx, channels),
            back=visit.links.to("channels"),
        )
    return visit.show(page)


def show(visit: Visit) -> Response:
    """Show one channel."""
    return channel_page(visit, channel_for(visit), {}, {}, is_new=visit.query.text("saved") == "yes")


def send_changes(visit: Visit) -> Response:
    """Change a channel; secret values that are left empty stay, and one that was refused sends again."""
    found = channel_for(visit)
    kind = visit.house.telling.kinds.get(found.kind)
    errors: dict[str, str] = {}
    limits = limits_of(visit, errors)
    if kind is None:
        raise Conflict(f"this release knows no channels of the kind {found.kind!r}")
    values = typed_values(visit, kind)
    changes = ChannelChanges(name=visit.form.whole("name"), values=values, **limits)
    if not errors:
        try:
            after = visit.house.telling.channels.change(found.id, changes, asker=asker_of(visit))
        except InvalidValue as error:
            errors = told(error, kind)
        else:
            text = "It sends again from now on." if found.disabled_at is not None else ""
            return _back(visit, found, f"{after.name} is saved", text)
    sent = {name: visit.form.whole(name) for name in ("name", "most_per_hour", "most_per_day")}
    opened = {f"{kind.name}.{name}": value for name, value in values.items()}
    return channel_page(visit, found, {**sent, **opened}, errors)


def send_test(visit: Visit) -> Response:
    """Send a test there, and say what came of it."""
    found = channel_for(visit)
    try:
        attempt = visit.house.telling.channels.test(found.id, asker=asker_of(visit))
    except Conflict as error:
        return _back(visit, found, "No test was sent", sentence(error), is_ok=False)
    took = f"{attempt.answer[:1].upper()}{attempt.answer[1:]}".rstrip(".")
    text = f"{took}, after {duration(attempt.seconds)}."
    title = f"The test went to {found.name}" if attempt.is_taken else f"{found.name} did not take the test"
    return _back(visit, found, title, text, is_ok=attempt.is_taken)


def send_pause(visit: Visit) -> Response:
    """Send nothing there until somebody resumes it."""
    found = channel_for(visit)
    try:
        visit.house.telling.channels.pause(found.id, asker=asker_of(visit))
    except Conflict as error:
        return _back(visit, found, sentence(error))
    return _back(visit, found, f"{found.name} is paused", "What is to be told there waits until it is resumed.")


def send_resume(visit: Visit) -> Response:
    """Let a paused or refused channel send again."""
    found = channel_for(visit)
    try:
        visit.house.telling.channels.resume(found.id, asker=asker_of(visit))
    except Conflict as error:
        return _back(visit, found, sentence(error))
    return _back(visit, found, f"{found.name} sends again")


def show_removal(visit: Visit) -> Response:
    """Ask before a channel goes."""
    found = channel_for(visit)
    with visit.house.services.store.reading() as tx:
        page = ChannelRemovalPage(
            shell=shell(visit, tx),
            id=found.id,
            name=found.name,
            rules=_rules(visit, tx, found),
            waiting=len(NoteBook(tx).waiting(targets=[Target(channel_id=found.id)], most=1000)),
        )
    return visit.show(page)


def send_removal(visit: Visit) -> Response:
    """Remove a channel, and what waits for it."""
    found = channel_for(visit)
    visit.house.telling.channels.remove(found.id, asker=asker_of(visit))
    text = "Its values can be restored among the removed credentials for 30 days." if found.credential_id else ""
    return visit.go(visit.links.to("channels"), notice=Notice(status="ok", title=f"{found.name} is gone", text=text))


def channel_page(
    visit: Visit, found: Channel, values: Mapping[str, str], errors: Mapping[str, str], *, is_new: bool = False
) -> Response:
    """Show a channel, with what was sent and what was wrong with it."""
    telling = visit.house.telling
    kind = telling.kinds.get(found.kind)
    opened = {f"{found.kind}.{name}": value for name, value in found.open_values.items()}
    shown = {
        "name": found.name,
        "most_per_hour": _limit(found.most_per_hour),
        "most_per_day": _limit(found.most_per_day),
        **opened,
        **values,
    }
    latest = telling.log.page(asker=asker_of(visit), channel_id=found.id, limit=_MESSAGES)
    with visit.house.services.store.reading() as tx:
        rules = _rules(visit, tx, found)
        recent = RecentBook(tx).of_channels([found.id]).get(found.id, [])
        page = ChannelPage(
            shell=shell(visit, tx),
            card=card_of(visit, found, owner_names(tx, {found.owner_id})[found.owner_id], recent, len(rules)),
            kind=choice_of(found.kind, kind, shown, on=True, is_set=found.credential_id is not None),
            sample=sample(visit.now),
            usual=USUAL,
            rules=rules,
            messages=tuple(line_of(each) for each in latest),
            is_new=is_new,
            values=shown,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _rules(visit: Visit, tx: Transaction, channel: Channel) -> tuple[RuleLine, ...]:
    rules = rules_by_channel(tx, [channel]).get(channel.id, [])
    naming = naming_for(visit, tx, rules)
    return tuple(RuleLine(id=each.id, words=words_of(each, naming), is_on=each.is_on) for each in rules)


def _limit(value: int | None) -> str:
    return "" if value is None else str(value)


def _back(visit: Visit, channel: Channel, title: str, text: str = "", *, is_ok: bool = True) -> Response:
    there = visit.links.to("channel", channel_id=channel.id)
    notice = Notice(status="ok" if is_ok else "failed", title=title, text=text)
    return visit.back(there, notice=notice)
