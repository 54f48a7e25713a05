"""One request on its way through a page: who asks, what they sent, and how to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from horarium.accounts.login import Knock
from horarium.accounts.roles import Identity, Permission, may
from horarium.accounts.sessions import SignedIn
from horarium.accounts.tokens import Holder
from horarium.audit.trail import About
from horarium.errors import Denied, StoreError
from horarium.preferences.reading import Reading, values
from horarium.records.actors import Actor, Source
from horarium.records.people import User
from horarium.records.reach import Reach
from horarium.web import cookies, csrf, notes
from horarium.web.access import Row
from horarium.web.cookies import Jar
from horarium.web.errors import Refusal
from horarium.web.forms import Fields
from horarium.web.house import House
from horarium.web.incoming import Incoming
from horarium.web.links import Links
from horarium.web.manner import TASTE, Taste, ViewerZone, taste_of, viewer_zone
from horarium.web.rendering import render
from horarium.web.views.shell import Notice, ViewModel

_MOST_PATH: Final = 2000


@dataclass(slots=True, kw_only=True)
class Visit:
    """A request with all a page needs.

    Who asks is `signed_in` on the pages, and the `holder` of a token where `is_api`; never both. `new_visit` is a mark
    for a browser that nobody is signed in with. Who `is_held` has to set up a second step first. `renewed` is the id
    that the session got by a proof on the way. `foreign` is what they named that is there and not for them: answered
    like what is not there, and noted.
    """

    house: House
    request: Request
    incoming: Incoming
    jar: Jar
    now: datetime
    row: Row | None = None
    is_api: bool = False
    signed_in: SignedIn | None = None
    holder: Holder | None = None
    session: str | None = None
    renewed: str | None = None
    form: Fields = field(default_factory=Fields)
    query: Fields = field(default_factory=Fields)
    new_visit: str = ""
    is_held: bool = False
    notices: tuple[Notice, ...] = ()
    foreign: About | None = None
    read_taste: Taste | None = None

    @property
    def links(self) -> Links:
        """Return the addresses of all pages."""
        return self.house.links

    @property
    def caller(self) -> SignedIn | Holder | None:
        """Return who asks, by whichever way they came, if that is known."""
        return self.holder if self.is_api else self.signed_in

    @property
    def user(self) -> User:
        """Return the person who asks. Raises `Denied` where it is nobody, which a row with a permission rules out."""
        return self._known.user

    @property
    def identity(self) -> Identity:
        """Return who asks, for `accounts.roles`. Raises `Denied` where it is nobody."""
        return self._known.identity

    @property
    def _known(self) -> SignedIn | Holder:
        caller = self.caller
        if caller is None:
            raise Denied("nobody is signed in")
        return caller

    @property
    def reach(self) -> Reach:
        """Return what they see: every list and count on a page is asked for within it."""
        return self.identity.reach

    @property
    def actor(self) -> Actor:
        """Return who asks, as it goes along with a change; of a token its name is told, too."""
        person = self.caller.user if self.caller else None
        words = "" if person is None else person.words
        return Actor(
            name=words if self.holder is None else f"{words} ({self.holder.token.name})",
            user_id=None if person is None else person.id,
            source=Source.API if self.is_api else Source.WEB,
            address=self.incoming.address,
            request=self.incoming.number,
        )

    @property
    def knock(self) -> Knock:
        """Return what somebody at the door brings along."""
        return Knock(
            address=self.incoming.address,
            agent=self.request.headers.get("user-agent", ""),
            session=self.jar.get(cookies.SESSION),
            device=self.jar.get(cookies.DEVICE),
            trusted=self.jar.get(cookies.TRUSTED),
            request=self.incoming.number,
            stays=self.form.whole("stay") == "yes",
        )

    @property
    def zone(self) -> ViewerZone:
        """Return the zone in which times are shown: the person's own, else the server's; and how they read them."""
        key = self.signed_in.user.time_zone if self.signed_in else self.house.settings.time_zone
        return viewer_zone(key, self.taste.manner)

    @property
    def taste(self) -> Taste:
        """Return how this person wants pages to look; the usual one where that cannot be read."""
        if self.read_taste is None:
            self.read_taste = self._taste() if self.signed_in else Taste()
        return self.read_taste

    def _taste(self) -> Taste:
        try:
            with self.house.services.store.reading() as tx:
                return taste_of(values(Reading(tx).of(self.user, TASTE)))
        except StoreError:
            # A page that says that the database does not answer must not need it.
            return Taste()

    @property
    def token(self) -> str:
        """Return the token that the forms of this page carry."""
        session = self.session if self.signed_in else None
        return csrf.token_for(self.house.form_key, session=session, visit=self.visit_mark)

    @property
    def visit_mark(self) -> str:
        """Return the mark of a browser that nobody is signed in with; it gets one with the answer if it has none."""
        if not self.new_visit:
            self.new_visit = self.jar.get(cookies.VISIT) or csrf.new_visit()
        return self.new_visit

    @property
    def wants_json(self) -> bool:
        """Tell whether the answer goes to a program."""
        if self.is_api:
            return True
        accepted = self.request.headers.get("accept", "")
        return "application/json" in accepted and "text/html" not in accepted

    def number(self, name: str) -> int:
        """Return a number of the path; one that no store could hold is not found."""
        number = int(self.request.path_params[name])
        if number >= 1 << 63:
            raise Refusal("not_found")
        return number

    def require(self, permission: Permission) -> None:
        """Refuse somebody who lacks a further permission. Raises `Denied`."""
        if not may(self.identity, permission):
            raise Denied("this role may not do this")

    def show(self, page: ViewModel, *, status: int = 200) -> Response:
        """Answer with a page; one that is open already gets the parts it takes over."""
        parts_only = self.request.headers.get("hx-request-type") == "partial"
        response = HTMLResponse(render(page, parts_only=parts_only), status)
        if self.signed_in is None and self.new_visit and self.new_visit != self.jar.get(cookies.VISIT):
            self.jar.put(response, cookies.VISIT, self.new_visit)
        if self.jar.get(cookies.NOTE):
            self.jar.drop(response, cookies.NOTE)
        return response

    def go(self, where: str, *, notice: Notice | None = None, status: int = 303) -> Response:
        """Answer with the way to another page of ours, and a message to be shown there."""
        response = RedirectResponse(where, status)
        if notice is not None:
            sealed = notes.seal(self.house.note_key, notice, self.session)
            self.jar.put(response, cookies.NOTE, sealed, seconds=notes.SECONDS)
        return response

    def lead(self, where: str, *, notice: Notice) -> Response:
        """Answer with the way to a page other than the one the form was on.

        A script that takes answers over in place would show that page under the wrong address; it is told to go there.
        """
        response = self.go(where, notice=notice)
        if "hx-request" in self.request.headers:
            response.status_code = 200
            response.headers["HX-Redirect"] = where
            del response.headers["location"]
        return response

    def back(self, usual: str, *, notice: Notice | None = None) -> Response:
        """Answer with the way back to the page that the form was on."""
        return self.go(safe_path(self.form.whole("back"), self.links, usual), notice=notice)


def safe_path(wanted: str, links: Links, usual: str) -> str:
    """Return `wanted` if it is a plain path of this site, else `usual`: nobody is sent elsewhere, or signed out."""
    if not wanted or len(wanted) > _MOST_PATH or not wanted.isprintable() or not wanted.isascii():
        return usual
    if not wanted.startswith("/") or wanted.startswith("//") or set(wanted) & set('\\<>" ^`{}|'):
        return usual
    parts = urlsplit(wanted)
    root = links.root
    if parts.scheme or parts.netloc or "//" in parts.path or "%" in parts.path or "/." in parts.path:
        return usual
    if root and parts.path != root and not parts.path.startswith(f"{root}/"):
        return usual
    if parts.path in {links.to("logout"), links.to("login"), links.to("setup"), links.to("events")}:
        return usual
    return wanted


Handler = Callable[[Visit], Response]
