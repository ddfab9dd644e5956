"use strict";
// Is a call as the specification describes it? Its parameters and its body are read by their styles and media types, and
// checked against their schemas.

const { FORM } = require("./operations");
const { documented, isWellFormed, isXml } = require("./media");
const { isJson } = require("./specification");

const MAX_DEPTH = 500;
const SEPARATORS = { form: ",", simple: ",", spaceDelimited: " ", pipeDelimited: "|", tabDelimited: "\t" };

// What is wrong with a call: the statuses that may say so, the fitting one first, and why.
class Misfit extends Error {
  constructor(statuses, message) {
    super(message);
    this.statuses = statuses;
  }
}

const wrong = (message) => new Misfit([422, 400], message);

// Names and values of a query or of a form.
function pairs(text) {
  return [...new URLSearchParams(text)];
}

function cookies(header) {
  return (header ?? "").split(";").flatMap((one) => {
    const [, name, value] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(one) ?? [];
    return name === undefined ? [] : [[name, decoded(value.replace(/^"(.*)"$/, "$1"))]];
  });
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// `a,1,b,2`, or with `explode` `a=1,b=2`, as an object.
function objectOf(items, explode) {
  const entries = explode
    ? items.map((item) => [item.split("=")[0], item.slice(item.indexOf("=") + 1)])
    : items.flatMap((item, index) => (index % 2 === 0 ? [[item, items[index + 1] ?? ""]] : []));
  return Object.fromEntries(entries);
}

// `name[a][b]=1` as an object; undefined when no such name is there.
function deepObject(name, given) {
  const root = new Map();
  for (const [key, value] of given.filter(([key]) => key.startsWith(`${name}[`) && key.endsWith("]"))) {
    const path = key.slice(name.length + 1, -1).split("][");
    let here = root;
    for (const part of path.slice(0, -1)) {
      here.set(part, here.get(part) instanceof Map ? here.get(part) : new Map());
      here = here.get(part);
    }
    const last = path.at(-1);
    here.set(last, [...(here.get(last) ?? []), value]);
  }
  const plain = (node) => {
    if (!(node instanceof Map)) {
      return node.length === 1 ? node[0] : node;
    }
    // `a[]=1` and `a[0]=1` are lists.
    const keys = [...node.keys()];
    if (keys.length > 0 && keys.every((key, index) => key === "" || key === String(index))) {
      return keys.flatMap((key) => plain(node.get(key)));
    }
    return Object.fromEntries(keys.map((key) => [key, plain(node.get(key))]));
  };
  return root.size === 0 ? undefined : plain(root);
}

// The value of a parameter among the names and values of a query, of cookies or of a form; undefined when it is not there.
function fromPairs({ name, style, explode }, { types, properties }, given) {
  if (style === "deepObject") {
    return deepObject(name, given);
  }
  const values = given.filter(([key]) => key === name).map(([, value]) => value);
  if (types.has("object") && explode && values.length === 0) {
    const found = given.filter(([key]) => properties.has(key));
    return found.length === 0 ? undefined : Object.fromEntries(found);
  }
  if (values.length === 0 || explode || !(types.has("array") || types.has("object"))) {
    return values.length > 1 ? values : values[0];
  }
  const items = values[0].split(SEPARATORS[style] ?? ",");
  return types.has("array") ? items : objectOf(items, false);
}

// The value of a parameter in a path or of a header.
function fromText({ name, style, explode }, { types }, text) {
  const isList = types.has("array") || types.has("object");
  const separator = explode && style === "label" ? "." : explode && style === "matrix" ? ";" : ",";
  let rest = text;
  if (style === "label") {
    rest = text.replace(/^\./, "");
  } else if (style === "matrix") {
    const start = `;${name}=`;
    rest = text.startsWith(start) ? text.slice(start.length) : text.replace(/^;/, "");
  }
  if (!isList) {
    return rest;
  }
  const items = rest.split(separator).map((item) => item.trim());
  if (types.has("array")) {
    return style === "matrix" && explode ? items.map((item) => item.replace(`${name}=`, "")) : items;
  }
  return objectOf(items, explode);
}

// How many brackets are open at once in a JSON text.
function depth(text) {
  let open = 0;
  let most = 0;
  for (const [one] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    open += one === "[" || one === "{" ? 1 : one === "]" || one === "}" ? -1 : 0;
    most = Math.max(most, open);
  }
  return most;
}

function parsed(text, what) {
  if (depth(text) > MAX_DEPTH) {
    throw new Misfit([400, 422], `${what} is nested more than ${MAX_DEPTH} levels deep`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    // Only where: the message of the error repeats parts of the text.
    throw new Misfit([400, 422], `${what} is not JSON${/ at position [0-9]+/.exec(error.message)?.[0] ?? ""}`);
  }
}

function valueOf(parameter, shape, call) {
  const { name, in: where } = parameter;
  if (where === "query" || where === "cookie") {
    return fromPairs(parameter, shape, where === "query" ? pairs(call.query) : cookies(call.headers.cookie));
  }
  const text = where === "path" ? call.values.get(name) : call.headers[name.toLowerCase()];
  return text === undefined ? undefined : fromText(parameter, shape, [text].flat().join(", "));
}

function checkParameter(schemas, parameter, call) {
  const { name, in: where, required, mayBeEmpty, isJson: isText, schema } = parameter;
  const what = where === "header" ? `the header ${name}` : `the ${where} parameter ${name}`;
  const key = schema && schemas.name(schema, isText ? "request" : "text");
  const shape = key === undefined || isText ? { types: new Set(), properties: new Map() } : schemas.shape(schemas.get(key));
  const value = valueOf(parameter, shape, call);
  if (value === undefined) {
    // A path that fits has all its parameters, whatever they are called in it.
    if (required && where !== "path") {
      throw wrong(`${what} is missing`);
    }
    return;
  }
  if (key === undefined || (mayBeEmpty && value === "")) {
    return;
  }
  const why = schemas.misfit(key, isText ? parsed(value, what) : value);
  if (why !== undefined) {
    throw wrong(`${what} is wrong: ${why}`);
  }
}

function text(body) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new Misfit([400, 422], "the body is not UTF-8");
  }
}

// Fields of a form as the schema's properties; a text that the schema takes for an object or a list may be JSON.
function formOf(schemas, schema, encoding, given) {
  const { properties } = schemas.shape(schema);
  const found = {};
  const used = (key, name) => key === name || key.startsWith(`${name}[`);
  for (const [name, property] of properties) {
    const { style = "form", explode = style === "form" } = encoding[name] ?? {};
    const shape = schemas.shape(property);
    const own = given.filter(([key]) => used(key, name));
    const value = fromPairs({ name, style, explode }, { ...shape, properties: new Map() }, own) ?? deepObject(name, own);
    if (value !== undefined) {
      found[name] = structured(schemas, value, property);
    }
  }
  for (const [key, value] of given.filter(([key]) => ![...properties.keys()].some((name) => used(key, name)))) {
    found[key] = Object.hasOwn(found, key) ? [found[key], value].flat() : value;
  }
  return found;
}

// A field's value as its schema has it: a list although there is one item, and objects and lists that are written as JSON.
function structured(schemas, value, schema) {
  const { types, items } = schemas.shape(schema);
  const isText = typeof value === "string" && !types.has("string");
  const read = isText && /^\s*[[{]/.test(value) ? tried(value) : value;
  return types.has("array") ? [read].flat().map((item) => structured(schemas, item, items)) : read;
}

function tried(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function multipart(headers, body) {
  try {
    const form = await new Response(body, { headers: { "content-type": headers["content-type"] } }).formData();
    return await Promise.all(
      [...form].map(async ([name, value]) => [name, typeof value === "string" ? value : await value.text()]),
    );
  } catch {
    throw new Misfit([400, 422], "the body is not multipart/form-data with the boundary that its Content-Type names");
  }
}

// What a body holds: a value, and the use of schemas that it is checked for; undefined when it is not checked any more.
async function contentOf(schemas, { type, schema, encoding }, { headers, body }) {
  const sent = (headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
  if (isJson(sent)) {
    return { value: parsed(text(body), "the body"), use: "request" };
  }
  if (isXml(sent)) {
    if (!isWellFormed(text(body))) {
      throw new Misfit([400, 422], "the body is not XML");
    }
    return undefined;
  }
  const own = schema && schemas.get(schemas.name(schema, "text"));
  if (sent === FORM || sent === "multipart/form-data") {
    const given = sent === FORM ? pairs(text(body)) : await multipart(headers, body);
    return { value: formOf(schemas, own, encoding, given), use: "text" };
  }
  const { types } = schemas.shape(own);
  const isText = sent.startsWith("text/") && type !== "*/*" && !types.has("object") && !types.has("array");
  return isText ? { value: text(body), use: "text" } : undefined;
}

async function checkContent(schemas, media, call) {
  const content = await contentOf(schemas, media, call);
  if (content === undefined || media.schema === undefined) {
    return;
  }
  const why = schemas.misfit(schemas.name(media.schema, content.use), content.value);
  if (why !== undefined) {
    throw wrong(`the body is wrong: ${why}`);
  }
}

async function checkBody(schemas, { required, content }, call) {
  if (call.body.length === 0) {
    if (required) {
      throw new Misfit([400, 422], "the body is missing");
    }
    return;
  }
  const given = call.headers["content-type"];
  const media =
    content[
      documented(
        content.map(({ type }) => type),
        given ?? "application/octet-stream",
      )
    ];
  if (media === undefined && content.length > 0) {
    const types = content.map(({ type }) => type).join(", ");
    throw new Misfit(
      [415],
      `the body is ${given ?? "of no type: the call has no Content-Type"}; the specification describes ${types}`,
    );
  }
  if (media !== undefined) {
    await checkContent(schemas, media, call);
  }
}

// Throws a Misfit when the call (`{query, values, headers, body}`) is not as the specification describes it.
async function check(schemas, operation, call) {
  for (const parameter of operation.parameters) {
    checkParameter(schemas, parameter, call);
  }
  if (operation.requestBody !== undefined) {
    await checkBody(schemas, operation.requestBody, call);
  }
}

module.exports = { Misfit, check };
