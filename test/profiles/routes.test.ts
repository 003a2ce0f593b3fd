/** Definitions of attributes and the profiles that follow them (S30, S32–S37). */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, call, keys, type SignedIn, signIn, trips } from '../support/client.ts';
import { headStart } from '../support/races.ts';

const headers = { 'x-server-key': keys.secretKey };
const asServer = (method: string, path: string, body?: unknown) =>
  call(method, path, body === undefined ? { headers } : { headers, body });
const as = (user: SignedIn, method: string, path: string, body?: unknown) =>
  call(method, path, { token: user.accessToken, ...(body === undefined ? {} : { body }) });

const DEFS = '/v1/attribute-def/users';
const define = (key: string, rest: Record<string, unknown> = {}) =>
  asServer('POST', DEFS, {
    key,
    allowedContentTypes: ['text/plain'],
    allowedContentEncodings: ['identity'],
    ...rest,
  });
const set = (userId: string, key: string, value: unknown, rest: Record<string, unknown> = {}) =>
  asServer('POST', `/v1/users/${userId}/profile/${encodeURIComponent(key)}`, { key, value, ...rest });
const setAll = (userId: string, attributes: unknown[]) =>
  asServer('POST', `/v1/users/${userId}/profile`, { attributes });
const profile = async (userId: string) => (await asServer('GET', `/v1/users/${userId}/profile`)).body;
const valuesOf = async (userId: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await profile(userId)).attributes.map(({ key, value }: Record<string, string>) => [key, value]),
  );
const pathsOf = ({ body }: Answer) => body.errors?.map(({ path }: { path: string }) => path);

const FIRST = 'mitter.upa.FirstName';
const LAST = 'mitter.upa.LastName';
const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `n${String(from + index).padStart(3, '0')}`);

beforeAll(async () => {
  await define(FIRST);
  await define(LAST, { canBeEmpty: false });
  await define('bio', {
    allowedContentTypes: ['text/markdown', 'text/plain'],
    allowedContentEncodings: ['identity', 'base64'],
  });
  for (const key of numbered(100)) await define(key);
});

describe('works', () => {
  it('defines attributes, shows and removes them', async () => {
    const made = await define('shoe size', { canBeEmpty: null, entityType: 'channels', createdAt: 'never' });
    expect(made).toMatchObject({ status: 200 });
    expect(made.body).toEqual({
      key: 'shoe size',
      allowedContentTypes: ['text/plain'],
      allowedContentEncodings: ['identity'],
      canBeEmpty: true,
      entityType: 'users',
    });
    expect((await asServer('GET', `${DEFS}/shoe%20size`)).body).toEqual(made.body);
    const all = await asServer('GET', DEFS);
    expect(all.body).toContainEqual(made.body);
    const listed = all.body.map(({ key }: { key: string }) => key);
    expect(listed).toEqual(listed.toSorted());

    expect((await asServer('DELETE', `${DEFS}/shoe%20size`)).status).toBe(200);
    expect(await asServer('GET', `${DEFS}/shoe%20size`)).toMatchObject({
      status: 404,
      body: { code: 'attribute_def_not_found', errorCode: 'attribute_def_not_found' },
    });
    expect((await asServer('DELETE', `${DEFS}/shoe%20size`)).status).toBe(404);
  });

  it('defines a key once, whichever of many calls comes first', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => define('raced', { allowedContentTypes: [`a/${index}`] })),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBe(1);
    expect(answers.filter(({ body }) => body.code === 'duplicate_entity').length).toBe(9);
    expect((await asServer('GET', `${DEFS}/raced`)).body).toEqual(won[0]?.body);
  });

  it('sets, shows, replaces and deletes attributes of oneself', async () => {
    const user = await signIn('ada');
    const path = `/v1/users/me/profile/${FIRST}`;
    expect(await as(user, 'POST', path, { key: FIRST, value: 'Ada' })).toMatchObject({
      status: 200,
      body: '',
    });
    const stored = { key: FIRST, contentType: 'text/plain', contentEncoding: 'identity', value: 'Ada' };
    expect((await as(user, 'GET', path)).body).toEqual([stored]);
    expect((await as(user, 'GET', '/v1/users/me/profile')).body).toEqual({
      entityId: { identifier: 'ada' },
      attributes: [stored],
    });
    await as(user, 'POST', '/v1/users/ada/profile/bio', {
      contentType: 'text/markdown',
      contentEncoding: 'base64',
      value: 'Kg==',
    });
    await as(user, 'POST', path, { value: 'Augusta', uid: 1, userId: 'somebody' });
    expect((await profile('ada')).attributes).toEqual([
      { key: 'bio', contentType: 'text/markdown', contentEncoding: 'base64', value: 'Kg==' },
      { ...stored, value: 'Augusta' },
    ]);
    expect((await as(user, 'DELETE', path)).status).toBe(200);
    expect(await as(user, 'DELETE', path)).toMatchObject({
      status: 404,
      body: { code: 'attribute_not_found' },
    });
    expect(await valuesOf('ada')).toEqual({ bio: 'Kg==' });
  });

  it('shows those of the asked-for attributes that are set, to any user who is signed in', async () => {
    await signIn('shown');
    await setAll('shown', [
      { key: FIRST, value: 'A' },
      { key: LAST, value: 'B' },
      { key: 'bio', value: 'C' },
    ]);
    const reader = await signIn('reader');
    const read = (keysAsked: string) => as(reader, 'GET', `/v1/users/shown/profile/${keysAsked}`);
    const found = await read(`${LAST},n001,bio,${LAST}`);
    expect(found.body.map(({ key }: { key: string }) => key)).toEqual(['bio', LAST]);
    expect((await read('n001')).body).toEqual([]);
    expect((await read(`${FIRST}%2C${LAST}`)).body.length).toBe(2);
    expect((await as(reader, 'GET', '/v1/users/shown/profile')).body.attributes.length).toBe(3);
  });

  it('shows an empty profile where nothing is set', async () => {
    await signIn('blank');
    expect(await profile('blank')).toEqual({ entityId: { identifier: 'blank' }, attributes: [] });
  });

  it('sets many at once, and keeps the others', async () => {
    await signIn('many');
    await set('many', 'bio', 'stays');
    await set('many', FIRST, 'goes');
    const answer = await setAll('many', [
      { key: FIRST, value: 'Grace', contentType: null },
      { key: LAST, value: 'Hopper', contentEncoding: null },
    ]);
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(await valuesOf('many')).toEqual({ bio: 'stays', [FIRST]: 'Grace', [LAST]: 'Hopper' });
  });

  it('leaves values readable whose definition is gone, and lets nobody set them', async () => {
    await signIn('orphan');
    await define('fad');
    await set('orphan', 'fad', 'kept');
    await asServer('DELETE', `${DEFS}/fad`);
    expect(await valuesOf('orphan')).toEqual({ fad: 'kept' });
    const refused = await set('orphan', 'fad', 'new');
    expect([refused.status, pathsOf(refused)]).toEqual([400, ['key']]);
    expect(await valuesOf('orphan')).toEqual({ fad: 'kept' });
    expect((await asServer('DELETE', '/v1/users/orphan/profile/fad')).status).toBe(200);
  });

  it('costs one trip to read and two to set, and an object call where a user asks', async () => {
    const user = await signIn('thrifty');
    await set('thrifty', FIRST, 'x');
    const measured = {
      set: await as(user, 'POST', '/v1/users/me/profile', { attributes: [{ key: FIRST, value: 'y' }] }),
      setByKey: await set('thrifty', FIRST, 'z'),
      read: await as(user, 'GET', '/v1/users/shown/profile'),
      readByKey: await asServer('GET', '/v1/users/thrifty/profile'),
      defs: await as(user, 'GET', DEFS),
      remove: await as(user, 'DELETE', `/v1/users/me/profile/${FIRST}`),
    };
    const counted = Object.fromEntries(
      Object.entries(measured).map(([name, answer]) => [name, trips(answer)]),
    );
    expect(counted).toEqual({
      set: [2, 1],
      setByKey: [2, 0],
      read: [1, 1],
      readByKey: [1, 0],
      defs: [1, 1],
      remove: [1, 1],
    });
  });
});

describe('refuses', () => {
  const good = { key: 'new', allowedContentTypes: ['a'], allowedContentEncodings: ['b'] };

  it.each([
    ['key', { ...good, key: 'me' }],
    ['key', { ...good, key: '.system' }],
    ['key', { ...good, key: 'a,b' }],
    ['key', { ...good, key: 'x'.repeat(73) }],
    ['key', { ...good, key: undefined }],
    ['allowedContentTypes', { ...good, allowedContentTypes: [] }],
    ['allowedContentTypes', { ...good, allowedContentTypes: null }],
    ['allowedContentTypes.1', { ...good, allowedContentTypes: ['a', ''] }],
    ['allowedContentTypes.0', { ...good, allowedContentTypes: ['x'.repeat(256)] }],
    ['allowedContentTypes', { ...good, allowedContentTypes: Array(51).fill('a') }],
    ['allowedContentEncodings', { ...good, allowedContentEncodings: [] }],
    ['allowedContentEncodings', { ...good, allowedContentEncodings: 'identity' }],
    ['canBeEmpty', { ...good, canBeEmpty: 'yes' }],
  ])('a definition for its %s: %j', async (path, body) => {
    const answer = await asServer('POST', DEFS, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
    expect(pathsOf(answer)).toEqual([path]);
  });

  it('a definition of what is defined already', async () => {
    expect(await define(FIRST, { canBeEmpty: false })).toMatchObject({
      status: 409,
      body: { code: 'duplicate_entity', errorCode: 'duplicate_entity' },
    });
  });

  it.each([
    ['undefined', { value: 'x' }, 'key'],
    [FIRST, { key: LAST, value: 'x' }, 'key'],
    [FIRST, { value: 'x', contentType: 'text/html' }, 'contentType'],
    [FIRST, { value: 'x', contentEncoding: 'gzip' }, 'contentEncoding'],
    [FIRST, { value: 'x', contentType: '' }, 'contentType'],
    [FIRST, {}, 'value'],
    [FIRST, { value: 7 }, 'value'],
    [FIRST, { value: 'ü'.repeat(8193) }, 'value'],
    [LAST, { value: '' }, 'value'],
    ['a,b', { value: 'x' }, 'key'],
  ])('to set %s to %j for its %s', async (key, body, path) => {
    await signIn('strict');
    const answer = await asServer('POST', `/v1/users/strict/profile/${key}`, body);
    expect([answer.status, pathsOf(answer)]).toEqual([400, [path]]);
    expect(await valuesOf('strict')).toEqual({});
  });

  it('all of many, where one of them is refused, naming which', async () => {
    await signIn('whole');
    await set('whole', 'n003', 'before');
    const ten = numbered(10).map(key => ({ key, value: 'after' }));
    const refusals = [
      { ...ten[7], contentType: 'text/html' },
      { ...ten[7], key: 'undefined' },
      { key: LAST, value: '' },
      { key: 'n003', value: 'again' },
    ];
    const answers = [];
    for (const bad of refusals) answers.push(await setAll('whole', ten.with(7, bad as never)));
    expect(answers.map(answer => [answer.status, pathsOf(answer)])).toEqual([
      [400, ['attributes.7.contentType']],
      [400, ['attributes.7.key']],
      [400, ['attributes.7.value']],
      [400, ['attributes.7.key']],
    ]);
    expect(await valuesOf('whole')).toEqual({ n003: 'before' });
    for (const attributes of [[], null, {}, numbered(65).map(key => ({ key, value: '' }))])
      expect((await setAll('whole', attributes as unknown[])).status).toBe(400);
    expect(await valuesOf('whole')).toEqual({ n003: 'before' });
  });

  it('the 65th attribute, all or none, and still takes a new value of those there are', async () => {
    await signIn('full');
    const sixty = numbered(60).map(key => ({ key, value: 'x' }));
    expect((await setAll('full', sixty)).status).toBe(200);
    const over = [{ key: 'n000', value: 'changed' }, ...numbered(5, 60).map(key => ({ key, value: 'x' }))];
    expect(await setAll('full', over)).toMatchObject({
      status: 409,
      body: { code: 'too_many_attributes', errorCode: 'too_many_attributes' },
    });
    expect(await valuesOf('full')).toEqual(Object.fromEntries(sixty.map(({ key, value }) => [key, value])));
    expect((await setAll('full', over.slice(0, 5))).status).toBe(200);
    expect((await set('full', 'n000', 'again')).status).toBe(200);
    expect((await set('full', 'n064', 'x')).status).toBe(409);
    expect((await profile('full')).attributes.length).toBe(64);
  });

  it('what goes beyond 64 in 30 calls at once', async () => {
    const user = await signIn('crowded');
    const calls = Array.from({ length: 30 }, (_, index) =>
      as(user, 'POST', '/v1/users/me/profile', {
        attributes: numbered(3, index * 3).map(key => ({ key, value: `${index}` })),
      }),
    );
    const answers = await Promise.all(calls);
    const taken = answers.filter(({ status }) => status === 200).length;
    expect(taken).toBe(21);
    expect(answers.filter(({ status }) => status === 409).length).toBe(9);
    const values = await valuesOf('crowded');
    expect(Object.keys(values).length).toBe(63);
    for (const value of new Set(Object.values(values)))
      expect(Object.values(values).filter(other => other === value).length).toBe(3);
  });

  it('whom there is not, and the built-in users', async () => {
    const user = await signIn('asking');
    const unknown = { status: 404, body: { code: 'user_not_found' } };
    for (const id of ['nobody-here', '.system', '.anonymous'])
      expect(await as(user, 'GET', `/v1/users/${id}/profile`)).toMatchObject(unknown);
    expect(await set('nobody-here', FIRST, 'x')).toMatchObject(unknown);
    expect(await asServer('DELETE', `/v1/users/nobody-here/profile/${FIRST}`)).toMatchObject(unknown);
    const builtIn = { status: 403, body: { errorCode: 'missing_privilege' } };
    expect(await set('.system', FIRST, 'x')).toMatchObject(builtIn);
    expect(await setAll('.system', [{ key: FIRST, value: 'x' }])).toMatchObject(builtIn);
    expect(await asServer('DELETE', `/v1/users/.system/profile/${FIRST}`)).toMatchObject(builtIn);
    const noContext = { status: 400, body: { code: 'missing_context' } };
    expect(await asServer('GET', '/v1/users/me/profile')).toMatchObject(noContext);
    expect(await set('me', FIRST, 'x')).toMatchObject(noContext);
  });

  it('more keys than a profile has', async () => {
    await signIn('curious');
    const asked = (count: number) => asServer('GET', `/v1/users/curious/profile/${numbered(count)}`);
    expect((await asked(64)).status).toBe(200);
    expect((await asked(65)).status).toBe(400);
    expect((await asServer('GET', '/v1/users/curious/profile/bio,')).status).toBe(400);
  });
});

describe('holds', () => {
  const naughty = [
    '\u0000',
    'a\u0000b\u0000',
    "'; DROP TABLE profileAttributes; --",
    '"]} \\" \\u0000 $[0]',
    '\ufeffbom\ufffe\uffff',
    'e\u0301 is not \u00e9',
    '\u202etlr\u202c \u200b\u200d\u2066',
    '😀👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    'Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮',
    'null',
    '0123',
    '1e400',
    '9223372036854775808',
    '{"a":1}',
    '[1,2]',
    'true',
    ' \r\n\t\u0085\u2028\u2029 ',
    '\u0001\u001f\u007f\u009f',
    '%00%s%n{{7*7}}<script>alert(1)</script>',
    'ü'.repeat(8192),
    '\u0001'.repeat(9000),
    '',
  ];

  it.each(naughty)('S37: %j byte for byte', async value => {
    await signIn('naughty');
    expect((await set('naughty', FIRST, value)).status).toBe(200);
    expect((await asServer('GET', `/v1/users/naughty/profile/${FIRST}`)).body[0].value).toBe(value);
    expect((await setAll('naughty', [{ key: 'bio', value }])).status).toBe(200);
    expect(await valuesOf('naughty')).toEqual({ [FIRST]: value, bio: value });
    const length = new TextEncoder().encode(value).length;
    const row = await env.DB.prepare(
      `SELECT DISTINCT length(CAST(value AS BLOB)) AS bytes, typeof(value) AS type FROM profileAttributes
        WHERE uid = (SELECT id FROM users WHERE userId = 'naughty')`,
    ).all();
    expect(row.results).toEqual([{ bytes: length, type: 'text' }]);
  });

  it.each(['__proto__', 'constructor', 'toString', "'; --", '"$[0]"', '%', 'ключ', '漢字', '😀', '*', 'a b'])(
    'S36, S37: %s as a key like any other',
    async key => {
      await signIn('keyed');
      expect((await set('keyed', key, 'x')).status).toBe(400);
      expect((await define(key)).body.key).toBe(key);
      const path = encodeURIComponent(key);
      expect((await asServer('GET', `${DEFS}/${path}`)).body.key).toBe(key);
      expect((await set('keyed', key, 'x')).status).toBe(200);
      expect((await asServer('GET', `/v1/users/keyed/profile/${path}`)).body).toEqual([
        { key, contentType: 'text/plain', contentEncoding: 'identity', value: 'x' },
      ]);
      expect((await asServer('DELETE', `/v1/users/keyed/profile/${path}`)).status).toBe(200);
      expect((await profile('keyed')).attributes).toEqual([]);
    },
  );

  it('one key for what is one text to people', async () => {
    await signIn('normal');
    await define('caf\u00e9');
    expect((await define('cafe\u0301')).status).toBe(409);
    expect((await set('normal', 'cafe\u0301', 'x', { key: 'caf\u00e9' })).status).toBe(200);
    expect(await valuesOf('normal')).toEqual({ 'caf\u00e9': 'x' });
  });

  it('S36: a fresh object as it is, whatever members a body has', async () => {
    await signIn('clean');
    const body = `{"value":"x","__proto__":{"value":"y","polluted":1},"constructor":{"prototype":{"polluted":1}}}`;
    const path = `/v1/users/clean/profile/${FIRST}`;
    expect((await call('POST', path, { headers, body })).status).toBe(200);
    expect(await valuesOf('clean')).toEqual({ [FIRST]: 'x' });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('nothing set by a definition that was removed before the call was answered', async () => {
    await signIn('late');
    for (let round = 0; round < 20; round += 1) {
      await define('brief', { allowedContentTypes: ['a'] });
      const pair = [
        { key: 'brief', contentType: 'a', value: `${round}` },
        { key: 'bio', value: `${round}` },
      ];
      const [answer] = await Promise.all([
        setAll('late', pair),
        headStart(round).then(() => asServer('DELETE', `${DEFS}/brief`)),
      ]);
      expect([200, 400]).toContain(answer.status);
      const { brief, bio } = await valuesOf('late');
      expect(brief).toBe(bio);
      expect(brief === `${round}`).toBe(answer.status === 200);
      expect((await setAll('late', pair)).status).toBe(400);
    }
  });

  it('nothing of a user who is erased, also where a call comes while they go', async () => {
    for (let round = 0; round < 10; round += 1) {
      const user = await signIn(`going-${round}`);
      await setAll(user.userId, [{ key: FIRST, value: 'x' }]);
      const setting = headStart(round).then(() =>
        Promise.all(numbered(5).map(key => set(user.userId, key, 'x'))),
      );
      const erased = await as(user, 'DELETE', '/users/me');
      expect(erased.status).toBe(200);
      for (const { status } of await setting) expect([200, 404]).toContain(status);
      expect(await set(user.userId, FIRST, 'x')).toMatchObject({
        status: 404,
        body: { code: 'user_not_found' },
      });
      expect((await asServer('GET', `/v1/users/${user.userId}/profile`)).status).toBe(404);
      const rows = await env.DB.prepare('SELECT key FROM profileAttributes WHERE uid = ?')
        .bind(user.uid)
        .all();
      expect(rows.results).toEqual([]);
    }
  });
});

describe('keeps out', () => {
  const body = { attributes: [{ key: FIRST, value: 'stolen' }] };
  const def = { key: 'mine', allowedContentTypes: ['a'], allowedContentEncodings: ['b'] };
  const reading: [string, string, unknown?][] = [
    ['GET', DEFS],
    ['GET', `${DEFS}/${FIRST}`],
    ['GET', '/v1/users/victim/profile'],
    ['GET', `/v1/users/victim/profile/${FIRST}`],
  ];
  const writing: [string, string, unknown?][] = [
    ['POST', '/v1/users/victim/profile', body],
    ['POST', `/v1/users/victim/profile/${FIRST}`, { value: 'stolen' }],
    ['DELETE', `/v1/users/victim/profile/${FIRST}`],
  ];
  const administering: [string, string, unknown?][] = [
    ['POST', DEFS, def],
    ['DELETE', `${DEFS}/${FIRST}`],
  ];

  beforeAll(async () => {
    await signIn('victim');
    await set('victim', FIRST, 'theirs');
  });

  it.each([...reading, ...writing, ...administering])(
    'S30: nobody, a publishable key, who signed out and who is banned from %s %s',
    async (method, path, sent) => {
      const [gone, banned] = [await signIn('gone'), await signIn(`banned-${crypto.randomUUID()}`)];
      await call('DELETE', '/api/v5/sessions', { token: gone.accessToken });
      await asServer('PUT', `/v1/users/${banned.userId}/ban`, {});
      expect(await call(method, path, { body: sent })).toMatchObject({
        status: 401,
        body: { errorCode: 'missing_privilege' },
      });
      expect((await call(method, path, { body: sent, key: keys.publishableKey })).status).toBe(401);
      expect((await call(method, path, { body: sent, key: keys.secretKey })).status).toBe(401);
      for (const { accessToken } of [gone, banned])
        expect((await call(method, path, { body: sent, token: accessToken })).status).toBe(401);
      expect(await valuesOf('victim')).toEqual({ [FIRST]: 'theirs' });
    },
  );

  it.each([...writing, ...administering])('S30: a stranger from %s %s', async (method, path, sent) => {
    const stranger = await signIn('stranger');
    expect(await as(stranger, method, path, sent)).toMatchObject({
      status: 403,
      body: { errorCode: 'missing_privilege' },
    });
    expect(await valuesOf('victim')).toEqual({ [FIRST]: 'theirs' });
    expect((await asServer('GET', `${DEFS}/${FIRST}`)).status).toBe(200);
  });

  it('S30: a user from writing to the built-in ones', async () => {
    const user = await signIn('climber');
    for (const id of ['.system', '.anonymous'])
      expect(await as(user, 'POST', `/v1/users/${id}/profile`, body)).toMatchObject({
        status: 403,
        body: { errorCode: 'missing_privilege' },
      });
  });

  it('S33, S34: everything from an answer but what an attribute is', async () => {
    const reader = await signIn('onlooker');
    const { body: shown } = await as(reader, 'GET', '/v1/users/victim/profile');
    expect(Object.keys(shown)).toEqual(['entityId', 'attributes']);
    expect(Object.keys(shown.attributes[0])).toEqual(['key', 'contentType', 'contentEncoding', 'value']);
  });
});
