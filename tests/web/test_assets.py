"""Static files: versioned, kept for long, ours, and vendored as the manifest says (R38, R41)."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from horarium.web.assets import FOLDER, StaticAssets, asset, version

HOUSE = FOLDER.parent.parent


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Mount(f"/static/{version()}", StaticAssets())]))


def test_r38_static_files_are_versioned_and_kept(client: TestClient) -> None:
    answer = client.get(asset("app.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r"/static/[0-9a-f]{12}/app\.css", asset("app.css"))


def test_a_file_that_is_not_there_has_no_address(client: TestClient) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.js"):
        asset("nothing.js")
    with pytest.raises(FileNotFoundError):
        asset("../rendering.py/x")
    assert client.get(f"/static/{version()}/../rendering.py").status_code == 404


def test_what_the_stylesheet_names_is_there() -> None:
    named = re.findall(r'url\("([^"]+)"\)', (FOLDER / "app.css").read_text(encoding="utf-8"))
    assert len(named) == 2
    assert all((FOLDER / name).is_file() for name in named)


def test_r41_our_own_files_name_no_other_host() -> None:
    for name in ("app.css", "app.js", "log.js", "live.js", "theme.js"):
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", (FOLDER / name).read_text(encoding="utf-8"))


def test_vendored_files_are_what_the_manifest_says() -> None:
    vendor = FOLDER / "vendor"
    entries = json.loads((vendor / "VENDORED.json").read_text(encoding="utf-8"))["files"]
    licences = (vendor / "LICENSES.txt").read_text(encoding="utf-8")
    for entry in entries:
        folder = HOUSE / entry["folder"] if "folder" in entry else vendor
        content = (folder / entry["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["size"], entry["sha256"])
        assert f"{entry['name']}@{entry['version']} ({entry['licence']})" in licences
    others = {path.name for path in vendor.iterdir()} - {entry["file"] for entry in entries if "folder" not in entry}
    assert others == {"VENDORED.json", "LICENSES.txt"}
