"""What codex finds on the web when somebody signs in: on loopback, with nobody behind it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio.to_thread

__all__ = ["ISSUER", "Web", "callback", "port_of_sign_ins", "visit", "web"]

ISSUER = "CODEX_APP_SERVER_LOGIN_ISSUER"
"""The variable that tells codex where to sign in, instead of at OpenAI (seen on 0.154 to 0.169)."""


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _token() -> str:
    account = {"chatgpt_plan_type": "plus", "chatgpt_account_id": "a1", "chatgpt_user_id": "u1"}
    claims = {
        "email": "nobody@example.invalid",
        "exp": int(time.time()) + 3600,
        "https://api.openai.com/auth": account,
    }
    return f"{_part({'alg': 'none'})}.{_part(claims)}.{_part('')}"


class Web:
    """A web server: the issuer of OpenAI's tokens, and an MCP server that wants a sign-in.

    Attributes:
        url: Where it is.
        confirmed: Whether the person has typed in the device code.
        asked: The paths that were asked for.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.confirmed = False
        self.asked: list[str] = []

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The status and the body of an answer."""
        self.asked.append(path)
        match path:
            case "/api/accounts/deviceauth/usercode":
                return 200, {"device_auth_id": "d1", "user_code": "ABCD-1234", "interval": "1"}
            case "/api/accounts/deviceauth/token" if self.confirmed:
                keys = ("authorization_code", "code_challenge", "code_verifier")
                return 200, dict.fromkeys(keys, "x")
            case "/api/accounts/deviceauth/token":
                return 403, {}
            case "/oauth/token":
                token = _token()
                return 200, {"id_token": token, "access_token": token, "refresh_token": "r1"}
            case _:
                return self._mcp(path, body)

    def _mcp(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/register":
            return 201, {**json.loads(body), "client_id": "c1"}
        if path == "/mcp":
            return 401, {}
        resource = {"resource": f"{self.url}/mcp", "authorization_servers": [self.url]}
        site = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["read", "write"],
        }
        pages: dict[str, dict[str, Any]] = {
            "/.well-known/oauth-authorization-server": site,
            "/.well-known/oauth-protected-resource/mcp": resource,
            "/token": {"access_token": "t1", "token_type": "Bearer", "expires_in": 3600},
        }
        return (200, pages[path]) if path in pages else (404, {})


@contextmanager
def web() -> Generator[Web]:
    """Run it."""
    site = Web("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, told = site.answer(urlsplit(self.path).path, body)
            text = json.dumps(told).encode()
            self.send_response(status)
            if status == 401:
                where = f"{site.url}/.well-known/oauth-protected-resource/mcp"
                self.send_header("www-authenticate", f'Bearer resource_metadata="{where}"')
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A codex that ends breaks connections off."""

    with Quiet(("127.0.0.1", 0), Handler) as listener:
        site.url = f"http://127.0.0.1:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            listener.shutdown()
            thread.join()


def callback(address: str, **answer: str) -> str:
    """Where the browser is sent once the person has answered at `address`."""
    asked = parse_qs(urlsplit(address).query)
    return f"{asked['redirect_uri'][0]}?{urlencode({'state': asked['state'][0], **answer})}"


async def visit(url: str) -> int:
    """What a browser does: follow wherever it is sent. Returns the last status."""
    return await anyio.to_thread.run_sync(_visit, url)


def _visit(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@contextmanager
def port_of_sign_ins() -> Generator[None]:
    """Keep other test runs of this machine from starting a sign-in, which would end ours (fact 212)."""
    folder = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
