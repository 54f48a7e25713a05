"""Find out whether a task or a check can belong somewhere, and keep that so until it does."""

from __future__ import annotations

from horarium.errors import InvalidValue
from horarium.records.reach import Place
from horarium.store.port import Transaction


def hold_place(tx: Transaction, place: Place) -> None:
    """Hold the person and the project of a place, so that neither leaves before `tx` ends.

    Whoever holds tasks as well does this first. Raises `InvalidValue` for a person without an open account and for a
    project that is not there.
    """
    if place.owner_id is None and place.project_id is None:
        return
    from horarium.store.books.people import PeopleBook  # noqa: PLC0415
    from horarium.store.books.projects import ProjectBook  # noqa: PLC0415

    if place.owner_id is not None:
        owner = PeopleBook(tx).by_id(place.owner_id, lock=True)
        if owner is None or not owner.is_enabled:
            raise InvalidValue("owner", place.owner_id, "use the number of somebody whose account is open")
    if place.project_id is not None and ProjectBook(tx).get(place.project_id, lock=True) is None:
        raise InvalidValue("project", place.project_id, "use the number of a project")
