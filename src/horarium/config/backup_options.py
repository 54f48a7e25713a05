"""Settings of backups: where they lie, how they are kept, and where copies of them go. The host alone says these."""

from __future__ import annotations

from typing import Final

from horarium.config import values
from horarium.config.option import Option

_SWITCH: Final = "use on or off"
_COUNT: Final = "use a whole number from {} to 1000"

BACKUPS: Final[tuple[Option, ...]] = (
    Option(
        "HORARIUM_BACKUP_FOLDER",
        "backup_folder",
        values.as_folder,
        None,
        "use the path of a folder",
        "Where backups lie.",
        "`backups` beside the database file, else in the data folder",
    ),
    Option(
        "HORARIUM_BACKUP_KEEP",
        "backup_keep",
        values.as_count(1, 1000),
        14,
        _COUNT.format(1),
        "How many of the newest backups stay.",
    ),
    Option(
        "HORARIUM_BACKUP_KEEP_WEEKS",
        "backup_keep_weeks",
        values.as_count(0, 1000),
        8,
        _COUNT.format(0),
        "Of how many weeks the newest backup stays as well.",
    ),
    Option(
        "HORARIUM_BACKUP_KEEP_MONTHS",
        "backup_keep_months",
        values.as_count(0, 1000),
        6,
        _COUNT.format(0),
        "Of how many months the newest backup stays as well.",
    ),
    Option(
        "HORARIUM_BACKUP_COMPRESS",
        "backup_compress",
        values.as_switch,
        default=True,
        allowed=_SWITCH,
        sentence="Whether backups of SQLite are compressed; those of PostgreSQL always are.",
    ),
    Option(
        "HORARIUM_BACKUP_ENCRYPT",
        "backup_encrypt",
        values.as_switch,
        default=False,
        allowed=_SWITCH,
        sentence="Whether the whole file of a backup is encrypted.",
    ),
    Option(
        "HORARIUM_BACKUP_KEY",
        "backup_key",
        values.as_secret,
        None,
        "use 32 bytes or more from a random source",
        "What backups are encrypted with; without it a key that comes from `SECRET_KEY` serves.",
        secret=True,
    ),
)
