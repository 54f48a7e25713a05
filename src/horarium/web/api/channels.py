"""Channels: look at them, make, change, test, pause and remove them. Their secrets come in and never go out."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from horarium.notify.channel_desk import NAME_LIMIT, ChannelChanges, ChannelDesk, NewChannel
from horarium.records.credentials import Asker
from horarium.web.api.notice_shapes import ChannelShape, ChannelsShape, TryShape, channel_shape, try_shape
from horarium.web.api.routing import Asking
from horarium.web.pages.notices import INSTALLATION, asker_of
from horarium.web.visit import Visit

_BODY: Final = ConfigDict(extra="forbid", strict=True)
Values = Annotated[dict[str, Annotated[str, Field(max_length=4000)]], Field(max_length=20)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]


class ChannelBody(BaseModel):
    """What a channel is to be made of; without limits the usual ones hold."""

    model_config = _BODY

    name: Name
    kind: Annotated[str, Field(min_length=1, max_length=32)]
    values: Annotated[Values, Field(repr=False)]
    owner: Literal["me", "installation"] = "me"
    most_per_hour: int | None = None
    most_per_day: int | None = None


class ChannelPatch(BaseModel):
    """What is to be other about a channel; what is left out stays, of `values` secret ones that are left out, too."""

    model_config = _BODY

    name: Name | None = None
    values: Annotated[Values | None, Field(repr=False)] = None
    most_per_hour: int | None = None
    most_per_day: int | None = None


def list_channels(visit: Asking) -> ChannelsShape:
    """List the channels that are one's to keep, by name."""
    desk, asker = _desk(visit)
    return ChannelsShape(channels=[channel_shape(each) for each in desk.list(asker=asker)])


def add_channel(visit: Asking, body: ChannelBody) -> ChannelShape:
    """Make a channel; its secret values go into the vault."""
    desk, asker = _desk(visit)
    wanted = NewChannel(
        name=body.name,
        kind=body.kind,
        values=body.values,
        owner_id=INSTALLATION if body.owner == "installation" else visit.user.id,
        most_per_hour=body.most_per_hour,
        most_per_day=body.most_per_day,
    )
    return channel_shape(desk.add(wanted, asker=asker))


def get_channel(visit: Asking, channel_id: int) -> ChannelShape:
    """Show one channel."""
    desk, asker = _desk(visit)
    return channel_shape(desk.show(channel_id, asker=asker))


def change_channel(visit: Asking, channel_id: int, body: ChannelPatch) -> ChannelShape:
    """Change a channel; one that was disabled sends again once its values are sent."""
    desk, asker = _desk(visit)
    given = body.model_fields_set
    changes = ChannelChanges(
        name=body.name,
        values=body.values,
        most_per_hour=body.most_per_hour if "most_per_hour" in given else False,
        most_per_day=body.most_per_day if "most_per_day" in given else False,
    )
    return channel_shape(desk.change(channel_id, changes, asker=asker))


def test_channel(visit: Asking, channel_id: int) -> TryShape:
    """Send a test there now; answer with what came of it."""
    desk, asker = _desk(visit)
    return try_shape(desk.test(channel_id, asker=asker))


def pause_channel(visit: Asking, channel_id: int) -> ChannelShape:
    """Send nothing there until it is resumed; what is to be told waits."""
    desk, asker = _desk(visit)
    return channel_shape(desk.pause(channel_id, asker=asker))


def resume_channel(visit: Asking, channel_id: int) -> ChannelShape:
    """Let a paused or disabled channel send again."""
    desk, asker = _desk(visit)
    return channel_shape(desk.resume(channel_id, asker=asker))


def remove_channel(visit: Asking, channel_id: int) -> None:
    """Remove a channel, and what waits for it."""
    desk, asker = _desk(visit)
    desk.remove(channel_id, asker=asker)


def _desk(visit: Visit) -> tuple[ChannelDesk, Asker]:
    return visit.house.telling.channels, asker_of(visit)
