"use strict";
// Loaded before a client: what it would ask other machines for fails, and is said on standard output.
const net = require("node:net");

const OWN = new Set(["127.0.0.1", "localhost", "::1"]);
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options.host === undefined || OWN.has(options.host)) return connect.apply(this, args);
  console.log(options.host);
  process.nextTick(() => this.destroy(new Error(`${options.host} is another machine`)));
  return this;
};
