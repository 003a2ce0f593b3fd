/** People who guess a room's password, and those who know it: I13. And guests of a kicked person's network. */
import { describe, expect, it } from 'vitest';
import { type Answer, call, joinAs, openRoom, type Room, type SignedIn, signIn } from '../support/client.ts';
import { liveObject } from '../support/objects.ts';

const someone = (name: string) => signIn(`${name}-${crypto.randomUUID()}`);
const from = (network: string) => ({ 'cf-connecting-ip': network });
const tryFrom = (network: string, user: { accessToken: string }, { sessionId }: Room, password = 'wrong') =>
  call('POST', '/session/join', {
    token: user.accessToken,
    headers: from(network),
    body: { sessionId, password },
  });
const codes = (answers: readonly Answer[]) => answers.map(({ body }) => body.code ?? 'in');
const guest = async (network: string) => {
  const { body } = await call('POST', '/api/sessions', {
    headers: from(network),
    body: { identifier: 'lobby' },
  });
  return { accessToken: body.data.token as string };
};
const kick = (room: Room, userId: string, extra: Record<string, unknown> = {}) =>
  call('POST', '/session/current/kick', { token: room.token, body: { userId, ...extra } });

/** Wrong passwords of users who were made for it, all from one network. */
async function guess(network: string, room: Room, users: number, each: number): Promise<string[]> {
  const heard: string[] = [];
  for (let made = 0; made < users; made += 1) {
    const user = await someone('guesser');
    for (let index = 0; index < each; index += 1) {
      heard.push(...codes([await tryFrom(network, user, room)]));
    }
  }
  return heard;
}

describe('works', () => {
  it('lets the right password in from elsewhere while ten throw-away users guess', async () => {
    const room = await openRoom(await someone('host'), { password: 'sesame' });
    const heard = (
      await Promise.all([1, 2, 3, 4, 5, 6].map(n => guess(`198.51.100.${n}`, room, 2, 10)))
    ).flat();
    expect(heard).toContain('too_many_attempts');
    expect(heard.filter(code => code === 'wrong_room_password').length).toBe(100);
    const stranger = await someone('stranger');
    expect((await tryFrom('203.0.113.7', stranger, room, 'sesame')).status).toBe(200);
  });

  it('lets a member in again from a network that has spent its tries', async () => {
    const room = await openRoom(await someone('host'), { password: 'sesame' });
    const member = await someone('member');
    await joinAs(member, room, { password: 'sesame' });
    await guess('198.51.100.1', room, 2, 10);
    expect((await tryFrom('198.51.100.1', member, room, 'sesame')).status).toBe(200);
  });

  it('closes the session for ten minutes to guests of the network of a kicked person', async () => {
    const room = await openRoom(await someone('host'), { allowGuests: true });
    const loud: SignedIn = await someone('loud');
    expect((await tryFrom('198.51.100.1', loud, room)).status).toBe(200);
    await kick(room, loud.userId, { closeGuests: 'network' });
    const [near, far] = [await guest('198.51.100.1'), await guest('203.0.113.7')];
    expect((await tryFrom('198.51.100.1', near, room)).body.code).toBe('guests_not_allowed');
    expect((await tryFrom('203.0.113.7', far, room)).status).toBe(200);
    expect((await tryFrom('198.51.100.1', await someone('pupil'), room)).status).toBe(200);
  });
});

describe('refuses', () => {
  it('a network after 20 wrong passwords a minute, by however many users', async () => {
    const room = await openRoom(await someone('host'), { password: 'sesame' });
    const heard = await guess('198.51.100.1', room, 3, 9);
    expect(heard.filter(code => code !== 'too_many_attempts')).toHaveLength(20);
    const late = await tryFrom('198.51.100.1', await someone('late'), room, 'sesame');
    expect(late).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
    expect(Number(late.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  });

  it('an IPv6 neighbour as the same network', async () => {
    const room = await openRoom(await someone('host'), { password: 'sesame' });
    const heard: string[] = [];
    for (let index = 0; index < 21; index += 1) {
      heard.push(
        ...codes([await tryFrom(`2001:db8::${index.toString(16)}`, await someone('neighbour'), room)]),
      );
    }
    expect(heard.at(-1)).toBe('too_many_attempts');
  });
});

describe('keeps out', () => {
  it('the token a guest was kicked with, and not the others of the network where the host did not ask for it', async () => {
    const room = await openRoom(await someone('host'), { allowGuests: true });
    const [kicked, other] = [await guest('198.51.100.1'), await guest('198.51.100.1')];
    const { body } = await tryFrom('198.51.100.1', kicked, room);
    await kick(room, body.credentials.id);
    expect((await tryFrom('198.51.100.1', kicked, room)).body.code).toBe('member_kicked');
    expect((await tryFrom('198.51.100.1', other, room)).status).toBe(200);
  });

  it('a kicked person with the reason, and one whom the bar of another keeps out without it', async () => {
    const room = await openRoom(await someone('host'));
    const kicked = await someone('kicked');
    await joinAs(kicked, room);
    await kick(room, kicked.userId, { reason: 'too loud' });
    expect(await tryFrom('203.0.113.7', kicked, room)).toMatchObject({
      status: 403,
      body: { code: 'member_kicked', detail: 'too loud' },
    });
    const kin = { version: 1, wallets: [], kin: [String(kicked.uid)] };
    const admitted = await liveObject(room.sessionId).admit({
      sid: 'device',
      visitor: { ...kin, subject: '999999', id: 'kin', name: 'Kin', guestOf: null },
      notedAt: Date.now(),
      identity: { name: null, chainAddress: null },
      passwords: [],
    });
    expect(admitted).toEqual({ ok: false, code: 'member_kicked' });
  });
});
