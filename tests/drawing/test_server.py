"""Who may ask for the page: its own browser window, by a name of this machine."""

from contextlib import closing
from email.message import Message
from http.client import HTTPConnection

import pytest

SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport="
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # RFC 6455's own
}


def asked(place: str, path: str, **headers: str) -> tuple[int, Message]:
    """Status and headers of the answer."""
    with closing(HTTPConnection(place, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as answer:
            return answer.status, answer.headers


def test_the_page_is_for_this_machine_and_in_no_frame(place: str) -> None:
    status, headers = asked(place, "/")
    assert status == 200
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    _, port = place.split(":")
    assert asked(place, "/", Host=f"localhost:{port}")[0] == 200
    # A site's own name may be made to lead to this machine.
    assert asked(place, "/", Host=f"evil.example:{port}")[0] == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9", "null"])
def test_another_sites_scripts_are_refused(place: str, origin: str) -> None:
    assert asked(place, f"{SOCKET}polling", Origin=origin)[0] == 403
    assert asked(place, f"{SOCKET}websocket", Origin=origin, **HANDSHAKE)[0] == 403


def test_a_socket_is_for_the_page_itself(place: str) -> None:
    own = asked(place, f"{SOCKET}websocket", Origin=f"http://{place}", **HANDSHAKE)
    assert own[0] == 101
    assert asked(place, f"{SOCKET}websocket", **HANDSHAKE)[0] == 403
