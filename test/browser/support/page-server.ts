import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The vendors' SDKs, by their folders. */
export const CLIENTS = ['amity', 'amity-react-native', 'mitter'] as const;
export type ClientName = (typeof CLIENTS)[number];

export const folderOf = (client: ClientName): string =>
  fileURLToPath(new URL(`../../clients/${client}`, import.meta.url).href);

/** The app of a folder with its SDK, as a page loads it. The page's global `vendor` holds what the app exports. */
async function bundle(client: ClientName): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${folderOf(client)}/app.ts`],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'vendor',
    platform: 'browser',
    // Bundlers of the SDKs' days put these in place of Node's globals.
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    logLevel: 'error',
  });
  return outputFiles.map(({ text }) => text).join('');
}

/** Serves a page for each client at `/<client>`, from an origin that is not Usher's. */
export async function servePages(port: number): Promise<Server> {
  const bundles = new Map(
    await Promise.all(CLIENTS.map(async client => [client as string, await bundle(client)] as const)),
  );
  const server = createServer(({ url = '' }, response) => {
    const [, name = '', extension] = /^\/([\w-]+)(\.js)?$/.exec(url) ?? [];
    const script = bundles.get(name);
    if (script === undefined) return response.writeHead(404).end();
    const type = extension ? 'text/javascript' : 'text/html';
    const page = `<!doctype html><meta charset="utf-8"><title>${name}</title><script src="/${name}.js"></script>`;
    return response.writeHead(200, { 'content-type': type }).end(extension ? script : page);
  });
  await new Promise<void>(resolve => server.listen(port, 'localhost', resolve));
  return server;
}
