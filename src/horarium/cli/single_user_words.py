"""What the commands about moving in print. Names of variables, never values."""

from __future__ import annotations

from typing import Any

from horarium.adoption.single_user.journal import Journal, State, Step, last_step
from horarium.adoption.single_user.survey import Rows, Survey
from horarium.adoption.single_user.undo import Plan
from horarium.adoption.single_user.variables import Fate, Variable
from horarium.cli.terminal import say, tell
from horarium.cli.words import count_of
from horarium.store.applications import TableLook

_FATES = {
    Fate.SETTING: "stays, a setting of Horarium",
    Fate.LEFT: "stays, the application's",
}


def tell_survey(found: Survey) -> None:
    """Say what a move would do."""
    say(f"{found.env.path}: {count_of(len(found.variables), 'variable')}")
    width = max((len(each.name) for each in found.variables), default=0)
    for each in found.variables:
        say(f"  {each.name:<{width}}  {_fate(each)}")
    for group in found.groups:
        say(f"credential {group.name!r} of kind {group.kind}: {', '.join(group.fields)}")
    if found.rows is not None:
        _tell_rows(found.rows)
    what = "the rows; the credentials are the installation's" if found.for_installation else "all of this"
    if found.admin.id is None:
        say(f"administrator {found.admin.name!r}: would be made, and own {what}")
    else:
        say(f"administrator {found.admin.name!r}: is there, and would own {what}")
    say(f"SECRET_KEY: {'is set' if found.key_file is None else f'would be made, in {found.key_file}'}")
    for note in found.notes:
        tell(f"note: {note}")
    say(f"Nothing was changed. {'Add --apply to do it.' if found.has_work else 'Nothing is to be done.'}")


def tell_state(journal: Journal, *, is_news: bool = True) -> None:
    """Say where a move stands."""
    env = journal.facts["env"]
    if journal.state is State.MOVING:
        say(f"A move of {env} began at {journal.facts['started_at']} and was broken off{_after(journal)}.")
        say("Add --apply to go on, or take it back with `horarium adopt undo`.")
    elif journal.state is State.MOVED:
        say(f"Moved {env} in." if is_news else f"Nothing is to be done: {env} moved in at {journal.facts['moved_at']}.")
        if is_news:
            _tell_moved(journal)
    else:
        say(f"{standing_words(journal)}.")


def standing_words(journal: Journal) -> str:
    """Return what to do about a move that is not whole."""
    if journal.state is State.MOVING:
        return f"the move of {journal.facts['env']} was broken off{_after(journal)}: go on with --apply, or undo it"
    word = "undo" if journal.state is State.UNDOING else "finish"
    return f"the move of {journal.facts['env']} was left {journal.state.value}: call `horarium adopt {word}` once more"


def survey_shape(found: Survey) -> dict[str, Any]:
    """Return a survey for JSON."""
    rows = found.rows
    return {
        "state": None,
        "changed": False,
        "has_work": found.has_work,
        "env": str(found.env.path),
        "variables": [
            {
                "name": each.name,
                "fate": each.fate.value,
                "credential": each.credential or None,
                "field": each.field or None,
                "too_short": each.is_short,
            }
            for each in found.variables
        ],
        "credentials": [{"name": each.name, "kind": each.kind, "fields": dict(each.fields)} for each in found.groups],
        "admin": {"name": found.admin.name, "made": found.admin.id is None},
        "for_installation": found.for_installation,
        "secret_key": {"made": found.key_file is not None, "file": str(found.key_file) if found.key_file else None},
        "database": None if rows is None else _rows_shape(rows),
        "notes": list(found.notes),
    }


def state_shape(journal: Journal, *, changed: bool) -> dict[str, Any]:
    """Return for JSON where a move stands."""
    return {
        "state": journal.state.value,
        "changed": changed,
        "env": journal.facts["env"],
        "last_step": last_step(journal) or None,
        "started_at": journal.facts["started_at"],
        "moved_at": journal.facts.get("moved_at"),
        "admin": journal.facts["admin"]["name"],
        "credentials": [each["name"] for each in journal.facts["groups"]],
        "commented": list(journal.facts["moved"]),
        "rows": journal.of(Step.ROWS).get("rows", {}),
        "copies": str(journal.folder),
    }


def tell_plan(planned: Plan, journal: Journal, *, is_refused: bool) -> None:
    """Say what undoing would do."""
    for path in _given_back(planned, journal):
        say(f"{path} would be given back as it was before the move.")
    if planned.credentials:
        say(f"Would be erased from the vault: {', '.join(planned.credentials)}.")
    if planned.sealed:
        say(
            f"SECRET_KEY would stay: {count_of(planned.sealed, 'other set of values', 'other sets of values')} need it."
        )
    for each in planned.lost:
        say(f"Would be lost: {each}.")
    if is_refused:
        say("Undo would refuse: `--force` puts the present files aside, `--keep-database` leaves the database alone.")
    say("Nothing was changed.")


def plan_shape(planned: Plan, journal: Journal, *, is_refused: bool) -> dict[str, Any]:
    """Return for JSON what undoing would do."""
    return {
        "files": _given_back(planned, journal),
        "credentials": list(planned.credentials),
        "lost": list(planned.lost),
        "keeps_key": bool(planned.sealed),
        "refused": is_refused,
        "dry_run": True,
    }


def _given_back(planned: Plan, journal: Journal) -> list[str]:
    database = journal.facts["database"]
    env = [str(journal.facts["env"])] if planned.env else []
    return [*env, str(database["path"])] if planned.database and database else env


def _fate(variable: Variable) -> str:
    if variable.fate is Fate.MOVED:
        return f"to the vault, {variable.credential!r} {variable.field}; the line becomes a comment"
    if variable.fate is Fate.COPIED:
        return f"to the vault, {variable.credential!r} {variable.field}; stays, since Horarium reads it as well"
    return _FATES[variable.fate]


def _tell_rows(rows: Rows) -> None:
    say(f"{rows.path}: {count_of(len(rows.tables), 'table')}, {count_of(sum(t.rows for t in rows.tables), 'row')}")
    width = max((len(each.name) for each in rows.tables), default=0)
    for each in rows.tables:
        say(f"  {each.name:<{width}}  {count_of(each.rows, 'row')}; {_table_words(each, rows)}")


def _table_words(table: TableLook, rows: Rows) -> str:
    if table.name in rows.left:
        return "left as it is"
    if table not in rows.wanting:
        return "each has an owner"
    added = "" if table.owner_column else f"gets the column {rows.owner_column}; "
    return f"{added}{table.unowned:,} without an owner get one"


def _rows_shape(rows: Rows) -> dict[str, Any]:
    return {
        "path": str(rows.path),
        "owner_column": rows.owner_column,
        "tables": [
            {
                "name": each.name,
                "rows": each.rows,
                "without_owner": each.unowned,
                "has_column": each.owner_column is not None,
                "left": each.name in rows.left,
            }
            for each in rows.tables
        ],
    }


def _after(journal: Journal) -> str:
    return f" after the step {last_step(journal)!r}" if last_step(journal) else " before its first step was done"


def _tell_moved(journal: Journal) -> None:
    facts = journal.facts
    made = journal.of(Step.ADMIN).get("made")
    say(f"{'Made the' if made else 'The'} administrator {facts['admin']['name']}{'' if made else ' owns it'}.")
    if journal.of(Step.KEY).get("made"):
        say(f"Wrote a fresh SECRET_KEY into {facts['key_file']}. Keep a copy of it.")
    if facts["groups"]:
        say(f"In the vault, opened and compared: {', '.join(each['name'] for each in facts['groups'])}.")
    if facts["database"] is not None:
        rows = sum(journal.of(Step.ROWS).get("rows", {}).values())
        say(f"{facts['database']['path']}: {count_of(rows, 'row')} got an owner; all were counted again.")
    if facts["moved"]:
        say(f"{facts['env']}: {count_of(len(facts['moved']), 'variable')} became comments.")
    say(f"The originals are kept in {journal.folder}, and the comments hold the old values, until you call")
    say("`horarium adopt finish`; until then `horarium adopt undo` gives them back.")
