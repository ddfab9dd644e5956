"""Builds the documents from which the platform makes the proxies: one OpenAPI 3.0.3 document an environment.

    python3 scripts/instance.py SPECIFICATION FOLDER [PULL_REQUEST]

SPECIFICATION is the whole document as one JSON file (`make bundle` makes it); FOLDER gets ENVIRONMENT.json for each
environment of environments.toml. With the number of a pull request they are those of its preview.
"""

import copy
import json
import re
from pathlib import Path

import access
import environments
import openapi303
from environments import Problem

SCHEMES = "https://proxygen.{}.api.platform.nhs.uk/components/securitySchemes/{}"
TITLES = {"app": "Application restricted", "nhs-login": "Patient access", "nhs-cis2": "Healthcare worker access"}
# The platform answers these itself.
OWN = ("/_ping", "/_status")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# The platform's rule is one expression with nested quantifiers; these take the same without its running time.
SERVER = re.compile(r"https://((internal-dev|internal-dev-sandbox|internal-qa|internal-qa-sandbox|ref|dev|int|sandbox)\.)?api\.service\.nhs\.uk/(.+)")
SEGMENTS = re.compile(r"[A-Za-z0-9]+([-/][A-Za-z0-9]+)*")


def instance(document, base, own, environment, tag, pull_request=None):
    """The document of one environment.

    `base` is the specification in OpenAPI 3.0.3, `own` what it says about access, `tag` that of the images.
    """
    api, sandbox = document["api"], environment["bundle"] == "sandbox"
    found = copy.deepcopy(base)
    if pull_request:
        found["info"]["title"] = f"[PR {pull_request}] {found['info']['title']}"
    found["servers"] = [{"url": environments.url(environment, pull_request)}]
    found["paths"] = {path: item for path, item in found["paths"].items() if path not in OWN}
    # A sandbox is open: it asks for nothing.
    modes = [] if sandbox else api["access_modes"]
    secure(found, own, modes, "prod" if environment["name"] == "prod" else "ptl")
    said = apim(found)
    # What a sandbox does not ask for, it cannot pass on either.
    kept = {} if sandbox else {key: value for key, value in said.items() if key != "target"}
    found["x-nhsd-apim"] = kept | {
        "temporary": bool(pull_request),
        "monitoring": not pull_request and said.get("monitoring") is not False,
        "access": products(own, modes),
        "ratelimiting": part(found, kept, "ratelimiting") | ratelimiting(environment),
    }
    announce_end(found, document["lifecycle"])
    target = backend(environment, tag)
    if target:
        found["x-nhsd-apim"]["target"] = target
    return found


def apim(document):
    """The document's own `x-nhsd-apim`."""
    return part(document, document, "x-nhsd-apim")


def part(document, holder, key):
    """The object below the key, which may be a reference; an empty one where there is none."""
    found = access.resolved(document, holder.get(key))
    return found if isinstance(found, dict) else {}


def announce_end(found, lifecycle):
    """Marks every operation as deprecated when the API is, and says the dates."""
    if not lifecycle["deprecation"]:
        return
    for item in found["paths"].values():
        for method in METHODS:
            if method in item:
                item[method]["deprecated"] = True
    found["info"] |= {f"x-{key}": lifecycle[key] for key in ("deprecation", "sunset") if lifecycle[key]}


def secure(found, own, modes, realm):
    """Puts the platform's schemes in place of the document's; an operation keeps its own access modes, where it names any."""
    components = found.setdefault("components", {})
    components.pop("securitySchemes", None)
    found.pop("security", None)
    whole = [mode for mode in modes if own.granted is None or mode in own.granted] or modes
    if modes:
        components["securitySchemes"] = {mode: {"$ref": SCHEMES.format(realm, mode)} for mode in modes}
        found["security"] = [{mode: []} for mode in whole]
    for path, item in found["paths"].items():
        for method in METHODS:
            operation = item.get(method, {})
            named = operation.pop("security", None) is not None
            asked = own.asked(own.operations.get(f"{method.upper()} {path}")) or ()
            kept = [mode for mode in modes if mode in asked]
            if kept and (named or kept != whole):
                operation["security"] = [{mode: []} for mode in kept]
            # What one call does about security elsewhere, or where it is served, is not for the platform.
            operation.pop("servers", None)
        item.pop("servers", None)


def products(own, modes):
    """The products of the catalogue: the document's own, or else one for each kind of access."""
    found = []
    for product in own.products() or () if modes else ():
        grants = {own.sole(name): scopes for name, scopes in product["grants"].items()}
        found.append(product | {"grants": {mode: grants[mode] for mode in modes if mode in grants}})
    for prefix, title in TITLES.items() if own.products() is None else ():
        found.append({"title": title, "grants": {mode: [] for mode in modes if mode.startswith(prefix)}})
    return [product for product in found if product["grants"]]


def ratelimiting(environment):
    """The limit of the whole proxy."""
    return {"proxy": {"limit": environment["quota_per_minute"], "timeunit": "minute"}}


def backend(environment, tag):
    """What stands behind the proxy; None while nothing does."""
    target = environment.get("target")
    if not target:
        return None
    if target["type"] == "hosted":
        image = {"name": target["image"], "tag": tag}
        container = {"name": target["image"], "image": image, "environment": target.get("variables", {}), "primary": True}
        return {"type": "hosted", "healthcheck": target["healthcheck"], "containers": [container]}
    if not target["url"]:
        return None
    security = {"type": target["auth"], "secret": target["secret"]}
    if target["auth"] == "apikey":
        security["header"] = "apikey"
    return {"type": "external", "healthcheck": target["healthcheck"], "url": target["url"], "security": security}


def problems(found):
    """What the platform would not take, a text each."""
    if found.get("openapi") != "3.0.3":
        yield "`openapi` must be 3.0.3"
    for key in ("title", "version"):
        if not isinstance(found["info"].get(key), str) or not found["info"][key]:
            yield f"`info.{key}` is missing"
    servers = [server.get("url", "") for server in found.get("servers", [])]
    match = SERVER.fullmatch(servers[0]) if len(servers) == 1 else None
    if not match or len(match[3]) < 2 or not SEGMENTS.fullmatch(match[3]):
        yield f"there must be one server, a host of the platform and a base path: {', '.join(servers)}"
    schemes = found.get("components", {}).get("securitySchemes", {})
    for name in sorted(set(schemes) - set(access.MODES)):
        yield f"`{name}` is not an access mode of the platform"
    yield from apim_problems(found["x-nhsd-apim"])


def apim_problems(found):
    """What is wrong with an `x-nhsd-apim`, a text each."""
    for product in found["access"]:
        if not product.get("title") or set(product["grants"]) - set(access.MODES) or not product["grants"]:
            yield "a product needs a title and access modes of the platform"
    limit = found["ratelimiting"]["proxy"]
    if limit["limit"] < 0 or limit["timeunit"] not in ("second", "minute", "hour"):
        yield "the rate limit must be 0 or more a second, minute or hour"
    target = found.get("target")
    if target is None:
        return
    if not target["healthcheck"].startswith("/"):
        yield "the target's health path must begin with `/`"
    if target["type"] == "external" and (target["security"]["type"] not in ("apikey", "mtls") or not target["security"]["secret"]):
        yield "an external target needs `auth` apikey or mtls, and a `secret`"
    if target["type"] == "hosted" and not 1 <= len(target["containers"]) <= 5:
        yield "a hosted target has 1 to 5 containers"


def report_loss(specification, why, lost):
    """One sentence about what the proxies do without; at most eight things by name."""
    if lost:
        shown = ", ".join(lost[:8]) + (f" and {len(lost) - 8} more" if len(lost) > 8 else "")
        print(f"{specification}: {why} {shown}; the proxies do without")


def build(source, folder, pull_request=None):
    """Writes a document for each environment into the folder, and says what they do without."""
    document = environments.load()
    try:
        specification = json.loads(Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{source} cannot be read: run `make bundle`") from error
    own = access.Access(specification)
    wider = list(own.problems(document["api"]["access_modes"], each_its_own=True))
    if wider:
        raise Problem(f"{document['api']['specification']} and `access_modes` of environments.toml do not agree: {'; '.join(wider)}")
    base, lost, dangling = openapi303.convert(specification | {"paths": access.paths(specification)})
    report_loss(document["api"]["specification"], "OpenAPI 3.0.3 has no words for", lost)
    report_loss(document["api"]["specification"], "no part of the document is", dangling)
    decided = [key for key in ("target", "ratelimiting") if key in apim(base)]
    if decided:
        print(f"{document['api']['specification']}: environments.toml decides about {' and '.join(decided)}, `x-nhsd-apim` about what it does not name")
    target = Path(folder)
    made_from = environments.note_release(target)
    base["info"]["version"] = made_from["version"]
    for environment in document["environment"]:
        if pull_request and not environment.get("preview"):
            continue
        found = instance(document, base, own, environment, made_from["commit"], pull_request)
        faults = list(problems(found))
        if faults:
            raise Problem(f"{environment['name']}: {'; '.join(faults)}")
        path = target / f"{environment['name']}.json"
        path.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        backed = "" if "target" in found["x-nhsd-apim"] else ", nothing stands behind it yet"
        print(f"{path}: {found['servers'][0]['url']}{backed}")


def main(arguments):
    if len(arguments) not in (2, 3) or arguments[0].startswith("-"):
        raise Problem(__doc__.strip())
    build(*arguments)


if __name__ == "__main__":
    environments.run(main)
