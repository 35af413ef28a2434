"""What a server does besides threads: files, commands, account, configuration, and more."""

__all__: list[str] = []
"""Each service is a module of its own, loaded when it is first asked for."""
