/** S37: every text field takes the strings that break other people's software, or refuses them; what it takes it keeps. */
import naughty from 'big-list-of-naughty-strings/blns.json?raw';
import { beforeAll, describe, expect, it } from 'vitest';
import { cleanName } from '../src/text.ts';
import { basic, register } from './support/accounts.ts';
import { type Answer, call, elsewhere, keys, openRoom, signIn } from './support/client.ts';

const asSystem = { 'x-server-key': keys.secretKey };
const strings: string[] = [
  ...JSON.parse(naughty),
  '\u0000',
  '\ud7ff\ue000',
  '\u{10ffff}',
  '\u202e\u0000\u200b',
  'x'.repeat(20_000),
];

/** As the SDK's surface keeps a name: cut and cleaned. */
const shown = (text: string): string => cleanName(text, 100);

interface Field {
  send: (text: string) => Promise<Answer>;
  /** What is kept of it; where it is not kept, or not shown, nothing is compared. */
  kept?: (text: string, answer: Answer) => Promise<unknown>;
  /** What it is kept as, where that is another form. */
  as?: (text: string) => string;
}

let user: Awaited<ReturnType<typeof signIn>>;
let account: Awaited<ReturnType<typeof register>>;
let room: Awaited<ReturnType<typeof openRoom>>;

beforeAll(async () => {
  user = await signIn('naughty-user');
  account = await register('naughtyOne');
  room = await openRoom(user);
  await call('POST', '/v1/attribute-def/users', {
    headers: asSystem,
    body: { key: 'naughty', allowedContentTypes: ['text/plain'], allowedContentEncodings: ['identity'] },
  });
});

const own = (method: string, path: string, body?: unknown) =>
  call(method, path, { token: account.accessToken, headers: elsewhere(), body });
const system = (method: string, path: string, body?: unknown) =>
  call(method, path, { headers: asSystem, body });
const signingIn = (body: Record<string, unknown>) =>
  call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    headers: elsewhere(),
    body: { userId: 'naughty-other', deviceId: 'd', ...body },
  });
const me = async () => (await own('GET', '/users/me')).body;
const nfc = (text: string) => text.normalize('NFC');
const at = (text: string) => encodeURIComponent(text.toWellFormed());

const fields: Record<string, Field> = {
  'userId (A)': {
    send: userId => signingIn({ userId }),
    kept: async (_, { body }) => body.users[0].userId,
    as: nfc,
  },
  'displayName (A)': {
    send: displayName => signingIn({ displayName }),
    // Where nothing of a name is left, the user keeps the one they had.
    kept: async (text, { body }) => (shown(text) === '' ? '' : body.users[0].displayName),
    as: shown,
  },
  'deviceId (A)': { send: deviceId => signingIn({ deviceId }) },
  'deviceInfo.model (A)': { send: model => signingIn({ deviceInfo: { model } }) },
  'authToken (A)': { send: authToken => signingIn({ authToken }) },
  'X-API-KEY, where a header takes it': {
    send: text => signingInWith(text.replace(/[^\x20-\x7e]/g, '?').trim()),
  },
  'refreshToken (A)': {
    send: refreshToken =>
      call('POST', '/api/v5/sessions/refresh', { body: { refreshToken }, headers: elsewhere() }),
  },
  'room password (B)': {
    send: password =>
      call('POST', '/session', {
        key: keys.publishableKey,
        token: user.accessToken,
        body: { rules: { password } },
      }),
  },
  'identity.name (B)': {
    send: name =>
      call('POST', '/session/join', {
        token: account.accessToken,
        headers: elsewhere(),
        body: { sessionId: room.sessionId, identity: { name } },
      }),
  },
  'sessionId (B)': {
    send: sessionId =>
      call('POST', '/session/join', { token: user.accessToken, headers: elsewhere(), body: { sessionId } }),
  },
  'kick: userId, reason (B)': {
    send: text =>
      call('POST', '/session/current/kick', { token: room.token, body: { userId: text, reason: text } }),
  },
  'identifier (E)': {
    send: identifier => call('POST', '/api/sessions', { body: { identifier }, headers: elsewhere() }),
  },
  'wallet proof: message, address, signature': {
    send: text =>
      call('POST', '/wallet-proof/verify?chain=Ethereum', {
        headers: elsewhere(),
        body: { walletAddress: text, message: text, signature: text },
      }),
  },
  'name (C)': {
    send: name => own('PUT', '/users/me', { name }),
    kept: async () => (await me()).name,
    as: nfc,
  },
  'about (C)': {
    send: about => own('PUT', '/users/me', { about }),
    kept: async () => (await me()).about ?? '',
    as: nfc,
  },
  'deviceName, deviceToken (C)': {
    send: text => own('PUT', '/users/me/device', { deviceName: text.slice(0, 90), deviceToken: text }),
    kept: async () => (await me()).deviceSessions[0].deviceInfo.token ?? '',
  },
  'username (C)': {
    send: username =>
      call('POST', '/users', {
        headers: elsewhere(),
        body: { name: 'x', username, password: 'no common one' },
      }),
  },
  'oldPassword (C)': {
    // A hash for every one of them would take minutes: these are refused before it, as the new one is too short.
    send: oldPassword => own('PUT', '/users/me/changePassword', { oldPassword, newPassword: 'short' }),
  },
  'search (C)': { send: text => call('GET', `/users?s=${at(text)}`, { headers: elsewhere() }) },
  'photo id (C)': {
    send: id => own('POST', '/users/me/photos', { photo: { id, fileType: id, fileSize: 1 } }),
  },
  'upload name': { send: text => call('GET', `/uploads/${at(text)}`) },
  'userId, screenName (D)': {
    send: text => system('POST', '/v1/users', { userId: text, screenName: { screenName: text } }),
  },
  'screenName (D)': {
    send: screenName => system('PUT', `/v1/users/${account.userId}/screenname`, { screenName }),
    kept: async () => (await me()).name,
    as: nfc,
  },
  'locator (D)': {
    send: text => system('POST', `/v1/users/${account.userId}/locators`, { locator: `email:${text}` }),
  },
  'attribute key (D)': {
    send: key =>
      system('POST', '/v1/attribute-def/users', {
        key,
        allowedContentTypes: ['text/plain'],
        allowedContentEncodings: ['identity'],
      }),
    kept: async (_, { body }) => body.key,
    as: nfc,
  },
  'attribute value (D)': {
    send: value => system('POST', `/v1/users/${account.userId}/profile/naughty`, { key: 'naughty', value }),
    kept: async () => (await system('GET', `/v1/users/${account.userId}/profile/naughty`)).body[0].value,
  },
  'presence type (D)': {
    send: type => system('POST', `/v1/users/${account.userId}/presence`, { type }),
    kept: async () =>
      (await system('GET', `/v1/users/${account.userId}/presence`)).body.presence.presence.type,
    as: nfc,
  },
  'a path of D': { send: text => system('GET', `/v1/users/${at(text)}`) },
  'token ids (D)': { send: text => system('DELETE', `/v1/users/${account.userId}/tokens/${at(text)}`) },
  'role id, displayName (D)': {
    send: text =>
      system('PUT', `/v1/roles/${at(text)}`, { displayName: 'x', permissions: [text.slice(0, 100)] }),
  },
  'ban reason (D)': { send: reason => system('PUT', '/v1/users/naughty-user-banned/ban', { reason }) },
  'metadata, profileHandle (D)': {
    send: text =>
      system('PATCH', `/v1/users/${account.userId}`, {
        metadata: { [text.slice(0, 90)]: text.slice(0, 1000) },
        profileHandle: text.slice(0, 90),
      }),
  },
  'key name (D)': { send: name => system('POST', '/v1/keys', { name, kind: 'publishable' }) },
};

function signingInWith(key: string): Promise<Answer> {
  return call('POST', '/api/v5/sessions', {
    key,
    headers: elsewhere(),
    body: { userId: 'x', deviceId: 'd' },
  });
}

describe.each(Object.entries(fields))('%s', (_, { send, kept, as = text => text }) => {
  it('answers every one of them, and keeps what it takes', async () => {
    const faults: unknown[] = [];
    for (const text of strings) {
      const answer = await send(text);
      const { status } = answer;
      if (status >= 500) faults.push([text.slice(0, 100), status]);
      if (status !== 200 || !kept) continue;
      const left = await kept(text, answer);
      if (left !== as(text)) faults.push([text.slice(0, 100), left]);
    }
    expect(faults).toEqual([]);
  });
});

it('passwords, of which a few are hashed', async () => {
  for (const text of strings
    .filter(({ length }) => length >= 8 && length <= 100)
    .filter((_, index) => index % 40 === 0)) {
    const username = `pw${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`;
    const headers = elsewhere();
    const made = await call('POST', '/users', { headers, body: { name: 'x', username, password: text } });
    expect([200, 400]).toContain(made.status);
    if (made.status !== 200) continue;
    const login = await call('POST', '/users/login', { headers: { ...headers, ...basic(username, text) } });
    expect([text, login.status]).toEqual([text, 200]);
  }
});
