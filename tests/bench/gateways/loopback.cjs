// Loaded before a gateway that would listen on every interface of the machine: it listens on loopback only.
"use strict";
const { Server } = require("node:net");
const listen = Server.prototype.listen;
Server.prototype.listen = function (...given) {
  const port = typeof given[0] === "object" ? given[0].port : given[0];
  const listening = given.find((each) => typeof each === "function");
  return listen.call(this, { port, host: "127.0.0.1" }, listening);
};
