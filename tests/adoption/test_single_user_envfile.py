"""A `.env` file stays what it is to the byte but for the lines that are meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.adoption.single_user.envfile import EnvFile
from horarium.adoption.single_user.files import Belongings, replace_file
from horarium.config.dotenv import parse_dotenv
from horarium.errors import InvalidValue
from tests.support.places import ordinary_account

TEXT = st.lists(
    st.tuples(
        st.sampled_from(["A=1", "export A='x y'", '  A="q" # why', "B=2", "# A=0", "", "   ", "C=", "A=\u00e4"]),
        st.sampled_from(["\n", "\r\n", "\r"]),
    ).map("".join),
    max_size=12,
).map("".join)


def of(text: str) -> EnvFile:
    return EnvFile(Path("x.env"), text.encode(), Belongings.of_new())


@given(TEXT, st.sampled_from(["", "\ufeff"]))
def test_commenting_out_touches_no_other_line_and_leaves_no_value(text: str, mark: str) -> None:
    before = of(mark + text)
    after = before.commented({"A"})
    assert "A" not in after.values
    assert {name: value for name, value in before.values.items() if name != "A"} == dict(after.values)
    old = text.splitlines(keepends=True)
    new = after.content.decode().removeprefix("\ufeff").splitlines(keepends=True)
    lines = before.lines_of("A")
    assert new == [f"# {line}" if number in lines else line for number, line in enumerate(old, start=1)]
    assert after.content.decode().startswith(mark)
    assert before.commented(set()).content == before.content


@given(TEXT)
def test_emptied_comments_keep_names_and_no_values(text: str) -> None:
    before = of(text)
    after = before.commented({"A"}).emptied({"A"}, before)
    assert len(after.content.decode().splitlines()) == len(text.splitlines())
    for number in before.lines_of("A"):
        assert after.content.decode().splitlines()[number - 1] == "# A="


@given(TEXT)
def test_a_line_more_stands_at_the_end_in_the_way_of_the_file(text: str) -> None:
    after = of(text).with_line("KEY", "v")
    assert after.values["KEY"] == "v"
    assert after.content.decode().startswith(text)
    assert not parse_dotenv(after.content.decode()).bad_lines


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_ends_are_those_of_the_file(end: str) -> None:
    assert of(f"A=1{end}B=2").with_line("KEY", "v").content.decode() == f"A=1{end}B=2{end}KEY=v{end}"


def test_what_it_shows_of_itself_is_no_value() -> None:
    found = of("A=hidden-value\n")
    assert "hidden" not in repr(found) + repr(found.assignments)


def test_a_file_is_replaced_whole_with_rights_and_time_or_not_at_all(tmp_path: Path) -> None:
    path, spare = tmp_path / "x", tmp_path / ".x.spare"
    path.write_bytes(b"old")
    os.chown(path, *ordinary_account())
    path.chmod(0o640)
    before = Belongings.of(path)
    spare.write_bytes(b"left by a killed one")
    replace_file(path, b"new", before, spare)
    assert path.read_bytes() == b"new"
    assert Belongings.of(path) == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x"]


LONG = "A=\"first line\nKEY=no variable\n\nlast # part\" # a key\nB=1\nC='one\ntwo'\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_of_several_lines_is_one_value_and_becomes_comments_as_a_whole(end: str) -> None:
    before = of(LONG.replace("\n", end))
    assert before.values == {"A": "first line\nKEY=no variable\n\nlast # part", "B": "1", "C": "one\ntwo"}
    assert [list(each.lines) for each in before.assignments] == [[1, 2, 3, 4], [5], [6, 7]]
    after = before.commented({"A", "C"})
    assert dict(after.values) == {"B": "1"}
    lines = after.content.decode().split(end)
    assert [line[:1] for line in lines] == ["#", "#", "#", "#", "B", "#", "#", ""]
    emptied = after.emptied({"A", "C"}, before)
    assert emptied.content.decode() == "# A=\n#\n#\n#\nB=1\n# C=\n#\n".replace("\n", end)


def test_only_the_comments_of_the_move_are_emptied() -> None:
    before = of('A="one\ntwo"\n')
    after = of('# two"\n# A="one\n# other\n# A="one\n# two"\n')
    assert after.emptied({"A"}, before).content.decode() == '# two"\n# A="one\n# other\n# A=\n#\n'


TEXTS = st.text(st.sampled_from("ab =#'\"\\\n\r\t$"), max_size=60)


@given(TEXTS)
def test_any_text_is_read_and_each_line_is_said_once(text: str) -> None:
    found = parse_dotenv(text)
    said = [number for each in found.assignments for number in each.lines] + found.bad_lines
    assert len(said) == len(set(said))
    assert all(1 <= number <= len(text.splitlines()) for number in said)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ('A="open\nB=2\n', [1]),
        ("A='open\nB=2\n", [1]),
        ('A="one\ntwo" three\nB=2\n', [1, 2]),
        ('A="x" y\nB=2\n', [1]),
    ],
)
def test_a_quote_that_is_not_closed_is_named_by_its_line_and_hides_nothing_behind_it(text: str, bad: list[int]) -> None:
    found = parse_dotenv(text)
    assert found.bad_lines == bad
    assert found.values == {"B": "2"}
    with pytest.raises(InvalidValue, match=f"line(s)? {', '.join(map(str, bad))}: write NAME=value, and close each"):
        of(text).refuse_unfit("--env")
