import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/database.ts';
import { forgetName, requireNamed } from '../../src/users/lookup-service.ts';

type Statement = Pick<D1PreparedStatement, 'raw'> & { bind: (...values: unknown[]) => Statement };

it('keeps no name that was read before its user was erased, however late the answer comes', async () => {
  await env.DB.exec(
    "INSERT INTO users (userId, entry, createdAt, updatedAt) VALUES ('raced', 'closed', 0, 0)",
  );
  const read = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const held = (statement: D1PreparedStatement): Statement =>
    ({
      bind: (...values: unknown[]) => held(statement.bind(...values)),
      raw: async () => {
        const rows = await statement.raw();
        read.resolve();
        await gate.promise;
        return rows;
      },
    }) as Statement;
  const late = { prepare: (query: string) => held(env.DB.prepare(query)) } as unknown as D1Database;
  const trips = { d1: 0, objects: 0 };
  const asking = requireNamed({ db: openDatabase(late, trips), now: Date.now }, ['raced']);
  await read.promise;
  await env.DB.exec("UPDATE users SET erasedAt = 1 WHERE userId = 'raced'");
  forgetName('raced');
  gate.resolve();
  await asking;
  const again = requireNamed({ db: openDatabase(env.DB, trips), now: Date.now }, ['raced']);
  await expect(again).rejects.toMatchObject({ code: 'user_not_found' });
});
