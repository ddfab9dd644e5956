"use strict";
// The answer to a call: which operation is called, whether the call is right, and what is answered.

const { NotWritable, concrete, element, wanted, written } = require("./media");
const { Misfit, check } = require("./requests");
const { flatten, sample } = require("./samples");
const { isJson, isObject } = require("./specification");

// Headers that HTTP itself sets, whatever the specification says of them.
const OWN = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

class Refusal extends Error {
  constructor(status, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, extra });
  }
}

// `code` and `example` of a Prefer header (RFC 7240); names beyond Latin-1 come as UTF-8.
function preferences(header) {
  const text = Buffer.from([header ?? ""].flat().join(","), "latin1").toString("utf8");
  const found = {};
  for (const [, name, quoted, bare] of text.matchAll(/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,;]*))/gi)) {
    found[name.toLowerCase()] ??= quoted === undefined ? bare.trim() : quoted.replace(/\\(.)/g, "$1");
  }
  return { code: found.code, example: found.example };
}

// The operation that is called; of several on one path (separated by `#x`) the one that documents the requested answer.
function choose(operations, method, path, { code, example }) {
  const here = operations.at(path);
  const fits = here.filter((one) => one.method === method);
  const all = fits.length > 0 || method !== "head" ? fits : here.filter((one) => one.method === "get");
  if (all.length === 0) {
    const allow = [...new Set(here.map((one) => one.method.toUpperCase()))].join(", ");
    throw here.length === 0
      ? new Refusal(404, `the specification describes no path ${path}`)
      : new Refusal(405, `${path} takes ${allow}`, { allow });
  }
  const has = (one) => {
    const status = code === undefined ? one.usual() : Number(code);
    return one.documented(status) !== undefined && (example === undefined || one.exampleNames(status).has(example));
  };
  return all.find(has) ?? all[0];
}

// The status of the answer: the requested one, else that of the requested example, else the usual one.
function statusOf(operation, { code, example }) {
  if (code !== undefined && !/^[2-5][0-9][0-9]$/.test(code)) {
    throw new Refusal(400, `\`Prefer: code=\` takes a status, not ${code}`);
  }
  const usual = code === undefined ? operation.usual() : Number(code);
  if (code !== undefined && operation.documented(usual) === undefined) {
    throw new Refusal(
      404,
      `the specification documents no answer ${code} here, but ${[...operation.responses.keys()].join(", ")}`,
    );
  }
  if (example === undefined || operation.exampleNames(usual).has(example)) {
    return usual;
  }
  const other = [...operation.responses.keys()].find(
    (key) => /^[0-9]{3}$/.test(key) && operation.exampleNames(key).has(example),
  );
  if (code !== undefined || other === undefined) {
    throw new Refusal(404, `the specification has no example ${example} with a value here`);
  }
  return Number(other);
}

// The status that says what is wrong with a call, and the key of its answer: that of the first status that is documented by
// itself, else of the fitting status with the answer of its range or the default; no key when there is none.
function refusalOf(operation, statuses) {
  const exact = statuses.find((status) => operation.responses.has(String(status)));
  const status = exact ?? statuses[0];
  return { status, key: operation.documented(status) };
}

// The bodies that an answer can have: `[{type, value, write}]`, in the order of the specification; those with an example
// before those that are made up, and of these JSON first.
function bodies(schemas, content, example) {
  const named = content.filter(({ examples }) => example === undefined || examples.some(([name]) => name === example));
  const rank = ({ type, examples }) => (examples.length > 0 ? 0 : isJson(type) ? 1 : 2);
  return [...named]
    .sort((one, other) => rank(one) - rank(other))
    .map((media) => ({ type: media.type, body: () => body(schemas, media, example) }));
}

// The value of a body and its text.
function body(schemas, { type, schema, examples }, example) {
  const name = schema && schemas.name(schema, "answer");
  const found = example === undefined ? examples[0] : examples.find(([one]) => one === example);
  const value = found === undefined ? madeUp(schemas, schema, type) : found[1];
  // A body that is text in the specification is sent unchanged, unless it is a JSON string.
  if (found !== undefined && typeof value === "string" && (!isJson(type) || /^\s*[{[]/.test(value))) {
    return { value, text: value };
  }
  const flat = (one) => flatten(schemas, one);
  const { $ref } = schemas.get(name) ?? {};
  const xml = () => element(value, schemas.get(name) ?? {}, schemas.title($ref) || "root", flat);
  return { value, text: written(value, type, xml) };
}

function madeUp(schemas, schema, type) {
  if (schema === undefined) {
    return isJson(type) ? {} : "";
  }
  const value = sample(schemas, schema);
  if (value === undefined) {
    throw new NotWritable("no value that fits its schema was found");
  }
  return value;
}

// The text of a header's example, or one that is made up; undefined when there is none.
function headerText(schemas, { value: header, file }, isOld) {
  if (!isObject(header)) {
    return undefined;
  }
  const given = header.example ?? Object.values(Object(header.examples))[0]?.value;
  const node = isOld ? header : header.schema;
  const value = given ?? (node === undefined ? undefined : sample(schemas, { node, file }));
  return value === undefined || value === null
    ? undefined
    : Array.isArray(value)
      ? value.join(",")
      : isObject(value)
        ? JSON.stringify(value)
        : String(value);
}

// The documented answer under a key: status, headers and text.
function documented({ schemas }, operation, { status, key, example }, headers) {
  const { headers: described, content } = key === undefined ? { headers: [], content: [] } : operation.response(key);
  const found = {};
  for (const [name, header] of described.filter(([one]) => !OWN.has(one.toLowerCase()))) {
    found[name] = headerText(schemas, header, operation.isVersion2);
  }
  const choices = bodies(schemas, content, example);
  const order = wanted(
    headers.accept,
    choices.map(({ type }) => type),
  );
  // What `Accept` asks for does not change what is wrong; and where the specification gives `Accept` values of its own, they
  // are not the types of the bodies.
  const all = order.length === 0 && (status >= 400 || operation.namesAccept) ? [...choices.keys()] : order;
  if (choices.length > 0 && all.length === 0) {
    throw new Refusal(
      406,
      `the specification describes no body of a type that \`Accept\` names, but ${choices.map(({ type }) => type).join(", ")}`,
    );
  }
  if (choices.length === 0) {
    return { status, headers: found, text: "" };
  }
  const { type, made } = firstMade(choices, all, status, operation);
  return { status, headers: { ...found, "content-type": concrete(type, headers.accept, made.value) }, text: made.text };
}

// The first body that can be written.
function firstMade(choices, order, status, operation) {
  let why;
  for (const index of order) {
    const { type, body: make } = choices[index];
    try {
      return { type, made: make() };
    } catch (error) {
      if (!(error instanceof NotWritable)) {
        throw error;
      }
      why ??= error.message;
    }
  }
  throw new Refusal(
    501,
    `the answer ${status} to ${operation.method.toUpperCase()} ${operation.path} cannot be made up (${why}): ` +
      "give it an example in the specification",
  );
}

// What is answered to a call that is wrong.
function refused(sandbox, operation, misfit, headers) {
  const { status, key } = refusalOf(operation, misfit.statuses);
  if (key === undefined || operation.response(key).content.length === 0) {
    throw new Refusal(status, misfit.message);
  }
  return { ...documented(sandbox, operation, { status, key }, headers), why: misfit.message };
}

// The target of a call: its path as it was sent, and its query.
function target(url) {
  const own = Buffer.from(url, "latin1")
    .toString("utf8")
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  const [, path, query = ""] = /^([^?#]*)(?:\?([^#]*))?/.exec(own);
  if (!/^(\/|$)/.test(path)) {
    throw new Refusal(400, "the request's target is not a path");
  }
  return { path: path === "" ? "/" : path, query };
}

// The answer to a call `{method, url, headers, body}`: `{status, headers, text}`, with `why` when the call is wrong; a
// Refusal when the specification has none. `about` takes what is being worked on.
async function answer(sandbox, call, about) {
  const { path, query } = target(call.url);
  const prefer = preferences(call.headers.prefer);
  const isChecked = prefer.code === undefined && prefer.example === undefined;
  const operation = choose(sandbox.operations, call.method.toLowerCase(), path, prefer);
  const status = statusOf(operation, prefer);
  about(`the answer ${status} to ${call.method} ${operation.path}`);
  if (isChecked) {
    try {
      const values = operation.route.match(path);
      await check(sandbox.schemas, operation, { query, values, headers: call.headers, body: call.body });
    } catch (error) {
      if (error instanceof Misfit) {
        return refused(sandbox, operation, error, call.headers);
      }
      // A schema that refers to itself in its own place, not in a property or an item, cannot be checked: it has no end.
      if (!(error instanceof RangeError)) {
        throw error;
      }
    }
  }
  return documented(
    sandbox,
    operation,
    { status, key: operation.documented(status), example: prefer.example },
    call.headers,
  );
}

module.exports = { Refusal, answer };
