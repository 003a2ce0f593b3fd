/** The caller's address, as Cloudflare saw it. A client can send any `X-Forwarded-For`, so it is ignored. */
export function clientAddress(request: Request): string | null {
  return request.headers.get('cf-connecting-ip');
}

/** Where a request comes from: the address, which its user sees, and the network, by which attempts are counted. */
export interface Source {
  address: string | null;
  network: string;
}

export function sourceOf(request: Request): Source {
  const address = clientAddress(request);
  return { address, network: networkOf(address) };
}

/** An IPv4 address, or the /64 of an IPv6 one, which one household or office has. */
export function networkOf(address: string | null): string {
  if (!address?.includes(':')) return address ?? 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = '', tail] = address.toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail ? tail.split(':') : [];
  const missing = tail === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(Math.max(0, missing)).fill('0'), ...back];
  return `${groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
