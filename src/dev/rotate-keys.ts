/**
 * `npm run -s rotate-keys -- add|switch|drop`: prints the next value of `SIGNING_KEYS`, made from the one in the
 * environment or in `.dev.vars`, and says on the error stream what to do with it. Nothing is written anywhere.
 */
import { nextKeySet, ROTATION_STEPS, type RotationStep } from './key-set.ts';
import { devVarsPath, readSetting } from './secrets.ts';

const advice: Record<RotationStep, string> = {
  add: 'The new key verifies, but does not sign yet. Deploy this, wait 5 minutes (verifiers cache /.well-known/jwks.json for so long), then: switch.',
  switch:
    'The new key signs, the old ones still verify. Deploy this, wait until every token signed with the old one has expired (365 days where the directory issues tokens of that life, otherwise 30 days), then: drop.',
  drop: 'Only the signing key is left. Tokens of the older keys are refused from now on. Deploy this.',
};

try {
  const step = (process.argv[2] ?? 'add') as RotationStep;
  if (!ROTATION_STEPS.includes(step)) throw new Error(`Say which step: ${ROTATION_STEPS.join(', ')}`);
  const { value, source } = readSetting('SIGNING_KEYS');
  const next = await nextKeySet(JSON.parse(value), step);
  console.error(advice[step]);
  if (source === 'environment') {
    console.error(
      'Keep what follows where SIGNING_KEYS is kept, and deploy it: npx wrangler secret put SIGNING_KEYS',
    );
  } else {
    console.error(
      `These are the keys of this laptop (${devVarsPath()}), not of a deployment: put them there only.`,
    );
  }
  console.log(JSON.stringify(next));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
