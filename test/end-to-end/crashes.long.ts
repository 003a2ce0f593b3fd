/** I7: no acknowledged write is lost over a dozen SIGKILLs under load. The clients' log is the witness. */
import { afterAll, expect, it } from 'vitest';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { until } from './support/until.ts';

const CRASHES = 12;
const CLIENTS = 8;
const WRITES_BEFORE_A_CRASH = 60;

const laptop = makeLaptop();
let server: DevServer;

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

/** What one user was told, and nothing that was only asked. */
interface Witness {
  accessToken: string;
  refreshToken: string;
  memberToken: string | null;
  /** The last word on the device session; null while a request about its end is unanswered. */
  signedIn: boolean | null;
}

async function send(path: string, method: string, headers: Record<string, string>, body?: unknown) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...init,
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

it(`keeps every acknowledged write through ${CRASHES} crashes`, async () => {
  const witnesses: Witness[] = [];
  let acknowledged = 0;
  const port = await freePort();
  server = await startDevServer(port, laptop);
  const { publishableKey } = await keysOf(laptop);
  const key = { 'x-api-key': publishableKey };
  const signIn = (userId: string) => send('/api/v5/sessions', 'POST', key, { userId, deviceId: 'd' });
  const host = await signIn('host');
  const room = await send(
    '/session',
    'POST',
    { ...key, ...bearer(host.body.accessToken) },
    {
      rules: { userCapacity: 1000 },
    },
  );

  /** One user after another: in, refreshed, joined, and every third out again. */
  async function work(name: string): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      const signedIn = await signIn(`${name}-${turn}`);
      const { accessToken, refreshToken } = signedIn.body;
      const witness: Witness = { accessToken, refreshToken, memberToken: null, signedIn: true };
      witnesses.push(witness);
      acknowledged += 1;
      const refreshed = await send('/api/v5/sessions/refresh', 'POST', {}, { refreshToken });
      Object.assign(witness, {
        accessToken: refreshed.body.accessToken,
        refreshToken: refreshed.body.refreshToken,
      });
      acknowledged += 1;
      const joined = await send('/session/join', 'POST', bearer(witness.accessToken), {
        sessionId: room.body.sessionId,
      });
      if (joined.status === 200) witness.memberToken = joined.body.credentials.token;
      acknowledged += 1;
      if (turn % 3 > 0) continue;
      witness.signedIn = null;
      const ended = await send('/api/v5/sessions', 'DELETE', bearer(witness.accessToken));
      if (ended.status === 200) witness.signedIn = false;
      acknowledged += 1;
    }
  }

  for (let crash = 0; crash < CRASHES; crash += 1) {
    const goal = acknowledged + WRITES_BEFORE_A_CRASH;
    const clients = Array.from({ length: CLIENTS }, (_, client) =>
      work(`u-${crash}-${client}`).catch(() => {}),
    );
    await until('enough was acknowledged', () => acknowledged >= goal, 60_000);
    server.run.signalAll('SIGKILL');
    await Promise.all(clients);
    await server.run.hasVanished();
    server = await startDevServer(port, laptop);
  }

  for (const { accessToken, memberToken, signedIn } of witnesses) {
    if (signedIn === null) continue;
    const standing = await send('/api/v5/sessions', 'GET', bearer(accessToken));
    expect(standing.status).toBe(signedIn ? 200 : 401);
    if (!memberToken) continue;
    const inside = await send('/session/current', 'GET', bearer(memberToken));
    expect(inside.status).toBe(signedIn ? 200 : 401);
  }
  const settled = witnesses.filter(({ signedIn }) => signedIn !== null);
  expect(settled.filter(({ signedIn }) => signedIn).length).toBeGreaterThan(CRASHES);
  expect(settled.filter(({ signedIn }) => !signedIn).length).toBeGreaterThan(CRASHES);
});
