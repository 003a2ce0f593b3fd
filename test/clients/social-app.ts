/** A small app on the vendor's SDK, as the vendor's documents show one. The same code runs in a page and in Node. */

interface Token {
  accessToken: string;
  issuedAt: string;
  expiresAt: string;
}

interface Renewal {
  renew: () => void;
}

interface SessionHandler {
  sessionWillRenewAccessToken: (renewal: Renewal) => void;
}

interface SdkClient {
  sessionState: string;
  token?: Token;
  userId?: string;
}

interface SdkUser {
  userId: string;
  displayName: string | null;
  metadata: Record<string, unknown> | null;
  userType: string;
}

/** What the app uses of the SDK. */
export interface SocialSdk {
  Client: {
    createClient: (apiKey: string, region: string, options: object) => SdkClient;
    getActiveClient: () => SdkClient;
    login: (
      params: { userId: string; displayName?: string; authToken?: string },
      handler: SessionHandler,
      config: { disableRTE: boolean },
    ) => Promise<boolean>;
    secureLogout: () => Promise<boolean>;
    renewal: () => Renewal;
    onSessionStateChange: (callback: (state: string) => void) => () => void;
    /** Of the 7.x SDK alone. */
    resumeSession: (
      params: { userId: string; token: Token },
      handler: SessionHandler,
      config: { disableRTE: boolean },
    ) => Promise<boolean>;
    /** Of the 7.x SDK alone. */
    loginAsVisitor: (params: { sessionHandler: SessionHandler }) => Promise<boolean>;
  };
  UserRepository: {
    getUserByIds: (userIds: string[]) => Promise<{ data: SdkUser[] }>;
    updateUser: (userId: string, patch: object) => Promise<{ data: SdkUser }>;
  };
}

/** What the app's person sees: whether it worked, and what the SDK says of itself. */
export interface Outcome<Value> {
  value?: Value;
  /** As the SDK throws it. */
  error?: { message: string; code: number | undefined };
  state: string;
  token: Token | null;
}

export function makeSocialApp({ Client, UserRepository }: SocialSdk) {
  const states: string[] = [];
  const handler: SessionHandler = { sessionWillRenewAccessToken: renewal => renewal.renew() };
  // Real-time events come from other servers of the vendor.
  const withoutEvents = { disableRTE: true };

  async function attempt<Value>(work: () => Promise<Value>): Promise<Outcome<Value>> {
    let done: Pick<Outcome<Value>, 'value' | 'error'>;
    try {
      done = { value: await work() };
    } catch (thrown) {
      const { message, code } = thrown as Error & { code?: number };
      done = { error: { message, code } };
    }
    const { sessionState, token = null } = Client.getActiveClient();
    return { ...done, state: sessionState, token };
  }

  return {
    start(url: string, apiKey: string, rteEnabled = false) {
      const mqtt = `${url.replace(/^http/, 'ws')}/mqtt`;
      Client.createClient(apiKey, 'sg', { apiEndpoint: { http: url, upload: url, mqtt }, rteEnabled });
      Client.onSessionStateChange(state => states.push(state));
    },
    signIn: (userId: string, displayName?: string) =>
      attempt(() => Client.login({ userId, ...(displayName && { displayName }) }, handler, withoutEvents)),
    signInWithEvents: (userId: string) =>
      attempt(() => Client.login({ userId }, handler, { disableRTE: false })),
    signInWith: (userId: string, authToken: string) =>
      attempt(() => Client.login({ userId, authToken }, handler, withoutEvents)),
    resume: (userId: string, token: Token) =>
      attempt(() => Client.resumeSession({ userId, token }, handler, withoutEvents)),
    visit: () => attempt(() => Client.loginAsVisitor({ sessionHandler: handler })),
    renew: () => attempt(async () => Client.renewal().renew()),
    signOut: () => attempt(() => Client.secureLogout()),
    look: () => attempt(async () => Client.getActiveClient().userId ?? null),
    states: async () => states,
    readUsers: (...userIds: string[]) =>
      attempt(async () => (await UserRepository.getUserByIds(userIds)).data.map(toShown)),
    changeUser: (userId: string, patch: object) =>
      attempt(async () => toShown((await UserRepository.updateUser(userId, patch)).data)),
  };
}

/** Without the getters of the SDK's objects, which no message between processes carries. */
function toShown({ userId, displayName, metadata, userType }: SdkUser): SdkUser {
  return { userId, displayName, metadata, userType };
}

export type SocialApp = ReturnType<typeof makeSocialApp>;
