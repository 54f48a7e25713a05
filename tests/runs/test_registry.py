"""The registry finds functions by name and says why it cannot."""

from __future__ import annotations

import json
import os.path
import sys
from functools import partial
from pathlib import Path

import pytest

from horarium.errors import TargetNotLoadable
from horarium.records.tasks import PythonSpec
from horarium.runs.registry import Registry, target_of
from horarium.runs.targets import Targets


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
    registry = Registry(Targets(["json:dumps"]))
    assert registry.resolve(PythonSpec("json:dumps")) is json.dumps
    with pytest.raises(
        TargetNotLoadable, match="is not registered on this host: HORARIUM_TASK_MODULES names json:dump"
    ):
        registry.resolve(PythonSpec("not_allowed:f"))
    assert not mark.exists()


SHOP = """
import os
from json import loads
from os import system
from shop_of_tests import jobs

class Poll:
    def once(self): pass
    @classmethod
    def make(cls): pass

def run(): pass
"""


@pytest.mark.parametrize(
    ("target", "is_allowed"),
    [
        *(("shop_of_tests:run", True), ("shop_of_tests.jobs:run", True), ("shop_of_tests.jobs:Poll.make", True)),
        *(("shop_of_tests:Poll", True), ("json:dumps", True)),
        *(("os:system", False), ("builtins:eval", False), ("importlib:import_module", False), ("json:loads", False)),
        *(("shop_of_tests:os.system", False), ("shop_of_tests:system", False), ("shop_of_tests:loads", False)),
        *(("shop_of_tests:jobs.os.system", False), ("shop_of_tests:jobs.run", False), ("json.decoder:loads", False)),
        *(("shop_of_tests:Poll.__class__", False), ("shop_of_tests:run.__globals__.clear", False)),
        *(("shop_of_tests:__import__", False), ("shop_of_tests:__builtins__", False)),
        *(("shop_of_tests_too:run", False), ("shop_of_test:run", False), ("Shop_of_tests:run", False)),
        *(("shop_of_tests/../os:system", False), (" shop_of_tests:run", False), ("os:shop_of_tests", False)),
        *(("json:dumps.__call__", False), ("json:dumpsx", False)),
    ],
)
def test_r52_only_what_is_registered_and_nothing_that_looks_like_it(
    target: str, is_allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop_of_tests").mkdir()
    for name in ("shop_of_tests/__init__.py", "shop_of_tests/jobs.py", "shop_of_tests_too.py"):
        (tmp_path / name).write_text(SHOP.replace("from shop_of_tests import jobs", "") if "jobs" in name else SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("shop_of_tests")]:
        monkeypatch.delitem(sys.modules, name)
    registry = Registry(Targets(["shop_of_tests", "json:dumps"]))
    if is_allowed:
        assert callable(registry.resolve(PythonSpec(target)))
    else:
        with pytest.raises(TargetNotLoadable, match="is not registered on this host"):
            registry.resolve(PythonSpec(target))


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
