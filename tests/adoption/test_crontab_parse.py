"""Crontabs are read as Debian's cron reads them, and each line that is not is told by its number."""

from __future__ import annotations

import secrets

import pytest

from horarium.adoption.crontab import Crontab, Weight, decode_crontab, parse_crontab
from horarium.adoption.crontab.parse import split_percent
from horarium.errors import InvalidValue


def read(text: str, *, has_users: bool = False) -> Crontab:
    return parse_crontab(text, has_users=has_users)


def sentences(crontab: Crontab, weight: Weight) -> list[tuple[int, str]]:
    return [(each.line, each.sentence) for each in crontab.findings if each.weight is weight]


def test_a_line_has_five_fields_and_a_command_that_reaches_to_its_end() -> None:
    crontab = read("*/5  1-3\t1,15 * mon-fri   /bin/echo  'a  b' # no comment here\n")
    (entry,) = crontab.entries
    assert entry.schedule.text == "*/5 1-3 1,15 * mon-fri"
    assert entry.command == "/bin/echo  'a  b' # no comment here"
    assert (entry.user, entry.stdin, entry.shell, entry.line) == (None, None, "/bin/sh", 1)
    assert crontab.findings == ()


def test_with_a_user_column_the_word_after_the_schedule_is_the_account() -> None:
    crontab = read("17 *\t* * *\troot    cd / && run-parts /etc/cron.hourly\n@daily www-data x\n", has_users=True)
    assert [(entry.user, entry.command) for entry in crontab.entries] == [
        ("root", "cd / && run-parts /etc/cron.hourly"),
        ("www-data", "x"),
    ]


@pytest.mark.parametrize("macro", ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"])
def test_the_named_schedules_are_taken(macro: str) -> None:
    (entry,) = read(f"{macro} x y\n").entries
    assert (entry.schedule.text, entry.command) == (macro, "x y")


def test_reboot_is_left_out_with_the_reason_in_both_layouts() -> None:
    for text, has_users in (("@reboot /bin/x -a\n", False), ("@reboot root /bin/x -a\n", True)):
        crontab = read(text, has_users=has_users)
        assert crontab.entries == ()
        ((line, sentence),) = sentences(crontab, Weight.LEFT_OUT)
        assert line == 1
        assert sentence.startswith("@reboot is not taken: it is no time")
        assert "'/bin/x -a'" in sentence


def test_variables_hold_from_their_line_on() -> None:
    crontab = read("0 1 * * * a\nX=1\n0 2 * * * b\nX=2\nY = two words  \n0 3 * * * c\n")
    assert [dict(entry.env) for entry in crontab.entries] == [{}, {"X": "1"}, {"X": "2", "Y": "two words"}]


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("A=b", "A", "b"),
        ("  A =  b c \t", "A", "b c"),
        ('A="  kept  "', "A", "  kept  "),
        ("A='it is \"so\"'", "A", 'it is "so"'),
        ('"A"="b"', "A", "b"),
        ("A=", "A", ""),
        ('A=""', "A", ""),
        ("A=b # not a comment", "A", "b # not a comment"),
        ("A=b=c", "A", "b=c"),
        ("A=b'c", "A", "b'c"),
    ],
)
def test_a_variable_is_read_with_the_quotes_of_crontab_5(line: str, name: str, value: str) -> None:
    crontab = read(f"{line}\n0 0 * * * x\n")
    assert dict(crontab.entries[0].env) == {name: value}
    assert not sentences(crontab, Weight.BAD)


def test_nothing_in_a_variable_is_expanded_and_that_is_said() -> None:
    crontab = read("PATH=$HOME/bin:$PATH\n0 0 * * * x\n")
    assert crontab.entries[0].env["PATH"] == "$HOME/bin:$PATH"
    ((line, sentence),) = sentences(crontab, Weight.NOTE)
    assert line == 1
    assert "nothing is expanded" in sentence


def test_shell_decides_who_reads_the_command_and_cron_s_own_variables_do_not_reach_it() -> None:
    text = (
        'SHELL=/bin/bash\nMAILTO=ops@example.org\nHOME=/srv\nLOGNAME=me\n0 0 * * * x\nSHELL=\nMAILTO=""\n0 1 * * * y\n'
    )
    crontab = read(text)
    assert [entry.shell for entry in crontab.entries] == ["/bin/bash", "/bin/sh"]
    assert [dict(entry.env) for entry in crontab.entries] == [{"HOME": "/srv"}] * 2
    assert sentences(crontab, Weight.NOTE) == [(2, "output is kept with the runs; no mail goes to ops@example.org")]
    assert [line for line, _ in sentences(crontab, Weight.LEFT_OUT)] == [4]


def test_cron_tz_moves_the_lines_below_it_until_it_is_taken_back() -> None:
    crontab = read("0 1 * * * a\nCRON_TZ=Asia/Tokyo\n0 1 * * * b\nCRON_TZ=\n0 1 * * * c\nCRON_TZ=Mars/Base\n")
    assert [entry.timezone for entry in crontab.entries] == [None, "Asia/Tokyo", None]
    assert sentences(crontab, Weight.BAD) == [(6, "CRON_TZ 'Mars/Base' is no name of the IANA time zone list")]


@pytest.mark.parametrize(
    ("raw", "command", "stdin"),
    [
        ("echo a", "echo a", None),
        (r"date +\%d", "date +%d", None),
        ("mail joe%Joe,%%Where are you?%", "mail joe", "Joe,\n\nWhere are you?\n"),
        ("cat%one line", "cat", "one line\n"),
        (r"cat%50\% off%end", "cat", "50% off\nend\n"),
        ("cat%", "cat", ""),
        (r"sed 's/\s*\(a\)/\1/'", r"sed 's/\s*\(a\)/\1/'", None),
        (r"a \\% b", "a \\\\", " b\n"),
        (r"cat%a\b\\c\\", "cat", "a\\b\\\\c\\\\\n"),
    ],
)
def test_percent_signs_become_what_cron_makes_of_them(raw: str, command: str, stdin: str | None) -> None:
    assert split_percent(raw) == (command, stdin)
    (entry,) = read(f"0 0 * * * {raw}\n").entries
    assert (entry.command, entry.stdin, entry.raw_command) == (command, stdin, raw)


def test_the_comment_right_above_a_line_belongs_to_it_and_one_above_a_blank_line_does_not() -> None:
    crontab = read("# of the file\n\n# first\n#  second\n0 0 * * * a\n0 1 * * * b\n# lost\n\n0 2 * * * c\n")
    assert [entry.comment for entry in crontab.entries] == ["first\nsecond", "", ""]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("61 * * * * x", "minute"),
        ("* * 31 2 * x", "never"),
        ("*/0 * * * * x", "0"),
        ("0 0 * * * ", "no command"),
        ("@daily", "no command"),
        ("@fortnightly x", "@fortnightly"),
        ("hello", "hello"),
        ("0 0 * *", "field"),
        ("-*/5 * * * * x", "leading -"),
        ("A='open", "do not match"),
        ('A="b" c', "do not match"),
        ("1A=b", "no name"),
        ("0 0 * * * %input", "percent"),
    ],
)
def test_a_bad_line_is_told_by_its_number_and_the_rest_goes_on(line: str, part: str) -> None:
    crontab = read(f"0 1 * * * before\n{line}\n0 2 * * * after\n")
    assert [entry.command for entry in crontab.entries] == ["before", "after"]
    ((number, sentence),) = sentences(crontab, Weight.BAD)
    assert number == 2
    assert part in sentence
    assert "\n" not in sentence


def test_a_line_without_an_account_where_one_belongs_is_bad() -> None:
    crontab = read("0 0 * * * /usr/bin/x\n0 0 * * *\n", has_users=True)
    assert [line for line, _ in sentences(crontab, Weight.BAD)] == [1, 2]


def test_line_ends_of_windows_and_a_missing_last_one_are_taken_with_a_note() -> None:
    crontab = read("X=1\r\n0 0 * * * a\r\n0 1 * * * b")
    assert [(entry.command, dict(entry.env)) for entry in crontab.entries] == [("a", {"X": "1"}), ("b", {"X": "1"})]
    assert [line for line, _ in sentences(crontab, Weight.NOTE)] == [0, 3]


def test_a_backslash_at_the_end_does_not_join_lines() -> None:
    crontab = read("0 0 * * * a \\\n  && b\n")
    assert crontab.entries[0].command == "a \\"
    assert [line for line, _ in sentences(crontab, Weight.NOTE)] == [1]
    assert [line for line, _ in sentences(crontab, Weight.BAD)] == [2]


def test_what_can_be_no_crontab_is_refused_without_showing_it() -> None:
    canary = secrets.token_hex(8).encode()
    assert decode_crontab(b"\xef\xbb\xbf# x\n") == "# x\n"
    for content in (canary + b"\xff", canary + b"\0", canary * 70_000):
        with pytest.raises(InvalidValue) as caught:
            decode_crontab(content)
        assert canary.decode() not in str(caught.value)


def test_an_empty_file_and_one_of_comments_make_nothing() -> None:
    for text in ("", "\n", "# only\n# comments\n", "   \n\t\n"):
        assert read(text) == Crontab((), (), has_users=False)
