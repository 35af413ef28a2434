"""Counts of one runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from codex_runtime._broker import Broker
from codex_runtime._peer import Counters, Peer
from codex_runtime.transports import Transport

__all__ = ["Statistics"]


@dataclass(frozen=True)
class Statistics:
    """Counts of one runtime since it was opened.

    Attributes:
        requests: Sent to the server.
        open_requests: Of those, still waiting for an answer.
        refusals: Answered with an error.
        timeouts: Given up, for lack of an answer.
        late_answers: Answers that nobody waited for any more.
        notifications: Received.
        unknown: Notifications and requests of kinds that this version does not know.
        server_requests: Asked by the server.
        open_server_requests: Of those, not settled yet.
        decisions: How many were settled in which way, by the words of `RequestDecided.decision`.
        malformed: Lines that were no message.
        oversized: Lines longer than `max_frame_bytes`, dropped.
        degraded: Messages that were not quite as the protocol says, and were repaired.
    """

    requests: int
    open_requests: int
    refusals: int
    timeouts: int
    late_answers: int
    notifications: int
    unknown: int
    server_requests: int
    open_server_requests: int
    decisions: Mapping[str, int]
    malformed: int
    oversized: int
    degraded: int

    @classmethod
    def of(
        cls, peer: Peer | None, transport: Transport | None, broker: Broker | None = None
    ) -> Self:
        """Read the counters; all 0 where nothing was ever connected."""
        counters = peer.counters if peer else Counters()
        return cls(
            requests=counters.requests,
            open_requests=peer.open_requests if peer else 0,
            refusals=counters.refusals,
            timeouts=counters.timeouts,
            late_answers=counters.late_answers,
            notifications=counters.notifications,
            unknown=peer.codec.unknown if peer else 0,
            server_requests=counters.server_requests,
            open_server_requests=broker.open_count if broker else 0,
            decisions=dict(broker.decisions) if broker else {},
            malformed=counters.malformed,
            oversized=transport.oversized if transport else 0,
            degraded=peer.codec.degraded if peer else 0,
        )
