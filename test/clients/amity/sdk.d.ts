/** What the app uses of the SDK. The SDK's own types change those of the language, for every file that is compiled along. */
import type { SocialSdk } from '../social-app.ts';

export const Client: SocialSdk['Client'];
export const UserRepository: SocialSdk['UserRepository'];
