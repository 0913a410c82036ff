#!/usr/bin/python3
"""No function over 80 lines, no file over 600, outside of tests. usage: tests/lint/sizes.py FILE..."""
import sys

FUNCTION_LINES, FILE_LINES = 80, 600


def too_long(path):
    """A function's body begins and ends with a brace at the beginning of a line (clang-format sees to it)."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > FILE_LINES:
        yield f"{path}:1: {len(lines)} lines, at most {FILE_LINES}"
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > FUNCTION_LINES:
                yield f"{path}:{start}: a function of {number - start - 1} lines, at most {FUNCTION_LINES}"
            start = None


def main():
    complaints = [complaint for path in sys.argv[1:] for complaint in too_long(path)]
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
