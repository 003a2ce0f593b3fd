import { Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { userToken } from '../access/authenticate.ts';
import { AppError } from '../errors.ts';
import { declaredLength, declaredType } from '../files/declared.ts';
import { serveObject } from '../files/serve-object.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { headers } from '../http/validate.ts';
import { uploadHeadersSchema } from './contract.ts';
import { presentUpload } from './present.ts';
import { findUpload, receiveUpload } from './service.ts';

/** The bytes under a name never change. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Uploads, mounted under `/uploads`. */
export const uploadRoutes = new Hono<AppEnv>()
  .post('/', userToken, headers(uploadHeadersSchema), async c => {
    const { 'file-name': id = null, 'content-type': type } = c.req.valid('header');
    const declared = { id, ...declaredType(type), fileSize: declaredLength(c.req.header('content-length')) };
    const upload = presentUpload(
      await receiveUpload(c.get('deps'), c.get('claims'), declared, c.req.raw.body),
    );
    const supports = ['application/json', 'text/plain'];
    const form = accepts(c, { header: 'Accept', supports, default: 'application/json' });
    return form === 'text/plain' ? c.text(upload.name) : c.json(upload);
  })
  .get('/:name', limitRate('READ_LIMIT'), async c => {
    const deps = c.get('deps');
    const { key, contentType, fileSize, ...upload } = await findUpload(deps, c.req.param('name'));
    const fileName = presentUpload({ ...upload, fileSize }).name;
    const file = { fileName, contentType, sizeInBytes: fileSize };
    const response = await serveObject(deps.files, key, c.req.raw, file);
    if (!response) throw new AppError('not_found');
    if (response.status < 400) response.headers.set('Cache-Control', FOR_EVER);
    return response;
  });
