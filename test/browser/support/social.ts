import { until } from '../../end-to-end/support/until.ts';
import type { Device } from './device.ts';

/** The apps on the SDK vendor's clients: of the 6.x SDK, and of the 7.x one. */
export const SOCIAL = ['amity/app.ts', 'amity-react-native/app.ts'] as const;
export type Social = (typeof SOCIAL)[number];

/** The access token that the app has in place of this one. */
export function renewed(device: Device<Social>, before: string): Promise<string> {
  return until('the SDK has a new token', async () => {
    const token = (await device.call('look')).token?.accessToken;
    return token !== undefined && token !== before && token;
  });
}
