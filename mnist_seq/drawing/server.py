"""Serves the drawing page on this machine only, and refuses pages of other sites."""

import socket

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnist_seq.addresses.local_port import HOST
from mnist_seq.drawing.page import TITLE, Subject, build

# Vue compiles its templates in the browser; all else is this server's own, and in no frame.
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)


class SameOrigin:
    """ASGI middleware that refuses requests from pages of other sites.

    A browser names the asking page's site in every WebSocket's handshake and in every request that
    crosses sites by a script; NiceGUI's own server would answer any.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin, own = headers.get("origin"), f"http://{headers.get('host')}"
        if origin != own and (origin is not None or scope["type"] == "websocket"):
            await PlainTextResponse("asked for by another site", 403)(scope, receive, send)
            return

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["content-security-policy"] = POLICY
            await send(message)

        await self._app(scope, receive, with_policy)


def guarded(app: ASGIApp) -> ASGIApp:
    """Wrap an ASGI application so that only its own pages reach it, under this machine's names."""
    return TrustedHostMiddleware(SameOrigin(app), [HOST, "localhost"])


def _application(subject: Subject) -> ASGIApp:
    """The page as an ASGI application."""
    served = FastAPI(openapi_url=None)
    ui.run_with(
        served,
        root=lambda: build(subject),
        title=TITLE,
        favicon="\N{PENCIL}",
        dark=None,
        tailwind=False,
        show_welcome_message=False,
    )
    return guarded(served)


def serve(subject: Subject, taken: socket.socket) -> None:
    """Serve the page until a stop signal comes, which then does what it did before.

    Parameters
    ----------
    taken : socket
        Bound to an address of this machine alone.
    """
    config = uvicorn.Config(
        _application(subject), log_level="critical", timeout_graceful_shutdown=1, ws="wsproto"
    )
    uvicorn.Server(config).run(sockets=[taken])
