"""Make what a first start needs: the data folder and a secret key, both private to their owner."""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from horarium.config import Config, new_secret_key
from horarium.config.dotenv import dotenv_line
from horarium.config.secret_key import weakness
from horarium.errors import ConfigError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Founded:
    """What was made: the data folder, and the key in the `.env` file; False for what was there already."""

    data: Path
    env_file: Path
    made_data: bool
    made_key: bool

    @property
    def made_anything(self) -> bool:
        """Tell whether anything was missing."""
        return self.made_data or self.made_key


def found(config: Config, env_file: Path) -> Founded:
    """Make the data folder and a secret key where they are missing; what is there stays as it is.

    Raises `ConfigError` for a key that is there and weak, and for a place that may not be written.
    """
    if config.secret_key:
        reason = weakness(config.secret_key)
        if reason is not None:
            raise ConfigError(f"SECRET_KEY {reason}: take it out of {env_file.name} or the environment and try again")
    made_data = make_private_folder(config.data)
    made_key = not config.secret_key
    if made_key:
        _add_key(env_file)
    return Founded(config.data, env_file, made_data=made_data, made_key=made_key)


def make_private_folder(folder: Path) -> bool:
    """Make `folder` for its owner alone, or take other people's rights away; tell whether it is new."""
    try:
        is_new = not folder.exists()
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(PRIVATE_FOLDER)
    except OSError as error:
        raise ConfigError(f"HORARIUM_DATA {folder} cannot be made a folder of ours: {error.strerror}") from error
    return is_new


def _add_key(env_file: Path) -> None:
    """Add a fresh key to the file; a crash leaves the old file or the new one, never half of it."""
    try:
        text = env_file.read_text(encoding="utf-8") if env_file.exists() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        text += dotenv_line("SECRET_KEY", new_secret_key())
        fresh = env_file.with_name(f".{env_file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(env_file)
    except OSError as error:
        raise ConfigError(f"{env_file} cannot be written: {error.strerror}") from error
