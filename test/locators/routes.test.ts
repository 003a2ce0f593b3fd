/** What users are found by: set by a secret key, or merely said by themselves. */
import { env } from 'cloudflare:workers';
import type { PrivateKeyAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { type Call, call, keys, type SignedIn, signIn, trips } from '../support/client.ts';
import { deviceObject } from '../support/objects.ts';
import { elsewhere, newWallet, nonceFor, signInBy } from '../support/wallets.ts';

const headers = { 'x-server-key': keys.secretKey };
const bySystem: Call = { headers };
const by = ({ accessToken }: SignedIn): Call => ({ token: accessToken });

const path = (userId: string) => `/v1/users/${userId}/locators`;
const add = (who: Call, userId: string, body: unknown) =>
  call('POST', path(userId), { ...who, body: typeof body === 'string' ? JSON.stringify(body) : body });
const set = (userId: string, body: unknown) => add(bySystem, userId, body);
const say = (user: SignedIn, body: unknown) => add(by(user), 'me', body);
const list = async (userId: string) => (await call('GET', path(userId), bySystem)).body;
const remove = (who: Call, userId: string, userLocatorId: string) =>
  call('DELETE', `${path(userId)}/${userLocatorId}`, who);

/** Who is found by a locator. */
async function found(text: string): Promise<string[]> {
  const { status, body } = await call('GET', `/v1/users?locators=${encodeURIComponent(text)}`, bySystem);
  expect(status).toBe(200);
  return body.map(({ userId }: { userId: string }) => userId);
}

async function proofOf(wallet: PrivateKeyAccount) {
  const { message } = await nonceFor(wallet);
  const signature = await wallet.signMessage({ message });
  return { '@type': 'wallet', walletAddress: wallet.address, message, signature };
}

const setWallet = async (userId: string, wallet: PrivateKeyAccount) =>
  call('POST', path(userId), { headers: { ...headers, ...elsewhere() }, body: await proofOf(wallet) });

const walletsOf = async ({ uid, sid }: SignedIn) => {
  const standing = await deviceObject(uid).standing({ sid, jti: '' });
  return standing.ok ? standing.value.record.wallets : null;
};

describe('works', () => {
  it('sets an e-mail address and a telephone number, which the user is found by from then on', async () => {
    await signIn('reached');
    const mail = await set('reached', 'email:Reached@Example.org');
    expect(mail).toMatchObject({ status: 200 });
    expect(mail.body).toEqual({
      '@type': 'email',
      email: 'reached@example.org',
      locator: 'email:reached@example.org',
      userLocatorId: expect.any(String),
      verificationStatus: 'StatusNotProvided',
    });
    const phone = await set('reached', { '@type': 'tele', phoneNumber: '+4930111', verificationStatus: 0 });
    expect(phone.body).toEqual({
      '@type': 'tele',
      phoneNumber: '+4930111',
      locator: 'tele:+4930111',
      userLocatorId: expect.any(String),
      verificationStatus: 'Verified',
    });
    expect(await list('reached')).toEqual([mail.body, phone.body]);
    expect(await found('email:reached@example.org')).toEqual(['reached']);
    expect(await found('tele:+4930111')).toEqual(['reached']);
  });

  it('updates the status of what is set again, and leaves it where nothing is said of it', async () => {
    await signIn('status-user');
    const first = (await set('status-user', 'email:status@example.org')).body;
    const second = await set('status-user', { email: 'status@example.org', verificationStatus: 'Verified' });
    expect(second.body).toEqual({ ...first, verificationStatus: 'Verified' });
    expect((await set('status-user', 'email:status@example.org')).body).toEqual(second.body);
    expect(await list('status-user')).toEqual([second.body]);
  });

  it('lets users say where they are reached, list it and take it back', async () => {
    const user = await signIn('says-so');
    const { status, body } = await say(user, { '@type': 'email', email: 'says@example.org' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ email: 'says@example.org', verificationStatus: 'Unverified' });
    expect((await say(user, 'email:SAYS@example.org')).body).toEqual(body);
    expect((await add(by(user), 'says-so', 'email:says@example.org')).body).toEqual(body);
    for (const name of ['me', 'says-so']) {
      expect(await call('GET', path(name), by(user))).toMatchObject({ status: 200, body: [body] });
    }
    expect(await remove(by(user), 'me', body.userLocatorId)).toMatchObject({ status: 200, body: '' });
    expect(await list('says-so')).toEqual([]);
  });

  it('makes what a user had said of themself theirs alone once a secret key sets it, under the same id', async () => {
    const user = await signIn('upgraded');
    const { body: said } = await say(user, 'email:upgraded@example.org');
    expect(await found('email:upgraded@example.org')).toEqual([]);
    const { body } = await set('upgraded', 'email:upgraded@example.org');
    expect(body).toEqual({ ...said, verificationStatus: 'StatusNotProvided' });
    expect(await found('email:upgraded@example.org')).toEqual(['upgraded']);
    expect((await say(user, 'email:upgraded@example.org')).body).toEqual(body);
    expect(await list('upgraded')).toEqual([body]);
  });

  it('frees a locator that is removed', async () => {
    await Promise.all([signIn('freed-1'), signIn('freed-2')]);
    const { body } = await set('freed-1', 'tele:+4930222');
    expect((await remove(bySystem, 'freed-1', body.userLocatorId)).status).toBe(200);
    expect(await found('tele:+4930222')).toEqual([]);
    expect((await set('freed-2', 'tele:+4930222')).status).toBe(200);
    expect(await found('tele:+4930222')).toEqual(['freed-2']);
  });

  it('attaches a proven wallet to a user by a secret key, closes their entry, and takes it away again', async () => {
    const user = await signIn('given-a-wallet');
    const wallet = newWallet();
    const { status, body } = await setWallet('given-a-wallet', wallet);
    expect(status).toBe(200);
    expect(body).toMatchObject({ '@type': 'wallet', address: wallet.address.toLowerCase() });
    const again = { key: keys.publishableKey, body: { userId: 'given-a-wallet', deviceId: 'd' } };
    expect((await call('POST', '/api/v5/sessions', again)).status).toBe(401);
    const owner = await signInBy(wallet);
    expect(owner.uid).toBe(user.uid);
    expect(await walletsOf(owner)).toEqual([body.address]);
    expect((await setWallet('given-a-wallet', wallet)).body).toEqual(body);
    expect((await remove(bySystem, 'given-a-wallet', body.userLocatorId)).status).toBe(200);
    // What rested on the wallet has ended with it.
    expect(await walletsOf(owner)).toBe(null);
    expect((await signInBy(wallet)).uid).not.toBe(user.uid);
  });

  it('at the promised price', async () => {
    const user = await signIn('priced');
    // The name is looked up once.
    await set('priced', 'tele:+49305550');
    const asked: [Awaited<ReturnType<typeof call>>, [number, number]][] = [
      [await set('priced', 'email:priced@example.org'), [1, 0]],
      [await call('GET', path('priced'), bySystem), [1, 0]],
      [await say(user, 'email:mine@example.org'), [1, 1]],
      [await call('GET', path('me'), by(user)), [1, 1]],
    ];
    for (const [answer, price] of asked) expect(trips(answer)).toEqual(price);
    const [, , mine] = await list('priced');
    expect(trips(await remove(by(user), 'me', mine.userLocatorId))).toEqual([1, 1]);
  });
});

describe('refuses', () => {
  it('all but one of fifty users whom one locator is set for at once', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `racer-${index}`);
    await Promise.all(names.map(name => signIn(name)));
    const answers = await Promise.all(names.map(name => set(name, 'email:raced@example.org')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused).toHaveLength(49);
    for (const { body } of refused) expect(body.errorCode).toBe('duplicate_entity');
    const winner = names[answers.findIndex(({ status }) => status === 200)];
    expect(await found('email:raced@example.org')).toEqual([winner]);
  });

  it('all but one of many who had said the same, and leaves the others what they said', async () => {
    const users = await Promise.all(Array.from({ length: 10 }, (_, index) => signIn(`sayer-${index}`)));
    await Promise.all(users.map(user => say(user, 'tele:+4930333')));
    const answers = await Promise.all(users.map(({ userId }) => set(userId, 'tele:+4930333')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
    const statuses = (await Promise.all(users.map(({ userId }) => list(userId)))).map(
      ([{ verificationStatus }]) => verificationStatus,
    );
    expect(statuses.filter(status => status === 'Unverified')).toHaveLength(9);
  });

  it('the twenty-first, of thirty said or set at once', async () => {
    const user = await signIn('talkative');
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => {
        const text = `email:talk-${index}@example.org`;
        return index % 2 ? say(user, text) : set('talkative', text);
      }),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused).toHaveLength(10);
    for (const { body } of refused) expect(body.code).toBe('too_many_locators');
    expect(await list('talkative')).toHaveLength(20);
    expect((await setWallet('talkative', newWallet())).body).toMatchObject({ code: 'too_many_locators' });
    const [{ locator }] = await list('talkative');
    expect((await set('talkative', locator)).status).toBe(200);
  });

  it('the twenty-first of wallets that are attached at once', async () => {
    await signIn('wallet-collector');
    await Promise.all(
      Array.from({ length: 17 }, (_, index) => set('wallet-collector', `tele:+49304440${index + 10}`)),
    );
    const wallets = Array.from({ length: 8 }, newWallet);
    const answers = await Promise.all(wallets.map(wallet => setWallet('wallet-collector', wallet)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ body }) => body.code === 'too_many_locators')).toHaveLength(5);
    expect(await list('wallet-collector')).toHaveLength(20);
  });

  it.each([
    ['no such user', 'nobody-here', 'email:x@example.org', 404, 'user_not_found'],
    ['the system itself', '.system', 'email:x@example.org', 403, 'missing_privilege'],
    ['me where a key calls', 'me', 'email:x@example.org', 400, 'missing_context'],
    ['no address', 'somebody', 'email:x', 400, 'invalid_input'],
    [
      'an unknown status',
      'somebody',
      { email: 'x@example.org', verificationStatus: 9 },
      400,
      'invalid_input',
    ],
    ['a wallet without proof', 'somebody', `wallet:0x${'ab'.repeat(20)}`, 400, 'invalid_input'],
  ])('%s', async (_, userId, body, status, code) => {
    await signIn('somebody');
    expect(await set(userId, body)).toMatchObject({ status, body: { code, errorCode: code } });
  });

  it('a wallet whose proof proves nothing, or which is of somebody else, and closes nothing then', async () => {
    const proof = await proofOf(newWallet());
    await signIn('still-open');
    const send = (body: unknown) =>
      call('POST', path('still-open'), { headers: { ...headers, ...elsewhere() }, body });
    expect(await send({ ...proof, signature: '0x00' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_wallet_proof' },
    });
    const theirs = newWallet();
    await signInBy(theirs);
    expect(await setWallet('still-open', theirs)).toMatchObject({
      status: 409,
      body: { code: 'duplicate_entity' },
    });
    await signIn('still-open');
  });

  it('what a ban that outlived its user refuses, wherever it was not said by a user alone', async () => {
    await signIn('bad-apple');
    await set('bad-apple', 'email:apple@example.org');
    const wallet = newWallet();
    await setWallet('bad-apple', wallet);
    await call('PUT', '/v1/users/bad-apple/ban', { ...bySystem, body: {} });
    expect((await call('DELETE', '/v1/users/bad-apple', bySystem)).status).toBe(200);
    const user = await signIn('good-apple');
    const said = await say(user, 'email:apple@example.org');
    expect(said.status).toBe(200);
    for (const answer of [
      await set('good-apple', 'email:apple@example.org'),
      await setWallet('good-apple', wallet),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'name_retired' } });
    }
    expect(await list('good-apple')).toEqual([said.body]);
    expect(await found('email:apple@example.org')).toEqual([]);
  });

  it('the erased, whose name the key had used just before', async () => {
    const user = await signIn('gone-soon');
    const { body } = await set('gone-soon', 'email:gone@example.org');
    await env.DB.prepare('UPDATE users SET erasedAt = 1 WHERE id = ?').bind(user.uid).run();
    const gone = { status: 404, body: { code: 'user_not_found' } };
    expect(await set('gone-soon', 'email:other@example.org')).toMatchObject(gone);
    expect(await set('gone-soon', { email: 'gone@example.org', verificationStatus: 0 })).toMatchObject({
      status: 404,
    });
    expect(await setWallet('gone-soon', newWallet())).toMatchObject(gone);
    expect(await call('GET', path('gone-soon'), bySystem)).toMatchObject(gone);
    expect((await remove(bySystem, 'gone-soon', body.userLocatorId)).status).toBe(404);
    const { results } = await env.DB.prepare('SELECT value, verificationStatus FROM locators WHERE uid = ?')
      .bind(user.uid)
      .all();
    expect(results).toEqual([{ value: 'gone@example.org', verificationStatus: 'StatusNotProvided' }]);
  });
});

describe('keeps out', () => {
  it('S52 who says of themself what is another’s: it reserves nothing and nobody is found by it', async () => {
    const [squatter, victim] = await Promise.all([signIn('squatter'), signIn('victim')]);
    expect((await say(squatter, 'email:victim@example.org')).body.verificationStatus).toBe('Unverified');
    expect(await found('email:victim@example.org')).toEqual([]);
    expect((await say(victim, 'email:victim@example.org')).status).toBe(200);
    expect((await set('victim', 'email:victim@example.org')).status).toBe(200);
    expect(await found('email:victim@example.org')).toEqual(['victim']);
    const late = await signIn('late-squatter');
    expect((await say(late, 'email:Victim@example.org')).body.verificationStatus).toBe('Unverified');
    expect((await say(late, 'email:"victim"@example.org')).body.email).toBe('victim@example.org');
    expect(await found('email:victim@example.org')).toEqual(['victim']);
    expect((await set('late-squatter', 'email:victim@example.org')).status).toBe(409);
    const mine = await list('late-squatter');
    expect((await remove(by(late), 'me', mine[0].userLocatorId)).status).toBe(200);
    expect(await found('email:victim@example.org')).toEqual(['victim']);
  });

  it('S33 who claims to be verified', async () => {
    const user = await signIn('self-verified');
    for (const verificationStatus of ['Verified', 0, 'Certainly', 99]) {
      const { status, body } = await say(user, { email: 'self@example.org', verificationStatus });
      expect(status).toBe(200);
      expect(body.verificationStatus).toBe('Unverified');
    }
    const { body } = await set('self-verified', 'email:self@example.org');
    const ids = { userLocatorId: 'mine', reserved: true, uid: 1 };
    expect((await say(user, { email: 'self@example.org', verificationStatus: 0, ...ids })).body).toEqual(
      body,
    );
  });

  it('S34 other users from seeing and changing them', async () => {
    const [owner, other] = await Promise.all([signIn('private-one'), signIn('curious-one')]);
    const { body } = await say(owner, 'email:private@example.org');
    const forbidden = { status: 403, body: { errorCode: 'missing_privilege' } };
    for (const name of ['private-one', 'nobody-at-all', '.system']) {
      expect(await call('GET', path(name), by(other))).toMatchObject(forbidden);
      expect(await add(by(other), name, 'email:x@example.org')).toMatchObject(forbidden);
      expect(await remove(by(other), name, body.userLocatorId)).toMatchObject(forbidden);
    }
    expect(await list('private-one')).toEqual([body]);
  });

  it('S32 who guesses the id of another’s locator: for them there is none', async () => {
    const [owner, other] = await Promise.all([signIn('id-owner'), signIn('id-guesser')]);
    const { body } = await say(owner, 'email:id@example.org');
    const none = { status: 404, body: { code: 'locator_not_found' } };
    expect(await remove(by(other), 'me', body.userLocatorId)).toMatchObject(none);
    expect(await remove(by(other), 'me', 'unknown')).toMatchObject(none);
    expect(await remove(bySystem, 'id-guesser', body.userLocatorId)).toMatchObject(none);
    expect(await list('id-owner')).toEqual([body]);
  });

  it('S23 a token alone from wallets: neither attached nor removed without more', async () => {
    const wallet = newWallet();
    const owner = await signInBy(wallet);
    const [{ userLocatorId }] = await list(owner.userId);
    const more = { status: 403, body: { code: 'fresh_proof_required' } };
    expect(await remove(by(owner), 'me', userLocatorId)).toMatchObject(more);
    expect(await remove(by(owner), owner.userId, userLocatorId)).toMatchObject(more);
    expect(await walletsOf(owner)).toEqual([wallet.address.toLowerCase()]);
    const named = await signIn('named-only');
    const attach = { headers: elsewhere(), token: named.accessToken, body: await proofOf(newWallet()) };
    expect(await call('POST', path('named-only'), attach)).toMatchObject(more);
  });

  it('nobody, publishable keys, the signed-out and the banned', async () => {
    const [signedOut, banned] = await Promise.all([signIn('out-locators'), signIn('banned-locators')]);
    await call('DELETE', '/api/v5/sessions', { token: signedOut.accessToken });
    await call('PUT', '/v1/users/banned-locators/ban', { ...bySystem, body: {} });
    for (const who of [{}, { key: keys.publishableKey }, by(signedOut), by(banned)]) {
      expect((await add(who, 'me', 'email:x@example.org')).status).toBe(401);
      expect((await call('GET', path('me'), who)).status).toBe(401);
      expect((await remove(who, 'me', 'x')).status).toBe(401);
    }
  });
});
