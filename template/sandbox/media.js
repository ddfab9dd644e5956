"use strict";
// Media types: which one a call wants, and how a value is written in it.

const { isJson } = require("./specification");
const { FORM } = require("./operations");

const isXml = (type) => /[/+]xml\b/i.test(type);

// `text/plain; charset=utf-8; q=0.5` as `{type, parameters, q}`; undefined when it is no media type or range of them.
function parse(text) {
  const [type, ...rest] = text.split(";").map((part) => part.trim().toLowerCase());
  if (!/^[^\s/,]+\/[^\s/,]+$/.test(type)) {
    return undefined;
  }
  const pairs = rest.map((part) => part.split("=").map((one) => one.trim().replace(/^"(.*)"$/, "$1")));
  const { q, ...parameters } = Object.fromEntries(pairs);
  return { type, parameters, q: q === undefined ? 1 : Number(q) || 0 };
}

// How exactly a range (`text/*`) names a type: 0 not at all, 1 as anything, 2 as a group, 3 by its name.
function exactness(range, type) {
  const [group, name] = range.split("/");
  if (range === type) {
    return 3;
  }
  return range === "*/*" ? 1 : name === "*" && type.startsWith(`${group}/`) ? 2 : 0;
}

// Which of the documented types, which may be ranges, a body of the type `given` has: its index, or -1.
function documented(types, given) {
  const sent = parse(given)?.type;
  const found = types.map((type) => (sent === undefined ? 0 : exactness(parse(type)?.type ?? "", sent)));
  return Math.max(...found, 0) === 0 ? -1 : found.indexOf(Math.max(...found));
}

// How much an `Accept` wants a documented type: 0 is not at all.
function wish(accept, type) {
  const own = parse(type);
  if (own === undefined) {
    return 0;
  }
  const found = accept.map(({ type: range, parameters, q }) => {
    // A parameter that both name must be the same: `version=1` is not `version=2`.
    const fits = Object.entries(parameters).every(
      ([key, value]) => own.parameters[key] === undefined || own.parameters[key].toLowerCase() === value,
    );
    return { exact: fits ? exactness(range, own.type) || Math.min(exactness(own.type, range), 2) : 0, q };
  });
  const best = found.reduce((one, other) => (other.exact > one.exact ? other : one), { exact: 0, q: 0 });
  return best.q;
}

// The indices of the documented types that an `Accept` takes, the most wanted first.
function wanted(header, types) {
  const text = [header ?? "*/*"].flat().join(",");
  const accept =
    text.trim() === ""
      ? [parse("*/*")]
      : text
          .split(",")
          .map(parse)
          .filter((one) => one !== undefined);
  const wishes = types.map((type) => wish(accept, type));
  return [...types.keys()].filter((index) => wishes[index] > 0).sort((one, other) => wishes[other] - wishes[one]);
}

// The type that an answer says it has: where a range is documented, one that is in it.
function concrete(type, header, value) {
  if (!type.includes("*")) {
    return type;
  }
  const own = parse(type)?.type ?? "*/*";
  const asked = [header ?? ""]
    .flat()
    .join(",")
    .split(",")
    .map(parse)
    .find((one) => one !== undefined && !one.type.includes("*") && exactness(own, one.type) > 0);
  if (asked !== undefined) {
    return asked.type;
  }
  const likely = { "text/*": "text/plain", "image/*": "image/png", "audio/*": "audio/mpeg", "video/*": "video/mp4" };
  return likely[own] ?? (typeof value === "string" && own === "*/*" ? "text/plain" : "application/json");
}

// Is it XML: one element whose tags are closed in order? Comments, CDATA, instructions and a DOCTYPE are passed over.
function isWellFormed(text) {
  const open = [];
  let roots = 0;
  let last = 0;
  const outside = (part) => open.length > 0 || part.trim() === "";
  const attributes = String.raw`(?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*`;
  const others = String.raw`<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<\?[^]*?\?>|<!DOCTYPE[^[>]*(?:\[[^\]]*\])?[^>]*>`;
  const token = new RegExp(String.raw`${others}|<(/?)([^\s<>/!?]+)${attributes}\s*(/?)>`, "g");
  for (const found of text.replace(/^\uFEFF/, "").matchAll(token)) {
    const [all, closing, name, closed] = found;
    const between = found.input.slice(last, found.index);
    if (between.includes("<") || !outside(between)) {
      return false;
    }
    last = found.index + all.length;
    if (name === undefined) {
      continue;
    }
    if (closing === "/" && open.pop() !== name) {
      return false;
    }
    roots += closing !== "/" && open.length === 0 ? 1 : 0;
    if (closing !== "/" && closed !== "/") {
      open.push(name);
    }
  }
  const rest = text.replace(/^\uFEFF/, "").slice(last);
  return open.length === 0 && roots === 1 && rest.trim() === "";
}

const escaped = (text) => String(text).replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);

class NotWritable extends Error {}

// A value as an XML element, by what its schema says in `xml`. `flat(schema)` gives a schema without references.
function element(value, schema, name, flat) {
  const own = flat(schema);
  const { prefix, namespace } = own.xml ?? {};
  const tag = (prefix ? `${prefix}:` : "") + (own.xml?.name ?? name);
  if (!/^[\p{L}_][\p{L}\p{N}_.:-]*$/u.test(tag)) {
    throw new NotWritable(`an element cannot be called ${tag}`);
  }
  const space = namespace ? ` xmlns${prefix ? `:${prefix}` : ""}="${escaped(namespace)}"` : "";
  if (typeof value !== "object" || value === null) {
    return `<${tag}${space}>${escaped(value ?? "")}</${tag}>`;
  }
  const schemaOf = (key) => own.properties?.[key] ?? {};
  const isAttribute = (key) => flat(schemaOf(key)).xml?.attribute === true;
  const entries = Array.isArray(value) ? [] : Object.entries(value);
  const attributes = entries
    .filter(([key]) => isAttribute(key))
    .map(([key, item]) => ` ${flat(schemaOf(key)).xml.name ?? key}="${escaped(item)}"`);
  const inner = Array.isArray(value)
    ? value.map((item) => element(item, own.items ?? {}, "item", flat))
    : entries
        .filter(([key]) => !isAttribute(key))
        .map(([key, item]) =>
          Array.isArray(item) ? list(item, schemaOf(key), key, flat) : element(item, schemaOf(key), key, flat),
        );
  return `<${tag}${space}${attributes.join("")}>${inner.join("")}</${tag}>`;
}

// A list in an object: its items, in an element of their own when the schema says `wrapped`.
function list(value, schema, key, flat) {
  const own = flat(schema);
  const name = own.xml?.name ?? key;
  const items = value.map((item) => element(item, own.items ?? {}, own.xml?.wrapped === true ? key : name, flat)).join("");
  return own.xml?.wrapped === true ? `<${name}>${items}</${name}>` : items;
}

// The value of an example or one that was made up, as a body of a type. `xml()` writes it as XML.
function written(value, type, xml) {
  if (isJson(type)) {
    return JSON.stringify(value);
  }
  if (isXml(type)) {
    return `<?xml version="1.0" encoding="UTF-8"?>${xml()}`;
  }
  if (typeof value === "string") {
    return value;
  }
  if (type.toLowerCase().startsWith(FORM) && typeof value === "object") {
    return new URLSearchParams(
      Object.entries(value ?? {}).flatMap(([key, item]) => [item].flat().map((one) => [key, String(one)])),
    ).toString();
  }
  if (/^(multipart\/|image\/|audio\/|video\/|text\/csv\b)/i.test(type) && typeof value === "object") {
    throw new NotWritable(`a value cannot be written as ${type}`);
  }
  return JSON.stringify(value);
}

module.exports = { NotWritable, concrete, documented, element, isWellFormed, isXml, wanted, written };
