"""The registry finds functions by name and says why it cannot."""

from __future__ import annotations

import json
import os.path
from functools import partial
from pathlib import Path

import pytest

from horarium.errors import TargetNotLoadable
from horarium.records.tasks import PythonSpec
from horarium.runs.registry import Registry, target_of


def test_an_object_is_found_under_the_name_it_was_registered_with() -> None:
    registry = Registry()
    registry.register("here", len)
    assert registry.resolve(PythonSpec("here", local=True)) is len


def test_a_local_function_that_was_not_handed_over_is_not_looked_for_in_modules() -> None:
    with pytest.raises(TargetNotLoadable, match="has not been handed over"):
        Registry().resolve(PythonSpec("json:dumps", local=True))


def test_a_target_is_imported_with_a_dotted_path_behind_the_colon() -> None:
    registry = Registry()
    assert registry.resolve(PythonSpec("json:dumps")) is json.dumps
    assert registry.resolve(PythonSpec("pathlib:Path.cwd")) == Path.cwd


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module_here:f", "there is no module 'no_such_module_here'"),
        ("json.nothing:f", "there is no module 'json.nothing'"),
        ("json:nothing", "the module 'json' has nothing called 'nothing'"),
        ("json:__doc__", "the target 'json:__doc__' is not callable, it is of type str"),
        ("json.dumps", "is not of the form package.module:function"),
        (":f", "is not of the form package.module:function"),
        ("json:", "is not of the form package.module:function"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_its_reason(target: str, reason: str) -> None:
    with pytest.raises(TargetNotLoadable, match=reason):
        Registry().resolve(PythonSpec(target))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('no luck')", "raised ValueError: no luck"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
        ("import surely_not_installed", "raised ModuleNotFoundError: No module named 'surely_not_installed'"),
    ],
)
def test_a_module_that_fails_while_it_is_imported_gives_its_reason(
    source: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fails_at_import.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TargetNotLoadable, match=reason):
        Registry().resolve(PythonSpec("fails_at_import:f"))


def test_r52_a_target_that_is_not_allowed_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "imported"
    (tmp_path / "not_allowed.py").write_text(f"open({str(mark)!r}, 'w').close()\ndef f(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry(lambda target: target == "json:dumps")
    assert registry.resolve(PythonSpec("json:dumps")) is json.dumps
    with pytest.raises(TargetNotLoadable, match="is not registered on this host"):
        registry.resolve(PythonSpec("not_allowed:f"))
    assert not mark.exists()


def test_a_target_is_given_only_for_what_importing_finds_again() -> None:
    class Inner:
        def method(self) -> None:
            """Stand for any method."""

    assert target_of(json.dumps) == "json:dumps"
    assert target_of(json.JSONEncoder) == "json.encoder:JSONEncoder"
    assert target_of(Path.cwd) == "pathlib:Path.cwd"
    assert target_of(os.path.join) == "posixpath:join"
    assert target_of(lambda: None) is None
    assert target_of(Inner.method) is None
    assert target_of(json.JSONEncoder().encode) is None
    assert target_of(partial(json.dumps)) is None
