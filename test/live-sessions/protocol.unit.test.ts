import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodeFrame, parseClientFrame, parseServerFrame } from '../../src/live-sessions/protocol.ts';

it('reads what it writes', () => {
  const text = encodeFrame('room', 7, 0, { eventType: 'HostChanged', data: { hostId: 'ada' } });
  expect(parseServerFrame(text)).toEqual({
    sessionId: 'room',
    eventType: 'HostChanged',
    seq: 7,
    at: '1970-01-01T00:00:00.000Z',
    data: { hostId: 'ada' },
  });
});

it('takes for no frame what is none', () => {
  for (const text of [
    'pong',
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"eventType":1,"seq":1}',
    '{"eventType":"Mark"}',
  ]) {
    expect(parseServerFrame(text)).toBeNull();
  }
});

it('reads a ping and a mark from a client, and nothing else', () => {
  expect(parseClientFrame('ping')).toEqual({ type: 'ping' });
  expect(parseClientFrame('{"type":"read","mark":5}')).toEqual({ type: 'read', mark: 5 });
  for (const text of ['{"type":"read"}', '{"type":"read","mark":"5"}', '{"type":"x"}', 'PING', '[', 'null']) {
    expect(parseClientFrame(text)).toBeNull();
  }
  expect(parseClientFrame(`{"type":"read","mark":5,"more":"${'x'.repeat(5_000)}"}`)).toBeNull();
});

it('can be imported by a client: it takes nothing along but the times', () => {
  const source = readFileSync('src/live-sessions/protocol.ts', 'utf8');
  const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, from]) => from);
  expect(imports).toEqual(['../times.ts']);
});
