"use strict";
// The sandbox: answers every call that the specification describes with the specification's own examples. It keeps nothing
// and asks for no credentials.
//
//   PORT=9000 HOST=127.0.0.1 node sandbox/server.js [SPECIFICATION]
//
// `Prefer: code=404` chooses an answer by its status, `Prefer: example=NAME` by the name of its example. A call that asks
// for neither is checked against the specification first.
//
// This file is the server and, once more in threads of their own, what makes the answers: no specification and no call can
// keep the server from hearing signals and other calls.

const http = require("node:http");
const { join } = require("node:path");
const { isMainThread, parentPort } = require("node:worker_threads");
const { Pool } = require("./pool");
// Prism is large: the server itself does without.
const { Mock } = isMainThread ? {} : require("./mock");
const { Document, Operations, isJson } = require("./specification");

const SPECIFICATION = join(__dirname, "..", "{{ api.spec_path }}");
const MAX_BODY = 10 * 1024 * 1024;
const HEALTH = new Set(["/_ping", "/_status", "/health"]);

// Headers that HTTP itself sets, whatever the specification says of them.
const OWN = new Set(["connection", "content-encoding", "content-length", "date", "keep-alive", "transfer-encoding"]);

class Refusal extends Error {
  constructor(status, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, extra });
  }
}

// The platform's information about this release (`VERSION_INFO`, JSON), if there is any.
function release() {
  try {
    const { version, revision, commitId } = JSON.parse(process.env.VERSION_INFO ?? "{}");
    return { version: version ?? "0.0.0", revision: revision ?? "0", commitId: commitId ?? "unreleased" };
  } catch {
    return { version: "0.0.0", revision: "0", commitId: "unreleased" };
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

function address(target) {
  try {
    return new URL(`http://sandbox${target}`);
  } catch {
    throw new Refusal(400, "the request's target is not a path");
  }
}

// The bytes of the body.
async function received(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) {
      throw new Refusal(413, `a body may have ${MAX_BODY} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function bodyOf({ headers, body }) {
  if (body.length === 0) {
    return null;
  }
  const text = Buffer.from(body).toString("utf8");
  if (!isJson(headers["content-type"] ?? "")) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, `the body is not JSON: ${error.message}`);
  }
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
  const route = (one) => one.path.split(/[?#]/)[0];
  const nearest = all.filter((one) => route(one) === route(all[0]));
  const has = (one) => {
    const status = code === undefined ? one.usual() : Number(code);
    return one.documented(status) !== undefined && (example === undefined || one.exampleNames(status).has(example));
  };
  return nearest.find(has) ?? nearest[0];
}

// The status of the answer: the requested one, else that of the requested example, else the usual one.
function statusOf(operation, { code, example }) {
  if (code !== undefined && !/^[2-5][0-9][0-9]$/.test(code)) {
    throw new Refusal(400, `\`Prefer: code=\` takes a status, not ${code}`);
  }
  const usual = code === undefined ? operation.usual() : Number(code);
  if (code !== undefined && operation.documented(usual) === undefined) {
    throw new Refusal(404, `the specification documents no answer ${code} here, but ${[...operation.responses.keys()].join(", ")}`);
  }
  if (example === undefined || operation.exampleNames(usual).has(example)) {
    return usual;
  }
  const other = [...operation.responses.keys()].find((key) => /^[0-9]{3}$/.test(key) && operation.exampleNames(key).has(example));
  if (code !== undefined || other === undefined) {
    throw new Refusal(404, `the specification has no example ${example} with a value here`);
  }
  return Number(other);
}

async function mocked(mock, operation, request, wanted) {
  try {
    return await mock.answer(operation, request, wanted);
  } catch (error) {
    if (error.status >= 400 && error.status < 500) {
      throw new Refusal(error.status, error.detail ?? error.message, { validation: error.additional?.validation });
    }
    if (/NOT_ACCEPTABLE|invalid (media type|parameter format)/.test(error.message)) {
      throw new Refusal(406, "the specification describes no body of a type that `Accept` names");
    }
    if (wanted.checked) {
      // What the specification asks of a request is beyond Prism: it answers unchecked rather than not at all.
      return mocked(mock, operation, request, { ...wanted, checked: false });
    }
    throw new Refusal(501, `no answer can be made up here: give the answer ${wanted.status} of the specification an example`);
  }
}

function well() {
  return { status: 200, headers: { "content-type": "application/json" }, body: { status: "pass", ...release() } };
}

async function answer({ operations, mock }, request) {
  const url = address(request.url);
  const prefer = preferences(request.headers.prefer);
  const method = request.method.toLowerCase();
  const checked = prefer.code === undefined && prefer.example === undefined;
  if (HEALTH.has(url.pathname) && ["get", "head"].includes(method) && checked) {
    return well();
  }
  const operation = choose(operations, method, url.pathname, prefer);
  const status = statusOf(operation, prefer);
  const query = {};
  for (const key of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(key);
    query[key] = values.length === 1 ? values[0] : values;
  }
  const asked = { url: { path: url.pathname, query }, headers: request.headers, body: bodyOf(request) };
  parentPort.postMessage({ about: `the answer ${status} to ${request.method} ${operation.path}` });
  return mocked(mock, operation, asked, { status, example: prefer.example, checked });
}

function serialized(body, type, isExample) {
  if (body === undefined || (body === null && !isExample)) {
    return "";
  }
  if (!isJson(type)) {
    return typeof body === "string" ? body : isExample ? JSON.stringify(body) : "";
  }
  // A JSON body that is text in the specification is sent unchanged.
  if (isExample && typeof body === "string" && /^\s*[{[]/.test(body)) {
    return body;
  }
  return JSON.stringify(body);
}

// Headers, and the body as text.
function written({ status, headers, body, isExample }) {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const text = serialized(body, String(type ?? ""), isExample);
  if (!isExample && text.length > MAX_BODY) {
    throw new Refusal(501, `what is made up here has more than ${MAX_BODY} bytes: give the answer ${status} of the specification an example`);
  }
  return { status, headers, text };
}

function send(response, { status, headers, text }) {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) {
    if (OWN.has(name.toLowerCase())) {
      continue;
    }
    try {
      response.setHeader(name, String(value ?? ""));
    } catch {
      // The specification's example of this header is none that HTTP can carry.
    }
  }
  const empty = status === 204 || status === 304 || status < 200;
  response.end(empty ? undefined : text);
}

function refuse(response, refusal) {
  const { allow, validation } = refusal.extra;
{%- if standard == "fhir-r4" %}
  const headers = { "content-type": "application/fhir+json" };
  const code = { 404: "not-found", 405: "not-supported", 413: "too-long", 500: "exception", 501: "not-supported" };
  const details = (validation ?? []).map(({ location, message }) => `; ${[location].flat().join(".")}: ${message}`).join("");
  const issue = { severity: "error", code: code[refusal.status] ?? "invalid", diagnostics: refusal.message + details };
  const body = { resourceType: "OperationOutcome", issue: [issue] };
{%- else %}
  const headers = { "content-type": "application/problem+json" };
  const title = http.STATUS_CODES[refusal.status];
  const body = { type: "about:blank", title, status: refusal.status, detail: refusal.message, validation };
{%- endif %}
  send(response, written({ status: refusal.status, headers: allow === undefined ? headers : { ...headers, allow }, body }));
}

async function handle(pool, request, response) {
  const begun = Date.now();
  response.on("finish", () => {
    const { method, url } = request;
    process.stdout.write(`${JSON.stringify({ method, url, status: response.statusCode, ms: Date.now() - begun })}\n`);
  });
  try {
    // The container's health check gets an answer while the server is busy, too.
    const isWatched = request.method === "GET" && request.url === "/_ping" && request.headers.prefer === undefined;
    send(response, isWatched ? written(well()) : await asked(pool, request));
  } catch (error) {
    refuse(response, error instanceof Refusal ? error : new Refusal(500, "the sandbox has a fault"));
    if (!(error instanceof Refusal)) {
      process.stderr.write(`${error.stack}\n`);
    }
  }
}

// The answer that a thread makes to the call; a Refusal when it makes none.
async function asked(pool, request) {
  const { method, url, headers } = request;
  const call = { method, url, headers, body: await received(request) };
  const { made, refused, lost } = await pool.run(call);
  if (lost !== undefined) {
    const { about = `the answer to ${method} ${url}`, why } = lost;
    throw new Refusal(501, `${about} ${why}: its schemas are too large or a pattern in them is too slow; give it an example, or simplify them`);
  }
  if (refused !== undefined) {
    throw new Refusal(refused.status, refused.message, refused.extra);
  }
  return made;
}

// What a thread does: it answers one call after the other.
function work() {
  const document = new Document(process.argv[2] ?? SPECIFICATION);
  const sandbox = { operations: new Operations(document), mock: new Mock(document) };
  parentPort.on("message", async (call) => {
    try {
      parentPort.postMessage({ made: written(await answer(sandbox, call)) });
    } catch (error) {
      const { status, message, extra } = error instanceof Refusal ? error : new Refusal(500, "the sandbox has a fault");
      if (!(error instanceof Refusal)) {
        process.stderr.write(`${error.stack}\n`);
      }
      parentPort.postMessage({ refused: { status, message, extra } });
    }
  });
  parentPort.postMessage({ ready: true });
}

async function main() {
  const pool = new Pool(__filename, process.argv.slice(2));
  await pool.start();
  const server = http.createServer((request, response) => handle(pool, request, response));
  const host = process.env.HOST ?? "127.0.0.1";
  server.listen(Number(process.env.PORT ?? 9000), host, () => {
    process.stdout.write(`${JSON.stringify({ sandbox: `http://${host}:${server.address().port}` })}\n`);
  });
}

if (isMainThread) {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => process.exit(0));
  }
  main().catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
} else {
  work();
}
