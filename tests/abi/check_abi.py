"""Checks what an app sees of the libraries: headers, exported symbols, needed libraries.

check_abi.py headers C_COMPILER CXX_COMPILER HEADER...   each compiles alone, as C99 and as C++
check_abi.py symbols LIBRARY EXPECTED_FILE               exactly these are exported
check_abi.py needed LIBRARY EXPECTED_FILE                nothing else is needed
check_abi.py size LIBRARY BYTES                          stripped, it has no more
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# A sanitizer's runtime comes with the build, not with the library.
SANITIZER = re.compile(r"lib(asan|ubsan|tsan|lsan)\.so")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def read_list(path: str) -> set[str]:
    lines = pathlib.Path(path).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def check_headers(c: str, cxx: str, *headers: str) -> list[str]:
    strict = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    problems = []
    for header in headers:
        include = "-I" + str(pathlib.Path(header).parent.parent)
        for compiler, language in ((c, "c99"), (cxx, "c++11")):
            command = [compiler, "-std=" + language, *strict, include, "-x", language.rstrip("0123456789"), "-"]
            text = f'#include "{header}"\n'
            done = subprocess.run(command, input=text, capture_output=True, text=True)
            if done.returncode != 0:
                problems.append(f"{header} as {language}:\n{done.stderr}")
    return problems


def compare(kind: str, found: set[str], expected_file: str) -> list[str]:
    expected = read_list(expected_file)
    problems = [f"{kind} {name} is new: add it to {expected_file}, or hide it"
                for name in sorted(found - expected)]
    problems += [f"{kind} {name} is gone: apps that use it would break"
                 for name in sorted(expected - found)]
    return problems


def check_symbols(library: str, expected_file: str) -> list[str]:
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    return compare("symbol", {line.split()[-1].split("@")[0] for line in lines}, expected_file)


def check_needed(library: str, expected_file: str) -> list[str]:
    found = set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", library)))
    allowed = read_list(expected_file)
    return [f"library {name} is needed and not allowed by {expected_file}"
            for name in sorted(found - allowed) if not SANITIZER.match(name)]


def check_size(library: str, limit: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder, "library")
        run("strip", "-o", str(stripped), library)
        size = stripped.stat().st_size
    print(f"{library}: {size} bytes, stripped; {limit} are allowed")
    return [] if size <= int(limit) else ["apps carry every byte: find what grew, or say why it must"]


def main() -> int:
    checks = {"headers": check_headers, "symbols": check_symbols, "needed": check_needed, "size": check_size}
    problems = checks[sys.argv[1]](*sys.argv[2:])
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
