// Reads [{ secret, headers, body }] and says of each whether a receiver would take it: by the package "standardwebhooks", and of ed25519 by Node's own cryptography.
const { Webhook } = require("standardwebhooks");
const crypto = require("node:crypto");

let text = "";
process.stdin.on("data", chunk => (text += chunk));
process.stdin.on("end", () => console.log(JSON.stringify(JSON.parse(text).map(taken))));

function taken({ secret, headers, body }) {
  try {
    if (!secret.startsWith("whpk_")) {
      new Webhook(secret).verify(body, headers);
      return true;
    }
    const key = crypto.createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(secret.slice(5), "base64")]), format: "der", type: "spki" });
    const signed = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
    return headers["webhook-signature"].split(" ").some(one => one.startsWith("v1a,") && crypto.verify(null, signed, key, Buffer.from(one.slice(4), "base64")));
  } catch {
    return false;
  }
}
