"""Plants each fault that scripts/tidy promises to find, in a small tree of its own."""
import subprocess
from pathlib import Path

import pytest

TIDY = Path(__file__).resolve().parents[2] / "scripts" / "tidy"

CLEAN = {
    ".clang-format": "BasedOnStyle: Google\nColumnLimit: 100\n",
    "src/base/CMakeLists.txt": "godwit_module(base SOURCES status.cc status.h)\n",
    "src/base/status.h": "#pragma once\nint Code();\n",
    "src/base/status.cc": '#include "base/status.h"\n\nint Code() { return 0; }\n',
    "src/device/CMakeLists.txt": "godwit_module(device\n  SOURCES store.cc store.h\n  DEPS base)\n"
                                 "godwit_test(store_test SOURCES store_test.cc DEPS device testing)\n",
    "src/device/store.h": '#pragma once\n#include "base/status.h"\nint Put();\n',
    "src/device/store.cc": '#include "device/store.h"\n\nint Put() { return Code(); }\n',
    "src/device/store_test.cc": '#include "device/store.h"\n\n#include "base/status.h"\n'
                                '#include "testing/clock.h"\n\nint Test() { return Now() + Put(); }\n',
    "src/testing/CMakeLists.txt": "godwit_module(testing SOURCES clock.h)\n",
    "src/testing/clock.h": "#pragma once\ninline int Now() { return 1'000'000; }\n",
    "src/server/http/CMakeLists.txt": "godwit_module(server_http EXCEPTIONS SOURCES loop.cc loop.h)\n",
    "src/server/http/loop.h": "#pragma once\nint Loop();\n",
    "src/server/http/loop.cc": '#include "server/http/loop.h"\n\n#include <boost/asio/io_context.hpp>\n\n'
                               "int Loop() { return 0; }\n",
    "docs/start.md": "# Start\n",
}


def tidy(tmp_path, *changes):
    """Runs tidy on the clean tree with changes (path, text); returns (exit status, output)."""
    for path, text in {**CLEAN, **dict(changes)}.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    done = subprocess.run([TIDY, "--root", tmp_path], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_a_clean_tree_has_no_faults(tmp_path):
    status, output = tidy(tmp_path)
    assert status == 0, output


def lines_of(count):
    return "".join(f"int v{i} = {i};\n" for i in range(count))


FAULTS = {
    "an upward include": ("src/base/status.cc", '#include "device/store.h"\n', "not in the DEPS of godwit_base"),
    "an undeclared include of a header": ("src/device/store.h", '#pragma once\n#include "server/http/loop.h"\n',
                                          "server/http is not in the DEPS"),
    "testing in a product source": ("src/device/store.cc", '#include "testing/clock.h"\n', "testing is not in the DEPS"),
    "a second door": ("src/device/store.cc", "#include <boost/asio/io_context.hpp>\n", "is included only in"),
    "gtest in a product source": ("src/device/store.cc", "#include <gtest/gtest.h>\n", "is for tests"),
    "an unbuilt source": ("src/device/extra_test.cc", "int Extra() { return 0; }\n", "nobody builds it"),
    "a bag": ("src/device/string_util.h", "#pragma once\n", "the name is a bag"),
    "a long file": ("src/base/status.h", "#pragma once\n" + lines_of(601), "602 lines"),
    "a long function": ("src/base/status.cc", "int Code() {\n" + "  Next();\n" * 69 + "}\n", "a function of 71 lines"),
    "a long method": ("src/base/status.h", "#pragma once\nnamespace godwit {\nclass Code {\n  int Next(int a,\n"
                      "           int b) const {\n" + "    // '{'\n" * 70 + "  }\n};\n}\n", "a function of 73 lines"),
    "a namespace let loose": ("src/base/status.h", "#pragma once\nusing namespace std;\n", "using namespace"),
    "a rename past the seam": ("src/device/store.cc", 'int Put() { return ::rename("a", "b"); }\n', "call FileSystem"),
    "an fsync past the seam": ("src/device/store.cc", "int Put() { return fsync(3); }\n", "call FileSystem"),
    "a clock past the seam": ("src/device/store.cc", "auto t = std::chrono::system_clock::now();\n", "ask the Clock"),
    "a disabled test": ("src/device/store_test.cc", "TEST(Store, DISABLED_Puts) {}\n", "never disabled"),
    "a leftover": ("docs/start.md", "TO" + "DO: write\n", "no leftovers"),
    "a foreign path": ("docs/start.md", "see /wo" + "rk/notes\n", "where it was built"),
    "a registry's host": ("scripts/get.sh", "curl pypi" + ".org\n", "registries"),
    "bad formatting": ("src/base/status.cc", "int   Code( ){return 0;}\n", "run clang-format-19"),
    "a circle": ("src/base/CMakeLists.txt", "godwit_module(base SOURCES status.cc status.h DEPS device)\n", "a circle"),
    "the SDK on the server": ("src/device/CMakeLists.txt", "godwit_module(device SOURCES store.cc store.h\n"
                              "  DEPS base server_http)\ngodwit_test(store_test SOURCES store_test.cc DEPS device testing)\n",
                              "the SDK leans on the server"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_planted_fault_is_found(tmp_path, what):
    path, text, message = FAULTS[what]
    status, output = tidy(tmp_path, (path, text))
    assert status == 1
    assert message in output
    assert path in output


def test_what_only_looks_like_a_fault_passes(tmp_path):
    looks = ('#include "device/store.h"\n\n#include "base/status.h"\n\n'
             "// A rename(2) and an fsync( in a comment, with a { brace.\n"
             'const char* kText = "rename( {";\n\nint Put() { return Code() + (\'{\' == \'}\'); }\n')
    status, output = tidy(tmp_path, ("src/device/store.cc", looks))
    assert status == 0, output
