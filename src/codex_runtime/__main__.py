"""`python -m codex_runtime` is `codex-runtime`."""

from codex_runtime.cli import main

if __name__ == "__main__":
    main()
