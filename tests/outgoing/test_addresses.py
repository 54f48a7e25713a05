"""Which addresses may be gone to: the open internet, and what administrators name; in every spelling."""

from __future__ import annotations

import ipaddress

import pytest

from horarium.outgoing.addresses import Place, Policy, is_ours, is_public

SHUT = (
    "0.0.0.0",  # noqa: S104 - asked about, not listened on
    *("0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.9.10", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1"),
    *("2001::1", "2001:2::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1"),
    *("fec0::1", "ff02::1"),
)
OPEN = (
    "1.1.1.1",
    "8.8.8.8",
    "100.128.0.1",
    "172.32.0.1",
    "198.20.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
)


@pytest.mark.parametrize("text", SHUT)
def test_r79_no_inner_address_is_open_whatever_it_is_dressed_in(text: str) -> None:
    assert not Policy().permits("host.example", ipaddress.ip_address(text), 443)


@pytest.mark.parametrize("text", OPEN)
def test_r79_what_is_public_is_open(text: str) -> None:
    assert Policy().permits("host.example", ipaddress.ip_address(text), 443)


def test_r79_an_address_of_this_machine_is_its_own_whatever_else_it_is() -> None:
    assert is_ours(ipaddress.ip_address("127.0.0.1"))
    assert not is_ours(ipaddress.ip_address("8.8.8.8"))
    assert is_public(ipaddress.ip_address("8.8.8.8"))


@pytest.mark.parametrize(
    ("texts", "host", "address", "port", "opens"),
    [
        (["10.1.0.0/16"], "x", "10.1.2.3", 22, True),
        (["10.1.0.0/16"], "x", "10.2.2.3", 22, False),
        (["10.1.2.3:5432"], "x", "10.1.2.3", 5432, True),
        (["10.1.2.3:5432"], "x", "10.1.2.3", 22, False),
        (["10.1.2.3:5432"], "x", "::ffff:10.1.2.3", 5432, True),
        (["db.internal:5432"], "DB.internal.", "10.9.9.9", 5432, True),
        (["db.internal"], "db.internal.evil.example", "10.9.9.9", 5432, False),
        (["fd00::/8"], "x", "fd00::7", 1, True),
        (["[fd00::7]:22"], "x", "fd00::7", 22, True),
        (["[fd00::7]:22"], "x", "fd00::7", 23, False),
    ],
)
def test_r79_administrators_name_hosts_networks_and_ports(
    texts: list[str], host: str, address: str, port: int, opens: bool
) -> None:
    assert Policy.of(texts).permits(host, ipaddress.ip_address(address), port) is opens


@pytest.mark.parametrize(
    "text", ["", "10.1.2.3:0", "10.1.2.3:70000", "10.1.2.999", "a b", "http://x", "[fd00::7", "-x", ":22"]
)
def test_a_place_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the setting's own words replace it
        Place.read(text)
