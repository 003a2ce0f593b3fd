/** One command of the README, and what it says that the command prints. */
export interface Step {
  /** The paragraph in front of it, on one line. */
  said: string;
  /** Empty where something comes up by itself. */
  command: string;
  shown: string;
}

/**
 * The commands under a heading of whatever level, up to the next one, in their order. A block without a shown output is one that prints nothing; an output
 * with a sentence of its own in front is one that nobody typed a command for.
 */
export function stepsOf(readme: string, heading: string): Step[] {
  const [, section = ''] = readme.split(new RegExp(`\n##+ ${literally(heading)}\n`));
  const [text = ''] = section.split(/\n##+ /);
  const steps: Step[] = [];
  for (const { groups } of text.matchAll(/(?<between>.*?)```(?<kind>bash|text)\n(?<block>.*?)\n```/gs)) {
    const { between = '', kind, block = '' } = groups ?? {};
    const said = between.trim().split('\n\n').at(-1)?.replaceAll('\n', ' ') ?? '';
    const last = steps.at(-1);
    if (kind === 'bash') steps.push({ said, command: block, shown: '' });
    else if (said === '' && last) last.shown = block;
    else steps.push({ said, command: '', shown: block });
  }
  return steps;
}

/** A pattern for a shown output, whose `…` stands for anything on its line. */
export function patternOf(shown: string): RegExp {
  return new RegExp(`^${shown.split('…').map(literally).join('.*')}$`);
}

/** A text as a part of a pattern that matches it and nothing else. */
const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
