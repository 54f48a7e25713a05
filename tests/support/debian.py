"""The crontabs that Debian packages ship, fetched from the system's own archive."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from horarium.adoption.crontab import decode_crontab

# Packages whose newest or previous releases ship /etc/crontab or a file in /etc/cron.d. Which of them do differs
# between releases of Debian and Ubuntu; enough of them always do.
PACKAGES = (
    *("amavisd-new", "anacron", "atop", "awstats", "backupninja", "certbot", "cron", "cron-daemon-common", "dma"),
    *(
        "e2fsprogs",
        "logcheck",
        "mailman3",
        "mdadm",
        "munin",
        "munin-node",
        "ntpsec",
        "php-common",
        "popularity-contest",
    ),
    *("rsnapshot", "sysstat", "tiger"),
)
NEEDED = 10


@dataclass(frozen=True)
class Shipped:
    """A crontab as a package ships it."""

    package: str
    path: str
    text: str


def apt(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run apt-get for `folder`."""
    return subprocess.run(["apt-get", "-qq", *words], cwd=folder, capture_output=True, text=True, check=False)


def lists_folder(folder: Path) -> list[str]:
    """Return options that make apt keep its lists in `folder`: fetching them needs no rights then."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    return ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}"]


def known(folder: Path, options: list[str]) -> list[str]:
    """Return those of the packages that this release has."""
    listed = subprocess.run(
        ["apt-cache", *options, "policy", *PACKAGES], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    return re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none\))", listed, re.MULTILINE)


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Shipped]:
    """Fetch the packages from the system's own archive and give the crontabs in them."""
    assert shutil.which("apt-get"), "this test needs a machine with apt-get"
    folder = tmp_path_factory.mktemp("packages")
    if os.geteuid() == 0:
        # apt fetches as an account of its own when root asks; it has to reach the folder.
        for above in (folder, *folder.parents[:2]):
            above.chmod(0o755)
        folder.chmod(0o777)
    options: list[str] = []
    if len(known(folder, options)) < NEEDED:
        options = lists_folder(folder)
        updated = apt(*options, "update", folder=folder)
        assert updated.returncode == 0, updated.stderr
    names = known(folder, options)
    fetched = apt(*options, "download", *names, folder=folder)
    assert fetched.returncode == 0, fetched.stderr
    return list(crontabs_in(folder))


def crontabs_in(folder: Path) -> Iterator[Shipped]:
    """Unpack the packages in `folder` and yield the crontabs that they install."""
    for package in sorted(folder.glob("*.deb")):
        inside = folder / "unpacked" / package.stem
        inside.mkdir(parents=True)
        subprocess.run(["dpkg-deb", "-x", package, inside], check=True)
        for path in sorted([*inside.glob("etc/cron.d/*"), *inside.glob("etc/crontab")]):
            if not path.name.startswith("."):
                text = decode_crontab(path.read_bytes())
                yield Shipped(package.name.partition("_")[0], f"/{path.relative_to(inside)}", text)
