/** S46: a client that ignores every close and goes on talking is neither heard nor served. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { LONGEST_FRAME, OPENINGS_A_MINUTE, SOCKETS_PER_MEMBER } from '../../src/live-sessions/protocol.ts';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { type Ear, listen } from './support/ear.ts';
import { type Usher, usherAt } from './support/people.ts';
import { RudeClient } from './support/rude-client.ts';
import { until } from './support/until.ts';

const PASSWORD = 'open sesame';
const laptop = makeLaptop();
let server: DevServer;
let usher: Usher;
let room: { sessionId: string; seat: string };
let bobSeat: string;
let ada: Ear;
let cy: Ear;
const rude: RudeClient[] = [];

beforeAll(async () => {
  server = await startDevServer(await freePort(), laptop);
  usher = usherAt(server.url, await keysOf(laptop));
});

beforeEach(async () => {
  room = await usher.open(await usher.signIn('ada'), { password: PASSWORD });
  bobSeat = await usher.sit(await usher.signIn('bob'), room.sessionId, PASSWORD);
  const cySeat = await usher.sit(await usher.signIn('cy'), room.sessionId, PASSWORD);
  ada = listen(server.url, room.seat);
  cy = listen(server.url, cySeat);
  await Promise.all([ada.heard('SessionState'), cy.heard('SessionState')]);
});

afterEach(() => {
  for (const client of rude.splice(0)) client.hangUp();
});

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

it('hears one Kicked and one close after a kick, and nothing of what comes later', async () => {
  const bob = intrude();
  await bob.got('text');
  await usher.kick(room.seat, 'bob', 'rude');
  expect(await bob.got('close')).toMatchObject({ code: 4403 });

  await rant(bob);
  await everybodyHearsOf(11);
  await rant(bob);
  await everybodyHearsOf(12);

  expect(bob.heard).toEqual(['SessionState', 'Kicked', 4403]);
  for (const ear of [ada, cy]) {
    const events = ear.frames.map(frame => frame.eventType);
    expect(events).toEqual(['SessionState', 'UserRemoved', 'RulesChanged', 'RulesChanged']);
    expect(ear.closed).toBeNull();
  }
  expectCalm();
});

it.each([
  { fault: 'floods', code: 1008, offend: (bob: RudeClient) => sayTimes(bob, 21, 'hear me') },
  { fault: 'shouts', code: 1009, offend: (bob: RudeClient) => bob.say('x'.repeat(LONGEST_FRAME + 1)) },
])('hears one close with $code where it $fault, and keeps the seat', async ({ code, offend }) => {
  const bob = intrude();
  await bob.got('text');
  await offend(bob);
  expect(await bob.got('close')).toMatchObject({ code });

  await rant(bob);
  await everybodyHearsOf(11);
  await usher.kick(room.seat, 'bob', 'rude');
  await everybodyHearsOf(12);
  await rant(bob);
  await everybodyHearsOf(13);

  expect(bob.heard).toEqual(['SessionState', code]);
  for (const ear of [ada, cy]) {
    const events = ear.frames.map(frame => frame.eventType);
    expect(events).toEqual(['SessionState', 'RulesChanged', 'UserRemoved', 'RulesChanged', 'RulesChanged']);
  }
  expectCalm();
});

it('has the newest connection served while earlier ones linger, and is told when it opens too many', async () => {
  const crowd: RudeClient[] = [];
  for (let count = 0; count < OPENINGS_A_MINUTE; count += 1) {
    const client = intrude();
    crowd.push(client);
    expect(await client.answered()).toBe(101);
    await client.got('text');
  }
  const replaced = crowd.slice(0, -SOCKETS_PER_MEMBER);
  for (const client of replaced) expect(await client.got('close')).toMatchObject({ code: 4409 });

  const refused = intrude();
  expect(await refused.answered()).toBe(101);
  expect(await refused.got('close')).toMatchObject({ code: 4429 });
  expect(refused.heard).toEqual(['Refused', 4429]);
  await Promise.all(replaced.map(client => rant(client)));
  await everybodyHearsOf(11);

  for (const client of replaced) expect(client.heard).toEqual(['SessionState', 4409]);
  for (const client of crowd.slice(-SOCKETS_PER_MEMBER)) {
    await until('an open one hears it', () => client.heard.includes('RulesChanged'));
    expect(client.heard).toEqual(['SessionState', 'RulesChanged']);
  }
  const another = listen(server.url, room.seat);
  await another.heard('SessionState');
  expectCalm();
});

/** Bob's client. */
function intrude(): RudeClient {
  const client = new RudeClient(server.url, bobSeat);
  rude.push(client);
  return client;
}

async function sayTimes(client: RudeClient, times: number, text: string): Promise<void> {
  for (let count = 0; count < times; count += 1) await client.say(text);
}

/** Everything that would earn an answer from a server that still listened. */
async function rant(client: RudeClient): Promise<void> {
  await client.say('ping');
  await sayTimes(client, 25, '{"eventType":"Kicked"}');
  await client.say('x'.repeat(LONGEST_FRAME + 1));
}

/** A change that everybody who is served has heard of, and after it a question that was answered. */
async function everybodyHearsOf(userCapacity: number): Promise<void> {
  const body = { rules: { userCapacity } };
  expect(await usher.call('PATCH', '/session/current', { token: room.seat, body })).toMatchObject({
    status: 200,
  });
  for (const ear of [ada, cy]) {
    await until('the change is heard', () =>
      ear.frames.some(frame => frame.data.maxUsers === userCapacity && frame.eventType === 'RulesChanged'),
    );
  }
  expect(await usher.look(room.seat)).toMatchObject({ status: 200 });
}

function expectCalm(): void {
  expect(`${server.run.stdout}${server.run.stderr}`).not.toMatch(/error|uncaught|exception/i);
}
