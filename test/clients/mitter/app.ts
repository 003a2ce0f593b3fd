/** A small app on the directory vendor's SDK, for people whom the app's server issued a token. */
import { CoreMitter, WebMitter } from './sdk.js';

interface Users {
  getUser: (userId: string) => Promise<{ userId: string }>;
  setUserPresence: (userId: string, presence: object) => Promise<unknown>;
  getUserPresence: (userId: string) => Promise<unknown>;
  logout: () => Promise<unknown>;
}

/** What the app uses of the SDK. */
export interface DirectorySdk {
  setUserAuthorization: (token: string) => void;
  getUserId: () => Promise<string>;
  executeOnTokenExpireFunctions: () => void;
  clients: () => { users: () => Users };
}

let mitter: DirectorySdk;
let expired = 0;

/**
 * This release of the SDK runs the functions given for the end of a token only when it is told to: an app tells it where a
 * call answers 401.
 */
async function attempt<Value>(work: () => Promise<Value>): Promise<{ value?: Value; status?: number }> {
  try {
    return { value: await work() };
  } catch (thrown) {
    const status = (thrown as { response?: { status: number } }).response?.status ?? 0;
    if (status === 401) mitter.executeOnTokenExpireFunctions();
    return { status };
  }
}

function makeSdk(url: string): DirectorySdk {
  const hooks = {
    onTokenExpire: [
      () => {
        expired += 1;
      },
    ],
  };
  // Messages come from another server of the vendor.
  const config = { applicationId: 'usher', mitterApiBaseUrl: url, weaverUrl: 'ws://localhost:1' };
  if ('localStorage' in globalThis && 'document' in globalThis) return WebMitter.forWeb(config, hooks);
  const kept = new Map<string, unknown>();
  const store = {
    getItem: async (key: string) => kept.get(key),
    setItem: async (key: string, value: unknown) => void kept.set(key, value),
    removeItem: async (key: string) => void kept.delete(key),
  };
  const whole = { ...config, initMessagingPipelineSubscriptions: [], disableXHRCaching: false };
  const standard = { mitterInstanceReady: () => {}, onMessagingPipelineConnectCbs: [] };
  return new CoreMitter(whole, { ...standard, ...hooks }, store, [], {}, {});
}

export const app = {
  start(url: string) {
    mitter = makeSdk(url);
  },
  useToken: async (signedToken: string) => mitter.setUserAuthorization(signedToken),
  userId: () => attempt(() => mitter.getUserId()),
  read: (userId: string) => attempt(() => mitter.clients().users().getUser(userId)),
  setPresence: (presence: object) => attempt(() => mitter.clients().users().setUserPresence('me', presence)),
  readPresence: () => attempt(() => mitter.clients().users().getUserPresence('me')),
  signOut: () => attempt(() => mitter.clients().users().logout()),
  expired: async () => expired,
};

export type DirectoryApp = typeof app;
