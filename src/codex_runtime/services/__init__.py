"""What a server does besides threads: files, commands, account, configuration, and more."""
