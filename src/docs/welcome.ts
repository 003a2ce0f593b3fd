/** The page at the root: somebody who opens the server's address in a browser reads what it is and where to go on. */
export const WELCOME = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Usher</title>
<h1>Usher</h1>
<p>This server keeps users, their signed-in devices and live sessions. It serves an API; this page is all it shows.</p>
<h2>Go on</h2>
<ul>
<li><a href="/health">/health</a> says whether the server is ready.
<li><a href="/.well-known/jwks.json">/.well-known/jwks.json</a> has the public keys that its tokens are signed with.
<li>The README of the project lists every call under <em>Endpoints</em>, and <em>First success</em> is a tour of ten minutes.
</ul>
<h2>A first call</h2>
<p><code>npm run dev</code> prints a command that signs somebody in. <code>npm run -s keys</code> prints the local keys again.</p>
</html>
`;
