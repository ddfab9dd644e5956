"use strict";
// The transformation layer: takes the proxy's calls, asks the target in the target's own shape (mapping.js), and answers in
// the API's. It keeps nothing.
//
//   TARGET_URL=https://… PORT=9000 HOST=127.0.0.1 node transformation/server.js

const http = require("node:http");
const https = require("node:https");
const { fromTarget, toTarget } = require("./mapping");

const MAX_BODY = 10 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const HEALTH_TIMEOUT_MS = 5_000;
// Headers that are about one connection, or that are made anew because the body is.
const OWN = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"],
  ...["upgrade", "host", "content-length", "accept-encoding", "expect"],
]);

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function release() {
  try {
    const { version, revision, commitId } = JSON.parse(process.env.VERSION_INFO ?? "{}");
    return { version: version ?? "0.0.0", revision: revision ?? "0", commitId: commitId ?? "unreleased" };
  } catch {
    return { version: "0.0.0", revision: "0", commitId: "unreleased" };
  }
}

// The body of a request or an answer: undefined, a JSON value, or the bytes when it is not JSON.
async function bodyOf(message) {
  const chunks = [];
  let size = 0;
  for await (const chunk of message) {
    size += chunk.length;
    if (size > MAX_BODY) {
      throw new Refusal(413, `a body may have ${MAX_BODY} bytes`);
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (size === 0 || !/[/+]json\b/i.test(message.headers["content-type"] ?? "")) {
    return size === 0 ? undefined : bytes;
  }
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return bytes;
  }
}

function bytesOf(body) {
  return body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
}

function kept(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name)));
}

// Asks the target: `{status, headers, body}`. A target that is away is a Refusal.
function ask(target, { method, path, headers, body }, timeout = TIMEOUT_MS) {
  const url = new URL(target.url.replace(/\/$/, "") + path);
  const { request } = url.protocol === "https:" ? https : http;
  const bytes = bytesOf(body);
  const length = bytes === undefined ? {} : { "content-length": bytes.length };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    const options = { method, headers: { ...kept(headers), ...length }, signal, ...target.tls };
    const call = request(url, options, (answer) => {
      bodyOf(answer).then(
        (value) => resolve({ status: answer.statusCode, headers: kept(answer.headers), body: value }),
        (error) => {
          const long = error instanceof Refusal;
          reject(new Refusal(signal.aborted ? 504 : 502, `the target's answer ${long ? "is too long" : "breaks off"}`));
        },
      );
    });
    call.on("error", () => reject(new Refusal(signal.aborted ? 504 : 502, "the target does not answer")));
    call.end(bytes);
  });
}

async function status(target) {
  if (target.url === "") {
    return { status: "pass", ...release() };
  }
  let code = 0;
  try {
    const asked = { method: "GET", path: target.healthcheck, headers: {} };
    code = (await ask(target, asked, HEALTH_TIMEOUT_MS)).status;
  } catch {
    // The check reports a target that is down.
  }
  const well = code === 200 ? "pass" : "fail";
  return { status: well, ...release(), checks: { target: { status: well, responseCode: String(code) } } };
}

async function answer(target, request) {
  const path = request.url.split("?")[0];
  if (path === "/_ping" || path === "/health") {
    return { status: 200, headers: {}, body: { status: "pass", ...release() } };
  }
  if (path === "/_status") {
    const body = await status(target);
    return { status: body.status === "pass" ? 200 : 503, headers: {}, body };
  }
  if (target.url === "") {
    throw new Refusal(501, "no target is configured: set TARGET_URL");
  }
  const { method, url, headers } = request;
  const asked = toTarget({ method, path: url, headers: kept(headers), body: await bodyOf(request) });
  return fromTarget(await ask(target, asked));
}

function refused(error) {
  const code = error instanceof Refusal ? error.status : 500;
  const detail = error instanceof Refusal ? error.message : "the transformation has a fault";
{%- if standard == "fhir-r4" %}
  const headers = { "content-type": "application/fhir+json" };
  const issue = { severity: "error", code: code === 501 ? "not-supported" : "exception", diagnostics: detail };
  return { status: code, headers, body: { resourceType: "OperationOutcome", issue: [issue] } };
{%- else %}
  const headers = { "content-type": "application/problem+json" };
  return { status: code, headers, body: { type: "about:blank", title: http.STATUS_CODES[code], status: code, detail } };
{%- endif %}
}

async function handle(target, request, response) {
  const done = await answer(target, request).catch((error) => {
    if (!(error instanceof Refusal)) {
      process.stderr.write(`${error.stack}\n`);
    }
    return refused(error);
  });
  const bytes = bytesOf(done.body);
  const json = bytes === undefined || Buffer.isBuffer(done.body) ? {} : { "content-type": "application/json" };
  response.writeHead(done.status, { ...json, ...done.headers });
  response.end(bytes);
  process.stdout.write(`${JSON.stringify({ method: request.method, path: request.url.split("?")[0], status: done.status })}\n`);
}

// A server for one target: `{url, healthcheck, tls}`, where an empty URL means no target yet.
function createServer(target) {
  return http.createServer((request, response) => handle(target, request, response));
}

function main() {
  const { TARGET_URL: url = "", TARGET_HEALTHCHECK: healthcheck = "{{ target_healthcheck }}" } = process.env;
{%- if target == "external" and target_auth == "mtls" %}
  // The certificate and key that the target knows this service by, as PEM; they come from the platform's secrets.
  const tls = { cert: process.env.TARGET_CERTIFICATE, key: process.env.TARGET_PRIVATE_KEY };
{%- else %}
  const tls = {};
{%- endif %}
  const server = createServer({ url, healthcheck, tls });
  const host = process.env.HOST ?? "127.0.0.1";
  server.listen(Number(process.env.PORT ?? 9000), host, () => {
    process.stdout.write(`${JSON.stringify({ transformation: `http://${host}:${server.address().port}` })}\n`);
  });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => server.close());
  }
}

module.exports = { createServer };

if (require.main === module) {
  main();
}
