"""Looking at what a fake app-server has said."""

from __future__ import annotations

import json

from support_app_server import Conversation, Json

TEXT = [{"type": "text", "text": "more"}]


def params(talk: Conversation, method: str) -> list[Json]:
    return [message["params"] for message in talk.heard if message.get("method") == method]


async def request(talk: Conversation, method: str, place: int) -> Json:
    """Wait for the request of the server at `place` among those of its method."""
    await talk.until(lambda _: talk.methods().count(method) > place)
    found: Json = [message for message in talk.heard if message.get("method") == method][place]
    return json.loads(json.dumps(found))
