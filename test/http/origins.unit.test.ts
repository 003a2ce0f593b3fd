import { expect, it } from 'vitest';
import { isAllowedOrigin, shownOrigin } from '../../src/http/origins.ts';

const production = {
  publicUrl: 'https://usher.example',
  allowedOrigins: ['https://app.example', 'capacitor://localhost'],
  development: false,
  localOrigins: false,
};
const laptop = {
  publicUrl: 'http://localhost:8787',
  allowedOrigins: ['http://127.0.0.1:3000'],
  development: true,
  localOrigins: false,
};

it('allows exactly the listed origins, and the own one of the deployment (S39)', () => {
  for (const origin of ['https://usher.example', 'https://app.example', 'capacitor://localhost'])
    expect(isAllowedOrigin(production, origin)).toBe(true);
  for (const origin of [
    '',
    'null',
    '*',
    'http://usher.example',
    'https://usher.example:8443',
    'https://usher.example.evil.example',
    'https://app.example/',
    'http://localhost:8787',
    'capacitor://localhost:1',
  ])
    expect(isAllowedOrigin(production, origin)).toBe(false);
});

it('knows localhost and its addresses as one in development, by port and scheme', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    expect(isAllowedOrigin(laptop, `http://${host}:8787`)).toBe(true);
    expect(isAllowedOrigin(laptop, `http://${host}:3000`)).toBe(true);
    expect(isAllowedOrigin(laptop, `http://${host}:3001`)).toBe(false);
    expect(isAllowedOrigin(laptop, `https://${host}:8787`)).toBe(false);
  }
});

it('allows every port of this machine where LOCAL_ORIGINS is on, and nothing beside it', () => {
  const open = { ...laptop, localOrigins: true };
  for (const origin of [
    'http://localhost',
    'http://localhost:5173',
    'https://127.0.0.1:1',
    'http://[::1]:65535',
  ])
    expect(isAllowedOrigin(open, origin)).toBe(true);
  for (const origin of [
    'http://localhost:65536',
    'http://localhost.evil.example',
    'http://localhost:1.evil.example',
    'http://evil.example:5173',
    'http://127.0.0.1.evil.example',
    'ws://localhost:5173',
    'null',
  ])
    expect(isAllowedOrigin(open, origin)).toBe(false);
  expect(isAllowedOrigin({ ...open, development: false }, 'http://localhost:5173')).toBe(false);
});

it('shows an origin in the log only where it has the form of one', () => {
  for (const origin of ['https://evil.example', 'null', 'chrome-extension://abc', 'http://[::1]:8'])
    expect(shownOrigin(origin)).toBe(origin);
  for (const text of ['a canary', 'https://a.example/secret', 'https://user:word@a.example', ''])
    expect(shownOrigin(text)).toBe('malformed');
  expect(shownOrigin(`https://${'a'.repeat(500)}`)).toHaveLength(200);
});
