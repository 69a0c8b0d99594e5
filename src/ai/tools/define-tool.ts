/** A tool whose handler's arguments have the type of its schema: wrong ones do not compile, and do not run. */
import { ValidationError } from '../../core/errors.js';
import type { AITool, JsonSchema, ToolContext } from '../../core/models/ai.js';
import { bindSchema } from './schema.js';
import type { OutputOf, StandardSchema } from './standard-schema.js';

/** A tool to be made by {@link defineTool}. */
export interface ToolOptions<Schema extends StandardSchema> {
  readonly name: string;
  /** For the model: what the tool does and when to use it. */
  readonly description: string;
  /** A zod schema, or any other Standard Schema, of an object. */
  readonly parameters: Schema;
  /** The same as JSON Schema; needed only where the library cannot give it by itself. */
  readonly jsonSchema?: JsonSchema;
  /** Gets the validated arguments. What it returns goes to the model, as JSON when it is no string. */
  readonly handler: (args: OutputOf<Schema>, context: ToolContext) => unknown;
  /** Default false: after a crash a call that had started is not run again (TURN-04). */
  readonly idempotent?: boolean;
}

/**
 * Makes a tool of a typed schema.
 * @example
 * const lookup = defineTool({
 *   name: 'lookup_order',
 *   description: 'Finds an order by its number.',
 *   parameters: z.object({ number: z.string() }),
 *   handler: ({ number }) => orders.get(number),
 * });
 */
export function defineTool<Schema extends StandardSchema>(options: ToolOptions<Schema>): AITool {
  const standard = options.parameters['~standard'];
  const parameters = options.jsonSchema ?? standard.jsonSchema?.input({ target: 'draft-2020-12' });
  if (parameters === undefined) {
    throw new ValidationError(
      `The ${standard.vendor} schema of tool '${options.name}' cannot say its JSON Schema. Pass it as jsonSchema: { type: 'object', … }.`,
    );
  }
  const { $schema: _dialect, ...shown } = parameters;
  const handler = options.handler; // called with what the schema let pass
  return {
    name: options.name,
    description: options.description,
    parameters: bindSchema(shown, options.parameters),
    handler,
    idempotent: options.idempotent ?? false,
  };
}
