"""Parses every file of the generated repository in the current folder, and looks for tags that nobody rendered."""

import json
import re
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

# The producer's own document may hold anything; what is installed or built is not ours.
SKIPPED = {"specification", "node_modules", ".venv", "build", ".git"}
# `${{ … }}` is GitHub's; any other tag is ours.
TAG = re.compile(r"(?<!\$)\{\{|\{%|%\}")


def finding(path):
    """What is wrong with the file, or None."""
    text = path.read_text(encoding="utf-8")
    try:
        match path.suffix:
            case ".xml":
                ElementTree.fromstring(text.encode())
            case ".json":
                json.loads(text)
            case ".toml":
                tomllib.loads(text)
            case ".py":
                compile(text, str(path), "exec")
    except (ElementTree.ParseError, ValueError, SyntaxError) as error:
        return str(error)
    # Titles may hold braces: only files without answers are held to having none.
    if path.suffix in {".py", ".js"} or path.name == "Makefile":
        left = TAG.search(text)
        return left and f"a tag is left: {left.group()}"
    return None


def main():
    bad = 0
    for path in sorted(Path(".").rglob("*")):
        if path.is_file() and not SKIPPED & set(path.parts):
            why = finding(path)
            if why:
                print(f"{path}: {why}")
                bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
