"use strict";
// The sandbox: answers every call that the specification describes with the specification's own examples. It keeps nothing
// and asks for no credentials.
//
//   PORT=9000 HOST=127.0.0.1 node sandbox/server.js [SPECIFICATION]
//
// `Prefer: code=404` chooses an answer by its status, `Prefer: example=NAME` by the name of its example. A call that asks
// for neither is checked against the specification first.
//
// This file is one that an old Node.js can read, too, to say that it is too old.

const oldest = Number(/[0-9]+/.exec(require("../package.json").engines.node)[0]);
const own = process.versions.node;
if (Number(own.split(".")[0]) < oldest) {
  process.stderr.write("The sandbox needs Node.js " + oldest + " or newer, and this is " + own + ": install a newer one.\n");
  process.exit(1);
}
require("./listener").start(process.argv[2]);
