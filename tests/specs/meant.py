"""What an OpenAPI document says of itself, read without any code of this project: a JSON object with its base paths, whether
it is FHIR, its operations with the security of each, and the access modes that its security schemes name.

    python3 meant.py DOCUMENT
"""

import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}


class Loader(yaml.SafeLoader):
    """YAML 1.2: `no` and dates are texts, and so are keys."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regex) for tag, regex in found if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))

files = {}


def read(path):
    if path not in files:
        text = path.read_text(encoding="utf-8-sig")
        files[path] = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader)
    return files[path]


def follow(value, path):
    """The value behind the references, and the file that it is in; None where they lead nowhere."""
    for _ in range(20):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value, path
        file, _, pointer = value["$ref"].partition("#")
        path = (path.parent / unquote(file)).resolve() if file else path
        if not path.is_file():
            return None, path
        value = read(path)
        for key in unquote(pointer).split("/")[1:]:
            key = key.replace("~1", "/").replace("~0", "~")
            value = value.get(key) if isinstance(value, dict) else None
    return None, path


def operations(document, path):
    for name, item in (document.get("paths") or {}).items():
        if not str(name).startswith("/"):
            continue
        found, _ = follow(item, path)
        for method, operation in (found or {}).items():
            if method in METHODS and isinstance(operation, dict):
                yield f"{method.upper()} {name}", operation


def base_paths(document):
    urls = []
    for server in document.get("servers") or []:
        url = server["url"]
        for name, variable in (server.get("variables") or {}).items():
            url = url.replace("{" + name + "}", str(variable["default"]))
        urls.append(url)
    if "basePath" in document:
        urls.append(document["basePath"])
    return sorted({urlsplit(url).path.strip("/") for url in urls} - {""})


def main():
    path = Path(sys.argv[1]).resolve()
    document = read(path)
    of_all = document.get("security", [])
    found = {name: operation.get("security", of_all) for name, operation in operations(document, path)}
    json.dump({"base_paths": base_paths(document), "operations": found}, sys.stdout)


main()
