"""The vault as the pages use it: what may be done there, for whoever is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from horarium.vault.credentials import Credentials
from horarium.vault.grants import Grants
from horarium.vault.trials import Trials
from horarium.vault.vault import Vault
from horarium.vault.versions import Versions
from horarium.web.services import Services


@dataclass(frozen=True, slots=True)
class Strongroom:
    """One vault with everything that can be done in it. Nothing here gives a saved secret back."""

    vault: Vault
    credentials: Credentials
    grants: Grants
    versions: Versions
    trials: Trials

    @classmethod
    def of(cls, services: Services) -> Self:
        """Return that of the pages."""
        settings = services.settings
        vault = services.vault or Vault(services.store, services.clock, secret=settings.secret_key)
        return cls(vault, Credentials(vault), Grants(vault), Versions(vault), Trials(vault, settings.outgoing))
