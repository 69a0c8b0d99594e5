/**
 * One definition per route: what it takes, who may ask, what it answers. Requests are checked by it, the OpenAPI document is
 * written from it, and the MCP server calls it.
 */
import type { output, ZodType } from 'zod';
import { checked } from '../body.js';
import { requireScope, requireService, type Principal, type Scope } from '../auth/principal.js';
import type { ServerParts } from '../parts.js';
import { id } from '../schemas/common.js';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** What a route answers; 204 has no body. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  /** The body as JSON, when it was written already. */
  readonly text?: string;
}

/** A request header that a route understands. */
export interface HeaderDescription {
  readonly name: string;
  readonly description: string;
  readonly schema: ZodType;
}

/** One answer of a route: what it means, and its body. */
export interface AnswerDescription {
  readonly description: string;
  readonly schema?: ZodType;
  /** Default `application/json`. */
  readonly mediaType?: string;
}

interface Description<Path extends string> {
  /** Unique; the operationId of the document. */
  readonly id: string;
  readonly method: Method;
  /** Parameters in braces. */
  readonly path: Path;
  /** In one imperative sentence. */
  readonly summary: string;
  /** What is not obvious. */
  readonly description?: string;
  readonly tag: string;
  /**
   * What the caller needs (AUTH-02). `operate` and `admin` are never a client's; `principal`: somebody, and the route decides;
   * `open`: nobody need be known.
   */
  readonly scope: Scope | 'principal' | 'open';
  readonly headers?: readonly HeaderDescription[];
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Codes it may be refused with besides those that every route knows; 404 and 409 and the like follow from them. */
  readonly refusals?: readonly string[];
}

/** A request that has been checked. */
export interface Call<Path extends string, Query, Body> {
  readonly parts: ServerParts;
  readonly principal: Principal;
  readonly params: Readonly<Record<ParameterOf<Path>, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly header: (name: string) => string | undefined;
  /** Nobody will read a body. */
  readonly isHead?: boolean;
}

/** A request as it came. The body is read only once everything before it was found to be right. */
export interface Given {
  readonly parts: ServerParts;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly readBody: () => Promise<unknown>;
  readonly header: (name: string) => string | undefined;
  /** Nobody will read a body. */
  readonly isHead?: boolean;
}

/** A route, whatever it takes. */
export interface Route extends Description<string> {
  readonly query?: ZodType;
  readonly body?: ZodType;
  run(given: Given): Promise<Answer | Response>;
}

/** Names in the braces of a path. */
export type ParameterOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | ParameterOf<Rest> : never;

/** `query` and `body` type what `handle` gets. */
export function route<const Path extends string, Query extends ZodType = ZodType<undefined>, Body extends ZodType = ZodType<undefined>>(
  definition: Description<Path> & {
    readonly query?: Query;
    readonly body?: Body;
    readonly handle: (call: Call<Path, output<Query>, output<Body>>) => Promise<Answer | Response> | Answer | Response;
  },
): Route {
  const { handle, ...description } = definition;
  const { scope, query, body } = definition;
  const names = parameterNames(definition.path);
  return {
    ...description,
    async run(given) {
      if (scope === 'operate' || scope === 'admin') requireService(given.principal, scope);
      else if (scope !== 'open' && scope !== 'principal') requireScope(given.principal, scope);
      for (const name of names) checked(id, given.params[name], name);
      // Named one by one: a copy of what was given would cost as much as the checks.
      const { parts, principal, params, header, isHead } = given;
      const call = {
        parts,
        principal,
        params,
        header,
        isHead,
        query: query === undefined ? undefined : checked(query, given.query),
        body: body === undefined ? undefined : checked(body, await given.readBody()),
      };
      // The schemas made these values of the types that `handle` names.
      return handle(call as unknown as Call<Path, output<Query>, output<Body>>);
    },
  };
}

/** Of a path such as `/api/rooms/{roomId}`. */
export function parameterNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function created(body: unknown, isNew = true): Answer {
  return { status: isNew ? 201 : 200, body };
}

export const NOTHING: Answer = { status: 204 };
