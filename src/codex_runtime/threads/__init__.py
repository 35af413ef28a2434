"""Threads by their ids: their records, histories, goals, queues, attachments, terminals.

`Runtime.thread` gives a `ThreadReference`, and every `ThreadHandle` is one; its parts are
reached as `thread.goal`, `thread.queue`, `thread.attachments` and `thread.terminals`.
"""

__all__: list[str] = []
