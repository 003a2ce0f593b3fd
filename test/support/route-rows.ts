/** Every route there is, who may call it, and what such a call looks like: for tests over all routes. */
import { app } from '../../src/app.ts';
import { call, joinAs, keys, openRoom, signIn } from './client.ts';

/** In the order they come: whoever may end what others need comes after them. */
export const CALLERS = [
  'nobody',
  'publishable',
  'banned',
  'signedOut',
  'kicked',
  'device',
  'stranger',
  'member',
  'host',
  'owner',
  'system',
] as const;
export type Caller = (typeof CALLERS)[number];

/** Which callers get past the door; a row also says what the others hear, where it is not 401. */
export interface Row {
  through: readonly Caller[];
  /** Known, and not allowed: 403. */
  forbidden?: readonly Caller[];
  /** 404: for them there is nothing here. */
  hidden?: readonly Caller[];
  body?: unknown;
  headers?: Record<string, string>;
  /** What stands in the path where nothing is by that name. */
  id?: string;
  query?: string;
}

const USERS: Caller[] = ['stranger', 'owner'];
const everybody: Row = { through: CALLERS };
/** Open to nobody in particular; a credential that is presented must hold, and be a user's. */
const shown: Row = { through: ['nobody', 'publishable', ...USERS], forbidden: ['system'] };
const users: Row = { through: USERS, forbidden: ['system'] };
const system: Row = { through: ['system'], forbidden: USERS };
/** What concerns one user: theirs, and a secret key's. */
const own: Row = { through: ['owner', 'system'], forbidden: ['stranger'] };
const members: Row = { through: ['member', 'host'] };
const hostOnly: Row = { through: ['host'], forbidden: ['member'] };
const form = (body: string) => ({ body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });

const wallet = {
  '@type': 'wallet',
  walletAddress: `0x${'ab'.repeat(20)}`,
  message: 'x',
  signature: '0x00',
};

/** Of users whose own path it is: `owner` is the one the path names. */
export const rows: Record<string, Row> = {
  'GET /': everybody,
  'GET /health': everybody,
  'GET /.well-known/jwks.json': everybody,
  'POST /oauth2/introspect': { ...system, ...form('token=x') },
  'POST /oauth2/revoke': { ...everybody, ...form('token=x') },
  'GET /wallet-proof/nonce': everybody,
  'POST /wallet-proof/verify': { ...everybody, body: {} },
  'POST /api/sessions': { ...everybody, body: { identifier: 'x' } },
  'GET /api/sessions/current': { through: ['device'] },
  'DELETE /api/sessions/current': { through: ['device'] },
  'POST /session': { through: USERS, forbidden: ['system'], headers: { 'x-api-key': keys.publishableKey } },
  'POST /session/join': {
    through: USERS,
    forbidden: ['system'],
    hidden: ['device'],
    body: { sessionId: 'f'.repeat(64) },
  },
  'GET /session/current': members,
  'PATCH /session/current': { ...hostOnly, body: { rules: {} } },
  'DELETE /session/current': hostOnly,
  'POST /session/current/kick': { ...hostOnly, body: { userId: 'nobody-at-all' } },
  'DELETE /session/current/kick/:userId': hostOnly,
  'GET /session/current/allow-list': hostOnly,
  'GET /session/current/bars': hostOnly,
  'DELETE /session/current/bars/:barId': hostOnly,
  'POST /session/current/host': { ...hostOnly, body: { userId: 'nobody-at-all' } },
  'POST /session/disconnect': members,
  'GET /session/current/events': {
    ...members,
    through: [...members.through, 'kicked'],
    headers: { upgrade: 'websocket' },
  },
  'POST /session/current/files': {
    ...members,
    body: 'x',
    headers: { 'file-name': 'x', 'content-length': '1' },
  },
  'GET /session/current/files': members,
  'GET /session/current/files/:fileKey': members,
  'DELETE /session/current/files/:fileKey': members,
  'POST /uploads': { ...users, body: 'x', headers: { 'content-type': 'txt', 'content-length': '1' } },
  'GET /uploads/:name': everybody,
  // A user's own calls under `/users` are by Bearer; what needs a password is refused without it, below.
  'POST /users': { ...everybody, body: {} },
  'POST /users/login': { through: [] },
  'PUT /users/resetPassword': { ...everybody, body: {} },
  'GET /users': { ...shown, query: '?s=matrix' },
  'GET /users/:id{[0-9]+}': { ...shown, id: '999999' },
  'GET /users/me': users,
  'PUT /users/me': { ...users, body: {} },
  'DELETE /users/me': users,
  'POST /users/me/logout': users,
  'PUT /users/me/device': { ...users, body: {} },
  'PUT /users/me/changePassword': {
    through: [],
    forbidden: [...USERS, 'system'],
    body: { oldPassword: 'x', newPassword: 'no common one' },
  },
  'PUT /users/me/setAccountKey': {
    through: [],
    forbidden: [...USERS, 'system'],
    body: { password: 'x', accountKey: 'x'.repeat(30) },
  },
  'DELETE /users/me/accountKey': {
    through: [],
    forbidden: [...USERS, 'system'],
    body: { password: 'x' },
  },
  // These signed in by a bare userId, which is no proof.
  'PUT /users/me/credentials': {
    through: [],
    forbidden: [...USERS, 'system'],
    body: { username: 'matrix1', password: 'no common one' },
  },
  'POST /users/me/photos': {
    ...users,
    body: { photo: { id: crypto.randomUUID(), fileType: 'png', fileSize: 1 } },
  },
  'DELETE /users/me/photos/:id': { ...users, id: crypto.randomUUID() },
  'GET /users/me/devices': users,
  'DELETE /users/me/devices': users,
  'DELETE /users/me/devices/:id': users,
  'POST /v1/users/:userId/locators': { ...own, body: { locator: 'email:matrix@example.org' } },
  'GET /v1/users/:userId/locators': own,
  'DELETE /v1/users/:userId/locators/:userLocatorId': own,
  // Users get so far as to be asked for a fresh proof, which these have none of.
  'DELETE /v1/users/me/locators': { through: ['system'], forbidden: USERS, body: wallet },
  'PATCH /v1/users/:userId': { ...system, body: {} },
  'PUT /v1/users/:userId/roles': { ...system, body: { roles: [] } },
  'PUT /v1/users/:userId/ban': { ...system, body: {} },
  'POST /v1/registration-codes': { ...system, body: {} },
  'GET /v1/registration-codes': system,
  'DELETE /v1/registration-codes/:id': { ...system, id: crypto.randomUUID() },
  'GET /v1/users/:userId/ban': system,
  'GET /v1/users/by/username/:username': system,
  'GET /v1/users/by/id/:id{[0-9]+}': { ...system, id: '1' },
  'DELETE /v1/users/:userId/ban': system,
  // Reading is for whoever is signed in; a user writes only what is their own.
  'GET /v1/users/:userId/profile': { through: [...USERS, 'system'] },
  'GET /v1/users/:userId/profile/:keys': { through: [...USERS, 'system'] },
  'POST /v1/users/:userId/profile': { ...own, body: { attributes: [{ key: 'unknown', value: 'x' }] } },
  'POST /v1/users/:userId/profile/:key': { ...own, body: { value: 'x' } },
  'DELETE /v1/users/:userId/profile/:key': own,
  'POST /v1/users': { ...system, body: {} },
  'GET /v1/users': system,
  'GET /v1/users/:userId': { through: [...USERS, 'system'] },
  'DELETE /v1/users/:userId': system,
  'PUT /v1/users/:userId/screenname': { ...own, body: { screenName: 'x' } },
  'GET /v1/users/:userIds/screenname': { through: [...USERS, 'system'] },
  'POST /v1/users/:userId/presence': { ...own, body: { type: 'x' } },
  'GET /v1/users/:userIds/presence': { through: [...USERS, 'system'] },
  'POST /v1/users/:userId/tokens': { ...system, body: {} },
  'GET /v1/users/:userId/tokens': own,
  'PUT /v1/users/:userId/tokens/:tokenId': { ...own, body: { ttl: 60 } },
  'DELETE /v1/users/:userId/tokens/:tokenIds': own,
  // A secret key is no user who could log out: 400.
  'GET /v1/users/me/logout': { through: [...USERS, 'system'] },
  'POST /v1/attribute-def/users': { ...system, body: {} },
  'GET /v1/attribute-def/users': { through: [...USERS, 'system'] },
  'GET /v1/attribute-def/users/:key': { through: [...USERS, 'system'] },
  'DELETE /v1/attribute-def/users/:key': system,
  'GET /v1/roles': system,
  'PUT /v1/roles/:roleId': { ...system, body: {} },
  'DELETE /v1/roles/:roleId': system,
  'POST /v1/keys': { ...system, body: { name: 'x', kind: 'publishable' } },
  'GET /v1/keys': system,
  'DELETE /v1/keys/:id': system,
};
for (const version of ['v3', 'v4', 'v5']) {
  Object.assign(rows, {
    [`POST /api/${version}/sessions`]: {
      through: ['publishable'],
      body: { userId: 'matrix-new', deviceId: 'd' },
    },
    [`GET /api/${version}/sessions`]: users,
    [`DELETE /api/${version}/sessions`]: { through: [...USERS, 'system'] },
    [`DELETE /api/${version}/sessions/users/:userId`]: system,
    [`POST /api/${version}/sessions/visitor`]: { through: ['publishable'], body: { deviceId: 'd' } },
    [`GET /api/${version}/network-settings/chat`]: shown,
    [`GET /api/${version}/users/:userId`]: users,
    [`GET /api/${version}/users/list`]: { ...users, query: '?userIds=matrix-asked' },
    // Without a userId one's own record is meant.
    [`PUT /api/${version}/users`]: { ...users, body: {} },
    [`POST /api/${version}/sessions/refresh`]: { through: [], body: { refreshToken: 'x' } },
    [`POST /api/${version}/authentication/token`]: { ...system, body: { userId: 'matrix-asked' } },
    [`GET /api/${version}/authentication/token`]: system,
  });
}

/** Every route of the app, as `METHOD /path`. */
export const routes = [
  ...new Set(
    app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`),
  ),
];

/** A caller of every kind, made for one test, because the calls under test end sessions and kick people. */
export async function meet(name: string) {
  const [owner, stranger, host, member, kicked, banned, signedOut] = await Promise.all(
    ['owner', 'stranger', 'host', 'member', 'kicked', 'banned', 'signed-out'].map(who =>
      signIn(`${name}-${who}`),
    ),
  );
  if (!owner || !stranger || !host || !member || !kicked || !banned || !signedOut)
    throw new Error('a sign-in is missing');
  const room = await openRoom(host);
  const [memberToken, kickedToken] = [await joinAs(member, room), await joinAs(kicked, room)];
  await call('POST', '/session/current/kick', { token: room.token, body: { userId: kicked.userId } });
  const headers = { 'x-server-key': keys.secretKey };
  await call('PUT', `/v1/users/${banned.userId}/ban`, { headers, body: {} });
  await call('DELETE', '/api/v5/sessions', { token: signedOut.accessToken });
  const device = (await call('POST', '/api/sessions', { body: { identifier: 'd' } })).body.data
    .token as string;
  const presented: Record<Caller, { token?: string; key?: string; headers?: Record<string, string> }> = {
    nobody: {},
    publishable: { key: keys.publishableKey },
    stranger: { token: stranger.accessToken },
    owner: { token: owner.accessToken },
    member: { token: memberToken },
    host: { token: room.token },
    kicked: { token: kickedToken },
    banned: { token: banned.accessToken },
    signedOut: { token: signedOut.accessToken },
    device: { token: device },
    system: { headers },
  };
  return { presented, owner };
}

/** The address of a route, with the user a path names, and what else stands in it. */
export function addressOf(path: string, userId: string, { id = 'unknown', query = '' }: Row): string {
  return path.replace(/:userIds?(?=\/|$)/, userId).replace(/:\w+(\{[^}]*\})?/, id) + query;
}
