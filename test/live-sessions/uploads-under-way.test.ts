/** Uploads that have begun and not arrived: at most five a member, and none of a member who is gone: I14. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { call, claimsOf, joinAs, openRoom, type SignedIn, signIn } from '../support/client.ts';
import { liveObject, liveStub } from '../support/objects.ts';

const someone = (name: string) => signIn(`${name}-${crypto.randomUUID()}`);
const file = { fileName: 'x.bin', contentType: 'application/octet-stream', sizeInBytes: 1_000 };
const credentialOf = (token: string, { uid }: SignedIn) => {
  const { mid, sid } = claimsOf(token) as { mid: string; sid: string };
  return { mid, sid, subject: String(uid) };
};

async function setUp(rules: Record<string, unknown>) {
  const [host, member] = [await someone('host'), await someone('member')];
  const room = await openRoom(host, rules);
  const live = liveObject(room.sessionId);
  const own = credentialOf(await joinAs(member, room), member);
  const hostOwn = credentialOf(room.token, host);
  const kick = () =>
    call('POST', '/session/current/kick', { token: room.token, body: { userId: member.userId } });
  return { room, live, own, hostOwn, kick, member };
}

describe('works', () => {
  it('gives a place back as soon as an upload has arrived or broken', async () => {
    const { live, own } = await setUp({ maxFiles: 50 });
    for (let index = 0; index < 8; index += 1) {
      const reserved = await live.reserveFile(own, file);
      if (!reserved.ok) throw new Error(reserved.code);
      const { fileKey } = reserved.value;
      if (index % 2) await live.releaseFile(fileKey);
      else expect((await live.commitFile(own, fileKey)).ok).toBe(true);
    }
  });
});

describe('refuses', () => {
  it('the sixth upload of a member at once, and not the first of another', async () => {
    const { live, own, hostOwn } = await setUp({ maxFiles: 50 });
    const places = await Promise.all(Array.from({ length: 8 }, () => live.reserveFile(own, file)));
    expect(places.map(place => (place.ok ? 'kept' : place.code))).toEqual([
      ...Array(5).fill('kept'),
      ...Array(3).fill('too_many_uploads'),
    ]);
    expect((await live.reserveFile(hostOwn, file)).ok).toBe(true);
  });
});

describe('keeps out', () => {
  it('what a kicked member had under way: the places are free at once', async () => {
    const { live, own, hostOwn, kick } = await setUp({ maxFiles: 5 });
    const places = await Promise.all(Array.from({ length: 5 }, () => live.reserveFile(own, file)));
    expect(places.every(place => place.ok)).toBe(true);
    expect(await live.reserveFile(hostOwn, file)).toMatchObject({ code: 'file_limit_reached' });
    expect((await kick()).status).toBe(200);
    for (let index = 0; index < 5; index += 1) {
      expect((await live.reserveFile(hostOwn, file)).ok).toBe(true);
    }
    const [first] = places;
    if (!first?.ok) throw new Error('no place');
    expect(await live.commitFile(own, first.value.fileKey)).toMatchObject({ code: 'membership_ended' });
  });

  it('nothing of a file that is being deleted: it counts until its bytes are gone', async () => {
    const { room, live, own, kick } = await setUp({ maxFiles: 5 });
    const reserved = await live.reserveFile(own, file);
    if (!reserved.ok) throw new Error(reserved.code);
    await live.commitFile(own, reserved.value.fileKey);
    await kick();
    await runDurableObjectAlarm(liveStub(room.sessionId));
    expect((await call('GET', '/session/current/files', { token: room.token })).body).toHaveLength(1);
  });
});
