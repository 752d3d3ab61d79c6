// Whether a token is signed with this key, lives, and is one of an application's: exit 0, as a mail server's checker would say.
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [key, token] = process.argv.slice(2);
const [head, body, signature] = token.split('.');
const signed = verify('RSA-SHA256', Buffer.from(`${head}.${body}`), createPublicKey(readFileSync(key)), Buffer.from(signature, 'base64url'));
const claims = JSON.parse(Buffer.from(body, 'base64url'));
const lives = claims.exp > Date.now() / 1000;
process.exit(signed && lives && claims.scope === 'https://outlook.office365.com/.default' ? 0 : 1);
