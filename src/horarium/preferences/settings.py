"""Read and change settings: a person's own, and what holds for the installation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import Conflict, InvalidValue, NotFound
from horarium.preferences.catalogue import STANDARD_GROUPS, TIME_ZONE, Catalogue, added_of, added_text, check_added
from horarium.preferences.reading import Reading, Rule, Standing, as_text, values
from horarium.preferences.setting import Setting
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.books.people import PeopleBook
from horarium.store.books.settings import SettingsBook
from horarium.store.port import EVERYBODY, Store, Transaction

PROGRAM: Final = Actor.of_code()
_AS_IT_IS: Final[Any] = object()


class Preferences:
    """The settings of one store. Every change is noted in the audit log; only what the catalogue knows is written."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._trail = Trail(store, clock)

    def register(self, application: str, settings: Iterable[Setting], *, actor: Actor = PROGRAM) -> None:
        """Add the settings of an application, instead of those that it added before; they stay, over restarts.

        A setting without a group stands in one of the application's name. What people had chosen of one that is gone
        is kept and means nothing until it is there again. Raises `InvalidValue` for a key that is taken.
        """
        if not application.strip() or len(application) > 60:
            raise InvalidValue("application", application, "use a name of at most 60 characters")
        own = tuple(each if each.group else replace(each, group=application) for each in settings)
        keys = [each.key for each in own]
        for key in keys:
            if keys.count(key) > 1:
                raise InvalidValue("key", key, "it is there twice")
        for each in own:
            if each.group in STANDARD_GROUPS:
                raise InvalidValue("group", each.group, "use another name: this one is Horarium's own")
        with self._store.transaction() as tx:
            book = SettingsBook(tx)
            before = dict(added_of(book.added()))
            after = {**before, application: own}
            if not own:
                del after[application]
            if after == before:
                return
            check_added(after)
            book.keep_added(added_text(after))
            about = About("settings", None, application)
            old, new = ({"settings": [each.key for each in some]} for some in (before.get(application, ()), own))
            self._trail.note(tx, actor, Action.SETTING_CHANGED, about, before=old, after=new)

    def catalogue(self) -> Catalogue:
        """Return all settings that there are."""
        with self._store.reading() as tx:
            return Reading(tx).catalogue

    def get(self, user_id: int, key: str, default: Any = None) -> Any:
        """Return what a setting comes to for a person; `default` where that is nothing.

        Raises `NotFound` for the person, `InvalidValue` for the setting.
        """
        with self._store.reading() as tx:
            value = Reading(tx).of(_found(tx, user_id), [key])[key].value
        return default if value is None else value

    def get_all(self, user_id: int) -> dict[str, Any]:
        """Return what all settings come to for a person. Raises `NotFound`."""
        return values(self.standing(user_id))

    def standing(self, user_id: int) -> dict[str, Standing]:
        """Return how all settings stand for a person. Raises `NotFound`."""
        with self._store.reading() as tx:
            return Reading(tx).of(_found(tx, user_id))

    def set(self, user_id: int, key: str, value: Any, *, actor: Actor = PROGRAM) -> None:
        """Set one setting of a person, as `update_bulk` does several."""
        self.update_bulk(user_id, {key: value}, actor=actor)

    def update_bulk(self, user_id: int, wanted: Mapping[str, Any], *, actor: Actor = PROGRAM) -> None:
        """Set several settings of a person: all of them or none.

        Raises `NotFound` for the person, `InvalidValue` for a setting that is not there or may not have this value,
        `Conflict` for one that is locked.
        """
        with self._store.transaction() as tx:
            user, reading = _found(tx, user_id, lock=True), Reading(tx)
            before = reading.of(user, list(wanted))
            checked = {key: reading.catalogue[key].checked(value) for key, value in wanted.items()}
            for each in before.values():
                _refuse_locked(each)
            fresh = {key: value for key, value in checked.items() if (True, value) != _choice(before[key])}
            for key, value in fresh.items():
                self._keep(tx, user_id, key, value)
            if fresh:
                self._note(tx, actor, user, values(before), checked)

    def reset(self, user_id: int, key: str | None = None, *, actor: Actor = PROGRAM) -> None:
        """Forget what a person chose, of one setting or of all; the zone of their account stays.

        Raises `NotFound` for the person, `InvalidValue` for the setting.
        """
        with self._store.transaction() as tx:
            user, reading = _found(tx, user_id, lock=True), Reading(tx)
            keys = list(reading.catalogue) if key is None else [reading.catalogue[key].key]
            before = values(reading.of(user, keys))
            if SettingsBook(tx).drop(user_id, keys):
                self._note(tx, actor, user, before, values(reading.of(user, keys)))

    def rules(self) -> dict[str, Rule]:
        """Return what holds for the installation, of each setting that is not an account's alone."""
        with self._store.reading() as tx:
            reading = Reading(tx)
            return {key: reading.rule(key) for key in reading.catalogue if key != TIME_ZONE}

    def set_for_all(self, key: str, value: Any, *, actor: Actor = PROGRAM) -> None:
        """Set what holds where a person chose nothing. Raises `InvalidValue`."""
        self._change_rules({key: (value, None)}, actor)

    def lock(self, key: str, *, locked: bool = True, actor: Actor = PROGRAM) -> None:
        """Lock a setting: what holds for the installation then holds for everybody; or release it.

        What people had chosen counts again once it is released. Raises `InvalidValue`.
        """
        self._change_rules({key: (_AS_IT_IS, locked)}, actor)

    def change_rules(self, wanted: Mapping[str, tuple[Any, bool]], *, actor: Actor) -> None:
        """Set value and lock of several settings for the installation: all of them or none. Raises `InvalidValue`."""
        self._change_rules(dict(wanted), actor)

    def _change_rules(self, wanted: dict[str, tuple[Any, bool | None]], actor: Actor) -> None:
        now = self._clock.micros()
        with self._store.transaction() as tx:
            reading, book = Reading(tx), SettingsBook(tx)
            for key, (value, locked) in wanted.items():
                rule = reading.rule(_shared(key))
                checked = rule.value if value is _AS_IT_IS else rule.setting.checked(value)
                locks = rule.is_locked if locked is None else locked
                if (checked, locks) == (rule.value, rule.is_locked):
                    continue
                kept = None if checked == rule.setting.default else as_text(checked)
                book.put_installation(key, kept, locked=locks, by=actor.words, now=now)
                about = About("setting", None, key)
                if checked != rule.value:
                    before, after = {key: rule.value}, {key: checked}
                    self._trail.note(tx, actor, Action.SETTING_CHANGED, about, before=before, after=after)
                if locks != rule.is_locked:
                    self._trail.note(tx, actor, Action.SETTING_LOCKED, about, after={"locked": locks})

    def _keep(self, tx: Transaction, user_id: int, key: str, value: Any) -> None:
        if key == TIME_ZONE:
            PeopleBook(tx).change(user_id, time_zone=value)
        else:
            SettingsBook(tx).put(user_id, key, as_text(value), now=self._clock.micros())

    def _note(
        self, tx: Transaction, actor: Actor, user: User, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        about = About("user", user.id, user.name)
        self._trail.note(tx, actor, Action.SETTING_CHANGED, about, before=before, after=after)


def _found(tx: Transaction, user_id: int, *, lock: bool = False) -> User:
    found = None if user_id == EVERYBODY else PeopleBook(tx).by_id(user_id, lock=lock)
    if found is None:
        raise NotFound(f"there is no user {user_id}")
    return found


def _shared(key: str) -> str:
    if key == TIME_ZONE:
        raise InvalidValue("setting", key, "each account has a zone of its own; there is none for the installation")
    return key


def _choice(standing: Standing) -> tuple[bool, Any]:
    return standing.is_own, standing.value


def _refuse_locked(standing: Standing) -> None:
    if standing.is_locked:
        raise Conflict(f"{standing.setting.key} is locked: an administrator has set it for everybody")
