// Verifies what was received as its receiver would: HMAC by the package standardwebhooks, Ed25519 by Node's own cryptography. Reads { key, requests } and writes what each held.
const crypto = require('crypto');
const { Webhook } = require('standardwebhooks');

const { key, requests } = JSON.parse(require('fs').readFileSync(0, 'utf8'));

function ed25519(body, headers) {
  const raw = Buffer.from(key.slice('whpk_'.length), 'base64url');
  const publicKey = crypto.createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') } });
  const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body]);
  const ours = headers['webhook-signature'].split(' ').filter(one => one.startsWith('v1a,'));
  if (!ours.some(one => crypto.verify(null, signed, publicKey, Buffer.from(one.slice(4), 'base64')))) throw new Error('No matching signature found');
  return JSON.parse(body.toString('utf8'));
}

const told = requests.map(({ body, headers }) => {
  const bytes = Buffer.from(body, 'base64');
  try {
    return { id: headers['webhook-id'], event: key.startsWith('whpk_') ? ed25519(bytes, headers) : new Webhook(key).verify(bytes.toString('utf8'), headers) };
  } catch (fault) {
    return { id: headers['webhook-id'], refused: fault.message };
  }
});
process.stdout.write(JSON.stringify(told));
