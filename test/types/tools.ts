/** A tool's arguments have the type of its schema, whoever wrote the schema. */
import { Agent, composeToolHandlers, defineTool, endTurn } from 'roomkit';
import type { AIProvider, AITool, ArgumentsOf, Metadata, StandardSchema, ToolContext, ToolHandler } from 'roomkit';
import { z } from 'zod';
import type { Equal, Expect } from './assertions.js';

declare const provider: AIProvider;
/** A schema of a library that is not zod. */
declare const standard: StandardSchema<{ a: string }, { a: Date }>;

const order = z.object({ number: z.coerce.number().int(), note: z.string().optional() });
const json = {
  type: 'object',
  properties: {
    number: { type: 'integer' },
    note: { type: ['string', 'null'] },
    state: { enum: ['open', 'paid'] },
    kind: { const: 'order' },
    lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } }, required: ['sku'] } },
    either: { anyOf: [{ type: 'string' }, { type: 'boolean' }] },
    anything: {},
  },
  required: ['number', 'state'],
} as const;

export type Statements = [
  Expect<Equal<ArgumentsOf<typeof order>, { number: number; note?: string | undefined }>>,
  Expect<Equal<ArgumentsOf<typeof standard>, { a: Date }>>,
  Expect<
    Equal<
      ArgumentsOf<typeof json>,
      {
        readonly number: number;
        readonly state: 'open' | 'paid';
        readonly note?: string | null;
        readonly kind?: 'order';
        readonly lines?: readonly { readonly sku: string }[];
        readonly either?: string | boolean;
        readonly anything?: unknown;
      }
    >
  >,
  // What the compiler cannot see is an open map.
  Expect<Equal<ArgumentsOf<Readonly<Record<string, unknown>>>, Metadata>>,
  Expect<Equal<ReturnType<typeof defineTool>, AITool>>,
];

// Inferred at the call, from zod, from any Standard Schema, and from JSON Schema written in place.
defineTool({
  name: 'with_zod',
  description: '',
  parameters: order,
  handler: (args, context) => {
    type Arguments = Expect<Equal<typeof args, { number: number; note?: string | undefined }>>;
    type Context = Expect<Equal<typeof context, ToolContext>>;
    const both: [Arguments, Context] = [true, true];
    return [both, args, context];
  },
});
defineTool({ name: 'with_standard', description: '', parameters: standard, jsonSchema: { type: 'object' }, handler: ({ a }) => a.getTime() });
defineTool({
  name: 'with_json',
  description: '',
  parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'number' } }, required: ['city'] },
  handler: ({ city, days }) => endTurn(city.slice(0, days ?? 3)),
});

// Without a schema of its own a tool gets an open map, and looks before it uses.
export const plain = { name: 'plain', description: '', handler: (args) => typeof args['id'] === 'string' && args['id'] } satisfies AITool;
export const handler: ToolHandler = (name, args, { roomId }) => `${name} in ${roomId}: ${JSON.stringify(args)}`;
composeToolHandlers(handler, handler);
new Agent('a', { provider, tools: [plain], toolPolicy: { allow: ['plain'], roleOverrides: { owner: { allow: ['*'] } } } });

// @ts-expect-error 2339: the schema knows no such argument
defineTool({ name: 't', description: '', parameters: order, handler: ({ missing }) => missing });
// @ts-expect-error 2339: a number has no length
defineTool({ name: 't', description: '', parameters: order, handler: ({ number }) => number.length });
// @ts-expect-error 18048: the note is optional
defineTool({ name: 't', description: '', parameters: order, handler: ({ note }) => note.length });
// @ts-expect-error 2322: the handler wants a string where the schema gives a number
defineTool({ name: 't', description: '', parameters: order, handler: (args: { number: string }) => args.number });
// @ts-expect-error 2339: JSON Schema names its properties too
defineTool({ name: 't', description: '', parameters: json, handler: ({ missing }) => missing });
// @ts-expect-error 2367: and the values of its enums
defineTool({ name: 't', description: '', parameters: json, handler: ({ state }) => state === 'closed' });
// @ts-expect-error 18048: what is not required may be absent
defineTool({ name: 't', description: '', parameters: json, handler: ({ lines }) => lines.length });
// @ts-expect-error 2345: a schema is needed
defineTool({ name: 't', description: '', handler: () => 1 });
// @ts-expect-error 2571: values of an open map are unknown
export const careless: AITool = { name: 't', description: '', handler: (args) => args['id'].length };
// @ts-expect-error 2353: parameters, not schema
export const misnamed: AITool = { name: 't', description: '', schema: {} };
// @ts-expect-error 2353: no such role
new Agent('a', { provider, toolPolicy: { roleOverrides: { king: {} } } });
