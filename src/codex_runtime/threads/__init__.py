"""Threads by their ids: their records, histories, goals, queues, attachments, terminals."""
