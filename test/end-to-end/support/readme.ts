/** One command of the README, and what it says that the command prints. */
export interface Step {
  /** The sentence in front of it. */
  said: string;
  command: string;
  shown: string;
}

/** The commands under a heading, in their order; a block without a shown output is one that prints nothing. */
export function stepsOf(readme: string, heading: string): Step[] {
  const [, section = ''] = readme.split(`\n## ${heading}\n`);
  const [text = ''] = section.split(/\n## /);
  const block = /(?<said>[^\n]+)\n\n```bash\n(?<command>.*?)\n```(?:\n\n```text\n(?<shown>.*?)\n```)?/gs;
  return [...text.matchAll(block)].map(({ groups }) => ({
    said: groups?.said ?? '',
    command: groups?.command ?? '',
    shown: groups?.shown ?? '',
  }));
}

/** A pattern for a shown output, whose `…` stands for anything on its line. */
export function patternOf(shown: string): RegExp {
  const lines = shown.split('…').map(part => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(`^${lines.join('.*')}$`);
}
