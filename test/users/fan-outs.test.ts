/** Statements about users find them by a key. Those that pass over many rows stand on a list here, and no others. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { runMaintenance } from '../../src/maintenance.ts';
import { basic, PASSWORD, register } from '../support/accounts.ts';
import { call, elsewhere } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { addressOf, CALLERS, meet, rows } from '../support/route-rows.ts';

/** The statements that pass over many rows of a table of users, and why each does. */
const FAN_OUTS: Record<string, string> = {
  'the cron counts the copies that lag, by an index that holds no others':
    'select count(*), max("id") from "users" where ("users"."copiedVersion" < "users"."version" and "users"."erasedAt" is null)',
  'the cron counts the erasures that are not done, by an index that holds no others':
    'select count(*), max("id") from "users" where "users"."erasedAt" is not null',
};

/** Tables with a row or more for each user. */
const OF_USERS =
  /\b(users|credentials|locators|photos|userRoles|profileAttributes|walletOwners|uploads|retiredNames)\b/;

/** D1 that notes the text of every statement it is asked for. */
function noting(texts: Set<string>): D1Database {
  return new Proxy(env.DB, {
    get(target, name) {
      if (name === 'prepare') {
        return (text: string) => {
          texts.add(text);
          return target.prepare(text);
        };
      }
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** The tables that a statement reads from end to end, by the plan that SQLite makes for it. */
async function scanned(text: string): Promise<string[]> {
  const parameters = text.match(/\?/g)?.length ?? 0;
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
    .bind(...Array(parameters).fill(null))
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail).filter(step => /^SCAN /.test(step) && OF_USERS.test(step));
}

it('every statement of every route and of the cron finds users by a key, or stands on the list', async () => {
  const texts = new Set<string>();
  const ask = deployedWith({ DB: noting(texts) });
  const people = await meet('fans');
  for (const [route, row] of Object.entries(rows)) {
    const [method = '', path = ''] = route.split(' ');
    for (const caller of CALLERS) {
      const by = people.presented[caller];
      const called = { ...by, body: row.body, headers: { ...row.headers, ...by.headers } };
      await ask(method, addressOf(path, people.owner.userId, row), called);
    }
  }
  const { accessToken: token, username } = await register('fansAda');
  const headers = { ...elsewhere(), ...basic(username, PASSWORD) };
  await ask('POST', '/users/login', { headers });
  await ask('PUT', '/users/me', { token, body: { about: 'Here' } });
  await ask('DELETE', '/users/me', { headers });
  const ctx = createExecutionContext();
  await runMaintenance({ ...env, DB: noting(texts) }, ctx);
  await waitOnExecutionContext(ctx);
  expect((await call('GET', '/health')).status).toBe(200);

  const scanning: string[] = [];
  for (const text of texts) {
    if (/\b(select|update|delete|insert)\b/i.test(text) && (await scanned(text)).length > 0)
      scanning.push(text);
  }
  expect(texts.size).toBeGreaterThan(40);
  expect(scanning.toSorted()).toEqual(Object.values(FAN_OUTS).toSorted());
});
