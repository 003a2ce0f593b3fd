import { Hono } from 'hono';
import { memberToken } from '../access/authenticate.ts';
import { AppError } from '../errors.ts';
import { declaredLength } from '../files/declared.ts';
import { serveObject } from '../files/serve-object.ts';
import type { AppEnv } from '../http/context.ts';
import { headers } from '../http/validate.ts';
import { uploadHeadersSchema } from './file-contract.ts';
import { deleteFile, findFile, listFiles, uploadFile } from './file-service.ts';
import { presentFile } from './present.ts';

/** Files of the session, mounted under `/session/current/files`. */
export const sessionFileRoutes = new Hono<AppEnv>()
  .post('/', memberToken, headers(uploadHeadersSchema), async c => {
    const { 'file-name': fileName, 'content-type': contentType } = c.req.valid('header');
    const sizeInBytes = declaredLength(c.req.header('content-length'));
    const file = { fileName, contentType, sizeInBytes };
    return c.json(presentFile(await uploadFile(c.get('deps'), c.get('member'), file, c.req.raw.body)));
  })
  .get('/', memberToken, async c => {
    const files = await listFiles(c.get('deps'), c.get('member'));
    return c.json(files.map(presentFile));
  })
  .get('/:fileKey', memberToken, async c => {
    const deps = c.get('deps');
    const file = await findFile(deps, c.get('member'), c.req.param('fileKey'));
    const response = await serveObject(deps.files, file.r2Key, c.req.raw, file);
    if (!response) throw new AppError('file_not_found');
    return response;
  })
  .delete('/:fileKey', memberToken, async c => {
    await deleteFile(c.get('deps'), c.get('member'), c.req.param('fileKey'));
    return c.body(null, 200);
  });
