/**
 * What callers see of a Durable Object, held by the types: `tsc` fails where one of these lines compiles that must not.
 * Every answer is a promise, so a forgotten `await` is an error, and a refusal is told from a value.
 */
import type {
  DeviceSessionsObject,
  LiveSessionObject,
  PresenceObject,
  SingleUseObject,
  ThrottleObject,
} from '../../src/platform/objects.ts';

export async function answersArePromises(
  deviceSessions: DeviceSessionsObject,
  live: LiveSessionObject,
  presence: PresenceObject,
  singleUse: SingleUseObject,
  throttle: ThrottleObject,
): Promise<unknown[]> {
  const presented = { sid: 's', jti: 'j' };
  // @ts-expect-error the method is not asynchronous inside the object, but its answer is a promise
  const { ok: stands } = deviceSessions.standing(presented);
  // @ts-expect-error a list that was not awaited has no length
  const { length } = deviceSessions.listAll();
  // @ts-expect-error an asynchronous method answers with one promise, not with its value
  const { everywhere } = deviceSessions.takeCopy({} as never);
  // @ts-expect-error a refusal is read from what was awaited
  const { code } = live.commitFile({} as never, 'key');
  // @ts-expect-error a promise is not a boolean
  const inside: boolean = live.isInside('1', 0);
  // @ts-expect-error null is told from a presence only once it was awaited
  const { setAt } = presence.read();
  // @ts-expect-error a promise is not a boolean
  const spent: boolean = singleUse.spend('key', 0);
  // @ts-expect-error an attempt that was not awaited is neither allowed nor refused
  const { ok: charged } = throttle.chargeAddress();

  const standing = await deviceSessions.standing(presented);
  // @ts-expect-error a refusal has no value
  const early = standing.value;
  const late: string = standing.ok ? standing.value.session.id : standing.code;
  const awaited: boolean = await singleUse.spend('key', 0);
  return [stands, length, everywhere, code, inside, setAt, spent, charged, early, late, awaited];
}

export function handlersAreNotCalled(
  live: LiveSessionObject,
  deviceSessions: DeviceSessionsObject,
): unknown[] {
  // @ts-expect-error the runtime alone calls the alarm
  const alarm = deviceSessions.alarm;
  // @ts-expect-error the runtime alone hands over messages
  const message = live.webSocketMessage;
  return [alarm, message];
}
