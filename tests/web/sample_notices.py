"""Make the pages about notifications: channels, rules, messages, and the settings of what is told."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from horarium.notify.channels.kinds import KINDS
from horarium.notify.mailing import NO_MAIL
from horarium.notify.rule_words import FREQUENCIES, LABELS
from horarium.preferences.catalogue import ON_TELLING
from horarium.web.charts.spark import Bar
from horarium.web.pages.channel_form import USUAL, choice_of
from horarium.web.views.by_link import EndingPage
from horarium.web.views.channels import (
    ChannelCard,
    ChannelFormPage,
    ChannelPage,
    ChannelRemovalPage,
    ChannelsPage,
    ChannelState,
    MessageLine,
    RuleLine,
    Sample,
)
from horarium.web.views.messages import (
    MessagePage,
    MessageRow,
    MessagesPage,
    SnoozeRow,
    TopicRow,
    TryRow,
    WaitingRow,
)
from horarium.web.views.parts import Chip, Choice, FilterBar, FilterMenu, Pager, Tab
from horarium.web.views.preferences import Choice as Value
from horarium.web.views.preferences import Control, NoticesPage
from horarium.web.views.rules import Option, RuleFormPage, RuleList, RuleRow, RulesPage
from horarium.web.views.settings import Part
from horarium.web.views.shell import ViewModel
from horarium.web.views.status import Status
from tests.web.sample_parts import NOW, porch, shell
from tests.web.sample_people import admin_shell

LONG = "a-very-long-name-that-somebody-gave-a-channel-without-a-thought-of-those-who-read-it-in-a-narrow-card"
SAMPLE = Sample(title="Nightly backup failed", text="3 attempts, 7m 58s. The disk is full.", link="Open run 48213")
TABS = (
    Tab(label="Channels", href="/notifications", count=6, current=True),
    Tab(label="Rules", href="/notifications/rules"),
    Tab(label="Sent messages", href="/notifications/sent"),
)
GOOD = ChannelState(status="ok", words="last one", at=NOW - timedelta(minutes=6))
REFUSED = ChannelState(
    status="failed",
    words="refused since",
    at=NOW - timedelta(days=2),
    note="The link answers 410. It was removed in Teams.",
)
PAUSED = ChannelState(status="paused", words="paused by Sven Lindqvist", at=NOW - timedelta(days=3))
SHAKY = ChannelState(status="late", words="last one failed", at=NOW, note="There is no host of this name.")
NEW = ChannelState(status="queued", words="nothing was sent yet")
BARS = tuple(Bar("bad" if place % 7 == 5 else "retry" if place % 5 == 3 else "ok", 0.4 + place) for place in range(20))
STATES: tuple[tuple[Status, str, str], ...] = (
    ("ok", "Taken", "taken: 200"),
    ("failed", "Given up", "it answered 410"),
    ("queued", "Waiting", ""),
)
RULES = (
    RuleLine(id=3, words="If a task tagged “critical” fails 5 times in a row, tell Ops, once", is_on=True),
    RuleLine(id=4, words="If any task is late, tell Ops, every time", is_on=False),
)


def rich_notices() -> dict[str, ViewModel]:
    """Return each page with everything on it."""
    wrong = {"name": "Name “x”: there is a channel of this name.", "slack.url": "Webhook address: use an address."}
    return {
        "channels": ChannelsPage(shell=admin_shell(), tabs=TABS, cards=cards(), back="/notifications"),
        "channel-new": new_channel("slack", wrong),
        "channel-new-webhook": new_channel("webhook", {}),
        "channel": channel(),
        "channel-wrong": dataclasses.replace(
            channel(), errors={"telegram.chat": "Chat: use a number or @ and a name."}
        ),
        "channel-remove": ChannelRemovalPage(shell=admin_shell(), id=3, name=LONG, rules=RULES, waiting=4),
        "rules": RulesPage(shell=admin_shell(), tabs=TABS, lists=(rule_list("installation"), rule_list("me"))),
        "rule": rule_form(3),
        "rule-new": dataclasses.replace(
            rule_form(None),
            errors={
                "kind": "What happens: choose at least one thing.",
                "to": "Then tell: choose at least one.",
                "task": "Task “x”: there is none.",
                "every_minutes": "Minutes “x”: use minutes.",
            },
        ),
        "messages": messages(),
        "message": message(),
        "settings-notices": settings(),
        "unsubscribe": ending(),
    }


def empty_notices() -> dict[str, ViewModel]:
    """Return the same on the first day, and as others see them."""
    bare = dataclasses.replace(
        messages(),
        rows=(),
        waiting=(),
        waiting_many=0,
        muted=(),
        snoozes=(),
        filters=FilterBar(),
        pager=Pager(),
        errors={},
    )
    return {
        "channels-first": ChannelsPage(shell=shell(), tabs=TABS, cards=(), back="/notifications"),
        "channel-new-none": dataclasses.replace(new_channel("slack", {}), kinds=(), may_choose_owner=False),
        **{
            f"channel-{card.state.status}": dataclasses.replace(channel(), card=card, errors={})
            for card in cards()
            if card.state.status != "ok"
        },
        "channel-saved": dataclasses.replace(channel(), is_new=True, messages=(), rules=(), errors={}),
        "channel-remove-unused": ChannelRemovalPage(shell=admin_shell(), id=3, name="Ops"),
        "rules-own-none": RulesPage(
            shell=shell(), tabs=TABS, lists=(dataclasses.replace(rule_list("me"), rows=()),), has_channels=False
        ),
        "rule-own": dataclasses.replace(rule_form(None), is_own=True, projects=(), errors={}),
        "messages-first": dataclasses.replace(bare, channels=(), may_for_all=False),
        "messages-no-match": dataclasses.replace(messages(), rows=()),
        "messages-earlier-none": dataclasses.replace(bare, pager=Pager(newer="/notifications/sent")),
        "messages-wrong": dataclasses.replace(
            messages(), errors={"task": "Task “x”: there is none.", "until": "Until: use a time to come."}
        ),
        "message-waiting": dataclasses.replace(
            message(),
            row=dataclasses.replace(message().row, status="queued", words="Waiting", may_resend=False),
            tries=(),
            topics=(),
            more=0,
            next_at=NOW + timedelta(minutes=2),
            until=NOW + timedelta(days=1),
            ended_at=None,
            channel_id=None,
        ),
        **without_mail(),
        "settings-notices-no-mail": dataclasses.replace(settings(), shell=shell(sends_mail=False), gets_mail=False),
        "settings-notices-unproven": dataclasses.replace(settings(), gets_mail=False, address=""),
        "unsubscribe-ended": dataclasses.replace(ending(), is_on=False),
        "unsubscribe-back": dataclasses.replace(ending(), is_back=True),
        "unsubscribe-summary-ended": dataclasses.replace(
            ending(), what="summaries", is_on=False, was="weekly", of_summaries=True
        ),
        "unsubscribe-locked": dataclasses.replace(ending(), is_locked=True),
        "unsubscribe-locked-off": dataclasses.replace(ending(), is_on=False, is_locked=True),
    }


def without_mail() -> dict[str, ViewModel]:
    """Return the pages that say so where there is no mail server, for who may set one and for others."""
    admin, other = shell(sends_mail=False, may_set_mail=True), shell(sends_mail=False)
    unsent = tuple(
        dataclasses.replace(each, is_unsent=each.then == "its owner by e-mail" and not each.shut_by)
        for each in rule_list("installation").rows
    )
    lists = (dataclasses.replace(rule_list("installation"), rows=unsent),)
    lying = dataclasses.replace(messages().rows[0], status="late", words="Not sent", tries=0, answer=NO_MAIL)
    return {
        "channels-no-mail": ChannelsPage(shell=admin, tabs=TABS, cards=cards(), back="/notifications"),
        "channels-first-no-mail": ChannelsPage(shell=other, tabs=TABS, cards=(), back="/notifications"),
        "rules-no-mail": RulesPage(shell=admin, tabs=TABS, lists=lists),
        "rule-no-mail": dataclasses.replace(rule_form(3), shell=other),
        "messages-no-mail": dataclasses.replace(messages(), shell=admin, rows=(lying,)),
    }


def cards() -> tuple[ChannelCard, ...]:
    """Return a channel in each condition."""
    return (
        card(1, "Team mail", "E-mail", "mail", "ops@tidewater.example", GOOD),
        card(2, "#finance-ops", "Slack", "chat", "Its address is in the vault", GOOD),
        card(3, "Depot team", "Microsoft Teams", "chat", "Its address is in the vault", REFUSED),
        card(4, LONG, "Telegram", "chat", "Chat -1001234567890, Topic 7", SHAKY),
        card(5, "Status page", "Webhook", "webhook", "Extra header X-Api-Key", NEW),
        card(6, "Ops phones", "ntfy", "bell", "Topic tidewater-ops", PAUSED),
    )


def card(number: int, name: str, kind: str, icon: str, to: str, state: ChannelState) -> ChannelCard:
    """Return a channel as it is listed."""
    return ChannelCard(
        id=number,
        name=name,
        kind=kind,
        icon=icon,
        owner="yours" if number == 4 else "everybody’s",
        to=to,
        state=state,
        rules=number % 4,
        bars=BARS if state is not NEW else (),
        is_paused=state is PAUSED,
        is_refused=state is REFUSED,
    )


def new_channel(kind: str, errors: dict[str, str]) -> ChannelFormPage:
    """Return the form of a new channel of a kind."""
    values = {"name": "#warehouse-ops", "owner": "me", "kind": kind, "most_per_hour": "5"}
    return ChannelFormPage(
        shell=admin_shell(),
        kinds=tuple(choice_of(name, each, values, on=name == kind) for name, each in KINDS.items()),
        sample=SAMPLE,
        usual=USUAL,
        may_choose_owner=True,
        values=values,
        errors=errors,
    )


def channel() -> ChannelPage:
    """Return the page of one channel."""
    values = {"name": LONG, "most_per_hour": "5", "most_per_day": "", "telegram.chat": "-1001234567890"}
    return ChannelPage(
        shell=admin_shell(),
        card=cards()[3],
        kind=choice_of("telegram", KINDS["telegram"], values, on=True, is_set=True),
        sample=SAMPLE,
        usual=USUAL,
        rules=RULES,
        messages=tuple(
            MessageLine(id=place, at=NOW, what="backup: failed, 3 times", status=status, words=words, answer=answer)
            for place, (status, words, answer) in enumerate(STATES, 1)
        ),
        values=values,
    )


def rule_list(whose: str) -> RuleList:
    """Return rules as they are listed."""
    told = (
        ("a task tagged ", "critical", " fails 5 times in a row", "On-call rota", "once, until it recovers", 3),
        ("any task fails or works again", "", "", "its owner by e-mail", "at most once an hour", 1204),
        ("any task succeeds", "", "", "its owner by e-mail", "every time", 0),
        (f"“{LONG}” is more than 10 minutes late", "", "", "its owner by e-mail, Status page", "once, then daily", 8),
    )
    rows = tuple(
        RuleRow(
            id=place + (10 if whose == "me" else 0),
            place=place,
            before=before,
            tag=tag,
            behind=behind,
            then=then,
            often=often,
            told=many,
            muted=f"muted while “{LONG}” or check “router” is failing" if place == 2 else "",
            shut_by="NOTIFY_ON_TASK_SUCCESS" if place == 3 else "",
            is_on=place != 4,
            goes_on=place == 1,
            is_standard=place in {2, 3},
            is_first=place == 1,
            is_last=place == len(told),
        )
        for place, (before, tag, behind, then, often, many) in enumerate(told, 1)
    )
    return RuleList(whose=whose, title=f"Rules of {whose}", hint="the first that fits decides", rows=rows)


def rule_form(number: int | None) -> RuleFormPage:
    """Return the form of a rule."""
    return RuleFormPage(
        shell=admin_shell(),
        id=number,
        words="" if number is None else "If any task fails, tell its owner by e-mail, every time",
        scopes=(
            Option(value="installation", label="Anything", hint="tasks, and whatever else happens here", on=True),
            Option(value="tag", label="Tasks with a tag", hint="such as critical"),
            Option(value="task", label="One task", hint="comes before all other rules"),
        ),
        kinds=tuple(
            Option(value=kind.value, label=label, hint=hint, on=place < 3)
            for place, (kind, (label, hint)) in enumerate(LABELS.items())
        ),
        frequencies=tuple(Option(value=each.value, label=words) for each, words in FREQUENCIES.items()),
        recipients=(
            Option(value="owner", label="Its owner", hint="by e-mail", on=True),
            Option(value="channel:3", label=LONG, hint="Slack"),
        ),
        projects=("Warehouse", "Finance"),
        values={
            "after_failures": "2",
            "after_minutes": "10",
            "every_minutes": "90",
            "goes_on": "yes",
            "is_on": "yes",
            "mute_tasks": f"#7 {LONG}\n#8 gone",
            "mute_checks": "#3 router",
        },
    )


def messages() -> MessagesPage:
    """Return the log of messages."""
    return MessagesPage(
        shell=admin_shell(),
        tabs=TABS,
        rows=tuple(
            MessageRow(
                id=place,
                at=NOW - timedelta(minutes=place),
                what=f"8 failed, 2 late, {LONG}",
                to="#finance-ops" if place != 2 else "Inês Carvalho, by e-mail",
                icon="chat" if place != 2 else "mail",
                status=status,
                words=words,
                tries=place,
                answer=answer,
                may_resend=place == 2,
            )
            for place, (status, words, answer) in enumerate(STATES, 1)
        ),
        filters=FilterBar(
            menus=(
                FilterMenu(label="State", name="state", choices=(Choice(value="sent", label="Taken", on=True),)),
                FilterMenu(label="Channel", name="channel", choices=(Choice(value="2", label="#finance-ops"),)),
            ),
            chips=(Chip(label="State: taken", href="/notifications/sent"),),
            clear="/notifications/sent",
            kept=(("task", "7"),),
        ),
        pager=Pager(newer="/notifications/sent", older="/notifications/sent?before=1"),
        back="/notifications/sent",
        waiting=(
            WaitingRow(what="backup failed", to="Inês Carvalho, by e-mail", many=12, why="", href="/tasks/7", at=NOW),
            WaitingRow(what="report failed", to="#finance-ops", many=1, why="explained by another failure"),
        ),
        waiting_many=41,
        muted=(
            WaitingRow(
                what=f"{LONG} failed",
                to="#finance-ops",
                many=3,
                why=f"muted: {LONG} is failing",
                href="/tasks/9",
                at=NOW,
            ),
        ),
        has_more_muted=True,
        snoozes=(
            SnoozeRow(
                id=1, what="backup", whom="everybody", until=NOW + timedelta(hours=4), by="Sven", reason="a disk"
            ),
            SnoozeRow(id=2, what="everything", whom="you", until=NOW + timedelta(days=4), by="", may_end=False),
        ),
        channels=(Option(value="2", label="#finance-ops"),),
        lengths=(Option(value="1h", label="An hour"), Option(value="until", label="Until a time…")),
        may_for_all=True,
        values={"what": "channel", "channel": "2", "length": "until", "whom": "all", "reason": "away"},
    )


def message() -> MessagePage:
    """Return one message."""
    return MessagePage(
        shell=admin_shell(),
        row=messages().rows[1],
        number="0123456789abcdef0123456789abcdef",
        purpose="something happened",
        topics=(
            TopicRow(
                title="Nightly backup failed, 3 times",
                status="failed",
                many=3,
                first_at=NOW - timedelta(hours=3),
                last_at=NOW,
                text="OSError: No space left on device\nwhile writing /srv/backup",
                facts=(("Attempts", "3"), ("Took", "7m 58s")),
                href="/runs/48213",
            ),
            TopicRow(title="report is late", status="late", many=1, first_at=NOW, last_at=NOW),
        ),
        more=3,
        tries=(
            TryRow(at=NOW, seconds=0.4, is_taken=False, answer="it answered 410"),
            TryRow(at=NOW - timedelta(minutes=1), seconds=20.0, is_taken=True, answer="taken: 200"),
        ),
        ended_at=NOW,
        channel_id=2,
    )


def settings() -> NoticesPage:
    """Return a person's settings of what they are told."""
    controls = tuple(
        Control(
            key=each.key,
            label=each.label,
            hint=each.to_you or each.sentence,
            value=each.to_text(each.default),
            choices=tuple(Value(value=one, label=each.word_for(one)) for one in each.choices)
            or (Value(value="on", label="On"), Value(value="off", label="Off")),
            is_locked=each.key == "tell_delays",
        )
        for each in ON_TELLING
    )
    return NoticesPage(
        shell=shell(),
        parts=(
            Part(label="Profile", icon="user", href="/settings/profile"),
            Part(label="Notifications", icon="bell", href="/settings/notifications", current=True),
        ),
        switches=tuple(each for each in controls if len(each.choices) == 2),
        times=tuple(each for each in controls if len(each.choices) != 2),
        address="ines@tidewater.example",
        gets_mail=True,
        zone="Europe/Berlin",
        errors={"digest": "How often mail comes: use at_once, hourly or daily."},
    )


def ending() -> EndingPage:
    """Return the page that a link in a mail leads to."""
    return EndingPage(
        shell=porch(),
        token="2.tell_failures.x",
        name="Inês Carvalho",
        email="ines@tidewater.example",
        what="notifications about failures",
        is_on=True,
    )
