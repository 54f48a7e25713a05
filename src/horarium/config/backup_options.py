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
    Option(
        "HORARIUM_BACKUP_COPY",
        "backup_copy",
        values.as_text(500),
        "",
        "use a folder, s3://bucket/prefix, s3+https://host/bucket/prefix or sftp://host/path",
        "Where a copy of each backup goes besides; what did not get there is tried again with the next one.",
    ),
    Option(
        "HORARIUM_BACKUP_COPY_CREDENTIAL",
        "backup_copy_credential",
        values.as_text(100),
        "",
        "use the name of a credential of the installation",
        "The credential in the vault that opens that place: of the kind S3 store, SSH key, or user and password.",
    ),
    Option(
        "HORARIUM_BACKUP_COPY_HOST_KEY",
        "backup_copy_host_key",
        values.as_text(200),
        "",
        "use a fingerprint such as SHA256:…, as `ssh-keygen -lf` shows it",
        "The key by which the machine behind an sftp address is known; any other is refused.",
    ),
)
