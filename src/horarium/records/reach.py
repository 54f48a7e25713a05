"""What somebody can see: handed to every list and count, so that nothing else is ever read for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """To whom a task belongs: its owner, its project, the person it runs for (0: nobody in particular)."""

    owner_id: int | None = None
    project_id: int | None = None
    for_user_id: int = 0

    @property
    def is_shared(self) -> bool:
        """Tell whether it belongs to the installation as a whole."""
        return self.owner_id is None and self.project_id is None and self.for_user_id == 0


NOWHERE: Final = Place()
"""Where a task belongs about which nobody has said anything: to the installation."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The tasks that somebody can see, by their places.

    With `everything` all of them; else those of `user_id`, those of `projects`, and with `shared` those that belong to
    the installation as a whole.
    """

    everything: bool = False
    user_id: int = -1
    projects: tuple[int, ...] = ()
    shared: bool = False

    def covers(self, place: Place) -> bool:
        """Tell whether a task at this place is seen."""
        if self.everything:
            return True
        if place.for_user_id:
            return place.for_user_id == self.user_id
        if place.owner_id == self.user_id or place.project_id in self.projects:
            return True
        return self.shared and place.is_shared


EVERYTHING: Final = Reach(everything=True)
"""What programs and administrators see."""
