import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { refuseTokenInQuery } from './access/authenticate.ts';
import { withReason } from './accounts/error-form.ts';
import { accountRoutes } from './accounts/routes.ts';
import { banRoutes } from './bans/routes.ts';
import { authTokenRoutes } from './device-sessions/auth-token-routes.ts';
import { vendorForm } from './device-sessions/error-form.ts';
import { deviceSessionRoutes, ownDeviceRoutes } from './device-sessions/routes.ts';
import { withErrorCode } from './directory/error-form.ts';
import { directoryUserRoutes } from './directory/routes.ts';
import { WELCOME } from './docs/welcome.ts';
import { type AppEnv, provideDeps, serverTiming } from './http/context.ts';
import { endWithNewline } from './http/newline.ts';
import { makeRenderer } from './http/problem.ts';
import { crossOrigin, noStore, securityHeaders } from './http/security-headers.ts';
import { withError } from './identifier-sessions/error-form.ts';
import { identifierSessionRoutes } from './identifier-sessions/routes.ts';
import { tokenRoutes } from './issued-tokens/routes.ts';
import { keyRoutes } from './keys/routes.ts';
import { sessionFileRoutes } from './live-sessions/file-routes.ts';
import { liveSessionRoutes } from './live-sessions/routes.ts';
import { locatorRoutes } from './locators/routes.ts';
import { withOAuthError } from './oauth/error-form.ts';
import { oauthRoutes } from './oauth/routes.ts';
import { presenceRoutes } from './presence/routes.ts';
import { attributeDefRoutes, profileRoutes } from './profiles/routes.ts';
import { registrationCodeRoutes } from './registration/routes.ts';
import { roleRoutes, userRoleRoutes } from './roles/routes.ts';
import { sdkRoutes } from './sdk/routes.ts';
import { publicUserRoutes, searchRoutes } from './search/routes.ts';
import { uploadRoutes } from './uploads/routes.ts';
import { walletProofRoutes } from './wallets/routes.ts';

const app = new Hono<AppEnv>();

const { renderError, renderRefusal } = makeRenderer([
  [/^\/api\/v[345]\//, vendorForm],
  [/^\/(users|uploads)(\/|$)/, withReason],
  [/^\/v1\//, withErrorCode],
  [/^\/api\/sessions(\/|$)/, withError],
  [/^\/oauth2\//, withOAuthError],
]);

app.use(requestId());
app.use(endWithNewline);
app.use(securityHeaders);
app.use(noStore);
app.use(crossOrigin);
app.use(serverTiming);
app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) =>
      renderRefusal(c, 'method_not_allowed', { headers: { Allow: methods.join(', ') } }),
  }),
);
app.use(provideDeps);
app.use(refuseTokenInQuery);

const routes = app
  .get('/', c => c.html(WELCOME))
  .get('/health', c => c.json({ status: 'ok' }))
  .route('/api/v3', sdkRoutes)
  .route('/api/v4', sdkRoutes)
  .route('/api/v5', sdkRoutes)
  .route('/api/v3', deviceSessionRoutes)
  .route('/api/v4', deviceSessionRoutes)
  .route('/api/v5', deviceSessionRoutes)
  .route('/api/v3', authTokenRoutes)
  .route('/api/v4', authTokenRoutes)
  .route('/api/v5', authTokenRoutes)
  .route('/api/sessions', identifierSessionRoutes)
  .route('/session', liveSessionRoutes)
  .route('/session/current/files', sessionFileRoutes)
  .route('/wallet-proof', walletProofRoutes)
  .route('/users/me', ownDeviceRoutes)
  .route('/uploads', uploadRoutes)
  .route('/v1/registration-codes', registrationCodeRoutes)
  .route('/users', accountRoutes)
  .route('/users', publicUserRoutes)
  .route('/users', searchRoutes)
  .route('/users/', searchRoutes)
  .route('/v1/users', locatorRoutes)
  .route('/v1/users', tokenRoutes)
  .route('/v1/users', presenceRoutes)
  .route('/v1/users', directoryUserRoutes)
  .route('/v1/users', userRoleRoutes)
  .route('/v1/users', banRoutes)
  .route('/v1/users', profileRoutes)
  .route('/v1/attribute-def/users', attributeDefRoutes)
  .route('/v1/roles', roleRoutes)
  .route('/v1/keys', keyRoutes)
  .route('/', oauthRoutes);

app.notFound(c => renderRefusal(c, 'not_found'));
app.onError(renderError);

/** The whole of the routes, for a client that knows their types. @public */
export type AppType = typeof routes;

export { app };
