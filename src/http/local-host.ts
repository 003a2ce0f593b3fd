/** Names that only this machine or its own network knows (RFC 6761, RFC 6762). */
const LOCAL_NAME = /^[^.]+$|\.(localhost|local|test|internal)\.?$/i;

/** IPv4 addresses that no public network routes (RFC 1918, RFC 3927, RFC 1122). */
const PRIVATE_IPV4 = /^(127|10)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^0\.0\.0\.0$/;

/** The same for IPv6: loopback, unique local, link-local (RFC 4193, RFC 4291). */
const PRIVATE_IPV6 = /^\[(::1?|f[cd][\da-f]{2}:.*|fe[89ab][\da-f]:.*)\]$/i;

const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

/** Whether the host of an address, as `URL.hostname` gives it, can be reached from the public internet by that name. */
export function isPublicHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return !PRIVATE_IPV6.test(hostname);
  if (IPV4.test(hostname)) return !PRIVATE_IPV4.test(hostname);
  return !LOCAL_NAME.test(hostname);
}
