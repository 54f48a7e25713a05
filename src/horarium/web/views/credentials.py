"""Say what the pages about credentials show: the list, one of them, the forms for its values, and its removal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from horarium.web.views.parts import NO_FILTERS, ONE_PAGE, FilterBar, Pager, Tab, TaskName
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a credential stands, in a word: the outcome of its test, or what keeps runs from getting it."""

    status: Status
    words: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """A date of a credential with what it means: `tone` is empty, warn or bad, `words` say more than the date."""

    at: datetime | None
    tone: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRow:
    """A credential in the list; `people` are the names of those it was granted to, `others` how many beside them.

    `may_test` shows the button for it, `may_replace` and `owns` the entries of the menu. `removed_at` is when it was
    removed and can still be restored from.
    """

    id: int
    name: str
    kind: str
    icon: str
    owner: str
    mark: Mark
    tasks: int
    used: datetime | None
    expires: Age
    replaced: Age
    people: tuple[str, ...] = ()
    others: str = ""
    may_test: bool = False
    may_replace: bool = False
    owns: bool = False
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A credential whose values should be replaced: how old they are, and what its rule says."""

    id: int
    name: str
    days: int
    rule: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsPage:
    """The list of credentials in one view; `sealed` says why nothing in the vault can be opened, empty if it can.

    `overdue` is the one to replace first, of `overdue_many`. `removed` is the view of what was removed.
    """

    template: ClassVar[str] = "credentials.html"

    shell: Shell
    rows: tuple[CredentialRow, ...]
    total: int
    tabs: tuple[Tab, ...] = ()
    filters: FilterBar = NO_FILTERS
    pager: Pager = ONE_PAGE
    back: str = ""
    sealed: str = ""
    overdue: Overdue | None = None
    overdue_many: int = 0
    removed: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInput:
    """One value in a form. A secret is never filled in; `is_set` says that there is one that would be replaced."""

    name: str
    label: str
    hint: str
    value: str = ""
    secret: bool = False
    required: bool = False
    lines: bool = False
    is_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KindChoice:
    """A kind to choose, with the fields that it has; a `free` one takes names of one's own."""

    value: str
    label: str
    hint: str
    icon: str
    fields: tuple[FieldInput, ...]
    on: bool = False
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedValues:
    """What a test of typed values came to; `held` is the sealed form that saves them, empty where there is none."""

    status: Status
    title: str
    text: str
    held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFormPage:
    """The form for a new credential, or with an `id` the one by which its values are replaced.

    `own_names` are the names of own values; `values` what was sent, without secrets, `errors` what was wrong, by field.
    `may_choose_owner` lets administrators save for the installation. `tried` is there after a test.
    """

    template: ClassVar[str] = "credential_form.html"

    shell: Shell
    kinds: tuple[KindChoice, ...]
    own_names: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    may_choose_owner: bool = False
    id: int | None = None
    name: str = ""
    version: int = 0
    back: str = ""
    tried: TriedValues | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """A value as it may be shown: an open one as text, of a secret one only when it was set."""

    label: str
    text: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version: who made it and when, its mark, and whether its values are there."""

    number: int
    mark: str
    by: str
    at: datetime
    is_present: bool
    is_kept: bool
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """Somebody or something that may use a credential; `there` is where that has a page, empty where it has none."""

    id: int
    subject: str
    name: str
    words: str
    person: bool = False
    there: str = ""
    until: datetime | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """One time that a credential was opened. Without a `task` it is one that the reader does not see, or a test.

    `who` is the person for whom it was opened, or who tested; `closed` is None while it is open.
    """

    id: int
    at: datetime
    words: str
    who: str
    version: int
    task: TaskName | None = None
    run: int | None = None
    attempt: int | None = None
    seconds: float | None = None
    closed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialPage:
    """One credential. `owns` shows the forms, `may_replace` the ways to new values and to a test.

    `per_day` counts its uses on each of the last 30 days, the last one today.

    Fields about it: name, note, hosts, expires, rotate; for a grant: to, who, replace, until; for another owner: heir,
    installation, which `may_choose_owner` lets administrators tick. `untestable` says why there is no button for a
    test, `goes_at` from when on it is erased for want of use, None for one that stays. `edit` are the texts that its
    form shows, `values` and `errors` what was sent.
    """

    template: ClassVar[str] = "credential.html"

    shell: Shell
    id: int
    name: str
    kind: str
    icon: str
    owner: str
    note: str
    mark: Mark
    version: int
    fingerprint: str
    saved_at: datetime
    saved_by: str
    fields: tuple[ValueRow, ...]
    hosts: tuple[str, ...]
    expires: Age
    replaced: Age
    rule: int | None
    test_words: str = ""
    untestable: str = ""
    versions: tuple[VersionRow, ...] = ()
    grants: tuple[GrantRow, ...] = ()
    uses: tuple[UseRow, ...] = ()
    uses_pager: Pager = ONE_PAGE
    per_day: tuple[int, ...] = ()
    tasks: tuple[TaskName, ...] = ()
    task_count: int = 0
    owns: bool = False
    knows: bool = False
    may_replace: bool = False
    is_removed: bool = False
    is_stopped: bool = False
    goes_at: datetime | None = None
    may_choose_owner: bool = False
    edit: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRemovalPage:
    """The form by which a credential is removed: `word` has to be typed; `tasks` are those that get it now."""

    template: ClassVar[str] = "credential_remove.html"

    shell: Shell
    id: int
    name: str
    word: str
    tasks: tuple[TaskName, ...]
    task_count: int
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
