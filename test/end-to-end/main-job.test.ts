import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DevServer,
  environmentOf,
  freePort,
  keysOf,
  makeLaptop,
  npmRun,
  spawnDevServer,
  startDevServer,
} from './support/dev-server.ts';
import { listen, listenLikeABrowser } from './support/ear.ts';
import { type Usher, usherAt } from './support/people.ts';
import { until } from './support/until.ts';

const PASSWORD = 'open sesame';

describe('the main job, over the network and through a crash', () => {
  const laptop = makeLaptop();
  let port: number;
  let server: DevServer;
  let usher: Usher;
  let devVarsAtFirst: string;
  let room: { sessionId: string; seat: string };
  const token: Record<string, string> = {};
  const seat: Record<string, string> = {};

  beforeAll(async () => {
    port = await freePort();
    server = await startDevServer(port, laptop);
    devVarsAtFirst = readFileSync(laptop.devVars, 'utf8');
    usher = usherAt(server.url, await keysOf(laptop));
  });

  afterAll(() => {
    server?.run.signalAll('SIGKILL');
    laptop.discard();
  });

  it('keeps the fresh secrets to their owner', () => {
    expect(statSync(laptop.devVars).mode & 0o777).toBe(0o600);
    expect(server.run.stdout).toContain(`Made ${laptop.devVars}`);
  });

  it('prints the keys as one JSON object', async () => {
    const { code, stdout } = await npmRun(['-s', 'keys'], { env: environmentOf(laptop) });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const keys = JSON.parse(stdout);
    expect(Object.keys(keys)).toEqual(['publishableKey', 'secretKey', 'accessKey', 'accessSecret']);
    expect(keys.publishableKey).toMatch(/^pk_/);
    expect(keys.secretKey).toMatch(/^sk_/);
    expect(server.run.stdout).toContain(keys.publishableKey);
  });

  it('signs two people in, lets one host and the other join', async () => {
    for (const name of ['ada', 'bob', 'cy', 'dan']) token[name] = await usher.signIn(name);
    room = await usher.open(token.ada ?? '', { password: PASSWORD });
    seat.ada = room.seat;
    expect(await usher.join(token.bob ?? '', room.sessionId, 'guess')).toMatchObject({
      status: 403,
      body: { code: 'wrong_room_password' },
    });
    seat.bob = await usher.sit(token.bob ?? '', room.sessionId, PASSWORD);
    expect(await usher.look(seat.bob)).toMatchObject({ status: 200, body: { hostId: 'ada', userCount: 2 } });
  });

  it('shows a kicked member out: one notice, a closed socket, and no way back in', async () => {
    const bob = listen(server.url, seat.bob ?? '');
    const state = await bob.heard('SessionState');
    expect(state.data).toMatchObject({ hostId: 'ada', userCount: 2, you: { id: 'bob', role: 'Client' } });

    expect(await usher.kick(seat.ada ?? '', 'bob', 'spoilers')).toEqual({ status: 200, body: null });

    expect(await bob.hasClosed()).toMatchObject({ code: 4403 });
    expect(bob.frames.map(frame => frame.eventType)).toEqual(['SessionState', 'Kicked']);
    expect(bob.frames.at(-1)?.data).toEqual({ by: 'ada', byName: 'ada', reason: 'spoilers' });
    expect(await usher.look(seat.bob ?? '')).toMatchObject({ status: 401 });
    expect(await usher.join(token.bob ?? '', room.sessionId, PASSWORD)).toMatchObject({
      status: 403,
      body: { code: 'member_kicked' },
    });
    await expectTurnedAway(seat.bob ?? '', 'spoilers');
  });

  it('speaks to a browser, which carries its token in a subprotocol', async () => {
    seat.cy = await usher.sit(token.cy ?? '', room.sessionId, PASSWORD);
    const cy = listenLikeABrowser(server.url, seat.cy);
    await cy.heard('SessionState');
    expect(cy.socket.protocol).toBe('usher.v1');

    await usher.kick(seat.ada ?? '', 'cy', 'late');

    expect(await cy.hasClosed()).toMatchObject({ code: 4403 });
    expect(cy.frames.map(frame => frame.eventType)).toEqual(['SessionState', 'Kicked']);
    expect(cy.frames.at(-1)?.data).toEqual({ by: 'ada', byName: 'ada', reason: 'late' });
  });

  it('refuses a busy port, in words, and leaves the server there alone', async () => {
    const second = spawnDevServer(port, laptop);
    const { code } = await second.exit;
    expect(code).toBe(1);
    expect(second.stderr).toContain(`Port ${port} is taken`);
    expect(second.stdout).not.toContain('Usher is at');
    expect(await usher.call('GET', '/health')).toEqual({ status: 200, body: { status: 'ok' } });
  });

  it('I10 stands as it was after every process of it was killed', async () => {
    seat.dan = await usher.sit(token.dan ?? '', room.sessionId, PASSWORD);
    token.eve = await usher.signIn('eve');
    seat.eve = await usher.sit(token.eve, room.sessionId, PASSWORD);
    const dan = listen(server.url, seat.dan);
    await dan.heard('SessionState');
    const before = await usher.look(seat.ada ?? '');
    await usher.kick(seat.ada ?? '', 'eve', 'at the last moment');
    server.run.signalAll('SIGKILL');
    expect(await dan.hasClosed()).toMatchObject({ code: 1006 });
    await server.run.hasVanished();

    server = await startDevServer(port, laptop);

    expect(readFileSync(laptop.devVars, 'utf8')).toBe(devVarsAtFirst);
    expect(server.run.stdout).not.toContain('Made ');
    const { status, body } = await usher.look(seat.ada ?? '');
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: room.sessionId, creatorId: 'ada', hostId: 'ada', userCount: 2 });
    expect(body.expiry).toBe(before.body.expiry);
    expect(body.users.map((user: { id: string }) => user.id)).toEqual(['ada', 'dan']);
    expect(await usher.call('GET', '/api/v5/sessions', { token: token.ada ?? '' })).toMatchObject({
      status: 200,
    });
    const danAgain = listen(server.url, seat.dan);
    expect((await danAgain.heard('SessionState')).data).toMatchObject({ hostId: 'ada', userCount: 2 });

    for (const [name, reason] of Object.entries({ bob: 'spoilers', eve: 'at the last moment' })) {
      expect(await usher.look(seat[name] ?? '')).toMatchObject({ status: 401 });
      expect(await usher.join(token[name] ?? '', room.sessionId, PASSWORD)).toMatchObject({
        status: 403,
        body: { code: 'member_kicked' },
      });
      await expectTurnedAway(seat[name] ?? '', reason);
    }

    expect(await usher.kick(seat.ada ?? '', 'dan', 'closing time')).toMatchObject({ status: 200 });
    expect(await danAgain.hasClosed()).toMatchObject({ code: 4403 });
  });

  it('stops with everything it started on Ctrl-C', async () => {
    expect(server.run.processes().join('\n')).toContain('workerd');

    server.run.signalAll('SIGINT');

    const { code, signal } = await server.run.exit;
    expect(code === 0 || signal === 'SIGINT').toBe(true);
    await server.run.hasVanished();
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  /** A token that was kicked is upgraded, told why and sent off: a browser cannot see a refused upgrade. */
  async function expectTurnedAway(memberToken: string, reason: string): Promise<void> {
    const ear = listen(server.url, memberToken);
    expect(await ear.hasClosed()).toMatchObject({ code: 4403 });
    expect(ear.frames.map(({ eventType, data }) => ({ eventType, data }))).toEqual([
      { eventType: 'Kicked', data: { by: 'ada', byName: 'ada', reason } },
    ]);
  }
});

describe('npm run dev', () => {
  it('says that the port is taken before it makes anything', async () => {
    const laptop = makeLaptop();
    const stranger = createServer();
    const port = await freePort();
    await new Promise<void>(resolve => stranger.listen(port, 'localhost', resolve));
    try {
      const run = spawnDevServer(port, laptop);
      expect(await run.exit).toMatchObject({ code: 1 });
      expect(run.stderr).toContain(`Port ${port} is taken`);
      expect(() => statSync(laptop.devVars)).toThrow('ENOENT');
    } finally {
      stranger.close();
      laptop.discard();
    }
  });

  it('ends with npm, though the shell between them tells nobody', async () => {
    const laptop = makeLaptop();
    const run = spawnDevServer(await freePort(), laptop);
    try {
      await until('it prepares', () => run.processes().some(command => command.includes('wrangler')));
      run.signalNpmAlone('SIGTERM');
      await run.hasVanished();
    } finally {
      run.signalAll('SIGKILL');
      laptop.discard();
    }
  });
});

describe('npm run keys', () => {
  it('says what makes the keys where there are none yet', async () => {
    const laptop = makeLaptop();
    const { code, stdout, stderr } = await npmRun(['-s', 'keys'], { env: environmentOf(laptop) });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(`There is no ${laptop.devVars} yet: npm run dev makes it`);
    laptop.discard();
  });
});
