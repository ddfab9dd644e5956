// redocly.yaml names this. Whenever the specification is read, nothing is fetched: a reference to another machine stays as it
// is. Redocly leaves many references in examples and other values as they are, and those are only text once the document is
// one file; this puts in their place what they lead to, as the sandbox does. A reference that leads nowhere stays unchanged;
// scripts/publish.py says which of those may be published. Redocly does not know the names that schemas give themselves either
// (`$id`, `$anchor`): references by these become JSON pointers.
import { createRequire } from "node:module";

const { Document, VALUE_KEYS, absolute, isBareReference, isRemote, pointed, visit } = createRequire(import.meta.url)(
  "../sandbox/specification.js",
);

globalThis.fetch = async (address) => {
  throw new Error(`${address} is not fetched`);
};

const SCHEMA = ["example", "examples", "default", "enum", "const"];

// Stands for the address of the document, of which nothing is known.
const BASE = "https://specification.invalid/";

// References by names of schemas in this document become JSON pointers, and the names go: below an `$id`, a pointer means
// another place. A document with `$dynamicRef` stays as it is.
function point(root) {
  const named = new Map();
  const references = [];
  let isDynamic = false;
  visit(root, BASE, ({ node, base, pointer, names }) => {
    for (const name of names) {
      named.set(name, { pointer, node });
    }
    isDynamic ||= typeof node.$dynamicRef === "string";
    if (typeof node.$ref === "string") {
      references.push({ node, base });
    }
  });
  if (isDynamic) {
    return;
  }
  for (const { node, base } of references) {
    const target = absolute(node.$ref, base) ?? "";
    const [address, fragment = ""] = target.split("#");
    const exact = named.get(target);
    const whole = named.get(address);
    if (exact !== undefined) {
      node.$ref = `#${exact.pointer}`;
    } else if (whole !== undefined && pointed(whole.node, decodeURIComponent(fragment)) !== undefined) {
      node.$ref = `#${whole.pointer}${fragment}`;
    }
  }
  for (const { node } of named.values()) {
    delete node.$id;
  }
}

function resolve() {
  let document;
  const inside = (keys) => ({
    enter(node, { location, report }) {
      for (const key of keys.filter((one) => Object.hasOwn(node, one))) {
        node[key] = document.literal(node[key], location.source.absoluteRef);
        if (isBareReference(node[key])) {
          report({ message: `\`${node[key].$ref}\` leads nowhere`, location: location.child([key]) });
        }
      }
    },
  });
  const example = {
    enter(node, context) {
      if (typeof node.externalValue === "string" && !isRemote(node.externalValue) && node.value === undefined) {
        node.value = { $ref: node.externalValue };
        delete node.externalValue;
      }
      inside(VALUE_KEYS).enter(node, context);
    },
  };
  return {
    Root: {
      enter(root, { location }) {
        point(root);
        document ??= new Document(location.source.absoluteRef);
      },
    },
    Schema: inside(SCHEMA),
    MediaType: inside(["example"]),
    Parameter: inside(["example"]),
    Header: inside(["example"]),
    Link: inside(["parameters", "requestBody"]),
    Example: example,
  };
}

// Swagger 2.0: an answer's examples by media type, and parameters and headers that are schemas themselves.
function resolve2() {
  const { Root, Schema } = resolve();
  return { Root, Schema, Parameter: Schema, Header: Schema, Items: Schema, Response: Schema };
}

export default () => ({ id: "examples", preprocessors: { oas3: { resolve }, oas2: { resolve: resolve2 } } });
