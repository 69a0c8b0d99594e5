/** The OpenAPI document of the server. */
import { z } from 'zod';
import { openApi } from '../openapi.js';
import { ok, route, type Route } from './route.js';

export function documentRoutes(described: readonly Route[]): readonly Route[] {
  let document: unknown;
  const self: Route = route({
    id: 'getOpenApi',
    method: 'get',
    path: '/openapi.json',
    tag: 'health',
    scope: 'principal',
    summary: 'Read this document.',
    description: 'Open to callers of the same machine.',
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
    handle: () => ok((document ??= openApi([...described, self]))),
  });
  return [self];
}
