"""Settings: from the environment, a `.env` file and secret files into one frozen object."""

from __future__ import annotations

from horarium.config.loading import load_config, one_setting
from horarium.config.option import Option
from horarium.config.options import CATALOGUE, LATER
from horarium.config.secret_key import new_secret_key
from horarium.config.settings import Config

__all__ = ["CATALOGUE", "LATER", "Config", "Option", "load_config", "new_secret_key", "one_setting"]
