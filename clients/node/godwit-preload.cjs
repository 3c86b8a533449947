// Licensed under the Apache License, Version 2.0, as all of Godwit.
//
// Leads the Firebase Admin SDK for Node to a Godwit server, by one line and no change of code:
//
//   export GODWIT_SERVER=https://models.example.org
//   export NODE_OPTIONS="--require /path/to/godwit-preload.cjs"
//
// The SDK keeps its hosts as constants and always speaks TLS to them. Connections to the hosts
// below are opened to GODWIT_SERVER instead, and the certificate must be that server's own: it is
// verified as always, against GODWIT_SERVER's name (NODE_EXTRA_CA_CERTS adds a private
// authority). Every other connection is left alone.
'use strict';
const module_ = require('node:module');
const net = require('node:net');
const tls = require('node:tls');

// The list of `godwit proxy`. Access tokens come from these hosts, too, so a process that also
// uses other services of Google cannot get tokens for those.
const FIREBASE_HOSTS = new Set([
  'apikeys.googleapis.com',
  'cloudresourcemanager.googleapis.com',
  'firebase.googleapis.com',
  'firebaseinstallations.googleapis.com',
  'firebaseml.googleapis.com',
  'firebaseremoteconfig.googleapis.com',
  'firebaseremoteconfigrealtime.googleapis.com',
  'iam.googleapis.com',
  'iamcredentials.googleapis.com',
  'oauth2.googleapis.com',
  'storage.googleapis.com',
  'www.googleapis.com',
]);

function readServer() {
  const text = process.env.GODWIT_SERVER;
  if (!text) {
    throw new Error('GODWIT_SERVER is not set, so the Firebase SDK would speak to Google. ' +
      'Set it to the address of your Godwit server, as https://models.example.org.');
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:' || url.pathname !== '/' || url.search || url.hash) {
    throw new Error(`GODWIT_SERVER is "${text}", which the SDK for Node cannot be led to: it ` +
      'always speaks TLS. Write it as https://models.example.org, with a port if it has one.');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // An address of digits is verified as it is; it cannot be sent as a server name.
  return { host, port: Number(url.port || 443), servername: net.isIP(host) ? '' : host };
}

const server = readServer();
const connect = tls.connect;

// tls.connect(options[, callback]), or (port[, host][, options][, callback]).
function readArguments(args) {
  const rest = [...args];
  const callback = typeof rest.at(-1) === 'function' ? rest.pop() : undefined;
  const options = typeof rest.at(-1) === 'object' ? rest.pop() ?? {} : {};
  if (rest.length === 0) return { options, callback };
  return { options: { ...options, port: rest[0], host: rest[1] ?? options.host }, callback };
}

tls.connect = function (...args) {
  const { options, callback } = readArguments(args);
  const host = String(options.host ?? options.hostname ?? options.servername ?? '').toLowerCase();
  // A socket that is there already is a tunnel that somebody else leads.
  if (!FIREBASE_HOSTS.has(host) || options.socket || options.path) return connect.apply(this, args);
  return connect.call(this, { ...options, hostname: undefined, ...server }, callback);
};
module_.syncBuiltinESMExports();  // So that `import { connect } from 'node:tls'` gets it, too.
