import { expect, it } from 'vitest';
import { openObjects, shardName } from '../../src/platform/objects.ts';
import { noTrips } from '../../src/platform/trips.ts';

const ROOM = 'ab'.repeat(32);

/** A namespace that notes what it was asked, and where. */
function standIn(asked: string[], place = 'anywhere'): DurableObjectNamespace<never> {
  const stub = { read: async () => null };
  return {
    jurisdiction: (location: string) => standIn(asked, location),
    getByName: (name: string) => {
      asked.push(`${name} in ${place}`);
      return stub;
    },
    get: () => stub,
    newUniqueId: () => {
      asked.push(`new id in ${place}`);
      return ROOM;
    },
    idFromString: (id: string) => {
      asked.push(`${id} in ${place}`);
      return id;
    },
  } as unknown as DurableObjectNamespace<never>;
}

function everyObject(location?: string): string[] {
  const asked: string[] = [];
  const namespace = standIn(asked);
  const objects = openObjects(
    {
      DEVICE_SESSIONS: namespace,
      LIVE_SESSIONS: namespace,
      SINGLE_USE: namespace,
      THROTTLE: namespace,
      USER_PRESENCE: namespace,
      ...(location === undefined ? {} : { DATA_LOCATION: location }),
    },
    noTrips(),
  );
  objects.deviceSessions(1);
  objects.presence(2);
  objects.throttle('username:ada');
  objects.singleUse('spent-3');
  objects.newLiveSessionId();
  objects.liveSession(ROOM);
  return asked;
}

const names = ['1', '2', 'username:ada', 'spent-3', 'new id', ROOM];

it('asks for every object within the location of the data, where one is set', () => {
  expect(everyObject('eu')).toEqual(names.map(name => `${name} in eu`));
});

it('asks for objects anywhere, where no location is set or an empty one', () => {
  expect(everyObject()).toEqual(names.map(name => `${name} in anywhere`));
  expect(everyObject('')).toEqual(names.map(name => `${name} in anywhere`));
});

it('knows a live session by one spelling of its id alone', () => {
  const objects = openObjects({ LIVE_SESSIONS: standIn([]) } as never, noTrips());
  expect(objects.liveSession(ROOM)).not.toBe(null);
  for (const id of [ROOM.toUpperCase(), ROOM.slice(1), `${ROOM}0`, '', '..']) {
    expect(objects.liveSession(id)).toBe(null);
  }
});

it('counts every call of an object as a trip', async () => {
  const trips = noTrips();
  const objects = openObjects({ USER_PRESENCE: standIn([]) } as never, trips);
  await objects.presence(1).read();
  await objects.presence(1).read();
  expect(trips).toEqual({ d1: 0, objects: 2 });
});

it('names shards by purpose and number', () => {
  expect([shardName('spent', 0), shardName('spent', 63)]).toEqual(['spent-0', 'spent-63']);
});
