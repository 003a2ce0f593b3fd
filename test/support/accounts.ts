import { type Answer, type Call, call, claimsOf, elsewhere, type SignedIn } from './client.ts';

export const PASSWORD = 'correct horse battery';

/** A picture of one pixel. */
export const png = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='),
  character => character.charCodeAt(0),
);

export interface Account extends SignedIn {
  username: string;
  deviceId: string;
}

/** The header HTTP Basic puts a username and a password into. */
export const basic = (username: string, password: string) => ({
  authorization: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${username}:${password}`)))}`,
});

const toAccount = ({ body }: Answer): Account => {
  const [session] = body.deviceSessions;
  const { sub } = claimsOf(session.accessToken);
  return {
    uid: body.id,
    userId: sub as string,
    username: body.username,
    accessToken: session.accessToken,
    refreshToken: session.refreshToken,
    sid: session.id,
    deviceId: session.deviceInfo.id,
  };
};

/** Registers somebody on a device of their own. */
export async function register(username: string, extra: Record<string, unknown> = {}): Promise<Account> {
  const body = { name: `Name of ${username}`, username, password: PASSWORD, ...extra };
  const answer = await call('POST', '/users', { headers: elsewhere(), body });
  if (answer.status !== 200)
    throw new Error(`registration of ${username}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return toAccount(answer);
}

export function login(username: string, password: string, options: Call = {}): Promise<Answer> {
  const headers = { ...elsewhere(), ...options.headers, ...basic(username, password) };
  return call('POST', '/users/login', { ...options, headers });
}

/** Signs somebody in on another device. */
export async function loginAs(username: string, password = PASSWORD): Promise<Account> {
  const answer = await login(username, password);
  if (answer.status !== 200)
    throw new Error(`login of ${username}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return toAccount(answer);
}

export const me = ({ accessToken }: Pick<SignedIn, 'accessToken'>) =>
  call('GET', '/users/me', { token: accessToken });
