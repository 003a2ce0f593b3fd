/** I7, S16 and S50: over ten SIGKILLs while users are banned and erased under load, no acknowledged end or lifting is lost. */
import { afterAll, expect, it } from 'vitest';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { type Usher, usherAt } from './support/people.ts';
import { until } from './support/until.ts';

const CRASHES = 10;
const CLIENTS = 8;
const ENDS_BEFORE_A_CRASH = 25;
const PASSWORD = 'of the room';

const laptop = makeLaptop();
let server: DevServer;

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

const WAYS = ['kept', 'banned', 'erased', 'lifted'] as const;
type Way = (typeof WAYS)[number];

/** What the clients were told about one user. */
interface Witness {
  userId: string;
  accessToken: string;
  seat: string;
  /** What came of the user by the last answer; null where a crash came before it. */
  came: Way | null;
  /** What was asked for. */
  way: Way;
}

it(`keeps every acknowledged ban, lifting and erasure through ${CRASHES} crashes`, async () => {
  const witnesses: Witness[] = [];
  let ends = 0;
  const port = await freePort();
  server = await startDevServer(port, laptop);
  const keys = await keysOf(laptop);
  const { publishableKey: key, secretKey: serverKey } = keys;
  const usher: Usher = usherAt(server.url, keys);
  const signIn = (userId: string) =>
    usher.call('POST', '/api/v5/sessions', { key, body: { userId, deviceId: 'd' } });
  const host = await usher.signIn('host');
  const room = await usher.open(host, { userCapacity: 1000, password: PASSWORD });

  /** Makes the change of a user's way; whether all of it was acknowledged. */
  async function bring({ userId, way }: Witness): Promise<boolean> {
    if (way === 'kept') return true;
    if (way === 'erased') {
      return (await usher.call('DELETE', `/v1/users/${userId}`, { serverKey })).status === 200;
    }
    const path = `/v1/users/${userId}/ban`;
    const banned = await usher.call('PUT', path, { serverKey, body: {} });
    if (way === 'banned' || banned.status !== 200) return banned.status === 200;
    return (await usher.call('DELETE', path, { serverKey })).status === 200;
  }

  /** One user after another: signed in, seated, and then whatever is their turn. */
  async function work(name: string): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      const userId = `${name}-${turn}`;
      const { body } = await signIn(userId);
      const { accessToken } = body;
      const seat = await usher.sit(accessToken, room.sessionId, PASSWORD);
      const way = WAYS[turn % WAYS.length] ?? 'kept';
      const witness: Witness = { userId, accessToken, seat, came: null, way };
      witnesses.push(witness);
      if (await bring(witness)) witness.came = way;
      ends += 1;
    }
  }

  for (let crash = 0; crash < CRASHES; crash += 1) {
    const goal = ends + ENDS_BEFORE_A_CRASH;
    const clients = Array.from({ length: CLIENTS }, (_, client) =>
      work(`u-${crash}-${client}`).catch(() => {}),
    );
    await until('enough was ended', () => ends >= goal, 120_000);
    server.run.signalAll('SIGKILL');
    await Promise.all(clients);
    await server.run.hasVanished();
    server = await startDevServer(port, laptop);
  }
  // Once a minute, in production.
  await fetch(`${server.url}/cdn-cgi/handler/scheduled`);

  const statusOf = async (answer: Promise<{ status: number }>) => (await answer).status;
  /** What a user's calls are answered with: their token, their seat, others who look them up, a new sign-in. */
  async function answersOf({ userId, accessToken: token, seat }: Witness) {
    return [
      await statusOf(usher.call('GET', '/api/v5/sessions', { token })),
      await statusOf(usher.look(seat)),
      await statusOf(usher.call('GET', `/v1/users/${userId}`, { serverKey })),
      await statusOf(signIn(userId)),
    ];
  }
  const expected: Record<Way, number[]> = {
    kept: [200, 200, 200, 200],
    banned: [401, 401, 200, 403],
    erased: [401, 401, 404, 403],
    lifted: [401, 401, 200, 200],
  };
  for (const witness of witnesses) {
    const { came, way } = witness;
    const answers = JSON.stringify(await answersOf(witness));
    // What a crash left without an answer is wholly done or not at all; a lifting, half of it as well.
    const possible: Way[] =
      came !== null ? [came] : way === 'lifted' ? ['kept', 'banned', 'lifted'] : ['kept', way];
    expect(
      possible.map(each => JSON.stringify(expected[each])),
      `${way}, told ${came}`,
    ).toContain(answers);
  }
  for (const way of WAYS) {
    expect(witnesses.filter(({ came }) => came === way).length, way).toBeGreaterThan(CRASHES);
  }
});
