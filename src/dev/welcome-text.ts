import type { LocalKeys } from './local-keys.ts';

interface Served {
  address: string;
  /** Folder of the state. */
  state: string;
  keys: LocalKeys;
  /** Whether signing in needs an authToken (`NETWORK_MODE=secure`). */
  secure: boolean;
  /** Whether pages of every port of this machine may call. */
  localPages: boolean;
}

/** What `npm run dev` prints once it serves: the keys, and a first command that works with these settings. */
export function welcomeText({ address, state, keys, secure, localPages }: Served): string {
  const { publishableKey, secretKey, accessKey, accessSecret } = keys;
  const signIn = (more: string) =>
    `curl -s ${address}/api/v5/sessions -H 'X-API-KEY: ${publishableKey}' \\
    -H 'Content-Type: application/json' -d '{"userId":"ada","deviceId":"laptop"${more}}'`;
  const pages = localPages ? '\nPages of any port of localhost and 127.0.0.1 may call it.\n' : '';
  const first = secure
    ? `Sign somebody in. In secure mode your server vouches for them with an authToken:

  TOKEN=$(curl -s ${address}/api/v4/authentication/token -H 'X-Server-Key: ${secretKey}' \\
    -H 'Content-Type: application/json' -d '{"userId":"ada"}')
  ${signIn(`,"authToken":"'$TOKEN'"`)}`
    : `Sign somebody in:

  ${signIn('')}`;
  return `
Usher is at ${address} (Ctrl-C stops it; its state stays in ${state})
${pages}
  publishable key   ${publishableKey}
  secret key        ${secretKey}
  access key        ${accessKey}
  access secret     ${accessSecret}

${first}
`;
}
