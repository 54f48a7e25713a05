"""The pages before the door: first set-up, sign in, sign out."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from horarium.accounts.login import DEVICE_LASTS, Entry, SecondStepOwed
from horarium.accounts.registering import Mode
from horarium.accounts.second_step import HALF_LASTS
from horarium.accounts.setup import FirstAdmin
from horarium.errors import InvalidValue, SetupClosed, SignInRefused, StoreError, TooBusy, TooManyTries, WeakPassword
from horarium.records.people import User
from horarium.store.books.people import PeopleBook
from horarium.store.port import Transaction
from horarium.web import cookies
from horarium.web.asking import ask_anybody
from horarium.web.errors import said_of
from horarium.web.frame import is_alive, porch
from horarium.web.views.entry import Check, LoginPage, SetupPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit, safe_path

_MOST_TYPED: Final = 300
_REFUSED: Final = "Name and password do not match."
_TOLD: Final = {
    "out": "You are signed out.",
    "late": "That took longer than ten minutes, or your sign-in was changed meanwhile. Sign in again.",
    "password": "Your new password is set. Sign in with it.",
    "confirmed": "Your address is confirmed.",
    "half": "Thank you. The other address has to agree as well: there is a letter there, too.",
    "changed": "Your new address is in place. Sign in again.",
}


def show_setup(visit: Visit) -> Response:
    """Show the form that makes the first administrator, while there is none."""
    _require_setup(visit)
    return _setup_page(visit, {"code": visit.query.text("code")}, {})


def send_setup(visit: Visit) -> Response:
    """Make the first administrator and sign them in."""
    _require_setup(visit)
    typed = {name: visit.form.whole(name)[:_MOST_TYPED] for name in ("code", "team", "name", "email")}
    wanted = FirstAdmin(
        name=typed["name"],
        email=typed["email"],
        password=visit.form.whole("password"),
        team=typed["team"],
        time_zone=visit.house.settings.time_zone,
    )
    ticket = visit.house.throttle.take(address=visit.incoming.address)
    errors = visit.house.setup.complaints(typed["code"], wanted)
    if errors:
        if "code" not in errors:
            visit.house.throttle.take_back(ticket)
        return _setup_page(visit, typed, errors)
    try:
        user = visit.house.setup.complete(typed["code"], wanted, actor=visit.actor)
    except WeakPassword as error:
        return _setup_page(visit, typed, {"password": " ".join(error.reasons)})
    except InvalidValue as error:
        return _setup_page(visit, typed, {error.field: f"{error.allowed[:1].upper()}{error.allowed[1:]}."})
    entry = visit.house.login.welcome(user, visit.knock)
    visit.house.throttle.take_back(ticket)
    notice = Notice(status="ok", title=f"Welcome, {user.words}", text="You are the first administrator.")
    return enter(visit, entry, "", notice=notice)


def show_login(visit: Visit) -> Response:
    """Show the form to sign in, or go on where somebody is signed in already, or set up where nobody can be."""
    wanted = visit.query.values.get("next", [""])[0]
    if visit.signed_in is not None:
        return visit.go(safe_path(wanted, visit.links, visit.links.to("overview")), status=302)
    if visit.house.setup.is_open():
        return visit.go(visit.links.to("setup"), status=302)
    told = _TOLD.get(visit.query.text("told"), "")
    if visit.incoming.person and not told:
        return _from_proxy(visit, safe_path(wanted, visit.links, ""))
    return visit.show(login_page(visit, wanted=safe_path(wanted, visit.links, ""), told=told))


def send_login(visit: Visit) -> Response:
    """Sign somebody in."""
    name = visit.form.whole("email")[:_MOST_TYPED]
    wanted = safe_path(visit.form.whole("next"), visit.links, "")
    try:
        entry = visit.house.login.enter(name, visit.form.whole("password"), visit.knock)
    except SecondStepOwed as owed:
        return _half_way(visit, owed.user, wanted)
    except SignInRefused:
        return visit.show(login_page(visit, name=name, wanted=wanted, error=_REFUSED), status=401)
    except (TooManyTries, TooBusy) as error:
        said = said_of(error)
        response = visit.show(login_page(visit, name=name, wanted=wanted, error=said.text), status=said.answer.status)
        response.headers["Retry-After"] = str(max(1, said.retry_seconds or 1))
        return response
    return enter(visit, entry, wanted, stays=visit.knock.stays)


def _from_proxy(visit: Visit, wanted: str) -> Response:
    """Let in whom the proxy before us names; where that is nobody here, show the form with the reason."""
    person, groups = visit.incoming.person, visit.incoming.groups
    try:
        entry = visit.house.arrivals.from_proxy(person, groups, visit.knock)
    except SignInRefused as error:
        return visit.show(login_page(visit, wanted=wanted, told=f"{person}: {error}."), status=403)
    return enter(visit, entry, wanted)


def send_logout(visit: Visit) -> Response:
    """Sign somebody out and clear what their browser keeps of our pages."""
    if visit.signed_in is not None:
        visit.house.sessions.end(visit.signed_in, actor=visit.actor)
    response = visit.go(visit.links.to("login", told="out"))
    visit.jar.drop(response, cookies.SESSION)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def enter(visit: Visit, entry: Entry, wanted: str, *, stays: bool = False, notice: Notice | None = None) -> Response:
    """Answer somebody who was let in with their session, and the way to the page they `wanted`, else the overview.

    Who is to set up a second step is asked to on the way.
    """
    visit.session = entry.session
    house = visit.house
    house.second_step.begin_rule()
    if house.second_step.due(entry.user, entry.method) is not None:
        where = visit.links.to("second_step", next=wanted or None)
    else:
        where = wanted or visit.links.to("overview")
    response = visit.go(where, notice=notice)
    seconds = house.sessions.longest_seconds(entry.user) if stays else None
    visit.jar.put(response, cookies.SESSION, entry.session, seconds=seconds)
    visit.jar.put(response, cookies.DEVICE, entry.device, seconds=int(DEVICE_LASTS.total_seconds()))
    for mark in (cookies.VISIT, cookies.HALF):
        if visit.jar.get(mark):
            visit.jar.drop(response, mark)
    return response


def _half_way(visit: Visit, user: User, wanted: str) -> Response:
    """Lead somebody whose password was right to the second step, with a mark that this browser alone can use."""
    browser = visit.visit_mark
    mark = visit.house.second_step.begin(user, browser=browser, stays=visit.knock.stays, wanted=wanted)
    response = visit.go(visit.links.to("login_second"))
    visit.jar.put(response, cookies.VISIT, browser)
    visit.jar.put(response, cookies.HALF, mark, seconds=int(HALF_LASTS.total_seconds()))
    return response


def login_page(visit: Visit, *, name: str = "", wanted: str = "", error: str = "", told: str = "") -> LoginPage:
    """Return the form to sign in, with what was typed."""
    with visit.house.services.store.reading() as tx:
        team = visit.house.team(tx)
    provider = visit.house.services.provider
    return LoginPage(
        shell=porch(visit, team=team),
        email=name,
        error=error,
        told=told,
        next=wanted,
        stay_days=visit.house.settings.session_limits.longest.days,
        ask=ask_anybody(visit),
        elsewhere=provider.name if provider else "",
        may_register=may_register(visit),
    )


def may_register(visit: Visit) -> bool:
    """Tell whether somebody without an account can do something about it here."""
    settings = visit.house.settings
    return settings.sends_mail and settings.registration.mode is not Mode.OFF


def _require_setup(visit: Visit) -> None:
    if not visit.house.setup.is_open():
        raise SetupClosed("there is an administrator already")


def _setup_page(visit: Visit, values: dict[str, str], errors: dict[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        checks = _checks(visit, tx)
    page = SetupPage(shell=porch(visit), checks=checks, values=values, errors=errors)
    return visit.show(page, status=422 if errors else 200)


def _checks(visit: Visit, tx: Transaction) -> tuple[Check, ...]:
    store = visit.house.services.store
    kind = {"sqlite": "an SQLite file", "postgresql": "PostgreSQL"}.get(store.capabilities.name, "a database")
    checks = [
        Check(status="ok", words=f"The database answers: {kind}."),
        Check(status="ok", words="The secret key is set."),
        _scheduler_check(visit, tx),
    ]
    if not visit.incoming.is_https and not _is_local(visit):
        words = "This page came over plain HTTP: whoever is on the way can read the password. Use HTTPS."
        checks.append(Check(status="late", words=words))
    return tuple(checks)


def _scheduler_check(visit: Visit, tx: Transaction) -> Check:
    try:
        PeopleBook(tx).count()
        alive = is_alive(visit.house.services.store, tx)
    except StoreError:
        alive = False
    if alive:
        return Check(status="ok", words="The scheduler is running.")
    return Check(status="late", words="The scheduler is not running yet; tasks will wait until it does.")


def _is_local(visit: Visit) -> bool:
    return visit.incoming.address in {"127.0.0.1", "::1", "testclient"}
