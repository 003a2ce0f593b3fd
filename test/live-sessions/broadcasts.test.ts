/** I16, what the sockets of a session are sent: only what is new, bounded for those who do not read, and again on resuming. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { call, claimsOf, joinAs, openRoom, type Room, signIn } from '../support/client.ts';
import { liveStub } from '../support/objects.ts';
import { Listener, listen, upgrade } from '../support/socket.ts';

const someone = (name: string) => signIn(`${name}-${crypto.randomUUID()}`);
const change = (token: string, rules: Record<string, unknown>) =>
  call('PATCH', '/session/current', { token, body: { rules } });
const addresses = (count: number) =>
  Array.from({ length: count }, (_, index) => `0x${index.toString(16).padStart(40, '0')}`);

async function setUp(rules: Record<string, unknown> = {}) {
  const [host, member] = [await someone('host'), await someone('member')];
  const room = await openRoom(host, rules);
  const token = await joinAs(member, room);
  return { room, token, host, member };
}
const resume = async (token: string, after: number) =>
  new Listener(await upgrade({ Authorization: `Bearer ${token}` }, `/session/current/events?after=${after}`));
/** Resolves once everything sent before has been heard. */
async function settle(socket: Listener): Promise<void> {
  const before = socket.texts.length;
  socket.socket.send('ping');
  await socket.until(() => socket.texts.length > before);
}

describe('works', () => {
  it('sends no frame for a change that changes nothing', async () => {
    const { room, token, host } = await setUp();
    const socket = await listen(token);
    await socket.heard('SessionState');
    const same = { userCapacity: 50, maxFiles: 100, allowGuests: false, memberTimeoutSeconds: 0 };
    for (const rules of [{}, same, { whiteListAddresses: [], allowOnlyWhitelistedAddresses: false }]) {
      expect((await change(room.token, rules)).status).toBe(200);
    }
    await call('POST', '/session/current/host', { token: room.token, body: { userId: host.userId } });
    await settle(socket);
    expect(socket.types()).toEqual(['SessionState']);
    await change(room.token, { maxFiles: 7 });
    expect((await socket.heard('RulesChanged')).data).toMatchObject({ maxFiles: 7 });
  });

  it('shows the allow-list to the host, a hundred at a time, and its length to all', async () => {
    const host = await someone('host');
    const room = await openRoom(host, {
      whiteListAddresses: addresses(150),
      allowOnlyWhitelistedAddresses: false,
    });
    const token = await joinAs(await someone('member'), room);
    const [own, other] = [await listen(room.token), await listen(token)];
    expect((await own.heard('SessionState')).data).toMatchObject({
      whiteListLength: 150,
      whiteListAddresses: addresses(100),
    });
    expect((await other.heard('SessionState')).data).toMatchObject({
      whiteListLength: 150,
      whiteListAddresses: null,
      you: { isWhiteListed: false },
    });
    await change(room.token, { maxFiles: 7 });
    for (const socket of [own, other]) {
      expect((await socket.heard('RulesChanged')).data).toMatchObject({
        whiteListLength: 150,
        whiteListAddresses: null,
      });
    }
    const first = await call('GET', '/session/current/allow-list', { token: room.token });
    expect(first.body).toEqual(addresses(100));
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await call('GET', next, { token: room.token });
    expect(second.body).toEqual(addresses(150).slice(100));
    expect(second.headers.get('link')).toBeNull();
  });

  it('counts files instead of naming them while more than 20 a second come and go', async () => {
    const { room, token } = await setUp();
    const socket = await listen(room.token);
    await socket.heard('SessionState');
    const uploads = await Promise.all(
      Array.from({ length: 5 }, async () => {
        for (let index = 0; index < 8; index += 1) {
          const { body } = await call('POST', '/session/current/files', {
            token,
            body: 'x',
            headers: { 'file-name': 'x', 'content-type': 'text/plain', 'content-length': '1' },
          });
          await call('DELETE', `/session/current/files/${body.fileKey}`, { token });
        }
        return 8;
      }),
    );
    expect(uploads).toHaveLength(5);
    await settle(socket);
    const named = socket.types().filter(type => /^File(Added|Removed)$/.test(type)).length;
    const seconds = new Set(socket.frames.map(({ at }) => at.slice(0, 19))).size + 1;
    expect(named).toBeLessThanOrEqual(20 * seconds);
  });

  it('resumes after an event: what happened since, in order, and nothing twice', async () => {
    const { room, token } = await setUp();
    const first = await listen(token);
    const { seq } = await first.heard('SessionState');
    await change(room.token, { maxFiles: 7 });
    await first.heard('RulesChanged');
    await evictDurableObject(liveStub(room.sessionId)).catch(() => {});
    await joinAs(await someone('third'), room);
    const again = await resume(token, seq);
    await again.heard('UserAdded');
    expect(again.types()).toEqual(['Resumed', 'RulesChanged', 'UserAdded']);
    const last = again.frames.at(-1)?.seq ?? 0;
    expect(again.frames[0]).toMatchObject({ seq: last, data: { after: seq, seq: last } });
    const idle = await resume(token, last);
    expect((await idle.heard('Resumed')).data).toEqual({ after: last, seq: last });
    await settle(idle);
    expect(idle.types()).toEqual(['Resumed']);
  });

  it('numbers what happened while no one listened', async () => {
    const { room, token } = await setUp();
    const { seq } = await (await listen(token)).heard('SessionState');
    for (let index = 0; index < 3; index += 1) await change(room.token, { maxFiles: index });
    const socket = await resume(token, seq);
    await socket.until(() => socket.frames.length === 4);
    expect(socket.frames.slice(1).map(frame => [frame.seq, frame.data.maxFiles])).toEqual([
      [seq + 1, 0],
      [seq + 2, 1],
      [seq + 3, 2],
    ]);
  });

  it('marks what it sends, and takes the mark for a proof of reading', async () => {
    const { room, token } = await setUp();
    const socket = await listen(token);
    await socket.heard('SessionState');
    await putBacklog(room, token, 256 * 1024);
    await change(room.token, { maxFiles: 7 });
    const { data } = await socket.heard('Mark');
    socket.socket.send(JSON.stringify({ type: 'read', mark: data.mark }));
    await settle(socket);
    expect((await backlogsOf(room, token))[0]?.read).toBeGreaterThan(256 * 1024);
  });
});

const tagOf = (token: string) => `member:${claimsOf(token).mid}`;

function backlogsOf(room: Room, token: string): Promise<{ sent: number; read: number }[]> {
  return runInDurableObject(liveStub(room.sessionId), (_, state) =>
    state.getWebSockets(tagOf(token)).map(socket => socket.deserializeAttachment().backlog),
  );
}

/** The sockets of this member were sent so many bytes and showed no sign of reading them. */
async function putBacklog(room: Room, token: string, sent: number): Promise<void> {
  await runInDurableObject(liveStub(room.sessionId), (_, state) => {
    for (const socket of state.getWebSockets(tagOf(token))) {
      const backlog = { sent, read: 0, marks: [] };
      socket.serializeAttachment({ ...socket.deserializeAttachment(), backlog });
    }
  });
  await evictDurableObject(liveStub(room.sessionId));
}

describe('refuses', () => {
  it('to resume after what is not kept, what is still to come, and what was before this membership', async () => {
    const { room, token } = await setUp();
    const { seq } = await (await listen(room.token)).heard('SessionState');
    const ahead = await resume(token, seq + 1_000);
    expect((await ahead.heard('SessionState')).data).toMatchObject({ missed: true });
    const late = await joinAs(await someone('late'), room);
    const socket = await resume(late, seq);
    expect((await socket.heard('SessionState')).data).toMatchObject({ missed: true });
    await settle(socket);
    expect(socket.types()).toEqual(['SessionState']);
  });

  it('an event number that is none', async () => {
    const { token } = await setUp();
    for (const after of ['x', '-1', '1.5']) {
      const response = await upgrade(
        { Authorization: `Bearer ${token}` },
        `/session/current/events?after=${after}`,
      );
      expect(response.status).toBe(400);
    }
  });

  it('more than sixty changes of the rules a minute by one member', async () => {
    const { room } = await setUp();
    const statuses: number[] = [];
    for (let index = 0; index < 62; index += 1) {
      statuses.push((await change(room.token, { maxFiles: index % 3 })).status);
    }
    expect(statuses.slice(0, 60).every(status => status === 200)).toBe(true);
    expect(statuses.slice(60)).toEqual([429, 429]);
  });
});

describe('keeps out', () => {
  it('a peer that does not read: nothing more after a mebibyte, and 4408', async () => {
    const { room, token } = await setUp();
    const [deaf, other] = [await listen(token), await listen(room.token)];
    for (const socket of [deaf, other]) await socket.heard('SessionState');
    await putBacklog(room, token, 1024 * 1024 - 10);
    await change(room.token, { maxFiles: 7 });
    expect(await deaf.hasClosed()).toMatchObject({ code: 4408 });
    expect(deaf.types()).toEqual(['SessionState']);
    await other.heard('RulesChanged');
    const again = await listen(token);
    expect((await again.heard('SessionState')).data).toMatchObject({ maxFiles: 7 });
  });

  it('marks that were not sent', async () => {
    const { room, token } = await setUp();
    const socket = await listen(token);
    await socket.heard('SessionState');
    await putBacklog(room, token, 256 * 1024);
    await change(room.token, { maxFiles: 7 });
    const { data } = await socket.heard('Mark');
    for (const mark of [data.mark + 1, 0, '1', null]) {
      socket.socket.send(JSON.stringify({ type: 'read', mark }));
    }
    await settle(socket);
    expect((await backlogsOf(room, token))[0]?.read).toBe(0);
  });

  it('members from the allow-list itself', async () => {
    const { token } = await setUp();
    const answer = await call('GET', '/session/current/allow-list', { token });
    expect(answer).toMatchObject({ status: 403, body: { code: 'not_host' } });
  });
});
