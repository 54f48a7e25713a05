"""Measurements of Horarium beside its peers; run by `script/bench`, never installed."""

from __future__ import annotations
