/** Runs an app in Node, and does what the parent process asks: `node node-host.ts <file> <url>`. */
const [, , file, url = ''] = process.argv;

// The SDKs make a `Request` of a relative address, which a page has an origin for. Node keeps one under this name.
Object.assign(globalThis, { [Symbol.for('undici.globalOrigin.1')]: new URL(url) });

const { app } = (await import(`./${file}`)) as {
  app: Record<string, (...args: unknown[]) => unknown>;
};

process.on('message', async ({ id, name, args }: { id: number; name: string; args: unknown[] }) => {
  try {
    process.send?.({ id, value: await app[name]?.(...args) });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
process.once('disconnect', () => process.exit());

export {};
