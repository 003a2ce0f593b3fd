/** What the app uses of the SDKs for pages and for other devices. */
import type { DirectorySdk } from './app.ts';

export const WebMitter: { forWeb: (config: object, hooks: object) => DirectorySdk };
export const CoreMitter: new (
  config: object,
  hooks: object,
  store: object,
  drivers: object[],
  host: object,
  features: object,
) => DirectorySdk;
