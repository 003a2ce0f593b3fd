import { expect, it } from 'vitest';
import { isPublicHost } from '../../src/http/local-host.ts';

it.each([
  'localhost',
  'app.localhost',
  'ada-laptop.local',
  'usher',
  '127.0.0.1',
  '127.8.8.8',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.178.20',
  '169.254.1.1',
  '[::1]',
  '[fd00::1]',
  '[fe80::1]',
])('S49 takes %s for a host of this network', host => {
  expect(isPublicHost(host)).toBe(false);
});

it.each([
  'usher.example',
  'usher.workers.dev',
  'localhost.example',
  '172.32.0.1',
  '172.15.0.1',
  '11.0.0.1',
  '8.8.8.8',
  '[2001:db8::1]',
  '[2606:4700::1111]',
])('S49 takes %s for a public host', host => {
  expect(isPublicHost(host)).toBe(true);
});
