/** What the server uses of the SDK for servers. */
interface Users {
  createUser: (user: object) => Promise<{ identifier: string }>;
  getUser: (userId: string) => Promise<{ userId: string }>;
}

interface UserAuth {
  getUserToken: (userId: string) => Promise<{ userToken: { signedToken: string } }>;
}

export const AccessKeyApplicationCredentials: new (accessKey: string, accessSecret: string) => object;
export const Mitter: {
  forNode: (config: object) => { clients: () => { users: () => Users; userAuth: () => UserAuth } };
};
