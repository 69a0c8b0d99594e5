/** OpenAPI 3.1 from the route table: the schemas that check requests are the ones it shows. */
import { z, type ZodType } from 'zod';
import { statusOf } from './problem.js';
import { parameterNames, type Route } from './routes/route.js';
import { id, Problem } from './schemas/common.js';
import { VERSION } from './version.js';

type Json = Readonly<Record<string, unknown>>;
type Schemas = Record<string, Json>;

/** The document as plain JSON. Throws when one name stands for two schemas. */
export function openApi(routes: readonly Route[]): Json {
  const schemas: Schemas = {};
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operation(route, schemas);
  collect(Problem, 'output', schemas);
  return {
    openapi: '3.1.0',
    info: {
      title: 'RoomKit',
      version: VERSION,
      description: 'Rooms, channels, people and everything said between them. Errors are application/problem+json.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ bearer: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key (rk_…), a client token (rkc1.…), or what the host authenticates.' },
      },
      schemas,
    },
  };
}

function operation(route: Route, schemas: Schemas): Json {
  const parameters = [
    ...parameterNames(route.path).map((name) => ({ name, in: 'path', required: true, schema: collect(id, 'input', schemas) })),
    ...(route.query === undefined ? [] : queryParameters(route.query, schemas)),
    ...(route.headers ?? []).map(({ name, description, schema }) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: collect(schema, 'input', schemas),
    })),
  ];
  const needs = SCOPES[route.scope];
  const description = [route.description, needs].filter((sentence) => sentence !== undefined).join('\n\n');
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(description !== '' && { description }),
    ...(route.scope === 'open' && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: collect(route.body, 'input', schemas) } } },
    }),
    responses: { ...answers(route, schemas), ...refusals(route) },
  };
}

const SCOPES: Readonly<Record<Route['scope'], string | undefined>> = {
  open: undefined,
  principal: undefined,
  read: 'Needs the scope `read`.',
  write: 'Needs the scope `write`.',
  operate: 'Needs the scope `operate`, which a client token never has.',
  admin: 'Needs the scope `admin`, which a client token never has.',
};

/** What a value is once it is read, and whether it has to be there as it is written. */
function queryParameters(query: ZodType, schemas: Schemas): Json[] {
  const read = collect(query, 'output', schemas) as { properties?: Readonly<Record<string, Json>> };
  const written = collect(query, 'input', schemas) as { required?: readonly string[] };
  return Object.entries(read.properties ?? {}).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: written.required?.includes(name) === true,
    ...(description !== undefined && { description }),
    schema,
  }));
}

function answers(route: Route, schemas: Schemas): Json {
  const entries = Object.entries(route.answers).map(([status, { description, schema, mediaType = 'application/json' }]) => {
    const hasBody = schema !== undefined || mediaType !== 'application/json';
    const shape = schema === undefined ? { type: 'string' } : collect(schema, 'output', schemas);
    return [status, { description, ...(hasBody && { content: { [mediaType]: { schema: shape } } }) }];
  });
  return Object.fromEntries(entries) as Json;
}

/** Every refusal a caller may meet, by status. */
function refusals(route: Route): Json {
  const codes = [
    ...(parameterNames(route.path).length > 0 || route.query !== undefined || route.body !== undefined ? ['invalid'] : []),
    ...(route.scope === 'open' ? [] : ['unauthenticated', 'forbidden', 'rate_limited', 'auth_unavailable']),
    ...(route.body === undefined ? [] : ['body_timeout', 'too_large', 'unsupported_media_type']),
    ...(route.refusals ?? []),
    'kit_closed',
    'internal',
  ];
  const byStatus = new Map<number, string[]>();
  for (const code of codes) byStatus.set(statusOf(code), [...(byStatus.get(statusOf(code)) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      String(status),
      {
        description: of.map((code) => `\`${code}\``).join(', '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

/** A schema as JSON; those that have a name are put among the components and referred to. */
function collect(schema: ZodType, io: 'input' | 'output', schemas: Schemas): Json {
  const {
    $schema: _dialect,
    $defs,
    ...written
  } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: relax(io) }) as Json & {
    readonly $defs?: Schemas;
  };
  for (const [name, definition] of Object.entries($defs ?? {})) {
    const pointed = repointed(definition) as Json;
    const { id: _name, ...kept } = pointed;
    const known = schemas[name];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(kept))
      throw new Error(`The schema '${name}' is two different things. Give one of them another name.`);
    schemas[name] = kept;
  }
  const { id: name, ...rest } = repointed(written) as Json & { readonly id?: unknown };
  if (typeof name !== 'string') return rest;
  schemas[name] = rest;
  return { $ref: `#/components/schemas/${name}` };
}

/** Answers may grow fields with a newer version: their schemas do not forbid them. */
function relax(io: 'input' | 'output') {
  return ({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void => {
    if (io === 'output' && jsonSchema['additionalProperties'] === false) delete jsonSchema['additionalProperties'];
    if (isPlainNames(jsonSchema['propertyNames'])) delete jsonSchema['propertyNames'];
  };
}

function isPlainNames(names: unknown): boolean {
  return JSON.stringify(names) === '{"type":"string"}';
}

function repointed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(repointed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      key === '$ref' && typeof entry === 'string' ? entry.replace('#/$defs/', '#/components/schemas/') : repointed(entry),
    ]),
  );
}
