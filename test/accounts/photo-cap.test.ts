/** How many photos a user may have, however many are added at once. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { attachPhoto } from '../../src/accounts/photo-service.ts';
import { me, register } from '../support/accounts.ts';
import { call } from '../support/client.ts';
import { claimsFor, depsWith } from '../support/deps.ts';

it('is a hundred: of 99 and eleven at once, ten are refused, and their uploads are not kept', async () => {
  const user = await register('photoRacer');
  await env.DB.batch(
    Array.from({ length: 99 }, (_, index) =>
      env.DB.prepare("INSERT INTO photos VALUES (?, ?, 'png', 1, 1, 1, ?)").bind(
        `r${index}`,
        user.uid,
        index,
      ),
    ),
  );
  const ids = Array.from({ length: 11 }, () => crypto.randomUUID());
  await env.DB.batch(
    ids.map(id =>
      env.DB.prepare("INSERT INTO uploads VALUES (?, ?, 'png', 'image/png', 1, 1, 1, 'stored', ?)").bind(
        id,
        user.uid,
        Date.now(),
      ),
    ),
  );
  // What was asked at once read the same record: 99 photos.
  await call('PUT', '/users/me', { token: user.accessToken, body: { about: 'Ninety-nine' } });
  const { photos: known } = (await me(user)).body;
  expect(known).toHaveLength(99);
  const deps = depsWith();
  const claims = await claimsFor(deps, user);
  const outcomes = await Promise.allSettled(
    ids.map(id => attachPhoto(deps, claims, { id, fileType: 'png', fileSize: 1 })),
  );
  const refused = outcomes.filter(outcome => outcome.status === 'rejected');
  expect(refused.map(({ reason }) => reason.code)).toEqual(Array(10).fill('too_many_photos'));
  expect((await me(user)).body.photos).toHaveLength(100);
  const { results } = await env.DB.prepare(
    'SELECT state, count(*) AS n FROM uploads WHERE uid = ? GROUP BY state ORDER BY state',
  )
    .bind(user.uid)
    .all();
  expect(results).toEqual([
    { state: 'kept', n: 1 },
    { state: 'stored', n: 10 },
  ]);
});
