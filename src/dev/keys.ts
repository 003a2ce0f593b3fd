/** `npm run -s keys`: the local keys as one JSON object. */
import { localKeys } from './local-keys.ts';
import { localMasterSecrets } from './secrets.ts';

try {
  const { keys } = await localKeys(localMasterSecrets());
  console.log(JSON.stringify(keys));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
