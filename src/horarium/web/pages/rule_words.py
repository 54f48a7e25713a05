"""Rules in words, with the names that their reader may know."""

from __future__ import annotations

from collections.abc import Collection

from horarium.notify import rule_acts
from horarium.notify.rule_words import Naming, sentence
from horarium.records.telling import Rule
from horarium.store.port import Transaction
from horarium.web.pages.notices import asker_of
from horarium.web.visit import Visit


def naming_for(visit: Visit, tx: Transaction, rules: Collection[Rule]) -> Naming:
    """Return the names of what rules mention, as far as the person may know them."""
    return rule_acts.naming(tx, rules, asker=asker_of(visit), sends_mail=visit.house.settings.sends_mail)


def words_of(rule: Rule, naming: Naming) -> str:
    """Return a rule as a sentence."""
    words = sentence(rule, naming)
    return f"{words[:1].upper()}{words[1:]}"
