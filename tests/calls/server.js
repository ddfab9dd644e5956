"use strict";
// Stands in for the sandbox of a generated repository. calls.json holds the calls that it takes, and its answers to them and
// to all others; it writes down each call and which of those it is.

const fs = require("node:fs");
const http = require("node:http");

const { calls, taken, refused } = JSON.parse(fs.readFileSync("calls.json", "utf8"));

function isThat(call, request, body) {
  return (
    call.method === request.method &&
    call.target === request.url &&
    call.body === body &&
    Object.entries(call.headers).every(([name, value]) => request.headers[name] === value)
  );
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    const number = calls.findIndex((call) => isThat(call, request, body));
    const { method, url, headers } = request;
    fs.appendFileSync("build/received.jsonl", `${JSON.stringify({ number, method, url, headers, body })}\n`);
    const answer = number < 0 ? refused : taken;
    response.writeHead(answer.status, answer.type ? { "content-type": answer.type } : {});
    response.end(answer.body);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ sandbox: `http://127.0.0.1:${server.address().port}` })}\n`);
});
