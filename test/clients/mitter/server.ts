/** A small application's server on the directory vendor's SDK for servers: it makes users and issues their tokens. */
import { AccessKeyApplicationCredentials, Mitter } from './server-sdk.js';

let clients: ReturnType<ReturnType<typeof Mitter.forNode>['clients']>;

export const app = {
  start(url: string, accessKey: string, accessSecret: string) {
    clients = Mitter.forNode({
      applicationId: 'usher',
      accessKey: new AccessKeyApplicationCredentials(accessKey, accessSecret),
      mitterApiBaseUrl: url,
    }).clients();
  },
  makeUser: async (userId: string, screenName: string) => {
    const user = {
      userId,
      screenName: { screenName },
      userLocators: [],
      systemUser: false,
      synthetic: false,
    };
    return (await clients.users().createUser(user)).identifier;
  },
  readUser: (userId: string) => clients.users().getUser(userId),
  issueToken: async (userId: string) => (await clients.userAuth().getUserToken(userId)).userToken.signedToken,
};

export type DirectoryServer = typeof app;
