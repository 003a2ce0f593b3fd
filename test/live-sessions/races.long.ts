/** Races that only many rounds can settle. Each round starts anew and both sides start together. */
import { expect, it } from 'vitest';
import { call, join, openRoom, signIn } from '../support/client.ts';
import { liveObject } from '../support/objects.ts';
import { headStart } from '../support/races.ts';

const ROUNDS = 500;
const current = (token: string) => call('GET', '/session/current', { token });

it('S16 leaves nobody inside who was signed out while joining (500 rounds)', async () => {
  let joined = 0;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const room = await openRoom(await signIn(`landlord-${round % 25}`, `device-${round}`));
    const user = await signIn(`lodger-${round}`);
    const [answer, ended] = await Promise.all([
      join(user, room.sessionId),
      headStart(round).then(() => call('DELETE', '/api/v5/sessions', { token: user.accessToken })),
    ]);
    expect(ended.status).toBe(200);
    expect([200, 401]).toContain(answer.status);
    expect(await liveObject(room.sessionId).isInside(String(user.uid), Date.now())).toBe(false);
    if (answer.status === 200) {
      joined += 1;
      expect((await current(answer.body.credentials.token)).status).toBe(401);
    } else refused += 1;
    await call('DELETE', '/session/current', { token: room.token });
  }
  // Were it always the same side that wins, the race would not be one.
  expect(joined).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

it('I2 leaves nobody inside who was kicked while joining again (500 rounds)', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const host = await signIn(`host-${round % 25}`, `device-${round}`);
    const user = await signIn(`guest-${round}`);
    const room = await openRoom(host);
    const first = await join(user, room.sessionId);
    const [again, kicked] = await Promise.all([
      join(user, room.sessionId),
      headStart(round).then(() =>
        call('POST', '/session/current/kick', { token: room.token, body: { userId: user.userId } }),
      ),
    ]);
    expect(kicked.status).toBe(200);
    expect([200, 403]).toContain(again.status);
    for (const { status, body } of [first, again]) {
      if (status === 200) expect((await current(body.credentials.token)).status).toBe(401);
    }
    expect((await join(user, room.sessionId)).body.code).toBe('member_kicked');
    expect(await liveObject(room.sessionId).isInside(String(user.uid), Date.now())).toBe(false);
    await call('DELETE', '/session/current', { token: room.token });
  }
});
