import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { hashRuns } from '../../src/crypto/passwords.ts';
import { basic, login, loginAs, me, PASSWORD, register } from '../support/accounts.ts';
import { type Answer, call, claimsOf, elsewhere, keys, signIn, trips } from '../support/client.ts';
import { until } from '../support/until.ts';

const ISO = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const DAY_MS = 86_400_000;
const registration = (extra: Record<string, unknown> = {}) =>
  call('POST', '/users', {
    headers: elsewhere(),
    body: { name: 'Somebody', username: 'somebody', password: PASSWORD, ...extra },
  });
const problem = { error: true, reason: expect.any(String), code: expect.any(String) };
const asSystem = { 'x-server-key': keys.secretKey };

describe('works', () => {
  it('registers, and answers with the whole of the new device session', async () => {
    const deviceInfo = {
      id: crypto.randomUUID(),
      name: 'My laptop',
      model: 'Frame 13',
      token: 'push-token',
      transport: 'apns',
      unknown: 'left out',
    };
    const { status, body } = await registration({ username: 'AdaLovelace', name: 'Ada 👩‍💻', deviceInfo });
    expect(status).toBe(200);
    const { unknown: _, ...shown } = deviceInfo;
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'Ada 👩‍💻',
      username: 'AdaLovelace',
      lastSeen: expect.stringMatching(ISO),
      photos: [],
      deviceSessions: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          accessToken: expect.any(String),
          refreshToken: expect.any(String),
          expiresAt: expect.stringMatching(ISO),
          createdAt: expect.stringMatching(ISO),
          updatedAt: expect.stringMatching(ISO),
          ipAddress: expect.any(String),
          deviceInfo: shown,
        },
      ],
    });
    const [session] = body.deviceSessions;
    expect(Date.parse(session.expiresAt) - Date.now()).toBeGreaterThan(29.9 * DAY_MS);
    expect(claimsOf(session.accessToken).uid).toBe(body.id);
  });

  it('logs in whatever the letter case of the username, on a device of its own each time', async () => {
    const first = await register('signsInTwice');
    const second = await loginAs('SIGNSINTWICE');
    expect(second.uid).toBe(first.uid);
    expect(second.sid).not.toBe(first.sid);
    const { body } = await me(second);
    expect(body.deviceSessions.map(({ id }: { id: string }) => id)).toEqual([first.sid, second.sid]);
  });

  it('shows an access token only on the device session that asks', async () => {
    const first = await register('tokensShown');
    const second = await loginAs('tokensShown');
    const { deviceSessions } = (await me(second)).body;
    expect(deviceSessions[0]).not.toHaveProperty('accessToken');
    expect(deviceSessions[1].accessToken).toBe(second.accessToken);
    expect(JSON.stringify(deviceSessions)).not.toContain(first.accessToken);
    expect(JSON.stringify(deviceSessions)).not.toContain('refreshToken');
  });

  it('is refused by nothing that only describes the device', async () => {
    const deviceInfo = { name: `Ada's\nphone ${'x'.repeat(100)}`, model: 'm'.repeat(600) };
    const user = await register('described', { deviceInfo });
    expect((await me(user)).body.deviceSessions[0].deviceInfo).toMatchObject({
      name: `Ada's phone ${'x'.repeat(88)}`,
      model: 'm'.repeat(512),
    });
  });

  it('ends the earlier session of the same device', async () => {
    const first = await register('sameDevice');
    const headers = { ...elsewhere(), ...basic('sameDevice', PASSWORD) };
    const body = { deviceInfo: { id: first.deviceId } };
    expect((await call('POST', '/users/login', { headers, body })).status).toBe(200);
    expect((await me(first)).status).toBe(401);
  });

  it('refreshes its long tokens, and ends them no later', async () => {
    const { refreshToken } = await register('refreshes');
    const { status, body } = await call('POST', '/api/v5/sessions/refresh', { body: { refreshToken } });
    expect(status).toBe(200);
    expect(Date.parse(body.expiresAt) - Date.now()).toBeLessThanOrEqual(30 * DAY_MS);
    expect((await me(body)).status).toBe(200);
  });

  it('logs out the device that asks, and with all=true every one', async () => {
    const [first, second, third] = [
      await register('logsOut1'),
      await loginAs('logsOut1'),
      await loginAs('logsOut1'),
    ];
    const answer = await call('POST', '/users/me/logout', { token: second.accessToken });
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect([(await me(first)).status, (await me(second)).status]).toEqual([200, 401]);
    await call('POST', '/users/me/logout?all=true', { token: third.accessToken });
    expect([(await me(first)).status, (await me(third)).status]).toEqual([401, 401]);
  });

  it('changes name and about for everybody, leaves what is absent or null, and clears an empty about', async () => {
    const user = await register('profiled');
    const put = (body: unknown) => call('PUT', '/users/me', { token: user.accessToken, body });
    expect(await put({ name: 'Zoë', about: 'Sees people in.', username: 'other', id: 1 })).toMatchObject({
      status: 200,
      body: '',
    });
    expect((await me(user)).body).toMatchObject({
      name: 'Zoë',
      about: 'Sees people in.',
      username: 'profiled',
    });
    await put({ name: null });
    expect((await call('GET', `/users/${user.uid}`)).body).toMatchObject({
      name: 'Zoë',
      about: 'Sees people in.',
    });
    await put({ about: '' });
    expect((await me(user)).body).not.toHaveProperty('about');
  });

  it('is one person to every surface', async () => {
    const user = await register('everywhere1');
    await call('PUT', '/users/me', { token: user.accessToken, body: { about: 'Here and there' } });
    const { body } = await call('PATCH', `/v1/users/${user.userId}`, {
      headers: asSystem,
      body: { displayName: 'Renamed' },
    });
    expect(body).toMatchObject({
      displayName: 'Renamed',
      description: 'Here and there',
      _id: String(user.uid),
    });
    expect((await me(user)).body.name).toBe('Renamed');
    expect((await call('GET', '/api/v5/sessions', { token: user.accessToken })).status).toBe(200);
  });

  it('updates what a device is called and reached by', async () => {
    const user = await register('renamesDevice', { deviceInfo: { name: 'Old', token: 'old', model: 'M' } });
    const put = (body: unknown) => call('PUT', '/users/me/device', { token: user.accessToken, body });
    expect((await put({ deviceName: 'My laptop', deviceToken: 'new' })).status).toBe(200);
    const device = async () => (await me(user)).body.deviceSessions[0].deviceInfo;
    expect(await device()).toEqual({ id: user.deviceId, name: 'My laptop', model: 'M', token: 'new' });
    await put({ deviceToken: '' });
    expect(await device()).toEqual({ id: user.deviceId, name: 'My laptop', model: 'M' });
    expect(
      JSON.stringify((await call('GET', '/users/me/devices', { token: user.accessToken })).body),
    ).not.toContain('"token"');
  });

  it('shows a user to everybody, and when they were last seen to who is signed in', async () => {
    const [user, other] = [await register('shownToAll'), await signIn('nobody-in-particular')];
    await until(async () => {
      const row = await env.DB.prepare('SELECT lastSeenAt FROM users WHERE id = ?').bind(user.uid).first();
      return row?.lastSeenAt;
    });
    const shown = { id: user.uid, name: 'Name of shownToAll', username: 'shownToAll', photos: [] };
    expect((await call('GET', `/users/${user.uid}`)).body).toEqual(shown);
    const { body } = await call('GET', `/users/${user.uid}`, { token: other.accessToken });
    expect(body).toEqual({ ...shown, lastSeen: expect.stringMatching(ISO) });
  });

  it('finds users by a part of their names, page by page', async () => {
    const people = [];
    for (const letter of ['a', 'b', 'c'])
      people.push(await register(`needle${letter}1`, { name: `In a hayst${letter}ck` }));
    const ids = people.map(({ uid }) => uid);
    const first = await call('GET', '/users/?s=NEEDLE&limit=2');
    expect(first.body.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2));
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await call('GET', next);
    expect(second.body.map(({ id }: { id: number }) => id)).toEqual(ids.slice(2));
    expect(second.headers.get('link')).toBe(null);
    expect((await call('GET', '/users?s=haystb')).body).toMatchObject([{ id: ids[1] }]);
    expect((await call('GET', '/users?s=ne&limit=1')).headers.get('link')).toContain('s=ne');
    expect((await call('GET', '/users?s=ne')).body).toHaveLength(3);
  });

  it('shows to nobody in particular only who has a username', async () => {
    const guest = await signIn('without-username');
    await call('PATCH', '/v1/users/without-username', {
      headers: asSystem,
      body: { displayName: 'Quixotic' },
    });
    expect((await call('GET', `/users/${guest.uid}`)).status).toBe(404);
    expect((await call('GET', '/users?s=quixot')).body).toEqual([]);
    const { accessToken: token } = guest;
    expect((await call('GET', `/users/${guest.uid}`, { token })).body).toMatchObject({ name: 'Quixotic' });
    expect((await call('GET', '/users?s=quixot', { token })).body).toHaveLength(1);
  });

  it('gives a user of another surface a password, once (S23)', async () => {
    const issued = (
      await call('GET', '/api/v3/authentication/token?userId=gets-a-password', { headers: asSystem })
    ).body;
    const { body } = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: 'gets-a-password', deviceId: 'd', authToken: issued },
    });
    const put = (username: string) =>
      call('PUT', '/users/me/credentials', {
        token: body.accessToken,
        body: { username, password: PASSWORD },
      });
    await register('takenName1');
    expect(await put('TAKENname1')).toMatchObject({ status: 409, body: { code: 'username_taken' } });
    expect((await put('getsPassword')).status).toBe(200);
    const account = await loginAs('getspassword');
    expect(account.userId).toBe('gets-a-password');
    expect(await put('getsAnother')).toMatchObject({ status: 409, body: { code: 'password_exists' } });
    expect((await me(body)).body.username).toBe('getsPassword');
  });

  it('costs the trips it promises', async () => {
    const registered = await registration({ username: 'counted1' });
    expect(trips(registered)[0]).toBe(2);
    expect(trips(registered)[1]).toBeLessThanOrEqual(3);
    const signedIn = await login('counted1', PASSWORD);
    expect(trips(signedIn)).toEqual([1, 3]);
    const token = signedIn.body.deviceSessions[0].accessToken;
    expect(trips(await me({ accessToken: token }))).toEqual([0, 1]);
    expect(trips(await call('GET', `/users/${signedIn.body.id}`))).toEqual([1, 0]);
    expect(trips(await call('GET', `/users/${signedIn.body.id}`, { token }))).toEqual([1, 1]);
    expect(trips(await call('GET', '/users?s=counted'))).toEqual([1, 0]);
    expect(trips(await call('GET', '/users?s=counted', { token }))).toEqual([1, 1]);
  });
});

describe('refuses', () => {
  it.each([
    ['a username too short', { username: 'four' }, 'username'],
    ['a username too long', { username: 'a'.repeat(26) }, 'username'],
    ['a username that begins with a digit', { username: '1ada2' }, 'username'],
    ['a username beyond ASCII (S38)', { username: 'adaé1' }, 'username'],
    ['a username with a look-alike (S38)', { username: '\u0430dalo' }, 'username'],
    ['no name', { name: '' }, 'name'],
    ['a name that turns letters around (S38)', { name: 'a\u202eb' }, 'name'],
    ['a name too long', { name: 'x'.repeat(101) }, 'name'],
    ['a password too short (S18)', { password: 'seven77' }, 'password'],
    ['a password too long (S18)', { password: `${'x'.repeat(128)}!` }, 'password'],
    ['a password everybody guesses (S18)', { password: 'Password1' }, 'password'],
    ['the username as the password (S18)', { username: 'itsMyName', password: 'ITSMYNAME' }, 'password'],
    ['a device that is no UUID', { deviceInfo: { id: 'laptop' } }, 'deviceInfo.id'],
    ['an unknown transport', { deviceInfo: { transport: 'pigeon' } }, 'deviceInfo.transport'],
  ])('%s', async (_, extra, path) => {
    const { status, body } = await registration({ username: 'refused1', ...extra });
    expect(status).toBe(400);
    expect(body).toMatchObject({ ...problem, code: 'invalid_input', errors: [{ path }] });
  });

  it('takes passwords of 8 and of 128 characters whole, whatever they are made of (S18)', async () => {
    const [short, long] = ['🔑🔑🔑🔑🔑🔑🔑🔑', `${'ö '.repeat(63)}ab`];
    await register('shortest1', { password: short });
    await register('longest1', { password: long });
    expect((await login('shortest1', short)).status).toBe(200);
    expect((await login('longest1', long)).status).toBe(200);
    expect((await login('longest1', long.slice(0, -1))).status).toBe(401);
    expect((await login('longest1', long.normalize('NFD'))).status).toBe(200);
  });

  it('a username that is taken, whatever its letter case, and costs no hash', async () => {
    await register('takenOnce');
    const before = hashRuns();
    expect(await registration({ username: 'TAKENonce' })).toMatchObject({
      status: 409,
      body: { ...problem, code: 'username_taken' },
    });
    expect(hashRuns()).toBe(before);
  });

  it.each([
    '',
    '?s=',
    '?s=x',
    `?s=${'x'.repeat(33)}`,
    '?s=abc&limit=0',
    '?s=abc&limit=101',
    '?s=abc&cursor=x',
  ])('a search of "%s"', async search => {
    expect((await call('GET', `/users${search}`)).status).toBe(400);
  });

  it.each(['0', '999999999999', '99999999999999999999999'])('user %s, whom nobody is', async id => {
    expect([400, 404]).toContain((await call('GET', `/users/${id}`)).status);
  });

  it('an account key too short, and a change to a password nobody may have', async () => {
    const { accessToken: token } = await register('choosy1');
    const put = (path: string, body: unknown) => call('PUT', `/users/me/${path}`, { token, body });
    expect((await put('setAccountKey', { password: PASSWORD, accountKey: 'x'.repeat(24) })).status).toBe(400);
    expect((await put('setAccountKey', { password: PASSWORD, accountKey: 'x'.repeat(101) })).status).toBe(
      400,
    );
    const common = { oldPassword: PASSWORD, newPassword: 'iloveyou1' };
    expect(await put('changePassword', common)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'newPassword' }] },
    });
    expect((await put('changePassword', { newPassword: 'something else' })).status).toBe(400);
  });

  it('a login without credentials, or with some of another kind', async () => {
    const nobody = await call('POST', '/users/login');
    expect(nobody).toMatchObject({ status: 401, body: problem });
    expect(nobody.headers.get('www-authenticate')).toBe('Basic realm="usher", charset="UTF-8"');
    const { accessToken } = await register('wrongKind1');
    expect((await call('POST', '/users/login', { token: accessToken })).status).toBe(401);
    const pair = { ...basic(keys.accessKey, keys.accessSecret), ...elsewhere() };
    expect((await call('POST', '/users/login', { headers: pair })).status).toBe(401);
    const both = { ...basic('wrongKind1', PASSWORD), ...asSystem };
    expect((await call('POST', '/users/login', { headers: both })).status).toBe(400);
  });
});

describe('keeps out', () => {
  /** What tells answers apart: everything but what differs between any two. */
  const seen = ({ status, headers, body: { requestId: _, ...body } }: Answer) => ({
    status,
    body,
    headers: [...headers].filter(([name]) => !['x-request-id', 'server-timing'].includes(name)),
  });

  it('an unknown user, a wrong password and who must wait in one way (S21)', async () => {
    await register('knownOne1');
    const from = elsewhere();
    const before = hashRuns();
    const wrong = await login('knownOne1', 'not the password', { headers: from });
    const unknown = await login('unknown01', 'not the password', { headers: from });
    expect(hashRuns()).toBe(before + 2);
    for (let tried = 1; tried < 10; tried += 1) await login('knownOne1', 'not it', { headers: from });
    const runs = hashRuns();
    const waits = vi.spyOn(scheduler, 'wait');
    const throttled = await login('knownOne1', PASSWORD, { headers: from });
    expect(hashRuns()).toBe(runs);
    // About as long as a hash took lately, which is no time that a test may name.
    expect(waits.mock.calls.filter(([ms]) => Number(ms) > 1)).toHaveLength(1);
    waits.mockRestore();
    expect(seen(wrong)).toEqual(seen(unknown));
    expect(seen(throttled)).toEqual(seen(wrong));
    expect(trips(throttled)).toEqual(trips(wrong));
    expect((await login('knownOne1', PASSWORD)).status).toBe(200);
  });

  it('guessers by the thousand at once: ten hashes run, and no more (S20)', async () => {
    await register('attacked1');
    const from = elsewhere();
    const before = hashRuns();
    const guesses = Array.from({ length: 200 }, (_, index) =>
      login('attacked1', `guess number ${index}`, { headers: from }),
    );
    const statuses = new Set((await Promise.all(guesses)).map(({ status }) => status));
    expect([...statuses].filter(status => status !== 429)).toEqual([401]);
    expect(hashRuns() - before).toBe(10);
  });

  it('whoever does not know the password from what needs it (S22)', async () => {
    const user = await register('guarded01');
    const { accessToken: token } = user;
    const put = (path: string, body: unknown) =>
      call('PUT', `/users/me/${path}`, { token, body, headers: elsewhere() });
    const accountKey = 'a key that is long enough';
    expect(await put('changePassword', { oldPassword: 'wrong', newPassword: 'something new' })).toMatchObject(
      {
        status: 403,
        body: { code: 'wrong_password' },
      },
    );
    expect(await put('setAccountKey', { password: 'wrong', accountKey })).toMatchObject({
      status: 403,
      body: { code: 'wrong_password' },
    });
    expect((await call('DELETE', '/users/me', { headers: basic('guarded01', 'wrong') })).status).toBe(401);
    expect(await call('DELETE', '/users/me', { token })).toMatchObject({
      status: 403,
      body: { code: 'fresh_proof_required' },
    });
    const reset = { userId: user.uid, accountKey, newPassword: 'something new' };
    const unset = await call('PUT', '/users/resetPassword', { body: reset });
    expect(unset).toMatchObject({ status: 403, body: { code: 'wrong_account_key' } });
    await put('setAccountKey', { password: PASSWORD, accountKey });
    const wrong = await call('PUT', '/users/resetPassword', { body: { ...reset, accountKey: 'wrong' } });
    const nobody = await call('PUT', '/users/resetPassword', { body: { ...reset, userId: 999_999 } });
    expect(seen(wrong)).toEqual(seen(unset));
    expect(seen(nobody)).toEqual(seen(unset));
    expect((await call('PUT', '/users/resetPassword', { body: reset })).status).toBe(200);
    expect((await me(user)).status).toBe(401);
    expect((await login('guarded01', PASSWORD)).status).toBe(401);
    expect((await login('guarded01', 'something new')).status).toBe(200);
  });

  it('other devices once the password has changed, and the old password everywhere (S16)', async () => {
    const [first, second] = [await register('changes01'), await loginAs('changes01')];
    const body = { oldPassword: PASSWORD, newPassword: 'another battery' };
    const answer = await call('PUT', '/users/me/changePassword', { token: second.accessToken, body });
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect([(await me(first)).status, (await me(second)).status]).toEqual([401, 200]);
    const refresh = await call('POST', '/api/v5/sessions/refresh', {
      body: { refreshToken: first.refreshToken },
    });
    expect(refresh.status).toBe(401);
    expect((await login('changes01', PASSWORD)).status).toBe(401);
    expect((await login('changes01', 'another battery')).status).toBe(200);
  });

  it('a bare userId from a password, and an old sign-in (S23)', async () => {
    const user = await signIn('bare-user-id');
    const body = { username: 'hijacked1', password: PASSWORD };
    expect(await call('PUT', '/users/me/credentials', { token: user.accessToken, body })).toMatchObject({
      status: 403,
      body: { code: 'fresh_proof_required' },
    });
    expect((await login('hijacked1', PASSWORD)).status).toBe(401);
  });

  it('nobody, a stranger, a revoked token and a kind that is not meant from what is theirs', async () => {
    const user = await register('private01');
    await call('POST', '/users/me/logout', { token: user.accessToken });
    const calls: [string, string, unknown?][] = [
      ['GET', '/users/me'],
      ['PUT', '/users/me', {}],
      ['PUT', '/users/me/device', {}],
      ['POST', '/users/me/logout'],
      ['PUT', '/users/me/changePassword', { oldPassword: PASSWORD, newPassword: 'something new' }],
      ['PUT', '/users/me/setAccountKey', { password: PASSWORD, accountKey: 'x'.repeat(30) }],
      ['PUT', '/users/me/credentials', { username: 'another01', password: PASSWORD }],
      ['POST', '/users/me/photos', { photo: { id: crypto.randomUUID(), fileType: 'png', fileSize: 1 } }],
      ['DELETE', `/users/me/photos/${crypto.randomUUID()}`],
      ['DELETE', '/users/me'],
    ];
    for (const [method, path, body] of calls) {
      for (const token of [undefined, user.accessToken, user.refreshToken, 'x.y.z']) {
        expect([method, path, (await call(method, path, { token, body })).status]).toEqual([
          method,
          path,
          401,
        ]);
      }
    }
  });

  it('a banned user with the right password', async () => {
    const user = await register('bannedOne');
    await call('PUT', `/v1/users/${user.userId}/ban`, { headers: asSystem, body: {} });
    expect(await login('bannedOne', PASSWORD)).toMatchObject({
      status: 401,
      body: { code: 'sign_in_refused' },
    });
    expect((await me(user)).status).toBe(401);
    await call('DELETE', `/v1/users/${user.userId}/ban`, { headers: asSystem });
    expect((await login('bannedOne', PASSWORD)).status).toBe(200);
  });
});
