"""Gather settings from where they stand; say everything that is wrong with them at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from horarium.config.dotenv import parse_dotenv
from horarium.config.host import host_zone
from horarium.config.option import Option
from horarium.config.options import CATALOGUE, GIVEN_TO_RUNS
from horarium.config.settings import Config
from horarium.errors import ConfigError, nearest

ENV_FILE = "HORARIUM_ENV_FILE"
_SECRET_FILE_LIMIT = 64 * 1024


def load_config(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Config:
    """Read the settings from `environ` (default: of this process) and the `.env` file in `folder` (default: working).

    A variable of the environment wins over the same one in the file; an empty one counts as not set. Raises
    `ConfigError` that lists every problem, one sentence a line, naming variables and what is allowed, never a value.
    """
    real = os.environ if environ is None else environ
    problems: list[str] = []
    env_file, written = _read_env_file(real, Path.cwd() if folder is None else folder, problems)
    problems += _unknown(real, "the environment")
    problems += _unknown(written, str(env_file))
    settled: dict[str, Any] = {"env_file": env_file, "timezone": host_zone(real)}
    for option in CATALOGUE:
        text = _text_of(option, real, written, problems)
        if text is None:
            continue
        try:
            settled[option.field] = option.read(text)
        except ValueError:
            problems.append(f"{option.variable} is not understood: {option.allowed}")
    if problems:
        raise ConfigError("\n".join(problems))
    return Config(**settled)


def one_setting(variable: str) -> Any:
    """Return a single setting from where `load_config` finds it, whatever the others say; its default if it is not set.

    Raises `ConfigError` for a value that means nothing.
    """
    (option,) = (each for each in CATALOGUE if each.variable == variable)
    problems: list[str] = []
    # A program that embeds the library may keep a file of that name with lines that are none of ours.
    _, written = _read_env_file(os.environ, Path.cwd(), [])
    text = _text_of(option, os.environ, written, problems)
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return option.default if text is None else option.read(text)
    except ValueError:
        raise ConfigError(f"{variable} is not understood: {option.allowed}") from None


def _read_env_file(real: Mapping[str, str], folder: Path, problems: list[str]) -> tuple[Path | None, Mapping[str, str]]:
    asked_for = real.get(ENV_FILE, "")
    path = folder / (asked_for or ".env")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if asked_for:
            problems.append(f"{ENV_FILE} names a file that is not there: {path}")
        return None, {}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} cannot be read: {_why(error)}")
        return None, {}
    found = parse_dotenv(text)
    problems += [f"{path} line {number} is not understood: write NAME=value" for number in found.bad_lines]
    return path, found.values


def _text_of(option: Option, real: Mapping[str, str], written: Mapping[str, str], problems: list[str]) -> str | None:
    """Return the text of a setting from the first source that has it, or None."""
    in_file = option.variable + "_FILE"
    for source in (real, written):
        plain, secret_file = source.get(option.variable, ""), source.get(in_file, "")
        if plain and secret_file:
            problems.append(f"{option.variable} and {in_file} are both set: keep one of them")
            return None
        if plain:
            return plain.strip()
        if secret_file:
            return _read_secret(in_file, Path(secret_file), problems)
    return None


def _read_secret(variable: str, path: Path, problems: list[str]) -> str | None:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_SECRET_FILE_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{variable} names a file that cannot be read: {_why(error)}")
        return None
    text = text.strip()
    if not text or len(text) > _SECRET_FILE_LIMIT:
        problems.append(
            f"{variable} names a file that is {'too long' if text else 'empty'}: put the value alone into it"
        )
        return None
    return text


def _unknown(source: Mapping[str, str], where: str) -> list[str]:
    """Return a sentence for each variable of our prefix that means nothing; other programs' variables are theirs."""
    known = {option.variable for option in CATALOGUE} | {ENV_FILE, *GIVEN_TO_RUNS}
    known |= {f"{option.variable}_FILE" for option in CATALOGUE}
    sentences = []
    for name in sorted(source):
        if name.startswith("HORARIUM_") and name not in known:
            near = nearest(name, [each for each in known - {*GIVEN_TO_RUNS} if each.startswith("HORARIUM_")], most=1)
            hint = f": did you mean {near[0]}?" if near else ": docs/reference/settings.md lists them all"
            sentences.append(f"{name} in {where} is no setting of Horarium{hint}")
    return sentences


def _why(error: Exception) -> str:
    return (
        "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else os.strerror(getattr(error, "errno", 0) or 0)
    )
