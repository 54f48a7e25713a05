"""Five hundred people, or one with five hundred tries, sign in at once: whoever is in already notices nothing."""

from __future__ import annotations

import http.client
import re
import secrets
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import pytest

from tests.journeys.house import house_in
from tests.journeys.visitor import Visitor
from tests.support.people import made_up

MEBIBYTES = 150
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.mark.long
@pytest.mark.timeout(300)
def test_r17_five_hundred_at_the_door_cost_bounded_memory_and_delay_no_page(tmp_path: Path) -> None:
    # Each try comes from an address of its own, as a proxy tells it: the limit of an address is not what holds them.
    with house_in(tmp_path, HORARIUM_TRUSTED_PROXIES="127.0.0.1/32") as house:
        password = made_up()
        house.do("user", "create-admin", "ines", "--password-stdin", stdin=password)
        server = house.start()
        inside = Visitor(house.address)
        inside.sign_in("ines", password)
        before = resident(server.process.pid)
        done, taken, most = threading.Event(), [], [before]

        def look() -> None:
            while not done.is_set():
                began = perf_counter()
                assert inside.get("/tasks")[0] == 200
                taken.append(perf_counter() - began)
                most.append(resident(server.process.pid))
                done.wait(0.02)

        looking = threading.Thread(target=look)
        looking.start()
        with ThreadPoolExecutor(100) as crowd:
            answers = list(crowd.map(lambda _: knock(house.port), range(500)))
        done.set()
        looking.join()
        assert set(answers) <= {401, 503}
        assert 401 in answers
        assert max(most) - before < MEBIBYTES << 20
        assert sorted(taken)[int(len(taken) * 0.99)] < 1, sorted(taken)[-5:]
        assert inside.get("/tasks")[0] == 200


def knock(port: int) -> int:
    """Try to sign in as somebody made up, from a made-up address; return the status."""
    address = f"10.{secrets.randbelow(250)}.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"
    headers = {"X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded"}
    door = http.client.HTTPConnection("localhost", port, timeout=60)
    try:
        door.request("GET", "/login", headers={"X-Forwarded-For": address})
        page = door.getresponse()
        found = TOKEN.search(page.read().decode())
        assert found
        cookie = (page.getheader("set-cookie") or "").partition(";")[0]
        form = {"csrf_token": found[1], "email": secrets.token_hex(8), "password": made_up()}
        door.request("POST", "/login", urllib.parse.urlencode(form), headers | {"Cookie": cookie})
        answer = door.getresponse()
        answer.read()
        return answer.status
    finally:
        door.close()


def resident(pid: int) -> int:
    """Return how many octets of memory a process holds."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return int(found[1]) * 1024
