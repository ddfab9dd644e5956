"use strict";
// The HTTP server. Threads make the answers, so that no specification and no call can keep it from hearing signals and
// other calls.

const http = require("node:http");
const { join } = require("node:path");
const { Pool } = require("./pool");

const SPECIFICATION = join(__dirname, "..", "{{ api.spec_path }}");
const HEALTH = new Set(["/_ping", "/_status", "/health"]);
const MAX_BODY = 10 * 1024 * 1024;
// For browsers, as the proxies answer them.
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "X-Correlation-ID, X-Request-ID, ETag, Location, Retry-After",
};
const PREFLIGHT = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers": "Accept, Authorization, Content-Type, If-Match, apikey, Prefer, X-Correlation-ID, X-Request-ID",
  "access-control-max-age": "3600",
};

// The platform's information about this release (`VERSION_INFO`, JSON), if there is any.
function release() {
  try {
    const { version, revision, commitId } = JSON.parse(process.env.VERSION_INFO ?? "{}");
    return { version: version ?? "0.0.0", revision: revision ?? "0", commitId: commitId ?? "unreleased" };
  } catch {
    return { version: "0.0.0", revision: "0", commitId: "unreleased" };
  }
}

function well() {
  return { status: 200, headers: { "content-type": "application/json" }, text: JSON.stringify({ status: "pass", ...release() }) };
}

// Whether a call asks if the sandbox is well. A `/health` of the specification is the specification's.
function isHealthCheck({ method, url, headers }, { describesHealth }) {
  const path = url.split("?")[0];
  const isPlain = !/\b(code|example)\s*=/i.test(headers.prefer ?? "");
  return ["GET", "HEAD"].includes(method) && isPlain && HEALTH.has(path) && !(path === "/health" && describesHealth);
}

// The bytes of the body; undefined when there are too many.
async function received(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusal({ status, message, extra = {} }) {
{%- if standard == "fhir-r4" %}
  const type = "application/fhir+json";
  const code = { 404: "not-found", 405: "not-supported", 413: "too-long", 500: "exception", 501: "not-supported" };
  const issue = { severity: "error", code: code[status] ?? "invalid", diagnostics: message };
  const body = { resourceType: "OperationOutcome", issue: [issue] };
{%- else %}
  const type = "application/problem+json";
  const body = { type: "about:blank", title: http.STATUS_CODES[status], status, detail: message };
{%- endif %}
  return { status, headers: { allow: extra.allow, "content-type": type }, text: JSON.stringify(body), why: message };
}

// The answer that a thread makes to the call, or why there is none.
async function asked(pool, request) {
  const { method, url, headers } = request;
  const body = await received(request);
  if (body === undefined) {
    return refusal({ status: 413, message: `a body may have ${MAX_BODY} bytes` });
  }
  const { made, refused, lost } = await pool.run({ method, url, headers, body });
  if (lost !== undefined) {
    const { about = `the answer to ${method} ${url}`, why } = lost;
    const cure = "its schemas are too large or a pattern in them is too slow; give it an example, or simplify them";
    return refusal({ status: 501, message: `${about} ${why}: ${cure}` });
  }
  return made ?? refusal(refused);
}

function isPreflight({ method, headers }) {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

async function answered(pool, specification, request) {
  if (isPreflight(request)) {
    return { status: 204, headers: PREFLIGHT, text: "" };
  }
  return isHealthCheck(request, specification) ? well() : asked(pool, request);
}

function send(request, response, { status, headers, text }) {
  response.statusCode = status;
  const cors = request.headers.origin === undefined || isPreflight(request) ? {} : CORS;
  for (const [name, value] of Object.entries({ ...headers, ...cors })) {
    try {
      if (value !== undefined) {
        response.setHeader(name, value);
      }
    } catch {
      // The specification's example of this header is none that HTTP can carry.
    }
  }
  response.end(status === 204 || status === 304 ? undefined : text);
}

async function handle(pool, specification, request, response) {
  const begun = Date.now();
  let answer;
  try {
    answer = await answered(pool, specification, request);
  } catch (error) {
    if (request.destroyed) {
      // The caller has gone.
      return;
    }
    process.stderr.write(`${error.stack}\n`);
    answer = refusal({ status: 500, message: "the sandbox has a fault" });
  }
  const { method, url } = request;
  response.on("finish", () => {
    const { status, why } = answer;
    process.stdout.write(`${JSON.stringify({ method, url, status, why, ms: Date.now() - begun })}\n`);
  });
  send(request, response, answer);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

// The port that `PORT` names.
function portOf(text = "9000") {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

// Why the server does not listen.
function whyDeaf(error, host, port) {
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${port} is in use: end the other program, or choose another port with make sandbox PORT=${port === 9001 ? 9002 : 9001}.`;
    case "EACCES":
      return `You may not use port ${port}: choose one above 1023, such as make sandbox PORT=9000.`;
    default:
      return `The sandbox cannot listen on ${host} (${error.message}): set HOST to an address of this machine, such as 127.0.0.1.`;
  }
}

// Why no thread starts.
function whyStill(error, specification) {
  if (error.code === "MODULE_NOT_FOUND") {
    return "The sandbox's packages are not installed: run make install.";
  }
  const why = error.message.split("\n")[0];
  return `The sandbox cannot read ${specification} (${why}): correct it; make lint says what is wrong.`;
}

function start(specification = SPECIFICATION) {
  const port = portOf(process.env.PORT);
  if (port === undefined) {
    fail(`PORT is a number from 0 to 65535, and not "${process.env.PORT}": run make sandbox PORT=9000.`);
  }
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => process.exit(0));
  }
  const host = process.env.HOST ?? "127.0.0.1";
  const pool = new Pool(specification);
  const serve = (about) => {
    const server = http.createServer((request, response) => handle(pool, about, request, response));
    server.on("error", (error) => fail(whyDeaf(error, host, port)));
    server.listen(port, host, () => {
      process.stdout.write(`${JSON.stringify({ sandbox: `http://${host}:${server.address().port}` })}\n`);
    });
  };
  pool.start().then(serve, (error) => fail(whyStill(error, specification)));
}

module.exports = { start };
