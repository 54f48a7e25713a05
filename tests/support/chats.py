"""Chat services on loopback: they refuse what the real ones refuse, and tell what would come alive in a message."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.loopback import Asked

Answer = tuple[int, dict[str, str], str]


class Refused(Exception):
    """What a service says no to."""


@dataclass(slots=True)
class Seen:
    """A message as people see it: its text, where its own links lead, and what came alive of texts in it."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)

    def plain(self, text: str) -> None:
        """Show a text in which nothing is looked for."""
        self.text += f"{text}\n"

    def read(self, text: str, marks: re.Pattern[str]) -> None:
        """Show a text in which these marks come alive."""
        self.plain(text)
        self.alive += [found[0] for found in marks.finditer(text)]


@dataclass(slots=True)
class Chat:
    """A service: how it reads requests, and what it answers once it took one."""

    read: Callable[[Asked], Seen]
    taken: Answer
    seen: list[Seen] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        """Take a message, or refuse it as the real one does."""
        try:
            self.seen.append(self.read(asked))
        except (Refused, KeyError, TypeError, ValueError) as error:
            return 400, {}, f"refused: {error!r}"
        return self.taken


def expect(is_fine: object, what: object = "") -> None:
    """Refuse a message that is not fine."""
    if not is_fine:
        raise Refused(what)


ADDRESS = re.compile(r"https?://\S+|www\.\w|\b[\w-]+\.(?:test|com|org|example)\b")
MRKDWN = re.compile(r"<[!@#][^>]*>|<http[^>]*>|https?://\S+|\*\S.*?\*|_\S.*?_|~\S.*?~|`|:\w+:|^>", re.MULTILINE)


def slack(asked: Asked) -> Seen:
    """Read what an incoming webhook of Slack is sent."""
    body = json.loads(asked.body)
    expect(not set(body) - {"text", "mrkdwn", "unfurl_links", "unfurl_media", "blocks"}, body)
    seen = Seen()
    expect(0 < len(body["text"]) <= 40_000)
    expect(not re.search(r"[<>]|&(?!amp;|lt;|gt;)", body["text"]), "no raw marks in text")
    (seen.plain if body.get("mrkdwn") is False else lambda text: seen.read(text, MRKDWN))(html.unescape(body["text"]))
    expect(0 < len(body["blocks"]) <= 50, "invalid_blocks")
    for block in body["blocks"]:
        _slack_block(block, seen)
    return seen


def _slack_block(block: dict[str, Any], seen: Seen) -> None:
    kind = block["type"]
    if kind == "header":
        expect(block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= 150, block)
        _slack_text(block["text"], seen)
    elif kind == "context":
        expect(0 < len(block["elements"]) <= 10)
        for element in block["elements"]:
            _slack_text(element, seen)
    elif kind == "rich_text":
        for element in block["elements"]:
            expect(element["type"] in {"rich_text_section", "rich_text_preformatted"} and element["elements"], element)
            for part in element["elements"]:
                expect(part["type"] in {"text", "link"} and part["text"] and len(part["text"]) <= 3000, part)
                expect(not set(part) - {"type", "text", "url", "style"}, part)
                seen.plain(part["text"])
                seen.links += [part["url"]] if part["type"] == "link" else []
    else:
        raise Refused(f"unknown block {kind}")


def _slack_text(text: dict[str, Any], seen: Seen) -> None:
    expect(0 < len(text["text"]) <= 2000, text)
    if text["type"] == "plain_text":
        seen.read(text["text"], re.compile(r":\w+:") if text.get("emoji", True) else re.compile(r"(?!)"))
    else:
        seen.read(text["text"], MRKDWN)


DISCORD = re.compile(
    r"@everyone|@here|<[@#:].*?>|https?://\S+|\*\S.*?\*|_\S.*?_|~~|`|\|\||^#+ |^> |^[-*+] |^\d+\. ", re.MULTILINE
)


def discord(asked: Asked) -> Seen:
    """Read what a webhook of Discord is sent."""
    expect("wait=true" in asked.path)
    body = json.loads(asked.body)
    expect(body["allowed_mentions"] == {"parse": []}, "a mention could ping")
    expect(len(body.get("content", "")) <= 2000 and 0 < len(body["embeds"]) <= 10)
    seen, total = Seen(), 0
    for embed in body["embeds"]:
        fields = embed.get("fields", [])
        expect(len(embed["title"]) <= 256 and len(embed["description"]) <= 4096 and len(fields) <= 25)
        expect(len(embed["footer"]["text"]) <= 2048)
        pieces = [embed["title"], embed["description"]]
        for each in fields:
            expect(0 < len(each["name"].strip()) <= 256 and 0 < len(each["value"].strip()) <= 1024, each)
            pieces += [each["name"], each["value"]]
        total += sum(map(_utf16, [*pieces, embed["footer"]["text"]]))
        for piece in pieces:
            _discord_text(piece, seen)
        seen.plain(embed["footer"]["text"])
        seen.links.append(embed["url"])
    expect(total <= 6000, f"{total} characters in embeds")
    return seen


def _discord_text(text: str, seen: Seen) -> None:
    bare = re.sub(r"```\n.*?\n```", lambda block: _shown(seen, block[0][4:-4]), text, flags=re.DOTALL)
    # What has a stroke before it is only itself.
    bare = re.sub(r"\\([^A-Za-z0-9\s])", lambda found: chr(0xE000 + ord(found[1])), bare)

    def link(found: re.Match[str]) -> str:
        seen.links.append(found[2])
        return found[1]

    bare = re.sub(r"\*\*\[([^\]]*)\]\(([^)]*)\)\*\*", link, bare)
    seen.alive += [found[0] for found in DISCORD.finditer(bare)]
    seen.plain("".join(chr(ord(letter) - 0xE000) if "\ue000" <= letter < "\ue080" else letter for letter in bare))


def _shown(seen: Seen, text: str) -> str:
    seen.plain(text)
    return ""


MARKDOWN = re.compile(r"\[[^\]]*\]\([^)]*\)|https?://\S+|\*\S.*?\*|_\S.*?_|^#+ |^- |<at>", re.MULTILINE)
DATES = re.compile(r"\{\{(?:DATE|TIME)\(.*?\)\}\}")


def teams(asked: Asked) -> Seen:
    """Read what a workflow of Teams is sent."""
    expect(max(len(asked.body.encode()), len(asked.body.encode("utf-16-le"))) <= 28 * 1024, "too large")
    body = json.loads(asked.body)
    (attachment,) = body["attachments"]
    card = attachment["content"]
    expect(body["type"] == "message" and card["type"] == "AdaptiveCard" and card["version"] == "1.4")
    expect(attachment["contentType"] == "application/vnd.microsoft.card.adaptive")
    seen = Seen()
    for block in _blocks(card["body"]):
        if block["type"] == "RichTextBlock":
            for run in block["inlines"]:
                expect(run["type"] == "TextRun" and run["text"], run)
                seen.read(run["text"], DATES)
                seen.links += [run["selectAction"]["url"]] if "selectAction" in run else []
        else:
            expect(block["type"] == "TextBlock", block)
            seen.read(block["text"], MARKDOWN)
            seen.read(block["text"], DATES)
    for action in card["actions"]:
        expect(action["type"] == "Action.OpenUrl" and action["title"])
        seen.links.append(action["url"])
    return seen


def _blocks(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["type"] == "Container":
            yield from _blocks(block["items"])
        else:
            yield block


LOOKED_FOR = re.compile(ADDRESS.pattern + r"|tg://\S+|@\w{3,}|#\w+|\$[A-Z]{1,8}\b|(?<![\w/<>])/\w+")


def telegram(asked: Asked) -> Seen:
    """Read what the Bot API is sent."""
    expect(re.fullmatch(r"/bot\d+:[\w-]+/sendMessage", asked.path), asked.path)
    body = json.loads(asked.body)
    expect(body["chat_id"] and body["text"].strip() and _utf16(body["text"]) <= 4096, "message is too long")
    expect("parse_mode" not in body and len(body["entities"]) <= 100)
    seen, raw = Seen(), body["text"].encode("utf-16-le")
    quiet = bytearray(raw)
    for mark in body["entities"]:
        begin, end = 2 * mark["offset"], 2 * (mark["offset"] + mark["length"])
        expect(0 <= begin < end <= len(raw), mark)
        raw[begin:end].decode("utf-16-le")
        if mark["type"] in {"pre", "code", "text_link"}:
            quiet[begin:end] = (" " * mark["length"]).encode("utf-16-le")
        seen.links += [mark["url"]] if mark["type"] == "text_link" else []
    seen.plain(body["text"])
    seen.alive += [found[0] for found in LOOKED_FOR.finditer(quiet.decode("utf-16-le"))]
    return seen


def ntfy(asked: Asked) -> Seen:
    """Read what ntfy is sent."""
    expect(asked.path == "/", asked.path)
    body = json.loads(asked.body)
    expect(not set(body) - {"topic", "title", "message", "priority", "tags", "click"}, body)
    expect(re.fullmatch(r"[-_A-Za-z0-9]{1,64}", body["topic"]) and 1 <= body["priority"] <= 5)
    expect(0 < len(body["message"].encode()) <= 4096 and len(body["title"].encode()) <= 250, "too long")
    seen = Seen(links=[body["click"]])
    seen.read(body["title"], ADDRESS)
    seen.read(body["message"], ADDRESS)
    return seen


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def chat(name: str) -> Chat:
    """Return a service by the name of its kind of channel."""
    return {
        "slack": Chat(slack, (200, {}, "ok")),
        "discord": Chat(discord, (200, {}, json.dumps({"id": "1187401"}))),
        "teams": Chat(teams, (202, {}, "")),
        "telegram": Chat(telegram, (200, {}, json.dumps({"ok": True, "result": {"message_id": 7}}))),
        "ntfy": Chat(ntfy, (200, {}, json.dumps({"id": "hwQ2YpKdmg"}))),
    }[name]
