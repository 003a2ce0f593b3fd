import { expect, it } from 'vitest';
import { openBacklogs } from '../../../src/live-sessions/object/backlogs.ts';
import type { Sockets } from '../../../src/live-sessions/object/sockets.ts';

/** A socket that keeps its attachment, as the runtime does, and counts what it is sent. */
class Peer {
  attachment: unknown = {};
  bytes = 0;
  marks: number[] = [];
  closed: number | null = null;
  serializeAttachment(value: unknown): void {
    this.attachment = structuredClone(value);
  }
}

const sockets = {
  attachmentOf: (peer: Peer) => peer.attachment,
  send: (peer: Peer, text: string) => {
    peer.bytes += text.length;
    if (text.startsWith('mark ')) peer.marks.push(Number(text.slice(5)));
  },
  close: (peer: Peer, code: number) => {
    peer.closed = code;
  },
} as unknown as Sockets;

const MEBIBYTE = 1024 * 1024;
const text = 'x'.repeat(10_000);
const send = (backlogs: ReturnType<typeof openBacklogs>, peer: Peer) =>
  backlogs.send(peer as never, text, text.length, mark => `mark ${mark}`);

it('sends a peer that does not read a mebibyte at most, with a mark for each quarter, and closes it', () => {
  const [backlogs, peer] = [openBacklogs(sockets), new Peer()];
  while (peer.closed === null) send(backlogs, peer);
  expect(peer.closed).toBe(4408);
  expect(peer.bytes).toBeLessThanOrEqual(MEBIBYTE);
  expect(peer.bytes).toBeGreaterThan(MEBIBYTE - 2 * text.length);
  expect(peer.marks).toHaveLength(3);
});

it('sends a peer that reads as much as there is', () => {
  const [backlogs, peer] = [openBacklogs(sockets), new Peer()];
  let answered = 0;
  for (let turn = 0; turn < 1_000; turn += 1) {
    send(backlogs, peer);
    for (; answered < peer.marks.length; answered += 1) {
      expect(backlogs.acknowledge(peer as never, peer.marks[answered] ?? 0)).toBe(true);
    }
  }
  expect(peer.closed).toBeNull();
  expect(peer.bytes).toBeGreaterThan(9 * MEBIBYTE);
});

it('believes no mark that was not sent, and none twice', () => {
  const [backlogs, peer] = [openBacklogs(sockets), new Peer()];
  while (peer.marks.length === 0) send(backlogs, peer);
  const [mark = 0] = peer.marks;
  expect(backlogs.acknowledge(peer as never, mark + 1)).toBe(false);
  expect(backlogs.acknowledge(peer as never, mark)).toBe(true);
  expect(backlogs.acknowledge(peer as never, mark)).toBe(false);
});

it('counts on through hibernation, never too little', () => {
  const peer = new Peer();
  let sent = 0;
  while (peer.closed === null) {
    send(openBacklogs(sockets), peer);
    sent += 1;
  }
  expect(sent * text.length).toBeLessThanOrEqual(MEBIBYTE + text.length);
});

it('keeps all sockets of a room within 32 MiB, and closes those furthest behind first', () => {
  const backlogs = openBacklogs(sockets);
  const peers = Array.from({ length: 40 }, () => new Peer());
  for (const [index, peer] of peers.entries()) {
    for (let turn = 0; turn < (index < 20 ? 100 : 70); turn += 1) send(backlogs, peer);
  }
  backlogs.bound(peers as never);
  const open = peers.filter(({ closed }) => closed === null);
  expect(open.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(32 * MEBIBYTE);
  expect(peers.slice(20).every(({ closed }) => closed === null)).toBe(true);
  expect(open.length).toBeGreaterThan(30);
});
