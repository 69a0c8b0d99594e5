/** A tool whose handler's arguments have the type of its schema: wrong ones do not compile, and do not run. */
import { ValidationError } from '../../core/errors.js';
import type { Awaitable } from '../../core/models/json.js';
import type { AITool, ApprovalCall, JsonSchema, ToolContext, ToolFunction } from '../../core/models/ai.js';
import type { ArgumentsOf } from './arguments-of.js';
import { bindSchema } from './schema.js';
import type { StandardSchema } from './standard-schema.js';

/** A tool to be made by {@link defineTool}. */
export interface ToolOptions<Schema extends StandardSchema | JsonSchema> extends Pick<
  AITool,
  'approvers' | 'approvalVisibility' | 'approvalExpiresInSeconds'
> {
  /** 1 to 128 letters, digits, `_`, `-` or `.`. */
  readonly name: string;
  /** For the model: what the tool does and when to use it. */
  readonly description: string;
  /** A zod schema or any other Standard Schema of an object, or its JSON Schema written in place. */
  readonly parameters: Schema;
  /** The same as JSON Schema; needed only where a library cannot give it by itself. */
  readonly jsonSchema?: JsonSchema;
  /** Gets the validated arguments. What it returns goes to the model, as JSON when it is no string. */
  readonly handler: (args: ArgumentsOf<Schema>, context: ToolContext) => unknown;
  /** Default false: after a crash a call that had started is not run again (TURN-04). */
  readonly idempotent?: boolean;
  /** A person has to allow every call (true), or those of which this says so; default none (APR-01). */
  readonly requiresApproval?: boolean | ((args: ArgumentsOf<Schema>, call: ApprovalCall) => Awaitable<boolean>);
}

/**
 * Makes a tool whose handler's arguments have the type of its schema. Throws ValidationError for a Standard Schema that
 * cannot say its JSON Schema.
 * @example
 * const lookup = defineTool({
 *   name: 'lookup_order',
 *   description: 'Finds an order by its number.',
 *   parameters: z.object({ number: z.string() }),
 *   handler: ({ number }) => orders.get(number),
 * });
 */
export function defineTool<const Schema extends StandardSchema | JsonSchema>(options: ToolOptions<Schema>): AITool {
  const handler: unknown = options.handler;
  if (typeof handler !== 'function') {
    throw new ValidationError(`The handler of tool '${options.name}' is ${typeof handler}. Give a function (args, context) => result.`);
  }
  return {
    name: options.name,
    description: options.description,
    parameters: parametersOf(options),
    handler: options.handler as ToolFunction, // called with what the schema let pass
    idempotent: options.idempotent ?? false,
    ...(options.requiresApproval !== undefined && {
      requiresApproval: options.requiresApproval as NonNullable<AITool['requiresApproval']>, // called with what the schema let pass
    }),
    ...(options.approvers !== undefined && { approvers: options.approvers }),
    ...(options.approvalVisibility !== undefined && { approvalVisibility: options.approvalVisibility }),
    ...(options.approvalExpiresInSeconds !== undefined && { approvalExpiresInSeconds: options.approvalExpiresInSeconds }),
  };
}

/** The JSON Schema a model is shown; a typed schema is bound to it and checks what comes back. */
function parametersOf({
  name,
  parameters,
  jsonSchema,
}: Pick<ToolOptions<StandardSchema | JsonSchema>, 'name' | 'parameters' | 'jsonSchema'>): JsonSchema {
  const raw: unknown = parameters;
  if (typeof raw !== 'object' || raw === null) {
    throw new ValidationError(
      `The parameters of tool '${name}' are ${String(raw)}. Give a zod schema of an object, or JSON Schema: { type: 'object', … }.`,
    );
  }
  if (!isStandard(parameters)) return parameters;
  const standard = parameters['~standard'];
  const given = jsonSchema ?? standard.jsonSchema?.input({ target: 'draft-2020-12' });
  if (given === undefined) {
    throw new ValidationError(
      `The ${standard.vendor} schema of tool '${name}' cannot say its JSON Schema. Pass it as jsonSchema: { type: 'object', … }.`,
    );
  }
  const { $schema: _dialect, ...shown } = given;
  return bindSchema(shown, parameters);
}

function isStandard(schema: StandardSchema | JsonSchema): schema is StandardSchema {
  return '~standard' in schema;
}
