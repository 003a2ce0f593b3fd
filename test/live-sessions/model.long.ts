/**
 * Any history of a live session against a plain model of it (I1, I2, I3, I4, I8): the real object, a clock moved by hand, a
 * thousand seeds. The model is what a person would say: a list of who sits, who is host, who is barred.
 */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterAll, expect, it, vi } from 'vitest';
import { visitorOf } from '../../src/live-sessions/rules.ts';
import { liveObject, recordOf } from '../support/objects.ts';

const SEEDS = 1_000;
const PEOPLE = 6;
const LIFE_MS = 2 * 3_600_000;
const EMPTY_WAIT_MS = 300_000;

afterAll(() => {
  vi.useRealTimers();
});

/** What a person would remember of the session. */
class Model {
  seated = ['1'];
  host: string | null = '1';
  barred = new Set<string>();
  /** Everybody who was ever in: only those can be kicked. */
  known = new Set(['1']);
  emptyUntil: number | null = null;
  returnsUntil: number | null = null;
  readonly capacity: number;
  readonly endsAt: number;

  constructor(capacity: number, now: number) {
    this.capacity = capacity;
    this.endsAt = now + LIFE_MS;
  }

  isOver(now: number): boolean {
    return now >= this.endsAt || (this.emptyUntil !== null && now >= this.emptyUntil);
  }

  join(who: string, now: number): string {
    if (this.isOver(now)) return 'live_session_not_found';
    if (this.barred.has(who)) return 'member_kicked';
    const inside = this.seated.includes(who);
    if (!inside && this.seated.length >= this.capacity) return 'session_full';
    if (!inside) this.seated.push(who);
    this.known.add(who);
    this.emptyUntil = null;
    const returns = who === '1' && this.returnsUntil !== null && now < this.returnsUntil;
    if (returns) this.returnsUntil = null;
    if (this.host === null || returns) this.host = who;
    return 'ok';
  }

  leave(who: string, now: number): string {
    if (this.isOver(now)) return 'live_session_not_found';
    if (!this.seated.includes(who)) return 'membership_ended';
    this.unseat(who, now);
    return 'ok';
  }

  kick(by: string, who: string, now: number): string {
    const refusal = this.byHost(by, now);
    if (refusal) return refusal;
    if (!this.known.has(who)) return 'member_not_found';
    if (by === who) return 'cannot_kick_self';
    this.barred.add(who);
    if (this.seated.includes(who)) this.unseat(who, now);
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
    if (!this.seated.includes(who)) return 'member_not_found';
    this.host = who;
    this.returnsUntil = null;
    return 'ok';
  }

  private byHost(by: string, now: number): string | null {
    if (this.isOver(now)) return 'live_session_not_found';
    if (!this.seated.includes(by)) return 'membership_ended';
    return this.host === by ? null : 'not_host';
  }

  private unseat(who: string, now: number): void {
    this.seated = this.seated.filter(other => other !== who);
    if (this.host !== who) return;
    this.host = this.seated[0] ?? null;
    if (this.host === null) this.emptyUntil = this.returnsUntil = now + EMPTY_WAIT_MS;
  }
}

const person = fc.integer({ min: 1, max: PEOPLE }).map(String);
const step = fc.record({
  kind: fc.constantFrom('join', 'join', 'join', 'leave', 'kick', 'lift', 'handOver', 'signOut'),
  by: person,
  who: person,
  /** Long enough that no ten joins of one person fall in a minute; now and then long enough to end an empty session. */
  afterMs: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 7_000, max: 20_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 200_000, max: 400_000 }) },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const start = Date.now();

it(`keeps to the model over ${SEEDS} histories`, async () => {
  let refused = 0;
  let ended = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, capacity) => {
        const outcome = await play(steps, capacity);
        refused += outcome.refused;
        ended += outcome.ended ? 1 : 0;
      },
    ),
    { numRuns: SEEDS },
  );
  // A model that never refused nor ended anything would prove little.
  expect(refused).toBeGreaterThan(SEEDS);
  expect(ended).toBeGreaterThan(0);
});

async function play(steps: Step[], capacity: number): Promise<{ refused: number; ended: boolean }> {
  let now = start;
  const at = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: ms });
  at(now);
  const sessionId = env.LIVE_SESSIONS.newUniqueId().toString();
  const live = liveObject(sessionId);
  const record = (who: string) => recordOf({ uid: Number(who), userId: `user-${who}` });
  const created = await live.create({ sid: 'sid-1-0', record: record('1'), request: requestOf(capacity) });
  const model = new Model(capacity, now);
  const mids = new Map([['1', created.mid]]);
  const logins = new Map<string, number>();
  const sidOf = (who: string) => `sid-${who}-${logins.get(who) ?? 0}`;
  const credential = (who: string) => ({
    mid: mids.get(who) ?? 'none',
    sid: sidOf(who),
    subject: who,
  });
  const identity = { name: null, chainAddress: null };
  let refused = 0;

  for (const { kind, by, who, afterMs } of steps) {
    now += afterMs;
    at(now);
    if (kind === 'signOut') {
      await live.endDeviceSession(who, sidOf(who));
      if (model.seated.includes(who)) model.leave(who, now);
      logins.set(who, (logins.get(who) ?? 0) + 1);
    } else {
      const answer =
        kind === 'join'
          ? await live.admit({
              sid: sidOf(who),
              visitor: visitorOf(record(who)),
              notedAt: now,
              identity,
              passwords: [],
            })
          : kind === 'leave'
            ? await live.disconnect(credential(who))
            : kind === 'kick'
              ? await live.kick(credential(by), { userId: `user-${who}`, reason: null, closeGuests: false })
              : kind === 'lift'
                ? await live.liftBar(credential(by), `user-${who}`)
                : await live.handOver(credential(by), `user-${who}`);
      const expected =
        kind === 'join' || kind === 'leave' ? model[kind](who, now) : model[kind](by, who, now);
      expect(answer.ok ? 'ok' : answer.code).toBe(expected);
      if (!answer.ok) refused += 1;
      else if (kind === 'join') mids.set(who, (answer.value as typeof created).mid);
    }
    await compare(live, model, now, credential);
    if (model.isOver(now)) return { refused, ended: true };
  }
  await live.discard();
  return { refused, ended: false };
}

/** Whoever sits sees exactly the model; whoever does not sees nothing. */
async function compare(
  live: ReturnType<typeof liveObject>,
  model: Model,
  now: number,
  credential: (who: string) => { mid: string; sid: string; subject: string },
): Promise<void> {
  const over = model.isOver(now);
  const [witness] = model.seated;
  const outsider = Array.from({ length: PEOPLE }, (_, index) => String(index + 1)).find(
    who => !model.seated.includes(who),
  );
  if (outsider) {
    const view = await live.current(credential(outsider), null, 100);
    expect(view).toMatchObject({ ok: false, code: over ? 'live_session_not_found' : 'membership_ended' });
  }
  if (!witness) return;
  const view = await live.current(credential(witness), null, 100);
  if (over) {
    expect(view).toMatchObject({ ok: false, code: 'live_session_not_found' });
    return;
  }
  if (!view.ok) throw new Error(view.code);
  const { users, userCount, hostId } = view.value;
  expect(users.map(user => user.id).toSorted()).toEqual(model.seated.map(who => `user-${who}`).toSorted());
  expect(userCount).toBe(model.seated.length);
  expect(userCount).toBeLessThanOrEqual(model.capacity);
  expect(hostId).toBe(`user-${model.host}`);
  expect(users.filter(user => user.role === 'Host').map(user => user.id)).toEqual([hostId]);
}

function requestOf(capacity: number) {
  return {
    identity: { name: null, chainAddress: null },
    allowList: [],
    rules: {
      capacity,
      expiryMs: LIFE_MS,
      password: null,
      allowOnlyListed: false,
      allowGuests: false,
      memberTimeoutMs: 0,
      maxFiles: 0,
      maxTotalMegaBytes: 0,
    },
  };
}
