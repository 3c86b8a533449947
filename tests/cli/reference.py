#!/usr/bin/python3
"""Writes docs/reference/cli.md from the program's own help, or with --check says if it is stale.

Usage: reference.py [--check] GODWIT
"""
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/reference/cli.md"
HEAD = """\
# The command line, `godwit`

Made from the program's own `--help` by `tests/cli/reference.py`; a test compares the two.

Data goes to standard output, everything else to standard error, so `$(godwit get face)` is a
path and nothing but a path. Progress bars, colours and bars show on a terminal only; `NO_COLOR`
turns colours off. Every command that reads has `--json`; with it an error is JSON, too, on
standard error: `{"error": {"code": 5, "status": "NOT_FOUND", "message": "…"}}`, with the numbers
of [google.rpc.Code](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto)
and godwit's own from 200.

## Addresses

`face` is the version that devices get, `face@7` is version 7, `face@stable` what the alias points
to. A name has 1 to 32 letters, digits, `_` or `-`; an alias of `a-z`, `0-9`, `_` and `-`, a letter first.

## Exit codes

| code | meaning | worth a retry |
|---|---|---|
| 0 | done | |
| 1 | failed in another way than below | |
| 2 | the command line is wrong, or the server refuses an argument | no |
| 3 | no such model, version or file | no |
| 4 | credentials are missing, refused, or do not allow this | no |
| 5 | network or server unavailable | yes |
| 6 | damaged data: a file that is no valid model, or bytes that do not match their digest | no |
| 7 | `godwit model diff --exit-code`: the second model breaks apps written for the first | no |

## Settings

| flag | environment | what |
|---|---|---|
| `--url` | `GODWIT_URL` | the server's address |
| `--credentials` | `GODWIT_CREDENTIALS` | the administrator's key file, `admin.json` |
| `--app` | `GODWIT_APP` | an app's id and API key, `app.json` |
| `--store` | `XDG_DATA_HOME` | the device's store; by default `~/.local/share/godwit` |
| `--runtime` | `GODWIT_TFLITE_LIBRARY` | the TensorFlow Lite library that `run` and `bench` load |
| | `GODWIT_CA_FILE` | certificates to trust instead of the system's, as a PEM file, for Godwit servers |
| | `SSL_CERT_FILE` | the same for Google's hosts, from which `import firebase` gets models |

`model diff` keeps what it downloads in `$XDG_CACHE_HOME/godwit` (by default `~/.cache/godwit`), at
most 4 GiB. A flag wins over the environment, and that over what `godwit login` saved in
`$XDG_CONFIG_HOME/godwit` (by default `~/.config/godwit`), readable by you alone.

## Completion

    source <(godwit completion bash)     # in ~/.bashrc
    source <(godwit completion zsh)      # in ~/.zshrc, after compinit
"""


def help_of(program, command):
    done = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout.strip("\n")


def children(text):
    """The names under "Subcommands:" of a help text."""
    lines = iter(text.split("\n"))
    for line in lines:
        if line == "Subcommands:":
            break
    names = []
    for line in lines:
        if not line.startswith("  "):
            break
        if line[2] != " ":
            names.append(line.split()[0])
    return names


def sections(program, command=()):
    text = help_of(program, command)
    yield f"## `{' '.join(('godwit', *command))}`\n\n```\n{text}\n```\n"
    for name in children(text):
        yield from sections(program, (*command, name))


def main():
    check = sys.argv[1] == "--check"
    document = HEAD + "\n" + "\n".join(sections(sys.argv[-1]))
    if not check:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(document)
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == document:
        return 0
    print("docs/reference/cli.md is not what --help says; type: tests/cli/reference.py build/dev/bin/godwit")
    return 1


if __name__ == "__main__":
    sys.exit(main())
