/**
 * Any history of a live session against a plain model of it (I1, I2, I3, I4, I8): the real object with real sockets, a clock
 * moved by hand, a thousand seeds. The model is what a person would say: who sits, who is host, who is barred, and who was
 * heard of when. Sockets ping, freeze and close, and two hosts act at once.
 */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterAll, expect, it, vi } from 'vitest';
import { MEMBER_HEADER } from '../../src/live-sessions/protocol.ts';
import { visitorOf } from '../../src/live-sessions/rules.ts';
import { liveObject, liveStub, recordOf } from '../support/objects.ts';
import { Listener } from '../support/socket.ts';

const SEEDS = 1_000;
const PEOPLE = 6;
const LIFE_MS = 2 * 3_600_000;
const EMPTY_WAIT_MS = 300_000;
const SILENT_MS = 90_000;
const HOST_TIMEOUT_MS = 120_000;

afterAll(() => {
  vi.useRealTimers();
});

/** A seat, and what was heard of the member since they took it. */
interface Seat {
  who: string;
  seenAt: number;
  hadSocket: boolean;
  /** When each open socket pinged last; null: never. */
  sockets: Map<number, number | null>;
}

/** What a person would remember of the session. */
class Model {
  seats: Seat[] = [];
  host: string | null = '1';
  hostSince: number;
  away: { who: string; until: number | null } | null = null;
  barred = new Set<string>();
  /** Everybody who was ever in: only those can be kicked. */
  known = new Set(['1']);
  emptyUntil: number | null = null;
  returnsUntil: number | null = null;
  /** How often the role passed from a silent host, and came back. */
  passed = 0;
  returned = 0;
  readonly capacity: number;
  readonly memberTimeoutMs: number;
  readonly endsAt: number;

  constructor(capacity: number, memberTimeoutMs: number, now: number) {
    this.capacity = capacity;
    this.memberTimeoutMs = memberTimeoutMs;
    this.endsAt = now + LIFE_MS;
    this.hostSince = now;
    this.sit('1', now);
  }

  get seated(): string[] {
    return this.seats.map(({ who }) => who);
  }

  isOver(now: number): boolean {
    return now >= this.endsAt || (this.emptyUntil !== null && now >= this.emptyUntil);
  }

  /** What has happened by now without a call. */
  settle(now: number, caller: string | null): void {
    for (const seat of this.seats) {
      for (const [id, pingedAt] of seat.sockets) {
        if (pingedAt !== null && now >= pingedAt + SILENT_MS) this.lose(seat, id, now);
      }
    }
    const host = this.seatOf(this.host);
    const heir = this.seats.find(({ who, sockets }) => who !== this.host && sockets.size > 0);
    if (host?.hadSocket && host.sockets.size === 0 && heir && host.who !== caller) {
      const roleEnds = Math.max(host.seenAt, this.hostSince) + HOST_TIMEOUT_MS;
      const seatEnds = this.memberTimeoutMs > 0 ? host.seenAt + this.memberTimeoutMs : Infinity;
      if (now >= roleEnds && roleEnds < seatEnds) {
        const away = this.claim(now) ?? { who: host.who, until: null };
        this.makeHost(heir.who, now);
        this.away = away;
        this.passed += 1;
      }
    }
    for (const { who, seenAt, sockets } of [...this.seats]) {
      const silent = sockets.size === 0 && this.memberTimeoutMs > 0 && now >= seenAt + this.memberTimeoutMs;
      if (silent) this.unseat(who, now, 'timeout');
    }
  }

  connect(who: string, id: number, pings: boolean, now: number): boolean {
    if (this.call(who, now) !== null) return false;
    const seat = this.seatOf(who);
    if (!seat) return false;
    if (seat.sockets.size === 5) seat.sockets.delete([...seat.sockets.keys()][0] ?? -1);
    seat.sockets.set(id, pings ? now : null);
    Object.assign(seat, { hadSocket: true, seenAt: now });
    this.settle(now, null);
    return true;
  }

  lose(seat: Seat, id: number, now: number): void {
    seat.sockets.delete(id);
    if (seat.sockets.size === 0) seat.seenAt = now;
  }

  join(who: string, now: number): string {
    if (this.isOver(now)) return 'live_session_not_found';
    this.settle(now, who);
    if (this.barred.has(who)) return 'member_kicked';
    const inside = this.seatOf(who);
    if (!inside && this.seats.length >= this.capacity) return 'session_full';
    if (inside) inside.seenAt = now;
    else this.sit(who, now);
    this.known.add(who);
    this.emptyUntil = null;
    this.takeBack(who, now);
    const returns = who === '1' && this.returnsUntil !== null && now < this.returnsUntil;
    if ((this.host === null || returns) && this.host !== who) this.makeHost(who, now);
    if (returns) this.returnsUntil = this.away = null;
    return 'ok';
  }

  leave(who: string, now: number): string {
    const refusal = this.call(who, now, false);
    if (refusal) return refusal;
    this.unseat(who, now, 'left');
    return 'ok';
  }

  signOut(who: string, now: number): void {
    if (this.isOver(now)) return;
    this.settle(now, null);
    if (this.seatOf(who)) this.unseat(who, now, 'left');
    if (this.away?.who === who) this.away = null;
  }

  kick(by: string, who: string, now: number): string {
    const refusal = this.byHost(by, now);
    if (refusal) return refusal;
    if (!this.known.has(who)) return 'member_not_found';
    if (by === who) return 'cannot_kick_self';
    if (this.claim(now)?.who === who) return 'host_away';
    this.barred.add(who);
    if (this.seatOf(who)) this.unseat(who, now, 'kicked');
    return 'ok';
  }

  lift(by: string, who: string, now: number): string {
    const refusal = this.byHost(by, now);
    if (refusal) return refusal;
    return this.barred.delete(who) ? 'ok' : 'member_not_found';
  }

  handOver(by: string, who: string, now: number): string {
    const refusal = this.byHost(by, now);
    if (refusal) return refusal;
    if (!this.seatOf(who)) return 'member_not_found';
    if (by === who) return 'ok';
    if (this.claim(now)) return 'host_away';
    this.makeHost(who, now);
    this.away = this.returnsUntil = null;
    return 'ok';
  }

  /** A call of somebody: why they are no member, or null. */
  call(who: string, now: number, takesBack = true): string | null {
    if (this.isOver(now)) return 'live_session_not_found';
    this.settle(now, who);
    const seat = this.seatOf(who);
    if (!seat) return 'membership_ended';
    seat.seenAt = now;
    if (takesBack) this.takeBack(who, now);
    return null;
  }

  /** Neither host nor away: whose call changes least. */
  witness(): string | undefined {
    const bystander = this.seated.find(who => who !== this.host && who !== this.away?.who);
    return bystander ?? this.host ?? this.seated[0];
  }

  private seatOf(who: string | null): Seat | undefined {
    return this.seats.find(seat => seat.who === who);
  }

  private sit(who: string, now: number): void {
    this.seats.push({ who, seenAt: now, hadSocket: false, sockets: new Map() });
  }

  private claim(now: number): { who: string; until: number | null } | null {
    return this.away?.until != null && now >= this.away.until ? null : this.away;
  }

  private makeHost(who: string, now: number): void {
    if (this.away?.who === who) this.away = null;
    this.host = who;
    this.hostSince = now;
  }

  private takeBack(who: string, now: number): void {
    if (this.claim(now)?.who !== who) return;
    this.makeHost(who, now);
    this.returnsUntil = null;
    this.returned += 1;
  }

  private byHost(by: string, now: number): string | null {
    return this.call(by, now) ?? (this.host === by ? null : 'not_host');
  }

  private unseat(who: string, now: number, why: 'left' | 'kicked' | 'timeout'): void {
    this.seats = this.seats.filter(seat => seat.who !== who);
    if (this.away?.who === who) {
      const keeps = why === 'timeout' && this.claim(now) !== null;
      this.away = keeps ? { who, until: now + EMPTY_WAIT_MS } : null;
    }
    if (this.host !== who) return;
    const heir = this.seated.find(other => other !== this.away?.who) ?? this.seated[0];
    if (heir !== undefined) this.makeHost(heir, now);
    else {
      this.host = null;
      this.emptyUntil = this.returnsUntil = now + EMPTY_WAIT_MS;
    }
  }
}

const person = fc.integer({ min: 1, max: PEOPLE }).map(String);
const step = fc.record({
  kind: fc.constantFrom(
    ...(['join', 'join', 'join', 'leave', 'kick', 'lift', 'handOver', 'signOut'] as const),
    ...(['connect', 'connect', 'connect', 'ping', 'hangUp', 'hangUp', 'alarm', 'bothHosts'] as const),
  ),
  by: person,
  who: person,
  /** Of a socket: whether its client pings. */
  pings: fc.boolean(),
  /** Long enough that no ten joins of one person fall in a minute; now and then long enough to end an empty session. */
  afterMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 7_000, max: 20_000 }) },
    { weight: 3, arbitrary: fc.integer({ min: 60_000, max: 130_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 200_000, max: 400_000 }) },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Half of the histories begin with three who are in and connected: without them, few hosts would have anybody to follow. */
const gathering: Step[] = (['join', 'connect'] as const).flatMap(kind =>
  ['1', '2', '3'].map(who => ({ kind, by: who, who, pings: who !== '3', afterMs: 7_000 })),
);
const history = fc
  .tuple(fc.boolean(), fc.array(step, { maxLength: 30, size: 'max' }))
  .map(([gathers, steps]) => (gathers ? [...gathering, ...steps] : steps));

const start = Date.now();

it(`keeps to the model over ${SEEDS} histories`, async () => {
  const seen = { refused: 0, ended: 0, passed: 0, returned: 0, silent: 0 };
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(0, 0, 100_000, 150_000),
      async (steps, capacity, memberTimeoutMs) => {
        const outcome = await play(steps, capacity, memberTimeoutMs);
        for (const what of Object.keys(seen) as (keyof typeof seen)[]) seen[what] += outcome[what];
      },
    ),
    { numRuns: SEEDS },
  );
  // A model that never refused nor ended anything would prove little.
  expect(seen.refused).toBeGreaterThan(SEEDS);
  for (const what of ['ended', 'passed', 'returned', 'silent'] as const) {
    expect(seen[what], what).toBeGreaterThan(0);
  }
});

/** A socket of the real object, which the model knows by its number. */
interface Line {
  id: number;
  who: string;
  ear: Listener;
}

async function play(steps: Step[], capacity: number, memberTimeoutMs: number) {
  let now = start;
  const at = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: ms });
  at(now);
  const sessionId = env.LIVE_SESSIONS.newUniqueId().toString();
  const live = liveObject(sessionId);
  const stub = liveStub(sessionId);
  const record = (who: string) => recordOf({ uid: Number(who), userId: `user-${who}` });
  const request = requestOf(capacity, memberTimeoutMs);
  const created = await live.create({ sid: 'sid-1-0', record: record('1'), request });
  const model = new Model(capacity, memberTimeoutMs, now);
  const mids = new Map([['1', created.mid]]);
  const logins = new Map<string, number>();
  const sidOf = (who: string) => `sid-${who}-${logins.get(who) ?? 0}`;
  const credential = (who: string) => ({ mid: mids.get(who) ?? 'none', sid: sidOf(who), subject: who });
  const identity = { name: null, chainAddress: null };
  const outcome = { refused: 0, ended: 0, passed: 0, returned: 0, silent: 0 };

  // The runtime answers pings by its own clock, which cannot be moved: what it would have noted is told to it here.
  const pings = new Map<number, number>();
  await runInDurableObject(stub, (_, state) => {
    const pingedAt = (socket: WebSocket): Date | null => {
      const ms = pings.get(socket.deserializeAttachment().openedAt);
      return ms === undefined ? null : new Date(ms);
    };
    Object.defineProperty(state, 'getWebSocketAutoResponseTimestamp', { value: pingedAt });
  });

  const lines: Line[] = [];
  /** Somebody who is in, where there is one: others have nothing to connect to. */
  const seatedOr = (who: string): string => model.seated[Number(who) % model.seated.length] ?? who;
  const seatsOf = (who: string) => model.seats.filter(seat => seat.who === who);

  async function connect(who: string, doesPing: boolean): Promise<void> {
    const headers = { upgrade: 'websocket', [MEMBER_HEADER]: JSON.stringify(credential(who)) };
    const ear = new Listener(await stub.fetch('http://live-session/events', { headers }));
    if (!model.connect(who, now, doesPing, now)) {
      await ear.hasClosed();
      return;
    }
    await ear.heard('SessionState');
    if (doesPing) pings.set(now, now);
    lines.push({ id: now, who, ear });
  }

  function ping(who: string): void {
    for (const { sockets } of seatsOf(who)) {
      for (const [id, pingedAt] of sockets) {
        // A frozen client sends nothing; one that never pinged may begin.
        if (pingedAt === null || now < pingedAt + SILENT_MS) {
          sockets.set(id, now);
          pings.set(id, now);
        }
      }
    }
  }

  async function hangUp(who: string): Promise<void> {
    // What is due by now has happened before the socket goes, as the alarm sees to.
    await runDurableObjectAlarm(stub);
    if (model.isOver(now)) return;
    model.settle(now, null);
    const [seat] = seatsOf(who);
    const line = lines.find(({ id }) => seat?.sockets.has(id));
    if (!seat || !line) return;
    line.ear.socket.close(1000, 'bye');
    await line.ear.hasClosed();
    model.settle(now, null);
    if (seat.sockets.has(line.id)) model.lose(seat, line.id, now);
  }

  const kick = (by: string, who: string) =>
    live.kick(credential(by), { userId: `user-${who}`, reason: null, closeGuests: false });

  function check(answer: { ok: boolean; code?: string }, expected: string): void {
    expect(answer.ok ? 'ok' : answer.code).toBe(expected);
    if (!answer.ok) outcome.refused += 1;
  }

  async function act({ kind, by, who, pings: doesPing }: Step): Promise<void> {
    if (kind === 'signOut') {
      await live.endDeviceSession(who, sidOf(who));
      model.signOut(who, now);
      logins.set(who, (logins.get(who) ?? 0) + 1);
    } else if (kind === 'connect') await connect(seatedOr(who), doesPing);
    else if (kind === 'ping') ping(who);
    else if (kind === 'hangUp') await hangUp(doesPing ? (model.host ?? who) : who);
    else if (kind === 'alarm') {
      await runDurableObjectAlarm(stub);
      if (!model.isOver(now)) model.settle(now, null);
    } else if (kind === 'bothHosts') {
      const [acting, away] = [model.host ?? by, model.away?.who ?? who];
      const answers = await Promise.all([kick(acting, away), kick(away, acting)]);
      check(answers[0], model.kick(acting, away, now));
      check(answers[1], model.kick(away, acting, now));
    } else if (kind === 'join') {
      const visitor = visitorOf(record(who));
      const answer = await live.admit({ sid: sidOf(who), visitor, notedAt: now, identity, passwords: [] });
      check(answer, model.join(who, now));
      if (answer.ok) mids.set(who, answer.value.mid);
    } else if (kind === 'leave') check(await live.disconnect(credential(who)), model.leave(who, now));
    else if (kind === 'kick') check(await kick(by, who), model.kick(by, who, now));
    else if (kind === 'lift') {
      check(await live.liftBar(credential(by), `user-${who}`), model.lift(by, who, now));
    } else check(await live.handOver(credential(by), `user-${who}`), model.handOver(by, who, now));
  }

  for (const each of steps) {
    now += each.afterMs;
    at(now);
    await act(each);
    await compare(live, model, now, credential);
    if (model.isOver(now)) {
      outcome.ended = 1;
      break;
    }
  }
  if (outcome.ended === 0) await live.discard();
  await Promise.all(lines.map(({ ear }) => ear.hasClosed()));
  outcome.silent = lines.filter(({ ear }) => ear.closed?.code === 4408).length;
  const { passed, returned } = model;
  return { ...outcome, passed, returned };
}

/** Whoever sits sees exactly the model; whoever does not sees nothing. */
async function compare(
  live: ReturnType<typeof liveObject>,
  model: Model,
  now: number,
  credential: (who: string) => { mid: string; sid: string; subject: string },
): Promise<void> {
  const over = model.isOver(now);
  const outsider = Array.from({ length: PEOPLE }, (_, index) => String(index + 1)).find(
    who => !model.seated.includes(who),
  );
  if (outsider) {
    const view = await live.current(credential(outsider), null, 100);
    expect(view).toMatchObject({ ok: false, code: model.call(outsider, now) ?? 'no member' });
  }
  const witness = model.witness();
  if (!witness) return;
  const view = await live.current(credential(witness), null, 100);
  if (over) {
    expect(view).toMatchObject({ ok: false, code: 'live_session_not_found' });
    return;
  }
  expect(model.call(witness, now)).toBe(null);
  if (!view.ok) throw new Error(view.code);
  const { users, userCount, hostId } = view.value;
  expect(users.map(user => user.id).toSorted()).toEqual(model.seated.map(who => `user-${who}`).toSorted());
  expect(userCount).toBe(model.seated.length);
  expect(userCount).toBeLessThanOrEqual(model.capacity);
  expect(hostId).toBe(`user-${model.host}`);
  expect(users.filter(user => user.role === 'Host').map(user => user.id)).toEqual([hostId]);
}

function requestOf(capacity: number, memberTimeoutMs: number) {
  return {
    identity: { name: null, chainAddress: null },
    allowList: [],
    rules: {
      capacity,
      expiryMs: LIFE_MS,
      password: null,
      allowOnlyListed: false,
      allowGuests: false,
      memberTimeoutMs,
      hostTimeoutMs: HOST_TIMEOUT_MS,
      maxFiles: 0,
      maxTotalMegaBytes: 0,
    },
  };
}
