// A real OpenID provider that plays Entra ID and Google for the tests. Loopback only; ends with its standard input.
// provider.mjs PORT KEYS APP_PEM TTL
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import Provider, { errors } from 'oidc-provider';

const [port, keys, pem, ttl] = [Number(process.argv[2]), process.argv[3], process.argv[4], Number(process.argv[5])];
const issuer = `http://127.0.0.1:${port}`;
process.stdin.on('end', () => process.exit(0)).resume();

const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
// Where Dovecot looks for the key: azp or "default", algorithm, kid.
fs.mkdirSync(`${keys}/default/RS256`, { recursive: true });
fs.writeFileSync(`${keys}/default/RS256/k1`, publicKey.export({ type: 'spki', format: 'pem' }));

const text = fs.readFileSync(pem, 'utf8');
const app = crypto.createPublicKey(text.slice(text.indexOf('-----BEGIN CERTIFICATE')));
const appKey = { ...app.export({ format: 'jwk' }), kid: 'app', use: 'sig', alg: 'PS256' };

const exchange = 'https://outlook.office365.com';
const graph = 'https://graph.microsoft.com';
const scopes = [`${exchange}/.default`, `${graph}/.default`, 'https://outlook.office.com/IMAP.AccessAsUser.All', 'https://mail.google.com/'];
const at = '/contoso/oauth2/v2.0';
const none = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: `${exchange}/.default` };
const byPerson = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tenant = '22222222-0000-0000-0000-000000000001';
// The last of the apps was never consented to.
const rights = (client, service) => {
  if (client.endsWith('4')) return [];
  if (!client.endsWith('5')) return ['IMAP.AccessAsApp'];
  return service === graph ? ['LicenseAssignment.ReadWrite.All', 'User.ReadWrite.All', 'Organization.Read.All'] : ['Exchange.ManageAsApp'];
};
// Applications name their service by the scope alone.
const service = (ctx) => ctx?.oidc?.params?.scope?.startsWith(graph) ? graph : exchange;
const count = {};
let hint = '';

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' }] },
  routes: { token: `${at}/token`, device_authorization: `${at}/devicecode`, authorization: `${at}/authorize` },
  clients: [
    { ...none, client_id: '11111111-0000-0000-0000-000000000001', client_secret: 's3cret-of-the-app', token_endpoint_auth_method: 'client_secret_post' },
    { ...none, client_id: '11111111-0000-0000-0000-000000000002', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [appKey] } },
    { ...none, client_id: '11111111-0000-0000-0000-000000000004', client_secret: 's3cret-of-the-app', token_endpoint_auth_method: 'client_secret_post' },
    // Orders hybrid moves and assigns licenses.
    { ...none, scope: `${exchange}/.default ${graph}/.default`, client_id: '11111111-0000-0000-0000-000000000005', client_secret: 's3cret-of-the-app', token_endpoint_auth_method: 'client_secret_post' },
    { client_id: '11111111-0000-0000-0000-000000000003', application_type: 'native', grant_types: byPerson, redirect_uris: ['http://127.0.0.1/', 'http://localhost/signed-in', 'http://localhost'], response_types: ['code'], token_endpoint_auth_method: 'none' },
    { client_id: 'google', client_secret: 'g', grant_types: [bearer], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' },
  ],
  scopes: ['openid', 'offline_access', ...scopes],
  claims: { openid: ['sub', 'email'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: id }) }),
  clientBasedCORS: () => false,
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****' },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx) => service(ctx),
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource) => ({
        scope: scopes.join(' '), audience: resource, accessTokenTTL: ttl, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256', kid: 'k1' } },
      }),
    },
  },
  // Dovecot 2.3.19 dies of a token without the claim that it looks for, so that of an app names nobody.
  extraTokenClaims: (ctx, token) => ({
    tid: tenant,
    ...(token.kind === 'ClientCredentials' ? { roles: rights(token.clientId, service(ctx)), email: 'no person' } : { email: token.accountId }),
  }),
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  ttl: { ClientCredentials: ttl, AccessToken: ttl, RefreshToken: 86400, DeviceCode: 900, Grant: 86400, Session: 86400, Interaction: 3600, IdToken: 3600 },
  pkce: { required: () => true },
  // Dovecot 2.3 refuses at+jwt.
  formats: { customizers: { jwt: (ctx, token, jwt) => { jwt.header = { typ: 'JWT' }; } } },
});

// Google's service accounts: an assertion (RFC 7523) is the grant, `sub` names the mailbox.
provider.registerGrantType(bearer, async (ctx) => {
  const [head, payload, signature] = (ctx.oidc.params.assertion || '').split('.');
  const good = signature && crypto.verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), app, Buffer.from(signature, 'base64url'));
  const claims = good && JSON.parse(Buffer.from(payload, 'base64url'));
  const now = Date.now() / 1000;
  if (!good || claims.exp < now || claims.exp - claims.iat > 3600 || !String(claims.aud).endsWith('/token')) {
    throw new errors.InvalidGrant('Invalid JWT Signature or time frame');
  }
  if (String(claims.sub).startsWith('unknown')) {
    ctx.status = 401;
    ctx.body = { error: 'unauthorized_client', error_description: 'Client is unauthorized to retrieve access tokens using this method' };
    return;
  }
  const server = { scope: claims.scope, audience: exchange, accessTokenTTL: ttl, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256', kid: 'k1' } } };
  const token = new provider.AccessToken({ client: ctx.oidc.client, accountId: claims.sub, scope: claims.scope, gty: 'jwt-bearer' });
  token.resourceServer = new provider.ResourceServer(exchange, server);
  ctx.body = { access_token: await token.save(), expires_in: ttl, token_type: 'Bearer' };
}, ['assertion', 'scope']);

provider.use(async (ctx, next) => {
  if (ctx.path === '/count') { ctx.body = count; return; }
  if (ctx.method === 'POST') count[ctx.path] = (count[ctx.path] || 0) + 1;
  // Google's call names no client: it is lent one.
  if (ctx.path === '/google/token') {
    ctx.path = `${at}/token`;
    ctx.req.headers.authorization = 'Basic ' + Buffer.from('google:g').toString('base64');
  }
  if (ctx.query.login_hint) hint = ctx.query.login_hint;
  await next();
  // Nobody sits at a browser without a screen: its pages fill themselves in.
  if (/Headless/.test(ctx.get('user-agent')) && typeof ctx.body === 'string' && ctx.body.includes('<form')) {
    ctx.body += `<script>
      const form = document.forms[0];
      if (form.login) { form.login.value = ${JSON.stringify(hint)}; form.password.value = 'x'; }
      HTMLFormElement.prototype.submit.call(form);
    </script>`;
  }
});
const log = (name) => (ctx, error) => console.log(name, error.message, error.error_description || '', error.error_detail || '');
for (const name of ['server_error', 'grant.error', 'authorization.error']) provider.on(name, log(name));
provider.listen(port, '127.0.0.1', () => console.log('ready'));
