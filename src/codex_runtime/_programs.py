"""What is known of programs by their names: which of them run whatever their words say.

A rule that leaves words open has no meaning for those: `env **` is a rule about everything. The
lists are for what is common; a program that is not there is not harmless for that.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["RESERVED_WORDS", "base_name", "hands_on", "kind_of", "runs_anything"]

_RESERVED: Final = (
    "! [[ ]] { } case coproc do done elif else end esac fi for foreach function if in nocorrect "
    "noglob repeat select then time until while -"
)

RESERVED_WORDS: Final = frozenset(_RESERVED.split())
"""Words that shells do not take for a program, the ones in front of one included."""

_KINDS: Final = {
    "a shell": (
        "ash bash cmd csh dash elvish es fish ksh lksh mksh nu nushell oils osh pdksh posh "
        "powershell powershell_ise pwsh rbash rc rksh rzsh sh tcsh wsl xonsh yash ysh zsh"
    ),
    "an interpreter": (
        "awk bc bun clisp clojure coffee cscript csi dc deno dotnet-script ed elixir emacs "
        "emacsclient erl escript ex expect fsi gawk gdb ghci gmake groovy guile iex iojs ipython "
        "irb java jruby js jshell julia kotlin lein lldb lua luajit m4 make bmake nmake mawk mshta "
        "nawk node nodejs nvim ocaml octave osascript perl php pry psql pypy python r racket rake "
        "raku remake rscript ruby runghc runhaskell rundll32 sbcl scala scheme sed sqlite swift "
        "tclsh ts-node tsx utop vi view vim wish wscript just"
    ),
    "a wrapper": (
        "arch at autossh batch bunx busybox bwrap caffeinate catchsegv choom chroot chrt "
        "chronic cpulimit cross-env daemonize dbus-run-session direnv doas dotenv "
        "dtruss eatmydata entr env env-cmd expect faketime fakeroot firejail flock gdbserver "
        "hyperfine ifne ionice linux32 linux64 ltrace mosh newgrp nice nodemon nohup npx nsenter "
        "numactl parallel perf pipx pkexec pnpx prlimit proot proxychains proxychains4 retry "
        "rlwrap rsh run0 runcon runuser rush schroot screen script setarch setpriv setsid sg ssh "
        "sshpass start-stop-daemon stdbuf strace su sudo sudoedit systemd-run taskset time timeout "
        "tmux torsocks toybox tsocks unbuffer unshare uvx valgrind watch watchexec winpty "
        "xvfb-run xargs zmx"
    ),
    "a fetcher": (
        "aria2c axel bitsadmin certutil curl curlie elinks fetch ftp http https iwr lftp links "
        "lwp-download lynx nc ncat netcat rclone scp sftp socat telnet tftp w3m wget xh xhs "
        "youtube-dl yt-dlp"
    ),
    "a runner of code that it finds": "py.test pytest",
    "a compiler": "c++ cc clang clang++ g++ gcc tcc",
    "a program that writes where it is told": (
        "cp csplit dd install ln mv rsync shuf split tee uniq"
    ),
    "a builtin that evaluates its words": (
        ". [ alias bind builtin command compgen complete compopt declare enable eval exec export "
        "float getopts hash integer let local mapfile print printf read readarray readonly set "
        "setopt shopt source test trap typeset unset vared wait zle zmodload"
    ),
}
"""Names of programs, by what they are.

That `test` and `printf` are among the last is no slip: `test -v 'a[$(touch x)]'` runs `touch`."""

_KIND_OF: Final = {name: kind for kind, names in _KINDS.items() for name in names.split()}

_FAMILIES: Final = {
    "python": "an interpreter",
    "pypy": "an interpreter",
    "ld-": "a wrapper",
    "ld.so": "a wrapper",
}
"""Beginnings of names: `python3-dbg`, and loaders such as `ld-linux-x86-64.so.2`."""

_VERSION: Final = re.compile(r"[-_.]?\d[\d._-]*$")

_RUN_WORDS: Final = {
    "bundle": "exec",
    "cargo": "--config install run r",
    "cmake": "-E -P",
    "conda": "run",
    "docker": "--host -H build buildx compose exec run",
    "find": "-delete -exec -execdir -fls -fprint -fprint0 -fprintf -ok -okdir",
    "fd": "--exec --exec-batch -x -X",
    "git": (
        "--config-env --exec --exec-path --ext-diff --git-dir --open-files-in-pager --output "
        "--receive-pack --remote --template --textconv --upload-pack --work-tree -C -O -c -u -x "
        "bisect config "
        "difftool filter-branch foreach hook mergetool worktree"
    ),
    "go": "-exec -toolexec -vettool env generate run tool",
    "hatch": "run",
    "kubectl": "--kubeconfig debug exec run",
    "mise": "exec run x",
    "nix": "develop run shell",
    "npm": "--script-shell exe exec explore run run-script x",
    "pdm": "run",
    "pip": "download install wheel",
    "pnpm": "--script-shell dlx exec run x",
    "podman": "--remote build exec run",
    "poetry": "run",
    "rg": "--hostname-bin --pre",
    "rsync": "--rsh --rsync-path -e",
    "rustup": "run",
    "rye": "run",
    "sort": "--compress-program --output -o",
    "tar": (
        "--checkpoint-action --info-script --new-volume-script --rmt-command --rsh-command "
        "--to-command --use-compress-program -F -I"
    ),
    "uv": "run tool x",
    "yarn": "--script-shell dlx exec node run",
    "zip": "--unzip-command -TT",
}
"""Words with which a program runs others, or writes where they say."""

_RUNS: Final = {name: frozenset(words.split()) for name, words in _RUN_WORDS.items()}

_ALSO: Final = {"bsdtar": "tar", "fdfind": "fd"}
"""Other names of programs in that list."""

_LEAST_ABBREVIATION: Final = len("--x")
"""Characters of a long option that may stand for the whole of it."""

_HANDING_ON: Final = frozenset({"builtin", "command", "eval", "exec", "trap"})
"""The builtins that run what their words name."""


def base_name(program: str) -> str:
    """The name of a program, whatever folder it is in: small letters, no ending of Windows."""
    name = re.split(r"[/\\]", program.rstrip("/\\"))[-1].lower()
    return re.sub(r"\.(exe|com|bat|cmd|ps1)$", "", name)


def kind_of(program: str) -> str:
    """What a program is, in words, if it runs whatever it is told; else empty.

    Args:
        program: Its name, or its path. Versions at the end of a name do not count.
    """
    name = base_name(program)
    for each in _spellings(name):
        if each in _KIND_OF:
            return _KIND_OF[each]
    return next((kind for start, kind in _FAMILIES.items() if name.startswith(start)), "")


def _spellings(name: str) -> tuple[str, ...]:
    """What a program may be listed as: itself, without a version, as that of GNU or another one."""
    plain = _VERSION.sub("", name)
    return name, plain, plain.removeprefix("g"), _ALSO.get(plain, plain)


def runs_anything(words: tuple[str, ...]) -> str:
    """Why a command could run, fetch or overwrite anything at all; empty if that is not known."""
    if not words:
        return ""
    program = words[0]
    if kind := kind_of(program):
        return f"{program} is {kind}"
    found = _running_word(words)
    return f"{program} with {found} runs or writes what it is told" if found else ""


def _running_word(words: tuple[str, ...]) -> str:
    """The first of its words with which a program runs others, or writes; empty if there is none."""
    names = _spellings(base_name(words[0]))
    risky = frozenset[str]().union(*(_RUNS.get(name, ()) for name in names))
    told = list(words[1:])
    if "tar" in names and told and not told[0].startswith("-"):
        # The first word of tar is letters of options, with a dash or without.
        told[0] = f"-{told[0]}"
    return next((word for word in told for each in risky if _means(word, each)), "")


def _means(word: str, risky: str) -> bool:
    """Whether a word is that option or subcommand, written in one of the ways there are."""
    name = word.partition("=")[0]
    if name == risky:
        return True
    if risky.startswith("--"):
        return len(name) >= _LEAST_ABBREVIATION and risky.startswith(name)
    return risky.startswith("-") and word.startswith("-") and _means_short(word, name, risky)


def _means_short(word: str, name: str, risky: str) -> bool:
    if risky == "-TT":
        return word.startswith(risky)
    if len(risky) > len("-x"):
        # Go takes long options with one dash or two.
        return name.lstrip("-") == risky[1:]
    # Short options stand together, and their value may follow at once.
    return not word.startswith("--") and risky[1] in word


def hands_on(words: tuple[str, ...]) -> bool:
    """Whether a command may run others that its words name."""
    match kind_of(words[0]):
        case "a shell" | "a wrapper":
            return True
        case _:
            return words[0] in _HANDING_ON or bool(_running_word(words))
